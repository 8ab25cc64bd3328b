"""The functions of ServiceCloudVoiceLambdas, and what becomes of each beside the bridge.

    python -m tools.scvl           writes the table into docs/migrating.md
    python -m tools.scvl --check   only says whether the page shows it

Source: the package's public templates of the stacks that Salesforce provisions, as they were in
August 2026 (contact center, voicemail, event rules, real-time alerts). Nothing was asked of an
account: names, triggers and environment are read off these templates.
"""

import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from tools.pages import with_made_part, write_or_check

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "migrating.md"
BEGIN: Final = "<!-- made by `make docs` from tools/scvl.py: begin -->"
END: Final = "<!-- end -->"
NOTHING: Final = "nothing"


class Fate(StrEnum):
    """The fate of a function.

    REPLACED: flows call the bridge instead; it stays deployed for others of the package. OFF: to
    be switched off, the bridge does its work. KEPT: stays as it is, the bridge does nothing of it.
    """

    REPLACED = "replaced"
    OFF = "switched off"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class ScvlFunction:
    """One function.

    Attributes:
        name: its name behind `<call center>-`.
        started_by: what invokes it.
        fate: what becomes of it.
        how: what is to be done, or why nothing is.
        both: what happens while it and the bridge both run.
    """

    name: str
    started_by: str
    fate: Fate
    how: str
    both: str = NOTHING


FUNCTIONS: Final = (
    ScvlFunction(
        "InvokeTelephonyIntegrationApiFunction",
        "flows (alias `active`), three functions of the package, a schedule that keeps it warm",
        Fate.REPLACED,
        "the flows' blocks get the bridge's ARN; it stays deployed as long as "
        "`VoiceMailPackagingFunction` invokes it",
        "each flow calls the one that its blocks name. The bridge knows nothing of VoiceCalls that "
        "this function made, so `CreateFromEvents` stays `never` until no flow calls it: else a "
        "second VoiceCall of a call may appear",
    ),
    ScvlFunction(
        "CTRDataSyncFunction",
        "Kinesis, the stream of contact records",
        Fate.OFF,
        "disable its event source mapping; the stream stays, the bridge reads it",
        "each record is sent twice, and this function looks at no version: an older one can "
        "overwrite a newer one",
    ),
    ScvlFunction(
        "HandleContactEventsFunction",
        "EventBridge, rule `<call center>-ContactEventsRule`",
        Fate.OFF,
        "disable the rule",
        "a pending routing is cleared twice, of which the second clears nothing; expired routing "
        "criteria are routed anew twice",
    ),
    ScvlFunction(
        "InvokeSalesforceRestApiFunction",
        "flows (alias `active`), two functions of the package",
        Fate.KEPT,
        "flows go on calling it for `queryRecord`, `createRecord`, `updateRecord` and the like",
    ),
    ScvlFunction(
        "kvsConsumerTrigger",
        "flows (alias `active`)",
        Fate.KEPT,
        "starts transcription by Amazon Transcribe, which the bridge does not do",
    ),
    ScvlFunction(
        "kvsTranscriber", "`kvsConsumerTrigger`", Fate.KEPT, "transcribes, for the former"
    ),
    ScvlFunction(
        "ContactLensConsumerFunction",
        "Kinesis, the stream of Contact Lens",
        Fate.KEPT,
        "as long as the stack does not read the stream of Contact Lens; then disable its event "
        "source mapping",
        "each line of the transcript is sent twice",
    ),
    ScvlFunction(
        "ContactLensProcessorFunction",
        "`ContactLensConsumerFunction`",
        Fate.KEPT,
        "goes with the former",
        "as the former",
    ),
    ScvlFunction(
        "PostCallAnalysisTriggerFunction",
        "Contact Lens' file of a call in S3",
        Fate.KEPT,
        "as long as the stack does not read these files; then disable what invokes it",
        "each sentiment is sent twice",
    ),
    ScvlFunction(
        "ContactDataSyncFunction",
        "nothing in these templates",
        Fate.KEPT,
        "sends transcripts of Contact Lens once more that did not reach Salesforce",
    ),
    ScvlFunction(
        "VoiceMailAudioProcessingFunction",
        "Kinesis, the stream of contact records",
        Fate.KEPT,
        "reads the same stream as the bridge: do not delete it with the package's stack",
        "the bridge skips the records of voicemails",
    ),
    ScvlFunction(
        "VoiceMailTranscribeFunction", "a recording in S3", Fate.KEPT, "transcribes voicemails"
    ),
    ScvlFunction(
        "VoiceMailPackagingFunction",
        "a transcript in S3",
        Fate.KEPT,
        "its `INVOKE_TELEPHONY_INTEGRATION_API_ARN` may name the bridge's function instead; its "
        "role needs `lambda:InvokeFunction` on it",
    ),
    ScvlFunction(
        "RealtimeAlert",
        "alarms of CloudWatch",
        Fate.KEPT,
        "alarms of functions that are switched off stay quiet",
    ),
    ScvlFunction(
        "AuthKeysSSMUtilFunction",
        "whoever sets up the contact center",
        Fate.KEPT,
        "makes the key pair that the bridge's tokens are signed with, too",
    ),
    ScvlFunction(
        "CustomSSMFunction", "CloudFormation", Fate.KEPT, "belongs to the package's stack"
    ),
)


def function_named(text: str) -> ScvlFunction | None:
    """The function that an ARN, a placeholder or a name in the flow editor stands for."""
    plain = text.replace("_", "").casefold()
    # Longer names first: none is to be taken for a part of another one.
    for function in sorted(FUNCTIONS, key=lambda each: -len(each.name)):
        if function.name.removesuffix("Function").casefold() in plain:
            return function
    return None


def table() -> str:
    """The inventory as a table in Markdown."""
    lines = [
        "| function | started by | becomes | what to do, or why | while both run |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{each.name}` | {each.started_by} | **{each.fate}** | {each.how} | {each.both} |"
        for each in FUNCTIONS
    ]
    return "\n".join(lines) + "\n"


def page(text: str) -> str:
    """The page with the table in its place."""
    return with_made_part(text, BEGIN, table(), END, PAGE.name)


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page, sys.argv[1:]))
