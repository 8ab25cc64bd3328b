"""Checks that every request went to the org of its contact; pure.

The journal has who signed a request, the ledger has which org owns the contact.
"""

from collections.abc import Iterable, Iterator, Mapping

from simulator.replay.evidence import operations_of
from simulator.replay.tally import LedgerItem
from simulator.salesforce import Exchange


def misplaced(
    journal: Iterable[Exchange], ledger: Iterable[LedgerItem], orgs: Mapping[str, str]
) -> Iterator[str]:
    """Each request that its contact's org has not got, as one line to read.

    Args:
        journal: every request that Salesforce received.
        ledger: every contact. A request about a contact without a contact center may go to any org;
            about a refused contact, to none.
        orgs: contact centers by their secrets' names -> org ids.
    """
    centers = {item.contact_id: item.center for item in ledger if item.center}
    for exchange in journal:
        claims = exchange.headers.get("Authorization")
        signer = claims.get("iss") if isinstance(claims, dict) else None
        for operation, contact_id in operations_of(exchange):
            if contact_id in centers and signer != orgs.get(centers[contact_id]):
                yield f"{operation} of {contact_id} went to the org {signer}, which is not its own"
