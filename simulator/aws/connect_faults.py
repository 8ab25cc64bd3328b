"""Faults of DescribeContact."""

from typing import Literal

ConnectFault = Literal["hang", "500", "throttle"]
