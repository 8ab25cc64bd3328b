"""The layer has exactly the AWS operations that the package calls: see pruning.py."""

import ast

import botocore.loaders
import pruning
import pytest
from botocore import xform_name

from tests.architecture.source_code import LAYER

OF_BOTOCORE = {"s3": {"HeadBucket"}}
"""Operations that botocore itself calls: it looks up a bucket's region."""
IN_ONE_WORD = {"lambda": {"Invoke"}}
"""Operations that `named` does not find: their methods have no underscore."""


def named() -> set[str]:
    """Every attribute and text of the package that may be a client's method."""
    return {
        name
        for path in LAYER.glob("voicecall_bridge/**/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (getattr(node, "attr", None), getattr(node, "value", None))
        if isinstance(name, str) and "_" in name  # `query` is also a part of an address
    }


@pytest.mark.parametrize("service", sorted(pruning.AWS_OPERATIONS))
def test_every_operation_that_is_called_is_kept(service: str) -> None:
    """Given the methods of a service's client, when the package names one, then its operation is in
    the layer. Without it the call would fail there, and nowhere else."""
    model = botocore.loaders.create_loader().load_service_model(service, "service-2")
    methods = {xform_name(operation): operation for operation in model["operations"]}
    called = {methods[name] for name in named() & methods.keys()}
    kept = pruning.AWS_OPERATIONS[service]
    others = set().union(*(pruning.AWS_OPERATIONS[each] for each in pruning.AWS_OPERATIONS))
    assert not called - others, "add them to AWS_OPERATIONS in pruning.py"
    found_elsewhere = OF_BOTOCORE.get(service, set()) | IN_ONE_WORD.get(service, set())
    assert kept - found_elsewhere <= called, "the package does not call them"
