"""The tools of a check: the stack in an account, and patience.

NotThere        what was waited for did not come
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

Clients = Callable[[str], Any]
"""Makes a client of an AWS service by botocore's name of it."""

Found = TypeVar("Found")

OK: Final = "ok"
BAD: Final = "not as expected"
UNKNOWN: Final = "could not be determined"
SKIPPED: Final = "not tried"


class NotThere(Exception):
    """It did not come."""


class Deployer(Protocol):
    """Brings the stack to these parameters. Raises DeploymentFailed."""

    def deploy(self, parameters: Mapping[str, str]) -> None:
        """Create or update the stack."""


class DeploymentFailed(Exception):
    """CloudFormation did not end well."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding of a check.

    Attributes:
        name: the check.
        status: OK, BAD, UNKNOWN or SKIPPED.
        says: one sentence for a reader of the report.
        facts: what AWS answered, without names of the account.
    """

    name: str
    status: str
    says: str
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(slots=True)
class Trial:
    """One deployment on trial.

    Attributes:
        name: of the stack.
        clients: of the account and region.
        deployer: what brings the stack to other parameters.
        instance_arn: of the Connect instance; invented where none was given.
        has_instance: whether there is such an instance.
        sleep: waits so many seconds.
        rounds: how often something is looked for, with five seconds between.
    """

    name: str
    clients: Clients
    deployer: Deployer
    instance_arn: str
    has_instance: bool
    sleep: Callable[[float], None] = time.sleep
    rounds: int = 60

    def until(self, look: Callable[[], Found | None], what: str) -> Found:
        """The result of `look` in the end. Raises NotThere."""
        for _ in range(self.rounds):
            if (found := look()) is not None:
                return found
            self.sleep(5.0)
        raise NotThere(what)

    def resource(self, logical_id: str) -> str:
        """The physical id of a resource of the stack."""
        answer = self.clients("cloudformation").describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return str(answer["StackResourceDetail"]["PhysicalResourceId"])

    def output(self, name: str) -> str:
        """An output of the stack."""
        (stack,) = self.clients("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return next(
            str(each["OutputValue"]) for each in stack["Outputs"] if each["OutputKey"] == name
        )

    def letters(self, queue_url: str) -> int:
        """Messages in a queue, hidden ones too."""
        attributes = self.clients("sqs").get_queue_attributes(
            QueueUrl=queue_url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
            ],
        )["Attributes"]
        return sum(map(int, attributes.values()))

    def put(self, record: object, key: str) -> None:
        """Put a record into the stream of contact events."""
        self.clients("kinesis").put_record(
            StreamName=self.resource("ContactEventStream"),
            Data=json.dumps(record).encode(),
            PartitionKey=key,
        )
