"""Latency spans and counters that every layer writes to. Not for exporting: monitoring reads them."""

from __future__ import annotations

from .counters import Counters, Rate
from .latency import HOPS, LatencySpans
from .limited_log import LimitedLog
from .operations import OperationLatency

__all__ = ["HOPS", "Counters", "LatencySpans", "LimitedLog", "OperationLatency", "Rate"]
