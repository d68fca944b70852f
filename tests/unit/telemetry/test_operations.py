"""Calls by name: timed, and failures counted."""

from __future__ import annotations

from tradewire.telemetry import OperationLatency


def test_by_name() -> None:
    calls = OperationLatency()
    for elapsed in range(1_000, 101_000, 1_000):
        calls.record("place_order", elapsed)
    calls.record("ping", 1_000, failed=True)
    summary = calls.summary()
    assert summary["ping"] == {
        "count": 1, "failures": 1, "p50_ns": 1_000, "p99_ns": 1_000, "p99_9_ns": 1_000, "max_ns": 1_000,
    }  # fmt: skip
    assert summary["place_order"]["count"] == 100
    assert abs(summary["place_order"]["p50_ns"] - 50_000) <= 50
    assert calls.histogram("place_order") is not None
    assert calls.histogram("never") is None
    assert (calls.failures("ping"), calls.failures("place_order"), calls.failures("never")) == (1, 0, 0)
    assert calls.operations == ("place_order", "ping")
