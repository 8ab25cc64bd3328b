"""template.yaml with its references resolved, as CloudFormation would resolve them."""

from pathlib import Path

from simulator.sam.template import Template, load_template

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"

# Invented ids.
INSTANCE = "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c-1111-4222-8333-444455556666"
SECRET = "arn:aws:secretsmanager:us-west-2:111122223333:secret:center-a1B2c3"
RECORD_STREAM = "arn:aws:kinesis:us-west-2:111122223333:stream/contact-records"
STREAM = "arn:aws:kinesis:us-west-2:111122223333:stream/contact-events"
BUCKET = "arn:aws:s3:::failures"
RULE_QUEUE = "arn:aws:sqs:us-west-2:111122223333:rule-letters"


def deployed(**parameters: object) -> Template:
    """The template as deployed with `parameters` besides those that have no default."""
    return load_template(
        TEMPLATE,
        {
            "ConnectInstanceArn": INSTANCE,
            "ContactCenterSecretArn": SECRET,
            "LedgerTable": "ledger",
            "ContactFlowSettings.VersionNumber": "1",
            "DeadLetterQueue": "https://sqs.us-west-2.amazonaws.com/111122223333/letters",
            "FailureBucket": "failures",
            "FailureBucket.Arn": BUCKET,
            "ContactEventStream.Arn": STREAM,
            "ContactRecordStream.Arn": RECORD_STREAM,
            "ContactEventRuleRole.Arn": "arn:aws:iam::111122223333:role/rules",
            "EventRuleDeadLetterQueue.Arn": RULE_QUEUE,
            **parameters,
        },
    )
