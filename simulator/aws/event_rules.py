"""The rules of the default event bus, as template.yaml sets them.

Names, defaults and ranges as in AWS CloudFormation Template Reference, AWS::Events::Rule (Target,
KinesisParameters, RetryPolicy), and in AWS SAM Developer Guide, EventBridgeRule. Targets are
streams, functions and queues; others are left out. A target that is given something else than the
whole event is refused: the simulator does not know how to make it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.aws.event_pattern import EventPattern, PatternError
from simulator.sam.template import Template, TemplateError

__all__ = ["Rule", "Target", "read_rules"]

_STEP: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\['([^']+)'\]")
_INPUT_KEYS: Final = ("Input", "InputPath", "InputTransformer")
_SAM_RULES: Final = ("EventBridgeRule", "CloudWatchEvent")
_FED: Final = re.compile(
    r"arn:[^:]+:(kinesis:[^:]*:[^:]*:stream/.+|lambda:[^:]*:[^:]*:function:.+|sqs:[^:]*:[^:]*:.+)"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A target of a rule.

    Attributes:
        target_id: as the rule names it.
        arn: of a stream, a function (or its alias) or a queue.
        key_path: the steps to the partition key of a stream's record; none: it is the event's id.
        max_age: seconds after which no retry is made, 60 to 86400.
        max_retries: 0 to 185.
        dead_letter: ARN of the SQS queue; empty without one.
    """

    target_id: str
    arn: str
    key_path: tuple[str, ...]
    max_age: int
    max_retries: int
    dead_letter: str

    @property
    def service(self) -> str:
        """The target's service: kinesis, lambda or sqs."""
        return self.arn.split(":")[2]

    @property
    def name(self) -> str:
        """The stream's, the function's or the queue's name."""
        resource = self.arn.split(":", 5)[5]
        if self.service == "lambda":
            return resource.split(":")[1]
        return resource.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the default bus that has targets which the simulator feeds."""

    name: str
    pattern: EventPattern
    targets: tuple[Target, ...]


def read_rules(template: Template) -> list[Rule]:
    """The template's enabled rules of the default bus that have such targets.

    Schedules have no pattern and no event. Raises TemplateError.
    """
    rules = []
    for name, node in _written(template):
        try:
            rule = _rule(name, template.resolve(node))
        except (TemplateError, PatternError) as error:
            raise TemplateError(f"{name}: {error}") from error
        if rule is not None:
            rules.append(rule)
    return rules


def _written(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every rule in CloudFormation's form, by logical id."""
    for name, body in template.resources.items():
        if body["Type"] == "AWS::Events::Rule":
            yield name, body["Properties"]
        elif body["Type"] == "AWS::Serverless::Function":
            for event_name, event in (body["Properties"].get("Events") or {}).items():
                if isinstance(event, dict) and event.get("Type") in _SAM_RULES:
                    # SAM names the rule it makes by function and event.
                    yield name + event_name, _from_sam(name, event.get("Properties") or {})


def _from_sam(function: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    taken = ("RetryPolicy", "DeadLetterConfig", *_INPUT_KEYS)
    target = {key: properties[key] for key in taken if key in properties}
    kept = {key: properties[key] for key in ("EventBusName", "State") if key in properties}
    return {
        **kept,
        "EventPattern": properties.get("Pattern"),
        "Targets": [{"Id": function, "Arn": {"Fn::GetAtt": [function, "Arn"]}, **target}],
    }


def _rule(name: str, properties: Mapping[str, Any]) -> Rule | None:
    bus = str(properties.get("EventBusName", "default")).rsplit("/", 1)[-1]
    disabled = properties.get("State", "ENABLED") == "DISABLED"
    if disabled or bus != "default" or not properties.get("EventPattern"):
        return None
    targets = [_target(target) for target in properties.get("Targets", []) if _is_fed(target)]
    if not targets:
        return None
    pattern = EventPattern(properties["EventPattern"])
    return Rule(str(properties.get("Name", name)), pattern, tuple(targets))


def _is_fed(target: object) -> bool:
    if not isinstance(target, dict) or not isinstance(target.get("Arn"), str):
        raise TemplateError(f"a target needs an Arn, not {target!r}")
    return bool(_FED.fullmatch(target["Arn"]))


def _target(target: Mapping[str, Any]) -> Target:
    if changed := [key for key in _INPUT_KEYS if key in target]:
        raise TemplateError(f"{changed[0]}: targets are given the whole event in the simulator")
    path = target.get("KinesisParameters", {}).get("PartitionKeyPath")
    policy = target.get("RetryPolicy", {})
    return Target(
        target_id=str(target.get("Id", "")),
        arn=target["Arn"],
        key_path=() if path is None else _steps(path),
        max_age=_number(policy, "MaximumEventAgeInSeconds", 86400, 60, 86400),
        max_retries=_number(policy, "MaximumRetryAttempts", 185, 0, 185),
        dead_letter=str(target.get("DeadLetterConfig", {}).get("Arn", "")),
    )


def _steps(path: object) -> tuple[str, ...]:
    if (
        not isinstance(path, str)
        or len(path) > 256
        or not re.fullmatch(rf"\$({_STEP.pattern})+", path)
    ):
        raise TemplateError(f"PartitionKeyPath: a path such as $.detail.id is needed, not {path!r}")
    return tuple(dotted or quoted for dotted, quoted in _STEP.findall(path))


def _number(policy: Mapping[str, Any], key: str, default: int, least: int, most: int) -> int:
    value = str(policy.get(key, default))
    if not re.fullmatch("[0-9]{1,9}", value) or not least <= int(value) <= most:
        raise TemplateError(f"{key}: a number from {least} to {most} is needed, not {value}")
    return int(value)
