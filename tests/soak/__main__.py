"""`make soak`: random calls through the real handlers, with faults and kills, against models.

Prints the tally, the faults by kind and the violations, of which there must be none. The same seed
repeats a run.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time as real_time
from typing import TYPE_CHECKING

from tests.soak.centers import DEFAULT, SECOND_ARN, secrets
from tests.soak.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.soak.world import World

ENVIRONMENT = {
    "CONTACT_CENTER_SECRET": DEFAULT,
    "CONTACT_CENTER_SECRETS": SECOND_ARN,
    "LEDGER_TABLE": "ledger",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/111122223333/letters",
    "RETRY_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/111122223333/retries",
    "WAITING_QUEUE_URL": "https://sqs.us-west-2.amazonaws.com/111122223333/lines.fifo",
    "FAILURE_BUCKET": "failures",
    "POWERTOOLS_SERVICE_NAME": "soak",
    "POWERTOOLS_METRICS_NAMESPACE": "soak",
    "AWS_DEFAULT_REGION": "us-west-2",
    "AWS_LAMBDA_FUNCTION_NAME": "soak",
}
SHOWN_VIOLATIONS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; exit status 1 where a promise did not hold."""
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stop", nargs="?", const="", help="at the first violation with this text")
    parsed = parser.parse_args(arguments)
    begun = real_time.process_time()
    os.environ.update(ENVIRONMENT)
    random.seed(parsed.seed)
    clock = Clock()
    clock.install()
    # Imported only after the clock is installed: the bridge takes time.time as a default.
    from tests.soak.world import World  # noqa: PLC0415

    world = World(parsed.seed, clock, secrets())
    world.run(parsed.deliveries, stops=parsed.stop)
    _show(world, parsed.seed, real_time.process_time() - begun)
    return 1 if world.violations else 0


def _show(world: World, seed: int, seconds: float) -> None:
    print(f"deliveries   {world.deliveries:,} of {world.inputs:,} inputs, seed {seed}")
    print("tally")
    for end, count in sorted(world.books.ends.items()):
        print(f"  {count:9,}  {end}")
    print(f"faults       {sum(world.chance.faults.values()):,}")
    for kind, count in sorted(world.chance.faults.items()):
        print(f"  {count:9,}  {kind}")
    print(f"second VoiceCalls after an unknown outcome: {world.books.second_calls:,}")
    print(f"violations   {len(world.violations):,}")
    # The first violation of each kind, without its contact.
    first = {broken.rpartition(": ")[2]: broken for broken in reversed(world.violations)}
    for broken in list(first.values())[:SHOWN_VIOLATIONS]:
        print(f"  {broken}")
    each = seconds / max(1, world.deliveries) * 1000
    print(f"CPU          {seconds:.0f} s, {each:.1f} ms a delivery")


if __name__ == "__main__":
    sys.exit(main())
