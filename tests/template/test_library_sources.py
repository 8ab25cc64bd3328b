"""What the layer's libraries do not load or register, and that all used parts work as before."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import build
import library_sources
import pruning
import pytest

INSTALLED = Path(botocore.__file__).parents[1]
LIBRARIES = ("aws_lambda_powertools", "botocore", "certifi", "dateutil", "requests", "urllib3")
CALLED = {"s3": {"GetObject"}, "secrets-manager": {"GetSecretValue"}}
HANDLERS = """
BUILTIN_HANDLERS = [
    ('before-call', of_all),
    # of one service
    ('before-call.s3', of_s3),
    (
        'before-parse.s3.*',
        of_each,
        FIRST,
    ),
    ('before-call.s3.GetObject', of_get),
    ('before-call.s3.CopyObject', of_copy),
    (
        'before-call.ec2',
        of_ec2,
    ),
    ('docs.*.s3.GetObject.complete-section', of_docs),
    ('getattr.mturk.list', of_mturk),
]
"""
ADDRESSES = """
import json, sys
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config

asked, regions = json.loads(sys.argv[1]), json.loads(sys.argv[2])
sent = []

def answer(request, **_):
    headers = dict(request.headers.items())
    scope = str(headers["Authorization"]).partition("Credential=")[2].partition(",")[0]
    sent.append([request.url, scope.split("/")[2:]])
    return AWSResponse(request.url, 200, {}, type("", (), {"stream": lambda self: iter([b"{}"])})())

session = botocore.session.get_session()
session.set_credentials("key", "secret")
for service, (operation, arguments) in asked.items():
    for region, fips in regions:
        config = Config(use_fips_endpoint=fips, parameter_validation=False)
        client = session.create_client(service, region_name=region, config=config)
        client.meta.events.register("before-send", answer)
        getattr(client, operation)(**arguments)
print(json.dumps(sent))
"""
OPERATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("update_item", {"TableName": "t", "Key": {}}),
    "secretsmanager": ("get_secret_value", {"SecretId": "s"}),
}
"""A call of each service that is pruned of its rules for addresses."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copies of installed libraries, pruned."""
    folder = tmp_path_factory.mktemp("site")
    for name in LIBRARIES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(INSTALLED / name, folder / name, ignore=ignored)
    build.prune(folder)
    return folder


def run(site: Path, program: str, *arguments: str) -> str:
    """The output of a program that finds the pruned libraries first."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, *arguments],
        env={"PYTHONPATH": f"{site}:{INSTALLED}", "AWS_EC2_METADATA_DISABLED": "true"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_handlers_of_events_that_can_happen_stay() -> None:
    pruned = library_sources.pruned_handlers(HANDLERS, CALLED)
    names: dict[str, Any] = {
        name: name for name in ("of_all", "of_s3", "of_each", "of_get", "FIRST")
    }
    exec(compile(pruned, "handlers", "exec"), names)
    assert names["BUILTIN_HANDLERS"] == [
        ("before-call", "of_all"),
        ("before-call.s3", "of_s3"),
        ("before-parse.s3.*", "of_each", "FIRST"),
        ("before-call.s3.GetObject", "of_get"),
    ]


@pytest.mark.parametrize(
    "text",
    ["", "BUILTIN_HANDLERS = []", "BUILTIN_HANDLERS = made()", "BUILTIN_HANDLERS = [(a, b)]"],
)
def test_handlers_in_another_form_stop_the_build(text: str) -> None:
    with pytest.raises(library_sources.SourceChangedError, match="BUILTIN_HANDLERS"):
        library_sources.pruned_handlers(text, CALLED)


def test_addresses_are_those_of_the_whole_library(site: Path) -> None:
    """Given each region that botocore knows, with FIPS or without, then a request goes to the same
    address, signed for the same region and service, as with the rules that are left out. DynamoDB
    has two addresses with FIPS in GovCloud, and botocore's table names the other one."""
    assert OPERATIONS.keys() == set(pruning.ONE_ADDRESS)
    session = botocore.session.get_session()
    regions = [
        (region, fips)
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("dynamodb", partition)
        for fips in (False, True)
    ]
    assert len(regions) > 60
    asked = json.dumps(OPERATIONS, default=str), json.dumps(regions)

    pruned = json.loads(run(site, ADDRESSES, *asked))

    assert len(pruned) == len(OPERATIONS) * len(regions)
    whole = json.loads(run(INSTALLED, ADDRESSES, *asked))
    differing = [pair for pair in zip(pruned, whole, strict=True) if pair[0] != pair[1]]
    assert [(mine[0], theirs[0]) for mine, theirs in differing] == [
        (
            f"https://dynamodb-fips.{region}.amazonaws.com/",
            f"https://dynamodb.{region}.amazonaws.com/",
        )
        for region in ("us-gov-east-1", "us-gov-west-1")
    ]


@pytest.mark.parametrize("text", ["", "EVENT_ALIASES = {}", "EVENT_ALIASES = made()"])
def test_aliases_in_another_form_stop_the_build(text: str) -> None:
    with pytest.raises(library_sources.SourceChangedError, match="EVENT_ALIASES"):
        library_sources.pruned_aliases(text, set(CALLED))


@pytest.mark.parametrize("place", sorted(library_sources.EDITS))
def test_changed_text_stops_the_build(tmp_path: Path, place: str) -> None:
    """Given a library that no longer has what is to be replaced, then the build names the file."""
    for each in library_sources.EDITS:
        (tmp_path / each).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(INSTALLED / each, tmp_path / each)
    (tmp_path / place).write_text("")
    with pytest.raises(
        library_sources.SourceChangedError, match=rf"{Path(place).name}: .* is there 0 times"
    ):
        library_sources.edit_sources(tmp_path, {})


EVENTS = """
import json, sys
from botocore.session import Session
found = {}
for service, operations in json.loads(sys.argv[1]).items():
    client = Session().create_client(
        service, "us-east-1", aws_access_key_id="id", aws_secret_access_key="key"
    )
    name = client.meta.service_model.service_id.hyphenize()
    for operation in operations:
        for kind in json.loads(sys.argv[2]):
            handlers = client.meta.events._emitter._handlers.prefix_search(
                f"{kind}.{name}.{operation}"
            )
            names = [getattr(each, "__qualname__", repr(type(each))) for each in handlers]
            # Of a model that has endpoint discovery's own operation, which the bridge never asks.
            if "block_endpoint_discovery_required_operations" in names:
                names.remove("block_endpoint_discovery_required_operations")
            found[f"{kind}.{name}.{operation}"] = names
print(json.dumps(found))
"""
KINDS = [
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
    "before-send",
    "before-parse",
    "response-received",
    "needs-retry",
    "after-call",
    "after-call-error",
]


def test_events_of_each_call_have_the_handlers_that_they_had(site: Path) -> None:
    """Given each operation that the bridge calls, when botocore is pruned, then the same functions
    take part in a call, in the same order."""
    operations = {name: sorted(called) for name, called in pruning.AWS_OPERATIONS.items()}
    asked = (json.dumps(operations), json.dumps(KINDS))
    pruned: dict[str, Any] = json.loads(run(site, EVENTS, *asked))
    before: dict[str, list[str]] = json.loads(run(INSTALLED, EVENTS, *asked))
    assert pruned == before
    assert len(before["before-parameter-build.s3.PutObject"]) > 3


USE = """
import sys
import aws_lambda_powertools.logging, aws_lambda_powertools.metrics
import botocore.session, botocore.credentials, botocore.utils, requests
late = {"subprocess", "zipfile", "idna", "typing_extensions", "dateutil.parser._parser"}
late.add("configparser")
assert not late & sys.modules.keys(), late & sys.modules.keys()
assert botocore.utils.parse_timestamp("2026-11-27T10:20:30Z").minute == 20
profile = {"credential_process": sys.argv[1]}
process = botocore.credentials.ProcessProvider("p", lambda: {"profiles": {"p": profile}})
assert process.load().access_key == "id"
assert botocore.configloader.load_config(sys.argv[3])["profiles"]["p"] == {"region": "r"}
assert open(requests.utils.extract_zipped_paths(sys.argv[2])).read() == "inner"
assert requests.Request("GET", "http://b\\u00fccher.example").prepare().url.startswith("http://xn--")
try:
    from aws_lambda_powertools.utilities import jmespath_utils
    jmespath_utils.query({}, "a")
except RuntimeError as error:
    assert str(error).startswith("the layer has no"), error
else:
    raise AssertionError("found")
"""


def test_what_is_loaded_late_works_when_it_is_used(site: Path, tmp_path: Path) -> None:
    """Given the libraries, when pruned, then a start loads less, and dates as texts, credentials of
    a process, certificates in a ZIP file, files of settings and hosts beyond ASCII still work."""
    answer = '{"Version": 1, "AccessKeyId": "id", "SecretAccessKey": "key"}'
    (tmp_path / "answer.json").write_text(answer)
    (tmp_path / "inner.txt").write_text("inner")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "inner.txt")
    (tmp_path / "config").write_text("[profile p]\nregion = r\n")
    run(site, USE, f"cat {tmp_path}/answer.json", f"{packed}/inner.txt", f"{tmp_path}/config")
