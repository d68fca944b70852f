"""The pure-Python core: clear first, fast second; the reference for what the native core must do."""

from __future__ import annotations

from time import monotonic_ns
from time import time_ns as wall_ns

__all__ = ["PROFILE", "VERSION", "monotonic_ns", "wall_ns"]

VERSION = "0.1.0"
PROFILE = "pure"
