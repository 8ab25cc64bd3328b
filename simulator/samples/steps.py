"""The steps of a sample, whichever kind of file it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.aws.connect_faults import ConnectFault
from simulator.salesforce.faults import Fault


@dataclass(frozen=True, slots=True)
class Expectation:
    """How a delivery is to end. Members that are None are not looked at.

    Attributes:
        answer: members of the answer; "*" stands for any text that is not empty.
        whole_answer: whether the answer has these members and no others.
        error: the errorType of the exception the function raises.
        disposition, reason: of its delivery line.
        voice_call: members of the record with this vendorCallKey, as Salesforce stored it; None as
            a member's value: the member is absent.
        no_voice_call: whether the delivery makes no record; of a batch, whether none of it does.
        requests: what Salesforce did about voice calls that were there (routing, callbacks,
            messages), all of it in order; members of each, its operation and vendorCallKey.
        matched: whether a rule of the event bus takes the event.
        deliveries: how often the function is given the record.
    """

    answer: Mapping[str, object] | None = None
    whole_answer: bool = False
    error: str | None = None
    disposition: str | None = None
    reason: str | None = None
    voice_call: Mapping[str, object] | None = None
    no_voice_call: bool = False
    requests: tuple[Mapping[str, object], ...] | None = None
    matched: bool | None = None
    deliveries: int | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """Delivers an event. `expectation` is None where it is only to be shown how it ends.

    With a `partition_key` it goes into its source's stream as it is, past the rules.
    """

    source: str
    event: Any
    expectation: Expectation | None = None
    partition_key: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """Contact events or records that are all in their stream before the function is given any.

    Attributes:
        inputs: these, in the order in which they are published.
        shuffle: publish them in another order, the same for the same number.
        twice: deliver the batch once more after its success, as Lambda may.
        ends: how many of them end with which disposition; None: not looked at.
    """

    inputs: tuple[Input, ...]
    shuffle: int | None = None
    twice: bool = False
    ends: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Delivers events at the same moment: who comes first is not known."""

    inputs: tuple[Input, ...]


@dataclass(frozen=True, slots=True)
class Redrive:
    """Asks the redrive function for dead letters, and delivers what comes back.

    Attributes:
        asked: the request, and the answer that is expected.
        ends: how the records that came back end, as in Batch.
    """

    asked: Input
    ends: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class DescribedContact:
    """A contact as DescribeContact answers it, ids left out of `members`."""

    instance_id: str
    contact_id: str
    members: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SetConnect:
    """Amazon Connect's contacts from now on, and how its next answers fail ("throttle", ...)."""

    contacts: tuple[DescribedContact, ...]
    faults: tuple[ConnectFault, ...] = ()


@dataclass(frozen=True, slots=True)
class SetFile:
    """A file that lies in a bucket of S3 from now on; the bucket is made where there is none."""

    bucket: str
    key: str
    content: bytes


@dataclass(frozen=True, slots=True)
class SetFaults:
    """Replaces Salesforce's faults by these."""

    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class ExpectCalls:
    """Salesforce has exactly these records of the sample's contacts, in the order of creation; in
    any order where batches race."""

    calls: tuple[Mapping[str, object], ...]
    any_order: bool = False


@dataclass(frozen=True, slots=True)
class ExpectRequests:
    """So many requests about the sample's contacts were made during it, by operation.

    Operations are those of `operations`; one that is left out was not asked for.
    """

    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ExpectLines:
    """The transcript of each of these calls, by vendorCallKey: what was said, in the order in which
    Salesforce has it."""

    lines: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class ExpectDeadLetters:
    """The dead letters that the sample left in the queue have these reasons, in any order."""

    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExpectSettingFaults:
    """The functions have reported these wrong items of settings since the sample began, in any
    order; how often is not looked at, since each environment reports its own."""

    items: tuple[str, ...]


Step = (
    Input
    | Batch
    | Together
    | Redrive
    | SetFaults
    | SetConnect
    | SetFile
    | ExpectCalls
    | ExpectRequests
    | ExpectLines
    | ExpectDeadLetters
    | ExpectSettingFaults
)


def inputs_of(step: Step) -> tuple[Input, ...]:
    """The events that a step delivers; none for steps that set or look at something."""
    if isinstance(step, Input):
        return (step,)
    if isinstance(step, Batch | Together):
        return step.inputs
    return (step.asked,) if isinstance(step, Redrive) else ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A file, read.

    Attributes:
        path: the file.
        steps: what to do, in order.
        given: samples that are replayed before it.
        settings: environment of the function, instead of the template's.
        origin: the sample's source; empty where the file does not say.
    """

    path: Path
    steps: tuple[Step, ...]
    given: tuple[Path, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    origin: str = ""
