"""The expanded template's policies as files, their references resolved: what parliament reads.

    python -m tools.policy_files .build/options.json .build/policies

Each policy is one file, named by its resource and what it is. References are ARNs of the right
shape with invented ids, since parliament compares an action with the resource that it is allowed
on.

    identity/    what roles may do: parliament checks it whole
    resource/    trust, queue, bucket, topic and key policies: they have a Principal
"""

import argparse
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from simulator.sam.intrinsics import Resolver

REGION, ACCOUNT = "us-west-2", "111122223333"
ID = "12345678-90ab-cdef-1234-567890abcdef"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "bridge",
}
# Invented.
GIVEN = {
    "ConnectInstanceArn": f"arn:aws:connect:{REGION}:{ACCOUNT}:instance/{ID}",
    "ContactCenterSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:center-a1B2c3",
    "AdditionalContactCenterSecretArns": (
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:more-a1B2c3"
    ),
    "ContactRecordStreamArn": f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/records",
    "PrivateKeyParameterName": "center-scrt-jwt-auth-private-key",
}
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{ID}"
ARNS = {
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::KMS::Key": KEY,
    "AWS::Kinesis::Stream": "arn:aws:kinesis:{region}:{account}:stream/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:/aws/lambda/{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{lower}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
}


def values(document: dict[str, Any]) -> dict[str, object]:
    """The values of references."""
    found: dict[str, object] = dict(PSEUDO)
    for name in document["Parameters"]:
        found[name] = GIVEN.get(name, KEY if "KmsKeyArn" in name else "given")
    for name, resource in document["Resources"].items():
        shape = ARNS.get(resource["Type"], "arn:aws:other:::{name}")
        arn = shape.format(region=REGION, account=ACCOUNT, name=name, lower=name.lower())
        found[f"{name}.Arn"] = arn
        # A topic's Ref is its ARN.
        found[name] = arn if resource["Type"] == "AWS::SNS::Topic" else name
    return found


def policies(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file name below the folder, policy) of every policy, references resolved."""
    resolver = Resolver(values(document), {})

    def below(node: Any, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(node, dict):
            if "Statement" in node:
                policy = resolver.resolve(node)
                named = any("Principal" in each for each in policy["Statement"])
                yield f"{'resource' if named else 'identity'}/{name}.json", policy
            for key, value in node.items():
                yield from below(value, name if key == "PolicyDocument" else f"{name}-{key}")
        elif isinstance(node, list):
            for index, item in enumerate(node):
                yield from below(item, f"{name}-{index}" if index else name)

    for name, resource in document["Resources"].items():
        yield from below(resource.get("Properties", {}), name)


def main() -> None:
    """Writes the files anew."""
    arguments = argparse.ArgumentParser(description=main.__doc__)
    arguments.add_argument("document", type=Path)
    arguments.add_argument("folder", type=Path)
    asked = arguments.parse_args()
    shutil.rmtree(asked.folder, ignore_errors=True)
    document = json.loads(asked.document.read_text(encoding="utf-8"))
    for name, policy in policies(document):
        path = asked.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(policy, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
