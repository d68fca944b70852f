"""The two clocks. Durations use the monotonic one, time stamps the wall clock; never the other way round."""

from __future__ import annotations

from time import monotonic_ns
from time import time_ns as wall_ns

__all__ = ["monotonic_ns", "wall_ns"]
