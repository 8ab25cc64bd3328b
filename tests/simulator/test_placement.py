"""A request in the wrong org is reported, whichever function sent it."""

import pytest

from simulator.replay.placement import misplaced
from simulator.replay.tally import LedgerItem, Tally
from simulator.salesforce import Exchange

ORGS = {"first": "00D1", "second": "00D2"}
LEDGER = [
    LedgerItem("c1", "CREATED", has_request=True, center="second"),
    LedgerItem("c2", "", has_request=False, center="refused/0123"),
    LedgerItem("c3", "", has_request=False),
]


def sent(path: str, org: str | None, body: object = None, method: str = "PATCH") -> Exchange:
    claims = {"Authorization": {"iss": org}} if org else {}
    return Exchange(method, f"/telephony/v1/voiceCalls{path}", claims, body, 200, "", 0.0)


@pytest.mark.parametrize(
    ("exchange", "what"),
    [
        (sent("", "00D1", {"vendorCallKey": "c1"}, "POST"), "create of c1"),
        (sent("/c1", "00D1"), "update of c1"),
        (sent("/c1/clearRouting", "00D1"), "clearRouting of c1"),
        (sent("/c1", None), "update of c1"),
        (sent("/c2", "00D1"), "update of c2"),
    ],
)
def test_another_org_than_the_ledgers(exchange: Exchange, what: str) -> None:
    (line,) = misplaced([exchange], LEDGER, ORGS)
    assert line.startswith(f"{what} went to the org ")


def test_its_own_org_and_contacts_that_belong_nowhere_yet() -> None:
    exchanges = [
        sent("", "00D2", {"vendorCallKey": "c1"}, "POST"),
        sent("/c1/reroute", "00D2"),
        sent("/c3/clearRouting", "00D1"),
        sent("/never-seen", "00D1"),
    ]
    assert list(misplaced(exchanges, LEDGER, ORGS)) == []


def test_the_tally_does_not_close_over_it() -> None:
    lines = tuple(misplaced([sent("/c1", "00D1")], LEDGER, ORGS))
    assert Tally([], [], [], misplaced=lines).faults() == list(lines)


def test_the_ledgers_contact_center_is_read() -> None:
    item = {"vendor_call_key": {"S": "c1"}, "contact_center": {"S": "second"}}
    assert LedgerItem.from_dynamodb(item).center == "second"
