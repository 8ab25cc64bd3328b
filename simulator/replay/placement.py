"""Whether every request went to the org that its contact belongs to; pure.

The journal tells who signed a request, the ledger whose contact it is about.
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
        ledger: every contact. One that has no contact center yet may be asked about anywhere; one
            whose contact center was refused, nowhere.
        orgs: contact centers by their secrets' names -> org ids.
    """
    centers = {item.contact_id: item.center for item in ledger if item.center}
    for exchange in journal:
        claims = exchange.headers.get("Authorization")
        signer = claims.get("iss") if isinstance(claims, dict) else None
        for operation, contact_id in operations_of(exchange):
            if contact_id in centers and signer != orgs.get(centers[contact_id]):
                yield f"{operation} of {contact_id} went to the org {signer}, which is not its own"
