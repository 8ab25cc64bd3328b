"""The rules of the default event bus that feed Kinesis streams, as template.yaml sets them.

Names, defaults and ranges as in AWS CloudFormation Template Reference, AWS::Events::Rule (Target,
KinesisParameters, RetryPolicy). A target that is given something else than the whole event is
refused: the laptop does not know how to make it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from simulator.aws.event_pattern import EventPattern, PatternError
from simulator.sam.template import Template, TemplateError

__all__ = ["Rule", "Target", "read_rules"]

_STEP: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\['([^']+)'\]")
_INPUT_KEYS: Final = ("Input", "InputPath", "InputTransformer")


@dataclass(frozen=True, slots=True)
class Target:
    """A stream that a rule feeds; `key_path` are the steps to the partition key, () is the id.

    max_age      seconds after which no retry is made, 60 to 86400
    max_retries  0 to 185
    dead_letter  ARN of the SQS queue, "" without one
    """

    target_id: str
    stream_arn: str
    key_path: tuple[str, ...]
    max_age: int
    max_retries: int
    dead_letter: str

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.stream_arn.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the default bus that has streams as targets."""

    name: str
    pattern: EventPattern
    targets: tuple[Target, ...]


def read_rules(template: Template) -> list[Rule]:
    """The template's enabled rules of the default bus that have Kinesis streams as targets.

    Other targets are left out; schedules have no pattern and no event. Raises TemplateError.
    """
    rules = []
    for name, body in template.resources.items():
        if body["Type"] != "AWS::Events::Rule":
            continue
        try:
            rule = _rule(name, template.resolve(body["Properties"]))
        except (TemplateError, PatternError) as error:
            raise TemplateError(f"{name}: {error}") from error
        if rule is not None:
            rules.append(rule)
    return rules


def _rule(name: str, properties: Mapping[str, Any]) -> Rule | None:
    bus = str(properties.get("EventBusName", "default")).rsplit("/", 1)[-1]
    disabled = properties.get("State", "ENABLED") == "DISABLED"
    if disabled or bus != "default" or "EventPattern" not in properties:
        return None
    targets = [_target(target) for target in properties.get("Targets", []) if _is_stream(target)]
    if not targets:
        return None
    pattern = EventPattern(properties["EventPattern"])
    return Rule(str(properties.get("Name", name)), pattern, tuple(targets))


def _is_stream(target: object) -> bool:
    if not isinstance(target, dict) or not isinstance(target.get("Arn"), str):
        raise TemplateError(f"a target needs an Arn, not {target!r}")
    return bool(re.fullmatch(r"arn:[^:]+:kinesis:[^:]*:[^:]*:stream/.+", target["Arn"]))


def _target(target: Mapping[str, Any]) -> Target:
    if changed := [key for key in _INPUT_KEYS if key in target]:
        raise TemplateError(f"{changed[0]}: streams are given the whole event on the laptop")
    path = target.get("KinesisParameters", {}).get("PartitionKeyPath")
    policy = target.get("RetryPolicy", {})
    return Target(
        target_id=str(target.get("Id", "")),
        stream_arn=target["Arn"],
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
