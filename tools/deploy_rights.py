"""The rights to deploy, from the resource types' own schemas: `python -m tools.deploy_rights`.

CloudFormation makes resources with the rights of whoever deploys. Which rights each type's handlers
need stands in its schema in CloudFormation's registry, which cfn-lint carries along. A handler asks
for more than this template makes it do: rights for properties that are not set are among them.

    docs/deploy-rights/<number>.json    IAM policies, each short enough for a managed policy
    docs/deploying.md                   a table of them between two marks

Two lines are written by hand, since no resource type asks for them: CloudFormation, SAM's bucket.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cfnlint.schema.manager import ProviderSchemaManager

from tools.expanded import expanded

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "deploying.md"
POLICIES: Final = ROOT / "docs" / "deploy-rights"
BEGIN: Final = "<!-- rights: make docs -->"
END: Final = "<!-- end of rights -->"
LONGEST_POLICY: Final = 6144
"""Characters of a managed policy, white space apart (IAM user guide, quotas)."""

_HANDLERS: Final = ("create", "read", "update", "delete")
_REGION: Final = "us-east-1"
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z]+")
"""An IAM action. Some schemas name events of logs beside them ("s3:REST.PUT.OBJECT")."""
STACK: Final = "AWS::CloudFormation::Stack"
BY_HAND: Final[Mapping[str, tuple[str, ...]]] = {
    "change sets, and what sam shows of a stack": (
        "cloudformation:CreateChangeSet",  # on the transform Serverless-2016-10-31 too
        "cloudformation:DeleteChangeSet",
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStackResources",
        "cloudformation:ExecuteChangeSet",
        "cloudformation:GetTemplateSummary",
        "cloudformation:ListStackResources",
    ),
    "the bucket of SAM's stack aws-sam-cli-managed-default": ("s3:PutObject",),
}
OPTIONAL: Final[Mapping[str, str]] = {
    "AWS::Connect::IntegrationAssociation": "AssociateContactFlowFunction",
    "AWS::Connect::InstanceStorageConfig": "AttachContactRecordStream",
    "AWS::Logs::MetricFilter": "ConnectFlowLogGroupName",
}
"""Types that only a parameter asks for."""


def rights(types: set[str]) -> dict[str, set[str]]:
    """Resource type -> the actions that its handlers need.

    Raises ValueError for a type without rights in its schema.
    """
    schemas = ProviderSchemaManager()
    found = {}
    for kind in sorted(types):
        handlers = schemas.get_resource_schema(_REGION, kind).schema.get("handlers") or {}
        named = {
            action
            for handler in _HANDLERS
            for action in handlers.get(handler, {}).get("permissions", [])
            if _ACTION.fullmatch(action)
        }
        if not named:
            raise ValueError(f"{kind}: its schema names no rights; write them into BY_HAND")
        # IAM does not look at the case of an action; some schemas spell one twice.
        found[kind] = set(
            {action.lower(): action for action in sorted(named, reverse=True)}.values()
        )
    return found


def needed() -> dict[str, set[str]]:
    """Source of rights -> the rights: each resource type of the template, and BY_HAND."""
    document = expanded(ROOT / "template.yaml")
    types = {resource["Type"] for resource in document["Resources"].values()} | {STACK}
    return {**rights(types), **{what: set(actions) for what, actions in BY_HAND.items()}}


def policies(asked: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    """IAM policies that hold all of it, one statement a service, optional types apart."""
    always = set().union(*(each for what, each in asked.items() if what not in OPTIONAL))
    optional = set().union(*(asked[what] for what in OPTIONAL if what in asked)) - always
    statements = [*_statements("", always), *_statements("Optional", optional)]
    made: list[dict[str, Any]] = []
    for statement in statements:
        if not made or _length([*made[-1]["Statement"], statement]) > LONGEST_POLICY:
            made.append({"Version": "2012-10-17", "Statement": []})
        made[-1]["Statement"].append(statement)
    return made


def _statements(prefix: str, actions: set[str]) -> Iterator[dict[str, Any]]:
    for service in sorted({action.split(":")[0] for action in actions}):
        named = sorted(action for action in actions if action.split(":")[0] == service)
        sid = prefix + "".join(part.capitalize() for part in service.split("-"))
        yield {"Sid": sid, "Effect": "Allow", "Action": named, "Resource": "*"}


def _length(statements: list[dict[str, Any]]) -> int:
    policy = {"Version": "2012-10-17", "Statement": statements}
    return len(json.dumps(policy, separators=(",", ":")))


def table(asked: Mapping[str, set[str]]) -> str:
    """The table for docs/deploying.md: each service, how many rights, and what asks for them."""
    lines = ["| service | rights | asked for by |", "|---|---|---|"]
    services = sorted({action.split(":")[0] for actions in asked.values() for action in actions})
    for service in services:
        who = {
            what: [action for action in actions if action.split(":")[0] == service]
            for what, actions in asked.items()
        }
        count = len({action for actions in who.values() for action in actions})
        named = ", ".join(_named(what) for what, actions in who.items() if actions)
        lines.append(f"| {service} | {count} | {named} |")
    return "\n".join(lines) + "\n"


def _named(what: str) -> str:
    name = f"`{what.removeprefix('AWS::')}`" if what.startswith("AWS::") else what
    return f"{name} (with `{OPTIONAL[what]}`)" if what in OPTIONAL else name


def page(text: str, asked: Mapping[str, set[str]]) -> str:
    """The page with its table written anew. Raises ValueError when a mark is missing."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{PAGE.name}: {BEGIN} or {END} is missing")
    return f"{before}{BEGIN}\n{table(asked)}{END}{after}"


def files(asked: Mapping[str, set[str]]) -> dict[str, str]:
    """Name -> content of each policy file."""
    return {
        f"{number}.json": json.dumps(policy, indent=1) + "\n"
        for number, policy in enumerate(policies(asked), start=1)
    }


def main() -> int:
    """Write the page's table and the policies anew."""
    asked = needed()
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), asked), encoding="utf-8")
    POLICIES.mkdir(exist_ok=True)
    for old in POLICIES.glob("*.json"):
        old.unlink()
    for name, text in files(asked).items():
        (POLICIES / name).write_text(text, encoding="utf-8")
    total = len(set().union(*asked.values()))
    print(f"rights to deploy: {total}, in {len(files(asked))} policies")
    return 0


if __name__ == "__main__":
    sys.exit(main())
