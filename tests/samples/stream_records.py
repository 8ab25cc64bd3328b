"""A record of a Kinesis stream as Lambda passes it.

Source: Lambda developer guide, "Process Amazon Kinesis Data Streams records with Lambda".
"""

import base64
import json
from typing import Any

ARRIVED = 1_795_169_195.0


def stream_record(
    data: object,
    number: object = 1,
    *,
    key: str = "key",
    arrived: float = ARRIVED,
    stream: str = "contact-events",
) -> dict[str, Any]:
    """The record. Bytes and texts are its data as they are, all else becomes JSON.

    Args:
        data: of the record.
        number: its sequence number.
        key: its partition key.
        arrived: when it came into the stream, epoch seconds.
        stream: the stream's name.
    """
    if not isinstance(data, bytes):
        data = (data if isinstance(data, str) else json.dumps(data)).encode()
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": key,
            "sequenceNumber": str(number),
            "data": base64.b64encode(data).decode(),
            "approximateArrivalTimestamp": arrived,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::111122223333:role/{stream}",
        "awsRegion": "us-west-2",
        "eventSourceARN": f"arn:aws:kinesis:us-west-2:111122223333:stream/{stream}",
    }
