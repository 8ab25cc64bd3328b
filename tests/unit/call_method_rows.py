"""A row for each method of flows that does not create: what it reads, sends and answers."""

from tests.samples.members import SYSTEM
from voicecall_bridge.telephony.operations import Operation

# Fictional numbers; ids invented.
CALLBACK = "+12065550142"
LINE = {
    "participantId": "p",
    "messageId": "m-1",
    "content": "HUSH",
    "senderType": "END_USER",
    "startTime": 1,
    "endTime": 2,
}


# method, parameters, Salesforce's answer, operation, body, results of the answer
Row = tuple[str, dict[str, object], dict[str, object], Operation, object, dict[str, str]]
GOOD: list[Row] = [
    (
        "updateVoiceCall",
        {"fieldValues": {"queue": "q"}},
        {"status": "pending"},
        Operation.UPDATE,
        {"queue": "q", "isActiveCall": True},
        {"status": "pending"},
    ),
    (
        "executeOmniFlow",
        {"flowDevName": "f", "fallbackQueue": "q", "transferTarget": "t", "flowInput-a": "1"},
        {"agent": None, "queue": "00G"},
        Operation.OMNI_FLOW,
        {
            "dialedNumber": SYSTEM,
            "flowDevName": "f",
            "fallbackQueue": "q",
            "transferTarget": "t",
            "flowInputParameters": {"a": "1"},
        },
        {"status": "done", "agent": "", "queue": "00G"},
    ),
    ("cancelOmniFlowExecution", {}, {}, Operation.CLEAR_ROUTING, None, {"status": "done"}),
    (
        "rerouteFlowExecution",
        {},
        {"status": "Success"},
        Operation.REROUTE,
        None,
        {"status": "Success"},
    ),
    (
        "routeVoiceCall",
        {"routingTarget": "005", "fallbackQueue": "q", "flowInput-a": "1"},
        {"status": "Success"},
        Operation.ROUTE,
        {"routingTarget": "005", "fallbackQueue": "q", "flowInputParameters": {"a": "1"}},
        {"status": "Success"},
    ),
    (
        "callbackExecution",
        {"customerCallbackNumber": CALLBACK},
        {"recordId": "0aQ"},
        Operation.REQUEST_CALLBACK,
        {"callbackNumber": CALLBACK},
        {"status": "done", "recordId": "0aQ"},
    ),
    (
        "sendMessage",
        {"fieldValues": LINE},
        {"result": "Accepted"},
        Operation.MESSAGES,
        LINE,
        {"status": "done", "result": "Accepted"},
    ),
    (
        "getVoicemailDrop",
        {},
        {"recordingUrl": "https://example.test/drop.wav"},
        Operation.VOICEMAIL_DROP,
        None,
        {"status": "done", "recordingUrl": "https://example.test/drop.wav"},
    ),
    (
        "getDefaultOutboundPhoneNumber",
        {"agentARN": "arn:agent"},
        {"phoneNumber": CALLBACK},
        Operation.DEFAULT_OUTBOUND_NUMBER,
        {"externalRepId": "arn:agent"},
        {"status": "done", "phoneNumber": CALLBACK},
    ),
    (
        "getVoicemailGreeting",
        {},
        {"greetingUrl": "https://example.test/greeting.wav"},
        Operation.VOICEMAIL_GREETING,
        {"toPhoneNumber": SYSTEM},
        {"status": "done", "greetingUrl": "https://example.test/greeting.wav"},
    ),
    (
        "reserveRoutableNumber",
        {"countryCode": "US", "fromNumber": CALLBACK, "toNumber": SYSTEM},
        {"status": "OK", "handle": {"uid": "u"}},
        Operation.RESERVE_NUMBER,
        {"countryCode": "US", "fromNumber": CALLBACK, "context": {"toNumber": SYSTEM}},
        {
            "status": "OK",
            "statusCode": "OK",
            "uid": "u",
            "routableNumber": "",
            "expiresAt": "",
            "mode": "",
        },
    ),
    (
        "createVoiceCallContext",
        {"fromNumber": CALLBACK, "toNumber": SYSTEM},
        {"status": "OK", "handle": {"correlationId": "c"}},
        Operation.CREATE_CONTEXT,
        {"fromNumber": CALLBACK, "context": {"toNumber": SYSTEM}},
        {"status": "OK", "statusCode": "OK", "correlationId": "c", "expiresAt": "", "mode": ""},
    ),
]
MUST_SUCCEED = {
    "executeOmniFlow",
    "rerouteFlowExecution",
    "routeVoiceCall",
    "callbackExecution",
    "getVoicemailDrop",
    "getDefaultOutboundPhoneNumber",
    "getVoicemailGreeting",
    "reserveRoutableNumber",
    "createVoiceCallContext",
}
