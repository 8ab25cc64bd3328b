"""Does the org accept a token of this key? Asked by a call that can create nothing.

`PATCH /voiceCalls/{id}/clearRouting` deletes the pending routing of a call; for an id that no call
has there is nothing to delete (Telephony Integration API, "Clear Routing"). Its answer to that is
not documented. So the same is asked with a token that a throw-away key has signed: only an address
that refuses that one, and not the other, has looked at the token and accepted it.
"""

import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any, Final

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter

from doctor.address import Way
from doctor.findings import Finding, fault, ok, unchecked, warning
from voicecall_bridge.contact_centers.secret import ContactCenterSecret
from voicecall_bridge.deadline import Deadline, DeadlineExceeded, run_before
from voicecall_bridge.telephony.auth import LIFETIME_SECONDS, TokenSigner
from voicecall_bridge.telephony.client import TelephonyClient, new_session
from voicecall_bridge.telephony.credentials import Credentials, SecretStore
from voicecall_bridge.telephony.errors import TelephonyError, Unavailable
from voicecall_bridge.telephony.operations import Operation
from voicecall_bridge.telephony.retry import RetryPolicy

CLOCK: Final = "clock"
TOKEN: Final = "token"  # noqa: S105 - the name of a check

_TOLERATED: Final = 5
"""A difference in seconds that does no harm; Date itself has whole seconds."""
_UNKNOWN_ID: Final = (400, 404, 409, 410, 422)
"""Statuses that an id without a call may get once the token is accepted."""
_NOT_THE_API: Final = "SCRT_ENDPOINT_BASE: https://<MyDomain>.my.salesforce-scrt.com/telephony/v1"
_RIGHT_PAIR: Final = (
    "the private key must belong to the certificate in the contact center's record; "
    "SALESFORCE_ORG_ID and CALL_CENTER_API_NAME must be this org's and this contact center's"
)
_AUDIENCE: Final = "; an org that asks for an audience: AUDIENCE=https://scrt.salesforce.com"


@dataclass(frozen=True, slots=True)
class OrgAnswer:
    """The answer to one question.

    Attributes:
        status: of the answer; 0 when there was none.
        error: what the bridge's client makes of it; None when it takes it for a success.
        is_page: the answer is an HTML page.
        ahead: seconds this machine's clock is ahead of the answer's; None without a Date.
    """

    status: int
    error: TelephonyError | None
    is_page: bool
    ahead: int | None

    @property
    def is_refused(self) -> bool:
        """Whether the token is refused."""
        return self.status in (401, 403)

    @property
    def is_accepted(self) -> bool:
        """Whether the answer is one that only an accepted token should get."""
        return not self.is_page and (
            (self.error is None and self.status > 0) or self.status in _UNKNOWN_ID
        )


@dataclass(frozen=True, slots=True)
class Org:
    """The org to ask, and how.

    Attributes:
        center: org, address and key; all of them usable.
        provider: value of the header Telephony-Provider-Name.
        audience: `aud` of the tokens, empty for none.
        seconds: for each answer.
        way: how it is reached.
    """

    center: ContactCenterSecret
    provider: str = "amazon-connect"
    audience: str = ""
    seconds: float = 10.0
    way: Way = field(default_factory=Way)

    def examine(self) -> Iterator[Finding]:
        """Asks once, and again where one answer is not enough; the findings."""
        first = self.ask()
        mended = None
        if first.is_refused and first.ahead is not None and abs(first.ahead) >= _TOLERATED:
            # Signed by Salesforce's clock, a good key is accepted, and a bad one still refused.
            mended = self.ask(ahead=first.ahead)
        yield clock_finding(first, mended)
        best = mended if mended is not None and mended.is_accepted else first
        if best.is_accepted:
            forged = self.ask(key=_throw_away_key(), ahead=best.ahead or 0)
            yield accepted_finding(best, forged, by_other_clock=best is mended)
        else:
            yield refused_finding(best)

    def ask(self, *, key: str = "", ahead: int = 0) -> OrgAnswer:
        """One question.

        Args:
            key: signs instead of the contact center's.
            ahead: seconds that this machine's clock is ahead, taken off the token's times.
        """
        signer = TokenSigner(
            org_id=self.center.org_id,
            call_center_api_name=self.center.api_name,
            private_key=key or self.center.private_key,
            audience=self.audience,
            now=lambda: time.time() - ahead,
        )
        noted = _Noting()
        with new_session() as session:
            session.mount("https://", noted)
            session.mount("http://", noted)
            session.verify = self.way.trusted or True
            client = TelephonyClient(
                session,
                _Given(Credentials(self.center, signer)),
                self.provider,
                RetryPolicy(retries=0),
            )
            error = self._clear_routing_of_nothing(client)
        return noted.answer(error)

    def _clear_routing_of_nothing(self, client: TelephonyClient) -> TelephonyError | None:
        # No contact id has this shape, and this one is made for this question.
        contact_id = f"doctor-{uuid.uuid4()}"
        ask = partial(
            client.perform, Operation.CLEAR_ROUTING, contact_id, Deadline.after(self.seconds)
        )
        try:
            # A server that sends a byte now and then never runs into a socket's time-out.
            run_before(Deadline.after(self.seconds), ask)
        except TelephonyError as error:
            return error
        except DeadlineExceeded:
            return Unavailable("no answer in time", code="DEADLINE")
        return None


class _Given(SecretStore):
    """A secret that was read already."""

    def __init__(self, credentials: Credentials) -> None:
        super().__init__("", _no_client, _no_client)
        self.credentials = credentials

    def renewed(self, refused: Credentials | None) -> Credentials:  # noqa: ARG002 - the base's
        return self.credentials


def _no_client() -> Any:
    raise AssertionError("the secret has been read")


class _Noting(HTTPAdapter):
    """Remembers the head of the last answer, which the bridge's client does not hand on."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.at = 0.0

    def send(self, *arguments: Any, **options: Any) -> requests.Response:
        response = super().send(*arguments, **options)
        self.status, self.headers, self.at = response.status_code, response.headers, time.time()
        return response

    def answer(self, error: TelephonyError | None) -> OrgAnswer:
        is_page = "html" in self.headers.get("Content-Type", "").lower()
        return OrgAnswer(self.status, error, is_page, self._ahead())

    def _ahead(self) -> int | None:
        try:
            date = parsedate_to_datetime(self.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
        return round(self.at - date - 0.5)  # Date has whole seconds: half of one on average


def clock_finding(first: OrgAnswer, mended: OrgAnswer | None) -> Finding:
    """This machine's clock beside Salesforce's, and what it does to a token.

    Args:
        first: the first answer.
        mended: the answer to a token that was signed by Salesforce's clock; None: not asked.
    """
    ahead = first.ahead
    if ahead is None:
        return unchecked(CLOCK, "no answer with a Date" if first.status == 0 else "no Date")
    if abs(ahead) < _TOLERATED:
        return ok(CLOCK, f"within {_TOLERATED} s of Salesforce's")
    text = f"{abs(ahead)} s {'ahead of' if ahead > 0 else 'behind'} Salesforce's: "
    if ahead > 0:
        text += "a token's iat lies in the future there"
    elif -ahead >= LIFETIME_SECONDS:
        text += f"a token (exp: {LIFETIME_SECONDS} s) has expired when it arrives"
    else:
        text += f"a token lives {LIFETIME_SECONDS + ahead} s there instead of {LIFETIME_SECONDS}"
    change = "set this machine's clock (NTP); Lambda's is AWS's to keep"
    decides = mended is not None and mended.is_accepted
    if decides or -ahead >= LIFETIME_SECONDS:
        return fault(CLOCK, text, change)
    return warning(CLOCK, text, change)


def accepted_finding(given: OrgAnswer, forged: OrgAnswer, *, by_other_clock: bool) -> Finding:
    """The answer to an unknown id, compared with the answer to a token of an unknown key."""
    answer = f"{given.status} for an id that no call has"
    signed = ", signed by Salesforce's clock" if by_other_clock else ""
    if forged.is_refused:
        return ok(TOKEN, f"accepted{signed} ({answer}; {forged.status} for a token of another key)")
    if forged.is_accepted:
        return fault(TOKEN, f"{answer}, whoever signs: the address checks no token", _NOT_THE_API)
    return warning(
        TOKEN,
        f"accepted, it seems{signed} ({answer}); a token of another key got no clear answer",
        "run it again",
    )


def refused_finding(given: OrgAnswer) -> Finding:
    """Why there is no answer that only an accepted token gets."""
    if given.status == 0:
        return fault(TOKEN, *_unanswered(given))
    if given.is_page:
        return fault(TOKEN, *_page(given.status))
    if given.status == 401:
        return fault(TOKEN, "refused (401)", _RIGHT_PAIR + _AUDIENCE)
    return fault(TOKEN, *_of_status(given.status))


def _unanswered(given: OrgAnswer) -> tuple[str, str]:
    code = given.error.code if given.error else ""
    if code == "UNREACHABLE":
        return "not asked: no connection", "what is said above"
    if code == "SETTINGS":
        return "not asked: the address is none", _NOT_THE_API
    return (
        "sent, and no answer that can be read came in time",
        "run it again; if it stays so: trust.salesforce.com, and what stands between",
    )


def _page(status: int) -> tuple[str, str]:
    if status == 403:
        return "an HTML page with 403: a firewall's, not the API's", "let this address through"
    if status >= 500:
        return f"an HTML page with {status}: Salesforce is down", "trust.salesforce.com"
    return f"an HTML page with {status}: not the API, or its maintenance", _NOT_THE_API


def _of_status(status: int) -> tuple[str, str]:
    if status == 403:
        return (
            "read, but not allowed (403)",
            "the org: Service Cloud Voice on, this contact center there; " + _RIGHT_PAIR,
        )
    if status == 429:
        return (
            "not known: a limit of the org is reached (429)",
            "run it again; if it stays so, calls are refused as well: spread the load",
        )
    if status >= 500:
        return f"not known: Salesforce fails ({status})", "trust.salesforce.com; run it again"
    if 300 <= status < 400:
        return f"not read: a redirect ({status}), which the bridge does not follow", _NOT_THE_API
    if status >= 400:
        return f"not known: {status}, which the API does not document", _NOT_THE_API
    return f"not known: {status} without a JSON object", _NOT_THE_API


@lru_cache(maxsize=1)
def _throw_away_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
