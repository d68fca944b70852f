"""Pacing by elapsed time."""

from __future__ import annotations

from tradewire.sim.pace import Pace


def test_pace_follows_the_time() -> None:
    pace = Pace(300)
    for step in range(1, 501):
        pace.made += max(0, pace.due(step * 0.002)) + (step % 97 == 0)  # a sweep makes one too many now and then
        assert abs(pace.made - step * 0.6) <= 2
    assert (pace.made, pace.skipped) == (300, 0)


def test_pace_skips_what_is_too_late() -> None:
    pace = Pace(1_000)
    assert pace.due(0.05) == 50
    pace.made = 50
    assert pace.due(10.05) == 501
    assert pace.skipped == 10_000 - 501
    pace.made += 501
    assert pace.due(10.06) == 10


def test_pace_gives_portions() -> None:
    pace = Pace(50_000)
    portions = []
    while due := pace.due(0.25):
        portions.append(due)
        pace.made += due
    assert sum(portions) == 12_500
    assert max(portions) == 2_000
