"""The Amazon Connect instance of the simulator, from which the sample events come."""

from typing import Final

INSTANCE_ARN: Final = (
    "arn:aws:connect:us-west-2:111122223333:instance/0f0e0d0c-1111-4222-8333-444455556666"
)
"""The rules of the template let no other instance's events through."""
