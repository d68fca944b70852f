"""Rates from totals, on invented time."""

from __future__ import annotations

from tradewire.telemetry import Counters
from tradewire.telemetry.throughput import Throughput

SECOND = 1_000_000_000


def test_rates_over_a_second_or_more() -> None:
    counters = Counters()
    throughput = Throughput(counters)
    counters.add("messages", 1_000)
    throughput.tick(5 * SECOND)
    assert (throughput.messages_per_s, throughput.bytes_per_s) == (0.0, 0.0)
    counters.add("messages", 300)
    counters.add("bytes", 3_000)
    throughput.tick(5 * SECOND + SECOND // 2)
    assert throughput.messages_per_s == 0.0, "half a second says nothing yet"
    throughput.tick(6 * SECOND + SECOND // 2)
    assert (throughput.messages_per_s, throughput.bytes_per_s) == (200.0, 2_000.0)
    throughput.tick(6 * SECOND + SECOND)
    assert throughput.messages_per_s == 200.0
    throughput.tick(8 * SECOND)
    assert throughput.messages_per_s == 0.0
