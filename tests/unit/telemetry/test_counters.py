"""Counters and rates."""

from __future__ import annotations

import pytest

from tradewire.telemetry import Counters, Rate


def test_declared_names_are_present_from_the_start() -> None:
    assert Counters("a", "b").snapshot() == {"a": 0, "b": 0}


def test_totals_add_up_and_unknown_names_are_zero() -> None:
    counters = Counters()
    counters.add("reads")
    counters.add("reads", 4)
    counters.add_all({"trade": 2, "quote": 3}, "messages.")
    counters.add_all({"trade": 1}, "messages.")
    assert counters["reads"] == 5
    assert counters["never"] == 0
    assert counters.group("messages.") == {"trade": 3, "quote": 3}


def test_they_show_their_totals() -> None:
    assert repr(Counters("a", elsewhere=lambda: {"b": 2})) == "Counters({'a': 0, 'b': 2})"


def test_a_snapshot_does_not_go_on_counting() -> None:
    counters = Counters("a")
    before = counters.snapshot()
    counters.add("a")
    assert before == {"a": 0}


@pytest.mark.parametrize(("total", "now_ns", "expected"), [(100, 2_000_000_000, 100.0), (50, 1_500_000_000, 100.0)])
def test_rate_is_per_second_since_the_last_reading(total: int, now_ns: int, expected: float) -> None:
    rate = Rate(0, 1_000_000_000)
    assert rate.update(total, now_ns) == expected
    assert rate.update(total, now_ns + 1) == 0.0


def test_rate_without_elapsed_time_keeps_its_reading() -> None:
    rate = Rate(0, 5)
    assert rate.update(10, 5) == 0.0
    assert rate.update(10, 1_000_000_005) == 10.0
