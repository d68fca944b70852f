"""The two clocks. Durations use the monotonic one, time stamps the wall clock; never the other way round."""

from __future__ import annotations

import time
from time import monotonic_ns

__all__ = ["monotonic_ns", "wall_ns"]


def wall_ns() -> int:
    """The wall clock, ns since 1970."""
    return time.time_ns()
