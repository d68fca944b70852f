"""Latency spans and counters that every layer writes to. Not for exporting: monitoring reads them."""

from __future__ import annotations

from .counters import Counters, Rate
from .latency import HOPS, LatencySpans

__all__ = ["HOPS", "Counters", "LatencySpans", "Rate"]
