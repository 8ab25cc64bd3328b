"""Real material without what is personal or a company's own, so that it can be shown to others.

Numbers, names, values of attributes, ids and ARNs are replaced, the same text by the same text
everywhere, also within base64, gzip and JSON in texts. Kept are the shape, the names of members,
times, durations, and the published words that decide what becomes of an event.
"""

import base64
import binascii
import csv
import gzip
import io
import json
import re
from typing import Any, Final

from simulator.material.pseudonyms import Pseudonyms
from simulator.material.recognition import NotUnderstood, read_material
from simulator.material.text import as_text, from_base64, from_gzip
from simulator.material.values import BrokenJson, values_in
from simulator.material.wrappings import insights_rows

__all__ = ["anonymize"]

_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?(Z|[+-][0-9:]{4,6})?"
    r"|\{now([+-][0-9]+[smh])?\}"
)
_WORD: Final = re.compile(r"@?(?![^ ]*[0-9]{5})(?!.*[0-9a-f]{8}-[0-9a-f]{4}-)[A-Za-z0-9_.:-]{1,64}")
_PLACE_IN_STREAM: Final = re.compile(r"(shardId-[0-9]+:?)?[0-9]*")
_SHORT_NUMBER: Final = re.compile(r"-?[0-9]{1,3}(\.[0-9]+)?")
_YES_OR_NO: Final = frozenset(
    {"", "true", "false", "yes", "no", "y", "n", "on", "off", "null", "none"}
)
_WITHHELD: Final = frozenset({"anonymous", "unknown", "restricted", "private", "unavailable"})
_ENUMERATIONS: Final = frozenset(
    {
        *("eventtype", "channel", "initiationmethod", "type", "detail-type", "source", "version"),
        *("eventsource", "eventname", "eventversion", "awsregion", "region", "state", "status"),
        *("disconnectreason", "participantrole", "participanttype", "mediastreamtype", "level"),
        *("storagetype", "queuetype", "languagecode", "languagelocale", "methodname", "onfailure"),
        *("sentiment", "contactflowmoduletype", "responsevalidation", "timelimit", "reason"),
        *("condition", "functionerror", "awscontacttracerecordformatversion", "updatedproperties"),
        *("analyticsmodes", "answeringmachinedetectionstatus", "kinesisschemaversion", "role"),
        *("callorigin", "calltype", "callsubtype", "disposition", "method", "invocationtype"),
        *("messagetype", "contentmetadata", "output", "jobstatus", "statusreason", "field"),
        *("deletionreason", "executedversion"),
    }
)
"""Members with published words as values; any other value there is replaced."""
_PLACES: Final = frozenset(
    {
        *("eventid", "shardid", "sequencenumber", "startsequencenumber", "endsequencenumber"),
        *("fragmentstartnumber", "fragmentstopnumber"),
    }
)
"""Members that say where in a stream something lies."""
_PHRASES: Final = frozenset(
    {
        *("Amazon Connect Contact Event", "Object Created", "Scheduled Event", "ContactFlowEvent"),
        *("User Defined Attributes", "Segment Attributes", "delivery", "LaptopContactCenter"),
        *("LaptopSecondCenter", "connect:Telephony", "connect:WebRTC", "OUTBOUND", "INBOUND"),
        *("END_USER", "EXTERNAL_USER", "HUMAN_AGENT", "SUPERVISOR", "VIRTUAL_AGENT"),
    }
)
_FREE: Final = frozenset({"attributes", "tags", "parameters", "fieldvalues", "externalresults"})
"""Members that hold a company's own names and values; what is a published word is not one there."""
_FREE_WORDS: Final = frozenset(
    {"methodname", "onfailure", "callorigin", "functionarn", "timelimit"}
)


def anonymize(data: bytes, seed: int | None = None) -> bytes:
    """The material with everything replaced that could identify a person or an account.

    Args:
        data: material as `read_material` takes it.
        seed: for tests: the same replacements in every run.

    Raises:
        NotUnderstood: it is not understood, or could no longer be replayed.
    """
    before = read_material(data)
    changed = _Anonymizing(Pseudonyms(seed)).data(data)
    after = read_material(changed)
    if [event.source for event in before.events] != [event.source for event in after.events]:
        raise NotUnderstood("the events could no longer be recognised")
    return changed


class _Anonymizing:
    """One run: a text has the same replacement everywhere in it."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def data(self, data: bytes) -> bytes:
        unpacked = from_gzip(data)
        if unpacked is not None:
            return gzip.compress(self.data(unpacked), mtime=0)
        decoded = as_text(data)
        if decoded is None:
            raise NotUnderstood("it holds bytes that are not text")
        text, encoding = decoded
        changed = self.text(text)
        if encoding == "UTF-16":
            little = data[:1] != b"\x00" and data[:2] != b"\xfe\xff"
            mark = data[:2] in (b"\xff\xfe", b"\xfe\xff")
            packed = changed.encode("utf-16-le" if little else "utf-16-be")
            return data[:2] + packed if mark else packed
        return changed.encode("utf-8-sig" if encoding else "utf-8")

    def text(self, text: str) -> str:
        """A whole text: packed, a table of Logs Insights, or values with words between."""
        packed = from_base64(text.encode("utf-8", "surrogatepass"))
        if packed is not None and _is_packed(packed):
            return base64.b64encode(self.data(packed)).decode()
        if insights_rows(text):
            return self._table(text)
        if (inner := _text_in(text)) is not None:
            written = json.dumps(self.text(inner), ensure_ascii=text.isascii())
            return written if text.lstrip().startswith('"') else written[1:-1]
        try:
            found, _ = values_in(text)
        except BrokenJson:
            return self._words(text)
        changed, end = "", 0
        for each in found:
            written = text[each.start : each.end]
            changed += self._words(text[end : each.start])
            changed += self._dumped(self.value(each.value), written)
            end = each.end
        return changed + self._words(text[end:])

    def value(self, value: Any, name: str = "", *, free: bool = False) -> Any:
        """A JSON value; `name` is the member that it is, `free` whether it is a company's own."""
        if isinstance(value, dict):
            return {
                self._pseudonyms.tokens(key): self.value(
                    item, key, free=free or key.lower() in _FREE
                )
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item, name, free=free) for item in value]
        if isinstance(value, str):
            return self._string(value, name.lower(), free=free)
        if free and isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value)
        return value

    def _string(self, text: str, name: str, *, free: bool) -> str:
        if _is_kept(text, name, free=free):
            return text
        if name == "data" and (packed := _decoded(text)) is not None:
            return base64.b64encode(self._packed(packed)).decode()
        if text.lstrip()[:1] in ("{", "[") or '{"' in text or '{\\"' in text:
            return self.text(text)
        packed = from_base64(text.encode("utf-8", "surrogatepass"))
        if packed is not None and _is_packed(packed):
            return base64.b64encode(self.data(packed)).decode()
        return self._words(text)

    def _packed(self, data: bytes) -> bytes:
        """The content of base64. Bytes that are not text can be anything, and are left out."""
        return self.data(data) if _is_packed(data) or as_text(data) else b"?"

    def _number(self, value: float) -> Any:
        if _SHORT_NUMBER.fullmatch(str(value)):
            return value
        digits = self._pseudonyms.text(str(value))
        return float(digits) if isinstance(value, float) else int(digits)

    def _words(self, text: str) -> str:
        """Words outside of JSON; times in them are kept."""
        changed, end = "", 0
        for time in _TIME.finditer(text):
            changed += self._pseudonyms.text(text[end : time.start()]) + time.group()
            end = time.end()
        return changed + self._pseudonyms.text(text[end:])

    def _table(self, text: str) -> str:
        rows = list(csv.reader(io.StringIO(text)))
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(rows[0])
        for row in rows[1:]:
            writer.writerow([self._string(cell, "", free=True) for cell in row])
        return out.getvalue()

    def _dumped(self, value: Any, written: str) -> str:
        indent = 2 if "\n" in written.strip() else None
        ascii_only = written.isascii()
        return json.dumps(value, indent=indent, ensure_ascii=ascii_only)


def _text_in(text: str) -> str | None:
    """The text that a JSON text holds, also one that was copied without its quotes."""
    begins = text.lstrip()[:1]
    quoted = text if begins == '"' else f'"{text.strip()}"' if '{\\"' in text else ""
    try:
        inner = json.loads(quoted) if quoted else None
    except ValueError:
        return None
    return inner if isinstance(inner, str) else None


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _is_packed(data: bytes) -> bool:
    if from_gzip(data) is not None:
        return True
    decoded = as_text(data)
    return bool(decoded and decoded[0].lstrip()[:1] in ("{", "["))


def _is_kept(text: str, name: str, *, free: bool) -> bool:
    lower = text.strip().lower()
    if lower in _YES_OR_NO or lower in _WITHHELD or text in _PHRASES:
        return True
    if _TIME.fullmatch(text) or _SHORT_NUMBER.fullmatch(text):
        return True
    if name in _PLACES and not free:
        return bool(_PLACE_IN_STREAM.fullmatch(text))
    known = name in (_FREE_WORDS if free else _ENUMERATIONS)
    return known and bool(_WORD.fullmatch(text)) and not text.startswith("arn:")
