"""The addresses of a simulator that is left running, for a person."""

import os
from collections.abc import Iterator
from shlex import quote

from simulator.functions.lambda_api import LambdaApi
from simulator.simulator import ROOT, Simulator

# The contact of events/contact_events/queued.json.
_CONTACT = (
    '{"Id": "c0001005-aaaa-4bbb-8ccc-000000001005", "Channel": "VOICE", '
    '"InitiationMethod": "INBOUND", "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", '
    '"Address": "+12065550100"}}'
)
# Without `method` it would be for POST alone: contact records and routing would go on.
_FAULT = '{"kind": "status", "status": 503, "method": null, "times": null}'


def addresses(simulator: Simulator, lambda_api: LambdaApi) -> Iterator[str]:
    """Lines that say where everything is and what to try."""
    function = simulator.sources["contact_flow"].function
    environment = simulator.environment(function)
    admin = simulator.salesforce.admin_url
    functions = f"{lambda_api.url}/2015-03-31/functions"
    redrive = f"{functions}/{simulator.sources['redrive'].function}/invocations"
    invoke = f"{functions}/{function}/invocations"
    events = quote(os.path.relpath(ROOT / "events"))
    yield f"Salesforce        {simulator.salesforce.base_url}"
    yield f"  its inside      {admin}"
    yield f"AWS               {simulator.aws.endpoint}  ({simulator.aws.region}, any credentials)"
    yield f"  secret          {environment['CONTACT_CENTER_SECRET']}"
    yield from (f"  {name}  {arn}" for name, arn in simulator.aws.further.items())
    yield f"  private key     {simulator.aws.key_parameter}  (Parameter Store)"
    yield f"  ledger          {environment['LEDGER_TABLE']}"
    yield f"  dead letters    {environment['DEAD_LETTER_QUEUE_URL']}"
    yield f"  streams         {simulator.sources.streams}  (read all the time)"
    yield f"Amazon Connect    {simulator.connect.url}  (DescribeContact)"
    yield f"Lambda            {lambda_api.url}"
    yield ""
    yield "Deliver an event; make all of Salesforce fail; make it work again; see what it stored:"
    yield f"  curl -d @{events}/contact_flow/inbound.json {invoke}"
    yield f"  curl -d {quote(_FAULT)} {admin}/faults"
    yield f"  curl -X DELETE {admin}/faults"
    yield f"  curl {admin}/calls"
    yield ""
    yield "Add a contact to DescribeContact, publish an event of it; ask for dead letters:"
    yield f"  curl -d {quote(_CONTACT)} {lambda_api.url}/contacts"
    yield f"  curl -d @{events}/contact_events/queued.json {lambda_api.url}/events"
    yield f"  curl -d @{events}/contact_records/inbound_answered.json {lambda_api.url}/records"
    yield f"  curl -d '{{\"dryRun\": true}}' {redrive}"
    yield ""
    yield f"End it with Ctrl-C or kill {os.getpid()}"


def exports(simulator: Simulator) -> Iterator[str]:
    """Lines of a file that a shell can source: for sam local, a debugger, or `./bridge doctor`."""
    environment = simulator.environment(simulator.sources["contact_flow"].function)
    # The SDK reads AWS_DEFAULT_REGION alone; Lambda sets both.
    region = {"AWS_DEFAULT_REGION": environment.get("AWS_REGION", "us-east-1")}
    credentials = {"AWS_ACCESS_KEY_ID": "laptop", "AWS_SECRET_ACCESS_KEY": "laptop"}
    for name, value in {**environment, **region, **credentials}.items():
        yield f"export {name}={quote(value)}"
