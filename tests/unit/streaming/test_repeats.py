"""Numbers that are not above the last one: those that came before, against a set of all that came."""

from __future__ import annotations

from random import Random

import pytest

from tradewire.core import Kind, SequenceTracker
from tradewire.streaming import repeats
from tradewire.streaming.repeats import Repeats


def told(seen: Repeats, numbers: list[int]) -> list[int]:
    """What a tracker says of these numbers is told; gives the indices of those that count as repeated."""
    tracker = SequenceTracker({Kind.TRADE: "contiguous"})
    again: list[int] = []
    last = numbers[0]
    seen.begin(7, last)
    for at, number in enumerate(numbers):
        outcome = tracker.observe(Kind.TRADE, 7, number)
        if outcome == "gap":
            seen.gap(7, number, number - last - 1)
        elif outcome == "duplicate" or (outcome == "reordered" and seen.came(7, number)):
            again.append(at)
        last = max(last, number)
    return again


def test_a_run_that_is_sent_again_came_before() -> None:
    assert told(Repeats(), [5, 6, 7, 5, 6, 7, 8]) == [3, 4, 5]


def test_what_comes_late_is_new_once() -> None:
    assert told(Repeats(), [5, 9, 7, 7, 6, 8, 6, 9, 10]) == [3, 6, 7]


def test_what_was_before_the_first_is_not_known() -> None:
    assert told(Repeats(), [5, 6, 4, 4]) == []


def test_a_gap_tells_what_came_before_it() -> None:
    seen = Repeats()
    seen.gap(7, 9, 2)
    assert [seen.came(7, number) for number in (5, 6, 7, 8, 7)] == [False, True, False, False, True]
    assert not seen.came(8, 6), "another symbol"
    seen.forget(7)
    assert not seen.came(7, 6)


def test_what_was_skipped_is_missed_until_it_comes() -> None:
    seen = Repeats()
    seen.gap(7, 9, 2)
    assert [seen.misses(7, number) for number in (5, 6, 7, 8, 9)] == [False, False, True, True, False]
    assert not seen.misses(8, 7), "another symbol"
    seen.came(7, 7)
    assert [seen.misses(7, number) for number in (7, 8)] == [False, True]


def test_memory_is_bounded_and_what_is_forgotten_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "_HOLES", 2)
    seen = Repeats()
    assert told(seen, [1, 3, 5, 7, 9]) == []
    assert [seen.came(7, number) for number in (3, 5, 7, 9)] == [False, True, True, True]


@pytest.mark.parametrize("seed", range(20))
def test_it_is_a_set_of_what_came(seed: int) -> None:
    random, numbers, last = Random(seed), [100], 100
    while len(numbers) < 300:
        if random.random() < 0.5:
            last += 1 if random.random() < 0.7 else random.randint(2, 6)
            numbers.append(last)
        else:
            numbers.append(random.randint(max(100, last - 30), last))
    came: set[int] = set()
    expected = [at for at, number in enumerate(numbers) if number in came or came.add(number)]  # type: ignore[func-returns-value]
    assert told(Repeats(), numbers) == expected
