"""template.yaml with its references resolved, as CloudFormation would resolve them."""

from pathlib import Path

from simulator.sam.template import Template, load_template

TEMPLATE = Path(__file__).resolve().parents[2] / "template.yaml"

# Invented ids.
INSTANCE = "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c-1111-4222-8333-444455556666"
SECRET = "arn:aws:secretsmanager:us-west-2:111122223333:secret:center-a1B2c3"
LENS_STREAM = "arn:aws:kinesis:us-west-2:111122223333:stream/contact-lens"
WAITING_QUEUE = "arn:aws:sqs:us-west-2:111122223333:waiting.fifo"
DEAD_LETTER_QUEUE = "arn:aws:sqs:us-west-2:111122223333:letters"
POST_CALL_FUNCTION = "arn:aws:lambda:us-west-2:111122223333:function:post-call-analysis"
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
            "ContactEventRetryQueue": "https://sqs.us-west-2.amazonaws.com/111122223333/events",
            "ContactRecordRetryQueue": "https://sqs.us-west-2.amazonaws.com/111122223333/records",
            "ContactEventRetryQueue.Arn": "arn:aws:sqs:us-west-2:111122223333:events",
            "ContactRecordRetryQueue.Arn": "arn:aws:sqs:us-west-2:111122223333:records",
            "FailureBucket": "failures",
            "FailureBucket.Arn": BUCKET,
            "ContactEventStream.Arn": STREAM,
            "ContactRecordStream.Arn": RECORD_STREAM,
            "ContactLensStream.Arn": LENS_STREAM,
            "WaitingQueue": "https://sqs.us-west-2.amazonaws.com/111122223333/waiting.fifo",
            "WaitingQueue.Arn": WAITING_QUEUE,
            "DeadLetterQueue.Arn": DEAD_LETTER_QUEUE,
            "PostCallAnalysisFunction": "post-call-analysis",
            "PostCallAnalysisFunction.Arn": POST_CALL_FUNCTION,
            "ContactEventRuleRole.Arn": "arn:aws:iam::111122223333:role/rules",
            "EventRuleDeadLetterQueue.Arn": RULE_QUEUE,
            **parameters,
        },
    )
