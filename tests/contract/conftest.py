"""The contract tests' counterparts: the Salesforce simulator and moto, over real HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.salesforce import ContactCenterIdentity, SalesforceSimulator, new_identity
from tests.contract.aws import Aws
from tests.contract.telephony import Caller, Vault

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def identity() -> ContactCenterIdentity:
    return new_identity(org_id="00D000000000001", call_center_api_name="SupportCenter")


@pytest.fixture(scope="session")
def running_salesforce(identity: ContactCenterIdentity) -> Iterator[SalesforceSimulator]:
    with SalesforceSimulator(identity) as salesforce:
        yield salesforce


@pytest.fixture
def salesforce(running_salesforce: SalesforceSimulator) -> Iterator[SalesforceSimulator]:
    """The simulator, without records, journal or faults."""
    running_salesforce.reset()
    yield running_salesforce
    running_salesforce.reset()


@pytest.fixture
def caller(salesforce: SalesforceSimulator) -> Iterator[Caller]:
    """A client of the simulator; its pauses are noted and not waited for."""
    with Caller(Vault(salesforce.identity.secret(salesforce.base_url))) as made:
        yield made


@pytest.fixture(scope="session")
def running_aws() -> Iterator[Aws]:
    with Aws() as aws:
        yield aws


@pytest.fixture
def aws(running_aws: Aws) -> Aws:
    """AWS with an empty table and an empty queue."""
    running_aws.reset()
    return running_aws
