"""When connections are renewed, on invented time."""

from __future__ import annotations

from random import Random

import pytest

from tradewire.streaming.rotation import Progress, Rotation, Step, due_ns

SECOND = 1_000_000_000
DAY = 86_400 * SECOND


def test_due_before_the_end_and_not_all_at_once() -> None:
    random = Random(1)
    due = [due_ns(5, 86_400.0, random) - 5 for _ in range(1_000)]
    assert min(due) >= DAY * 0.90
    assert max(due) <= DAY * 0.95
    assert max(due) - min(due) > DAY * 0.04, "spread over the margin"


def progress(
    *, acknowledged: bool = True, heard: bool = True, met: bool = True, present_heard: bool = True, held: int = 0
) -> Progress:
    return Progress(acknowledged, heard, met, present_heard, held)


def test_switches_when_acknowledged_heard_and_caught_up() -> None:
    rotation = Rotation(0)
    assert rotation.step(progress(acknowledged=False, heard=False), SECOND) is Step.WAIT
    assert rotation.step(progress(heard=False), 2 * SECOND) is Step.WAIT
    assert rotation.step(progress(met=False), 3 * SECOND) is Step.WAIT, "messages of before are still on their way"
    assert rotation.step(progress(), 4 * SECOND) is Step.SWITCH


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (progress(met=False), Step.SWITCH),  # the present one is mute in a feed: never to be met
        (progress(heard=False, present_heard=False), Step.SWITCH),  # quiet on both
        (progress(heard=False), Step.ABANDON),  # the successor alone is mute
    ],
)
def test_comparing_ends(state: Progress, expected: Step) -> None:
    rotation = Rotation(0)
    assert rotation.step(state, SECOND) is Step.WAIT
    assert rotation.step(state, 11 * SECOND) is Step.WAIT
    assert rotation.step(state, 11 * SECOND + 1) is expected


def test_a_successor_that_is_not_acknowledged_is_given_up() -> None:
    rotation = Rotation(0)
    waiting = progress(acknowledged=False, heard=False)
    assert rotation.step(waiting, 30 * SECOND) is Step.WAIT
    assert rotation.step(waiting, 30 * SECOND + 1) is Step.ABANDON


def test_comparing_starts_over_with_a_new_connection() -> None:
    rotation = Rotation(0)
    assert rotation.step(progress(met=False), 0) is Step.WAIT
    assert rotation.step(progress(acknowledged=False), 9 * SECOND) is Step.WAIT
    assert rotation.step(progress(met=False), 15 * SECOND) is Step.WAIT


def test_memory_is_bounded() -> None:
    assert Rotation(0).step(progress(met=False, held=(1 << 18) + 1), 0) is Step.ABANDON
