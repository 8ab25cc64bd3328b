"""Two contact centers behind one simulator: each token opens its own org, and no other."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import jwt
import pytest
import requests

from simulator.salesforce import ContactCenterIdentity, SalesforceSimulator, new_identity
from tests.simulator.salesforce_client import PATIENCE, claims, headers, new_call

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from requests import Response


@pytest.fixture(scope="module")
def first() -> ContactCenterIdentity:
    return new_identity(org_id="00D5e0000000001", call_center_api_name="First")


@pytest.fixture(scope="module")
def second() -> ContactCenterIdentity:
    return new_identity(org_id="00D5e0000000002", call_center_api_name="Second")


@pytest.fixture
def orgs(
    first: ContactCenterIdentity, second: ContactCenterIdentity
) -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(first, others=[second]) as running:
        yield running


def post(
    orgs: SalesforceSimulator, signer: ContactCenterIdentity, /, path: str = "", **changes: object
) -> Response:
    """A create that `signer` signs; or, with a path, a PATCH."""
    body = {"callCenterApiName": changes.pop("api_name")} if path else new_call(signer, **changes)
    return requests.request(
        "PATCH" if path else "POST",
        f"{orgs.base_url}/voiceCalls{path}",
        json=body,
        headers=headers(signer),
        timeout=PATIENCE,
    )


def test_each_org_keeps_its_own_records(
    orgs: SalesforceSimulator, first: ContactCenterIdentity, second: ContactCenterIdentity
) -> None:
    """Given one vendor call key, when both create it, then there are two records, one in each."""
    ids = {post(orgs, signer).json()["voiceCallId"] for signer in (first, second, first)}
    assert len(ids) == 2
    assert [record.org for record in orgs.voice_calls()] == [first.org_id, second.org_id]


def test_a_parent_of_the_other_org_is_not_known(
    orgs: SalesforceSimulator, first: ContactCenterIdentity, second: ContactCenterIdentity
) -> None:
    """Given a call in one org, by its key or its record id, then the other does not know it."""
    made = post(orgs, first).json()["voiceCallId"]
    for parent in ("contact-1", made):
        child = {"vendorCallKey": "contact-2", "initiationMethod": "Transfer"}
        refused = post(orgs, second, parentVoiceCallId=parent, **child)
        assert (refused.status_code, "parentVoiceCallId" in refused.text) == (400, True)
    assert post(orgs, first, parentVoiceCallId=made, **child).status_code == 200


def test_routing_is_cleared_in_the_signers_org_only(
    orgs: SalesforceSimulator, first: ContactCenterIdentity, second: ContactCenterIdentity
) -> None:
    post(orgs, second)
    path = f"{orgs.base_url}/voiceCalls/contact-1/clearRouting"
    answers = [
        requests.patch(path, headers=headers(signer), timeout=PATIENCE).status_code
        for signer in (first, second)
    ]
    assert answers == [404, 200]


@pytest.mark.parametrize("path", ["", "/contact-1"])
def test_a_contact_center_of_the_other_org_is_refused(
    orgs: SalesforceSimulator,
    first: ContactCenterIdentity,
    second: ContactCenterIdentity,
    path: str,
) -> None:
    """Given a token of one org and the API name of the other's contact center, then 400."""
    named = {"api_name": second.call_center_api_name} if path else {"callCenterApiName": "Second"}
    refused = post(orgs, first, path, **named)
    assert (refused.status_code, "callCenterApiName" in refused.text) == (400, True)
    assert orgs.voice_calls() == []


@pytest.mark.parametrize("claim", ["iss", "sub"])
def test_a_token_half_of_the_other_org_is_refused(
    orgs: SalesforceSimulator,
    first: ContactCenterIdentity,
    second: ContactCenterIdentity,
    claim: str,
) -> None:
    mixed = claims(first) | {claim: claims(second)[claim]}
    signed = jwt.encode(mixed, first.private_key_pem, algorithm="RS256")
    bearer = {**headers(first), "Authorization": f"Bearer {signed}"}
    url = f"{orgs.base_url}/voiceCalls"
    assert requests.post(url, json={}, headers=bearer, timeout=PATIENCE).status_code == 401


def test_the_certificate_is_that_of_the_org(
    orgs: SalesforceSimulator, first: ContactCenterIdentity, second: ContactCenterIdentity
) -> None:
    """Given the claims of one contact center signed with the other's key, then 401."""
    forged = jwt.encode(claims(second), first.private_key_pem, algorithm="RS256")
    bearer = {**headers(first), "Authorization": f"Bearer {forged}"}
    url = f"{orgs.base_url}/voiceCalls"
    assert (
        requests.post(url, json=new_call(second), headers=bearer, timeout=PATIENCE).status_code
        == 401
    )


def test_limits_are_each_orgs_own(
    first: ContactCenterIdentity, second: ContactCenterIdentity
) -> None:
    with SalesforceSimulator(first, others=[second], concurrent_conversations=1) as orgs:
        statuses = [
            post(orgs, signer, vendorCallKey=key).status_code
            for signer, key in ((first, "a"), (first, "b"), (second, "c"), (second, "d"))
        ]
    assert statuses == [200, 429, 200, 429]


def test_a_file_from_before_there_were_orgs(tmp_path: Path, first: ContactCenterIdentity) -> None:
    """Given records of an earlier edition, then they are the first org's."""
    file = tmp_path / "salesforce.sqlite"
    with SalesforceSimulator(first, database=file) as salesforce:
        salesforce.add_voice_call("contact-1")
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE voice_calls DROP COLUMN org")
    database.close()
    with SalesforceSimulator(first, database=file) as salesforce:
        assert (
            post(salesforce, first).json()["voiceCallId"]
            == salesforce.voice_calls()[0].voice_call_id
        )
        assert [record.org for record in salesforce.voice_calls()] == [first.org_id]
