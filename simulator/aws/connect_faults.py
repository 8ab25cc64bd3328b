"""How DescribeContact can be told to fail."""

from typing import Literal

ConnectFault = Literal["hang", "500", "throttle"]
