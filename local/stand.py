"""The laptop stand: Salesforce, AWS and the functions of template.yaml, in one context manager.

What an invocation needs is started when it is needed: a function with other settings than the
template's runs in a process of its own, as a stack with other parameters would.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, Literal, Self

from local.account import LedgerItem, Letter
from local.aws import LaptopAws
from local.lambda_process import Invocation, LambdaProcess
from local.salesforce import SalesforceStandIn, new_identity
from local.template import Template

ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATE: Final = ROOT / "template.yaml"
FUNCTIONS: Final[Mapping[str, str]] = {"contact_flow": "ContactFlowFunction"}
"""Source of events -> the function of the template that takes them."""

_ORG_ID: Final = "00D5f000001AbCdEAK"
_CALL_CENTER: Final = "LaptopContactCenter"
# A replay is faster than calls come in: the org's 50 a second would turn the stand's own speed
# into 429. What a limit does to a call is replayed with a fault.
_CREATES_PER_SECOND: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Environment:
    function: str
    settings: frozenset[tuple[str, str]]


class Stand:
    """Everything a call passes through, on loopback. One at a time in a process, as moto is.

    Args:
        template_path: the template to run.
        state: a folder in which Salesforce's records and journal outlive the stand; None: nothing
            is left behind.

    Attributes:
        salesforce: the stand-in.
        aws: the tables, the queues and the secret.
    """

    salesforce: SalesforceStandIn
    aws: LaptopAws

    def __init__(self, template_path: Path = TEMPLATE, *, state: Path | None = None) -> None:
        """Nothing runs before the context is entered."""
        self._template_path = template_path
        self._state = state
        self._parts = ExitStack()
        self._processes: dict[_Environment, LambdaProcess] = {}
        self._lock = Lock()

    def __enter__(self) -> Self:
        """Start Salesforce and AWS.

        Raises:
            TemplateError: the template cannot be used.
            OSError: no free port, or the state's folder cannot be made.
        """
        with ExitStack() as parts:
            identity = new_identity(org_id=_ORG_ID, call_center_api_name=_CALL_CENTER)
            self.salesforce = parts.enter_context(
                SalesforceStandIn(
                    identity,
                    database=self._database(),
                    creates_per_second=_CREATES_PER_SECOND,
                )
            )
            self.aws = parts.enter_context(
                LaptopAws(self._template_path, identity, self.salesforce.base_url)
            )
            # A function that still waits for Salesforce must not outlive it: functions end first.
            parts.callback(self._end_functions)
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the functions, AWS and Salesforce, in this order."""
        self._parts.close()

    @property
    def template(self) -> Template:
        """The template as it is deployed here."""
        return self.aws.template

    @property
    def addresses(self) -> Mapping[str, str]:
        """What a function needs besides the template's environment to find this AWS."""
        return {"AWS_ENDPOINT_URL": self.aws.endpoint, "AWS_REGION": self.aws.region}

    @property
    def process_ids(self) -> list[int]:
        """The functions' processes that run now."""
        return [process.pid for process in self._processes.values() if process.pid is not None]

    def environment(self, function: str) -> Mapping[str, str]:
        """The environment of a function, by its logical id.

        Raises:
            KeyError: the template has no such function.
        """
        return {**self.template.functions[function].environment, **self.addresses}

    def invoke(
        self, function: str, event: Any, settings: Mapping[str, str] | None = None
    ) -> Invocation:
        """Run a function, by its logical id, with settings instead of the template's.

        Raises:
            KeyError: the template has no such function.
            TypeError, ValueError: the event is none that Lambda takes.
        """
        return self._process(function, settings or {}).invoke(event)

    def ledger(self) -> list[LedgerItem]:
        """What the ledger knows, one item a contact."""
        table = self.environment("ContactFlowFunction")["LEDGER_TABLE"]
        return [LedgerItem.from_dynamodb(item) for item in self.aws.items(table)]

    def dead_letters(self) -> list[Letter]:
        """The letters in the dead-letter queue."""
        url = self.environment("ContactFlowFunction")["DEAD_LETTER_QUEUE_URL"]
        return [Letter.from_json(body) for body in self.aws.messages(url)]

    def _process(self, function: str, settings: Mapping[str, str]) -> LambdaProcess:
        wanted = _Environment(function, frozenset(settings.items()))
        with self._lock:
            if wanted not in self._processes:
                definition = self.template.functions[function]
                self._processes[wanted] = LambdaProcess(
                    definition, definition.layers, {**self.addresses, **settings}
                )
            return self._processes[wanted]

    def _end_functions(self) -> None:
        with ExitStack() as processes:
            for process in self._processes.values():
                processes.callback(process.close)

    def _database(self) -> Literal[":memory:"] | Path:
        if self._state is None:
            return ":memory:"
        self._state.mkdir(parents=True, exist_ok=True)
        return self._state / "salesforce.sqlite"
