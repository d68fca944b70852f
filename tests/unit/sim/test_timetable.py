"""Calls at full multiples of their periods."""

from __future__ import annotations

from tradewire.sim.timetable import Timetable


def test_each_at_its_period_and_in_order() -> None:
    calls: list[tuple[str, int]] = []
    table = Timetable([(100, lambda now: calls.append(("a", now))), (250, lambda now: calls.append(("b", now)))])
    for now_ms in range(1_000, 1_501, 50):
        table.advance(now_ms)
    assert [now for name, now in calls if name == "a"] == [1_000, 1_100, 1_200, 1_300, 1_400, 1_500]
    assert [now for name, now in calls if name == "b"] == [1_000, 1_250, 1_500]
    assert calls[:2] == [("a", 1_000), ("b", 1_000)]


def test_a_late_owner_calls_once() -> None:
    calls: list[int] = []
    table = Timetable([(100, calls.append)])
    for now_ms in (1_000, 1_950, 1_990, 2_000):
        table.advance(now_ms)
    assert calls == [1_000, 1_950, 2_000]


def test_a_clock_set_back_does_not_stop_it() -> None:
    calls: list[int] = []
    table = Timetable([(100, calls.append)])
    for now_ms in (5_000, 1_010, 1_020, 1_100):
        table.advance(now_ms)
    assert calls == [5_000, 1_010, 1_100]
