"""The simulator: Salesforce, AWS and the functions of template.yaml, in one context manager.

Processes are started when an invocation needs them: a function with other settings than the
template's runs in a process of its own, as a stack with other parameters would.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, Literal, Self

from simulator.aws.cloud import AwsSimulator
from simulator.aws.connect import ConnectSimulator
from simulator.aws.fault_endpoint import FaultEndpoint
from simulator.functions.function_pools import FunctionPools
from simulator.functions.lambda_process import Invocation
from simulator.instance import OWN_INSTANCE, Instance
from simulator.replay.tally import (
    DeadLetter,
    LedgerItem,
    SettingFault,
    StoredRecord,
    setting_faults,
)
from simulator.salesforce import SalesforceSimulator, new_identity
from simulator.sam.template import Template
from simulator.settings_check import refuse_wrong_settings
from simulator.sources import Sources

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATE: Final = ROOT / "template.yaml"
CONCURRENCY: Final = 4
"""Environments of one function at the same time; more would only wait for the machine's cores."""

BATCH_PREFIX: Final = "aws/lambda/"
"""The folder of batches that Lambda gave up (Lambda Developer Guide, S3 failure destination)."""

_ORG_ID: Final = "00D5f000001AbCdEAK"
_CALL_CENTER: Final = "LaptopContactCenter"
_SECOND_ORG_ID: Final = "00D5f000002AbCdEAK"
_SECOND_CALL_CENTER: Final = "LaptopSecondCenter"
# A replay is faster than calls come in: with the org's limit of 50 a second the simulator's own
# speed would cause 429. The effect of a limit on a call is replayed with a fault.
_CREATES_PER_SECOND: Final = 10_000


Observe = Callable[[str, Any, Invocation, float], None]


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the parts; 0: any free port."""

    console: int = 0
    salesforce: int = 0
    aws: int = 0
    connect: int = 0
    functions: int = 0

    @classmethod
    def beginning(cls, first: int) -> Self:
        """One port after the other from `first`."""
        return cls(first, first + 1, first + 2, first + 3, first + 4)


class Simulator:
    """Everything a call passes through, on loopback. One at a time in a process, as moto is.

    Args:
        template_path: the template to run.
        compressed: whether the pauses between the deliveries of a stream's records are jumped over.
        state: a folder that keeps Salesforce's records and journal; None: nothing is left behind.
        settings: environment of the functions instead of the template's, as a stack with other
            parameters would have it.
        observe: sees each invocation: function, event, what became of it, epoch seconds of its
            beginning.
        ports: where each part listens; any free port unless said.
        instance: the Amazon Connect instance that it is.

    Attributes:
        aws_faults: stands before AWS and fails on request.
        salesforce: the simulator.
        connect: Amazon Connect's API.
        aws: the tables, queues, streams, buckets and the secret.
        sources: the way of every input to its function.
        setting_faults: wrong items of settings, each time that a function reported one.
    """

    salesforce: SalesforceSimulator
    connect: ConnectSimulator
    aws: AwsSimulator
    aws_faults: FaultEndpoint
    sources: Sources
    setting_faults: list[SettingFault]

    def __init__(
        self,
        template_path: Path = TEMPLATE,
        *,
        state: Path | None = None,
        compressed: bool = True,
        settings: Mapping[str, str] | None = None,
        observe: Observe | None = None,
        ports: Ports | None = None,
        instance: Instance = OWN_INSTANCE,
    ) -> None:
        """Nothing runs before the context is entered."""
        self.setting_faults = []
        self._observe = observe
        self._ports = ports or Ports()
        self._instance = instance
        self._settings = dict(settings or {})
        self._template_path = template_path
        self._compressed = compressed
        self._state = state
        self._parts = ExitStack()
        self._functions = FunctionPools(CONCURRENCY)
        self._lock = Lock()

    def __enter__(self) -> Self:
        """Start Salesforce, Amazon Connect and AWS.

        Raises:
            TemplateError: the template cannot be used, no function has such a setting, or the
                bridge cannot use its value.
            OSError: no free port, or the state's folder cannot be made.
        """
        with ExitStack() as parts:
            identity = new_identity(org_id=_ORG_ID, call_center_api_name=_CALL_CENTER)
            second = new_identity(org_id=_SECOND_ORG_ID, call_center_api_name=_SECOND_CALL_CENTER)
            self.salesforce = parts.enter_context(
                SalesforceSimulator(
                    identity,
                    others=[second],
                    database=_database(self._state),
                    creates_per_second=_CREATES_PER_SECOND,
                    port=self._ports.salesforce,
                )
            )
            self.aws = parts.enter_context(
                AwsSimulator(
                    self._template_path,
                    identity,
                    self.salesforce.base_url,
                    [second],
                    self._ports.aws,
                    instance=self._instance,
                )
            )
            refuse_wrong_settings(self.template, self._settings)
            self.aws_faults = parts.enter_context(FaultEndpoint(self.aws.endpoint))
            self.connect = parts.enter_context(ConnectSimulator(port=self._ports.connect))
            self.sources = Sources(
                self.aws, self.invoke, parts, compressed=self._compressed, settings=self._settings
            )
            # A function that still waits for Salesforce must not outlive it: functions end first.
            parts.callback(self._functions.close)
            self._parts = parts.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End the functions, then what they talk to."""
        self._parts.close()

    @property
    def template(self) -> Template:
        """The template as it is deployed here."""
        return self.aws.template

    @property
    def addresses(self) -> Mapping[str, str]:
        """The environment that a function needs besides the template's to find this AWS."""
        # Only where a person can switch faults on: the way round costs time.
        faulty = () if self._observe is None else ("DYNAMODB", "SECRETS_MANAGER")
        return {
            "AWS_ENDPOINT_URL": self.aws.endpoint,
            **{f"AWS_ENDPOINT_URL_{service}": self.aws_faults.url for service in faulty},
            # moto has no DescribeContact.
            "AWS_ENDPOINT_URL_CONNECT": self.connect.url,
            "AWS_REGION": self.aws.region,
        }

    @property
    def orgs(self) -> Mapping[str, str]:
        """The contact centers' secrets, by name -> the orgs they belong to."""
        return {_CALL_CENTER: _ORG_ID, _SECOND_CALL_CENTER: _SECOND_ORG_ID}

    @property
    def process_ids(self) -> list[int]:
        """The functions' processes that run now."""
        return self._functions.process_ids

    def environment(self, function: str) -> Mapping[str, str]:
        """The environment of a function, by its logical id.

        Raises:
            KeyError: the template has no such function.
        """
        own = self.template.functions[function].environment
        return {**own, **self._settings, **self.addresses}

    def setting(self, name: str) -> str:
        """A setting that functions share, such as the ledger's table; empty where none has it."""
        return self._settings.get(name, self.template.setting(name))

    def invoke(
        self, function: str, event: Any, settings: Mapping[str, str] | None = None
    ) -> Invocation:
        """Run a function, by its logical id, with settings instead of the simulator's.

        Raises:
            KeyError: the template has no such function.
            TypeError, ValueError: the event is none that Lambda takes.
        """
        started = time.time()
        environment = {**self.addresses, **self._settings, **(settings or {})}
        done = self._functions.of(self.template.functions[function], environment).invoke(event)
        if found := setting_faults(done.logs):
            with self._lock:
                self.setting_faults += found
        if self._observe is not None:
            self._observe(function, event, done, started)
        return done

    def restart_functions(self) -> None:
        """End the environments; the next invocation of each function starts cold."""
        self._functions.close()

    def reset(self) -> None:
        """Forget the records, the journal, the ledger, the dead letters and the faults."""
        self.salesforce.reset()
        self.aws_faults.clear()
        self.connect.clear_faults()
        for table in self.template.refs("AWS::DynamoDB::Table"):
            self.aws.empty(table)
        for queue in self.template.refs("AWS::SQS::Queue"):
            self.aws.purge(queue)

    def ledger(self) -> list[LedgerItem]:
        """The ledger, one item a contact."""
        table = self.setting("LEDGER_TABLE")
        return [LedgerItem.from_dynamodb(item) for item in self.aws.items(table)]

    def dead_letters(self) -> list[DeadLetter]:
        """The dead letters in the queue."""
        url = self.setting("DEAD_LETTER_QUEUE_URL")
        return [DeadLetter.from_json(body) for body in self.aws.messages(url)]

    def records_given_up(self) -> list[StoredRecord]:
        """The records in batches that the pollers gave up, as they lie in the bucket."""
        return [
            record
            for bucket in self.template.refs("AWS::S3::Bucket")
            for _, kept in self.aws.objects(bucket, BATCH_PREFIX)
            for record in _inputs_of(kept)
        ]

    def undelivered_events(self) -> int:
        """How many events lie in the queues of what rules and Lambda could not deliver."""
        names = self.sources.failure_queues
        queues = self.template.refs("AWS::SQS::Queue")
        return sum(len(self.aws.messages(it)) for it in queues if it.rpartition("/")[2] in names)


def _database(state: Path | None) -> Literal[":memory:"] | Path:
    if state is None:
        return ":memory:"
    state.mkdir(parents=True, exist_ok=True)
    return state / "salesforce.sqlite"


def _inputs_of(kept: Mapping[str, Any]) -> list[StoredRecord]:
    """The inputs that Lambda put into the bucket: a stream's batch, or one event."""
    if "payload" in kept:
        return [StoredRecord.from_lambda(it) for it in json.loads(kept["payload"])["Records"]]
    event = json.dumps(kept.get("requestPayload")).encode()
    name = str(kept["requestContext"]["requestId"])
    return [StoredRecord(name, base64.b64encode(event).decode())]
