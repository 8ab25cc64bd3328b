"""The orgs behind one address: a request belongs to the contact center that its token names.

In the cloud each org has an address of its own. One address for all is the harder test: only the
token decides, so a request for the wrong org is answered by the wrong org, and seen.
"""

from collections.abc import Callable, Sequence

from simulator.salesforce.api import Limits, TelephonyApi
from simulator.salesforce.checks import readable_claims
from simulator.salesforce.conversations import Refusals
from simulator.salesforce.identity import ContactCenterIdentity
from simulator.salesforce.messages import Answer, Request
from simulator.salesforce.store import Store


class Orgs:
    """Hands each request to its contact center, to the first one if it names none that is known.

    Args:
        identities: the contact centers, at least one.
        clock: epoch seconds.

    Raises:
        ValueError: a certificate does not hold an RSA key.
    """

    def __init__(
        self,
        identities: Sequence[ContactCenterIdentity],
        store: Store,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._centers = [
            (identity, TelephonyApi(identity, store.of(identity.org_id), limits, clock))
            for identity in identities
        ]

    def handle(self, request: Request, refused: Refusals | None = None) -> Answer:
        """Process a request; a refusal is an answer too. `refused` as in TelephonyApi.handle."""
        return self._of(request).handle(request, refused)

    def exchange_certificate(self, identity: ContactCenterIdentity) -> None:
        """From now on the first contact center's tokens are checked against another certificate."""
        api = self._centers[0][1]
        api.exchange_certificate(identity)
        self._centers[0] = (identity, api)

    def spend_token(self, request: Request) -> None:
        """Remember the token of a request that a fault keeps from being processed."""
        self._of(request).spend_token(request)

    def vendor_call_key(self, request: Request) -> str | None:
        """The vendor call key of the call a request is about, None where it names none."""
        return self._of(request).vendor_call_key(request)

    def bulk_keys(self, request: Request) -> list[str]:
        """The calls of a request with lines in bulk; none for every other request."""
        return self._of(request).bulk_keys(request)

    def seed(self, vendor_call_key: str) -> str:
        """The record id of the call with this key in the first org, stored now if there is none."""
        return self._centers[0][1].seed(vendor_call_key)

    def _of(self, request: Request) -> TelephonyApi:
        """Unverified: the contact center's certificate is checked later."""
        claims = readable_claims(request.headers.get("Authorization", ""))
        for identity, api in self._centers:
            if isinstance(claims, dict) and _is_of(claims, identity):
                return api
        return self._centers[0][1]


def _is_of(claims: dict[str, object], identity: ContactCenterIdentity) -> bool:
    issuer, subject = claims.get("iss"), claims.get("sub")
    return issuer in identity.issuers and subject == identity.call_center_api_name
