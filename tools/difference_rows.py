"""The rows of the table of differences to ServiceCloudVoiceLambdas; see tools/differences.py."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"`(\w+)`")


@dataclass(frozen=True, slots=True)
class Difference:
    """One row.

    Attributes:
        case: when it shows.
        before: what ServiceCloudVoiceLambdas does.
        now: what the bridge does.
        because: why; empty where the case says it.
        sample: a file of events/ that shows it.
        shows: a text in what the sample expects.
    """

    case: str
    before: str
    now: str
    because: str
    sample: str
    shows: str

    def methods(self, known: Iterable[str]) -> frozenset[str]:
        """The methods that the case names; none: it is about all of them, or about streams."""
        return frozenset(known) & set(_NAME.findall(self.case))


CREATING: Final = (
    Difference(
        "Salesforce fails or hangs",
        "the block's Error branch, or its time-out",
        "an answer in time; [onFailure and the method decide](flow-contract.md#when-it-fails) "
        "which branch",
        "the caller hears the time-out",
        "contact_flow/salesforce_hangs.json",
        '"deferred"',
    ),
    Difference(
        "a passing fault of Salesforce (429, 5xx, a reset)",
        "the Error branch",
        "tried again within the block's time",
        "the next attempt mostly succeeds",
        "calls/limit_then_success.jsonl",
        '"created"',
    ),
    Difference(
        "the key was exchanged",
        "fails until the function starts anew",
        "the secret is read once more",
        "",
        "contact_flow/salesforce_401_once.json",
        '"created"',
    ),
    Difference(
        "an answer of 200 that is not JSON (a gateway's page, nothing)",
        "success",
        "an unknown outcome: asked again, or answered as `OUTCOME_UNKNOWN`",
        "nothing shows that it is done",
        "contact_flow/salesforce_not_json.json",
        '"created"',
    ),
    Difference(
        "a failure",
        "one text, without status and without Salesforce's reason",
        "`status`, `errorCode` and `errorMessage`, with Salesforce's reason",
        "",
        "contact_flow/salesforce_400.json",
        '"400"',
    ),
    Difference(
        "Amazon Connect repeats the invocation",
        "a second VoiceCall may appear",
        "the same VoiceCall",
        "the ledger",
        "calls/connect_retries.jsonl",
        '"existing"',
    ),
    Difference(
        "no flow creates the VoiceCall, or its create fails",
        "none while the call is on",
        "contact events create it",
        "an agent without the record",
        "calls/events_only.jsonl",
        '"delivered"',
    ),
    Difference(
        "`createVoiceCall` on a transferred contact",
        "an initial call",
        "a transfer that names its parent; an initial call only if Salesforce refuses that",
        "the chain stays one",
        "contact_flow/transfer_by_create_voice_call.json",
        '"Transfer"',
    ),
    Difference(
        "`createVoiceCall` and `createTransferVC` of contacts initiated by OUTBOUND, CALLBACK, "
        "EXTERNAL_OUTBOUND, DISCONNECT or MONITOR",
        "sent",
        "`NOT_CREATED_LIVE`; the answer says whether a contact record makes the VoiceCall",
        "the API refuses outbound calls, and Salesforce makes those records itself; the last two "
        "are not calls of a customer",
        "contact_flow/initiation_method_outbound.json",
        '"NOT_CREATED_LIVE"',
    ),
    Difference(
        "`createTransferVC` of a contact without another one before it",
        "sent without a parent, or with the contact as its own",
        "`TRANSFER_WITHOUT_PARENT`, nothing is sent",
        "the API takes no transfer without a parent",
        "contact_flow/transfer_without_parent.json",
        '"TRANSFER_WITHOUT_PARENT"',
    ),
    Difference(
        "chats, tasks, e-mails",
        "handled as calls",
        "`NOT_VOICE`",
        "they have records of their own",
        "contact_flow/channel_chat.json",
        '"NOT_VOICE"',
    ),
    Difference(
        "a contact without SystemEndpoint",
        "fails",
        "the tag `aws:connect:systemEndpoint`, the queue's outbound caller id, and for transfers "
        "the parent's number",
        "Amazon Connect leaves it out of queue transfers",
        "calls/queue_transfer_without_number.jsonl",
        '"+18005550199"',
    ),
    Difference(
        "a contact without CustomerEndpoint, SegmentAttributes or the like",
        "fails",
        "a withheld number is `anonymous`, the rest is left out",
        "",
        "contact_flow/withheld_null.json",
        '"anonymous"',
    ),
    Difference(
        "a number that is withheld in other words",
        "is sent as it is",
        "is `anonymous`",
        "the number belongs to no one",
        "calls/withheld_by_other_words.jsonl",
        '"anonymous"',
    ),
    Difference(
        "a contactId with other characters",
        "leads the request to another path",
        "is one segment of the path",
        "a flow may pass what a caller said",
        "contact_flow/contact_id_is_one_segment.json",
        '"404"',
    ),
    Difference(
        "several orgs on one instance (`secretName`)",
        "one function, the secret is chosen per contact",
        "one stack, which [lists the secrets](contact-centers.md); any other name is refused, and "
        "a contact stays where its VoiceCall is",
        "a name may be the caller's",
        "contact_flow/refused_center.json",
        '"OTHER_CONTACT_CENTER"',
    ),
)
"""Of creating methods, and of all methods."""
OTHER_METHODS: Final = (
    Difference(
        "a required parameter is missing, or of the wrong kind",
        "sent, or a failure of Salesforce's",
        "the Error branch at once; the exception names the parameter",
        "it can never work",
        "contact_flow/route_voice_call_without_target.json",
        '"FLOW_MISTAKE"',
    ),
    Difference(
        "`executeOmniFlow` that is answered with `errors` and neither agent nor queue",
        "success",
        "`NOT_ROUTED`, the Error branch",
        "the flow would go on without a queue",
        "contact_flow/execute_omni_flow_no_agent_error.json",
        '"NOT_ROUTED"',
    ),
    Difference(
        "`callbackExecution` that Amazon Connect repeats",
        "a second callback",
        "the same one: contact, number and time identify it",
        "the customer would be called twice",
        "calls/callback_at_a_time.jsonl",
        '"ALREADY_REQUESTED"',
    ),
    Difference(
        "`callbackExecution` at a time without time zone",
        "sent",
        "a mistake of the flow",
        "the customer would be called at another hour",
        "calls/callback_at_a_time.jsonl",
        '"FLOW_MISTAKE"',
    ),
    Difference(
        "`callbackExecution`, `reserveRoutableNumber` or `createVoiceCallContext` if their request "
        "got no answer",
        "the repeat requests it again",
        "`CALLBACK_UNKNOWN`, `RESERVATION_UNKNOWN`, the Error branch",
        "the customer would be called twice, a second number reserved",
        "calls/number_reserved_once.jsonl",
        '"RESERVATION_UNKNOWN"',
    ),
    Difference(
        "`updateVoiceCall` without `isActiveCall`",
        "Salesforce takes it for false and closes the conversation",
        "`isActiveCall` is true, unless `fieldValues` has it or an `endTime` or is empty, or the "
        "call is known to have ended",
        "a flow updates a call that is on",
        "contact_flow/update_voice_call.json",
        '"isActiveCall": true',
    ),
    Difference(
        "`updateVoiceCall` after the contact's record",
        "overwrites what the record has brought, and sets the totals that it does not name to 0",
        "what the record has not brought is sent, with the record's totals; the rest is held back, "
        "and the answer names it",
        "the record is newer",
        "calls/update_behind_the_record.jsonl",
        "held back, because",
    ),
    Difference(
        "`getDefaultOutboundPhoneNumber` that is answered without a number",
        "success, with nothing in `phoneNumber`",
        "`NO_RESULT`, the Error branch",
        "the flow would call with an empty caller id",
        "contact_flow/get_default_outbound_phone_number_none.json",
        '"NO_RESULT"',
    ),
    Difference(
        "`sendMessage` in a transfer's flow",
        "goes to the transfer",
        "goes to the first call of the chain, unless the block passes `contactId`",
        "Salesforce keeps one transcript a chain",
        "contact_flow/send_message_transfer.json",
        '"messages"',
    ),
    Difference(
        "`sendMessage` without times",
        "sent without",
        "said now",
        "a flow knows no epoch times",
        "contact_flow/send_message_flat.json",
        '"messages"',
    ),
    Difference(
        "`updateCache` where a contact has a VoiceCall, or there is one contact center",
        "remembers the secret of the contact",
        "answered as done, and nothing changes; before, the ledger remembers the contact center",
        "a contact stays where its VoiceCall is",
        "calls/second_center_by_update_cache.jsonl",
        '"NOTHING_TO_DO"',
    ),
)
STREAMS: Final = (
    Difference(
        "a DISCONNECTED event of another contact than INBOUND or TRANSFER",
        "its routing stays",
        "the routing of every contact that ends without a connected agent is cleared",
        "an agent would be offered a call that is over",
        "contact_events/disconnected_queue_transfer.json",
        '"NO_VOICE_CALL"',
    ),
    Difference(
        "a contact record that Salesforce does not take",
        "is lost",
        "is delivered again, then kept as a dead letter that can be redriven",
        "",
        "calls/record_given_up_and_redriven.jsonl",
        '"dead_lettered"',
    ),
    Difference(
        "an older version of a contact record that arrives later",
        "overwrites the newer one",
        "`superseded`",
        "Amazon Connect promises no order",
        "calls/record_versions_in_every_order.jsonl",
        '"superseded"',
    ),
    Difference(
        "one record that is not JSON",
        "stops its batch",
        "is a dead letter, the rest goes on",
        "",
        "calls/poison_record.jsonl",
        '"dead_lettered"',
    ),
    Difference(
        "a field that the org does not have",
        "the whole record is refused",
        "the record is sent without that field, which is reported",
        "one mistake costs one thing",
        "contact_records/field_refused_by_salesforce.json",
        '"delivered"',
    ),
    Difference(
        "contact records of QUEUE_TRANSFER and EXTERNAL_OUTBOUND",
        "skipped",
        "sent",
        "they are calls",
        "contact_records/initiation_method_queue_transfer.json",
        '"TRANSFER"',
    ),
    Difference(
        "the contact record of a web call without attributes",
        "stops the function; numbers are exchanged",
        "`WebRTC_Default` on both sides, as in the create",
        "",
        "contact_records/webrtc_without_names.json",
        '"WebRTC_Default"',
    ),
    Difference(
        "a flag that flows preset to `0` or `false` (`vm_flag`, `callback_flag`)",
        "counts as set",
        "is read by its value",
        "presence is not yes",
        "calls/voicemail_flag_says_no.jsonl",
        '"delivered"',
    ),
    Difference(
        "`NoSync` with another word for yes than `true`",
        "the record is sent",
        "it is not",
        "one rule for all flags",
        "contact_records/no_sync.json",
        '"OPTED_OUT"',
    ),
    Difference(
        "`vm_flag` of a call that an agent answered after all",
        "a voicemail, skipped",
        "a call, sent",
        "its VoiceCall would never be finished",
        "calls/agent_takes_the_call_out_of_voicemail.jsonl",
        '"delivered"',
    ),
    Difference(
        "the recording of a contact record",
        "the first, which may be the menu's; a deleted one stays",
        "the agent's; a deleted one takes its link away",
        "a link that leads nowhere",
        "calls/recording_of_the_menu_comes_first.jsonl",
        '"recordingLocation"',
    ),
    Difference(
        "a voicemail that Amazon Connect itself counts (`VoicemailInfo`)",
        "its contact record is sent as a call's",
        "skipped, as one with `vm_flag` is",
        "another function brings it; `ContactRecordVoicemailAttributes` = `none` sends it",
        "contact_records/voicemail_counted_by_connect.json",
        '"VOICEMAIL"',
    ),
    Difference(
        "the properties of a contact record's update",
        "neither `agent` nor `totalRecordingDuration`",
        "both, where the record has them",
        "the guide documents them",
        "contact_records/inbound_answered.json",
        '"agent"',
    ),
    Difference(
        "the contact record of a campaign's call",
        "inbound, the numbers exchanged",
        "outbound (`connect:Direction`)",
        "Amazon Connect calls its method API",
        "contact_records/campaign.json",
        '"OUTBOUND"',
    ),
)
TRANSCRIPTS: Final = (
    Difference(
        "lines that Salesforce cannot take for a while",
        "tried again after 5, 10 and 20 s, then dropped",
        "wait up to `TranscriptMaxAgeSeconds`, other calls go on; then they are kept in the bucket",
        "a late line is of no use to the agent, and none is lost",
        "calls/transcript_outage_too_long.jsonl",
        '"TOO_LATE"',
    ),
)
