"""Writes the part of docs/field-mapping.md that says what a contact record becomes.

    python -m tools.field_mapping           writes it
    python -m tools.field_mapping --check   only says whether it is what the code does

The part between the two marks is made from the tables of `voice_call.update` and
`settings.contact_records`.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from simulator.simulator import ROOT
from tools.pages import with_made_part, write_or_check
from voicecall_bridge.settings.contact_records import VOICEMAIL
from voicecall_bridge.settings.sent_records import OPT_OUT, SENT_METHODS
from voicecall_bridge.voice_call.create import CALL_ATTRIBUTE_PREFIX
from voicecall_bridge.voice_call.update import KEPT_ATTRIBUTE, PROPERTIES

PAGE: Final = ROOT / "docs" / "field-mapping.md"
BEGIN: Final = (
    "<!-- made by `make docs` from voice_call.update and settings.contact_records: begin -->"
)
END: Final = "<!-- end -->"


def section() -> str:
    """The part between the marks."""
    return "\n".join(_lines()) + "\n"


def page(text: str) -> str:
    """The page with the part in its place.

    Raises:
        ValueError: the page lacks a mark.
    """
    return with_made_part(text, BEGIN, section(), END, PAGE.name)


def main(arguments: Sequence[str]) -> int:
    """Write or check; exit status 1 when the page is not what the code does."""
    return write_or_check(PAGE, page, arguments)


def _lines() -> Iterator[str]:
    yield "| API property | filled from | where that is null or absent |"
    yield "|---|---|---|"
    yield "| `callCenterApiName` | the secret's `CALL_CENTER_API_NAME` | the secret is refused |"
    for row in PROPERTIES:
        yield f"| `{row.name}` | {row.source} | {row.otherwise} |"
    yield (
        f"| `callAttributes` | a JSON text of all attributes that begin with "
        f"`{CALL_ATTRIBUTE_PREFIX}`, prefix removed, the attribute `{KEPT_ATTRIBUTE}`, and the "
        "fields of `ContactRecordFields` | left out |"
    )
    yield ""
    yield "Skipped, and counted by reason:"
    yield ""
    yield "| record | reason | setting |"
    yield "|---|---|---|"
    sent = ", ".join(sorted(SENT_METHODS))
    yield f"| initiation method other than {sent} | `METHOD_<method>` | `ContactRecordMethods` |"
    opt_out, voicemail = (
        " or ".join(f"`{each}`" for each in names) for names in (OPT_OUT, VOICEMAIL)
    )
    yield f"| attribute {opt_out} says yes | `OPTED_OUT` | `ContactRecordOptOutAttributes` |"
    yield (
        "| no agent spoke, and `VoicemailInfo.NumberOfVoicemails` > 0, or attribute "
        f"{voicemail} says yes and `Recordings` is not empty | `VOICEMAIL` | "
        "`ContactRecordVoicemailAttributes` |"
    )
    yield "| `Channel` other than VOICE | `NOT_VOICE` | |"
    yield "| no contact record but something else in the stream | `NOT_A_CONTACT_RECORD` | |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
