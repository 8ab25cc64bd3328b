"""The ledger's table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voicecall_bridge.composition.aws import STREAM_SECONDS
from voicecall_bridge.ledger.dynamodb import DynamoDb
from voicecall_bridge.ledger.table import Table

if TYPE_CHECKING:
    from voicecall_bridge.composition.aws import AwsClients


def ledger_table(aws: AwsClients, name: str, seconds: float = STREAM_SECONDS) -> Table:
    """A function's table.

    Args:
        aws: the clients that share connections and credentials.
        name: the table's.
        seconds: for connecting, and for an answer.
    """
    client = aws.maker("dynamodb", seconds)
    return Table(lambda: DynamoDb(client(), aws.credentials, aws.attempts), name)
