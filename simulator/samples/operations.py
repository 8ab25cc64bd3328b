"""The requests that a sample can count."""

from typing import Final

ACTIONS: Final = (
    *("omniFlow", "clearRouting", "reroute", "routeVoiceCall", "requestCallback", "messages"),
    *("voicemailDrop", "realtimeConversationEvents", "postConversationEvents"),
)
"""Operations on a call that is there, as their paths end."""

OPERATIONS: Final = (
    *("create", "update", *ACTIONS, "bulkMessages"),
    *("describeContact", "throttled"),
)
"""The counts of ExpectRequests: requests to Salesforce, DescribeContact answered or throttled."""
