"""When a limit is exceeded, when that is an error, and when it is over. Time is an argument."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.streaming.thresholds import Check, Consumers, Finding, Level, Limits, Reading, Thresholds

S = 1_000_000_000
LIMITS = Limits(max_latency_ns=100_000_000, min_messages_per_s=50, max_queue_depth=10, escalation=3)


def reading(**values: Any) -> Reading:
    return Reading(**({"provider": "a", "messages": 0, "timed": 0, "late": 0, "feeds": 2, "unfresh": 0} | values))


def check(thresholds: Thresholds, readings: list[Reading], depth: int, now_ns: int) -> list[Finding]:
    return thresholds.check(readings, Consumers(depth, 0, 0), now_ns)


def checks(found: list[Any]) -> list[tuple[str, str, str]]:
    return [(each.provider, str(each.check), str(each.level)) for each in found]


def test_the_first_reading_says_nothing_about_rates() -> None:
    assert check(Thresholds(LIMITS), [reading(messages=1, timed=10, late=10)], 0, 0) == []


@pytest.mark.parametrize(("rate", "warned"), [(49.8, True), (50, False)])
def test_throughput(rate: float, warned: bool) -> None:
    thresholds = Thresholds(LIMITS)
    check(thresholds, [reading(messages=1_000)], 0, 0)
    found = check(thresholds, [reading(messages=int(1_000 + 5 * rate))], 0, 5 * S)
    assert checks(found) == ([("a", "throughput", "warning")] if warned else [])
    if warned:
        assert found[0].text == "49.8 messages a second, fewer than 50"


def test_throughput_is_asked_of_nobody_without_feeds_and_not_by_default() -> None:
    for thresholds, feeds in (
        (Thresholds(LIMITS), 0),
        (Thresholds(Limits(1, None, 1, 1)), 2),
    ):
        check(thresholds, [reading(feeds=feeds)], 0, 0)
        assert check(thresholds, [reading(feeds=feeds)], 0, 5 * S) == []


@pytest.mark.parametrize(("late", "warned"), [(10, False), (11, True)])
def test_latency_is_the_p99_of_the_interval(late: int, warned: bool) -> None:
    thresholds = Thresholds(Limits(100_000_000, None, 10, 3))
    check(thresholds, [reading(timed=5_000, late=4_000)], 0, 0)
    found = check(thresholds, [reading(timed=6_000, late=4_000 + late)], 0, 5 * S)
    assert checks(found) == ([("a", "latency", "warning")] if warned else [])
    if warned:
        assert found[0].text == "1.1% of 1,000 messages were older than 100 ms when received, more than 1 %"


@pytest.mark.parametrize(("late", "warned"), [(10, False), (11, True)])
def test_the_way_to_the_consumers_counts_as_well(late: int, warned: bool) -> None:
    thresholds = Thresholds(LIMITS)
    assert thresholds.check([], Consumers(0, 5_000, 4_000), 0) == [], "only remembered"
    found = thresholds.check([], Consumers(0, 6_000, 4_000 + late), 5 * S)
    assert checks(found) == ([("", "latency", "warning")] if warned else [])
    if warned:
        assert (
            found[0].text
            == "1.1% of 1,000 events took more than 100 ms from their batch to the consumer, more than 1 %"
        )
    assert thresholds.check([], Consumers(0, 6_100, 4_000 + late), 10 * S) == []
    assert thresholds.failing == set()


def test_queues_and_silence() -> None:
    thresholds = Thresholds(LIMITS)
    found = check(thresholds, [reading(unfresh=1)], 11, 0)
    assert checks(found) == [("", "queue", "warning"), ("a", "freshness", "warning")]
    assert [each.text for each in found] == [
        "11 events wait in one queue, more than 10",
        "1 of 2 feeds are silent, broken or down",
    ]
    assert thresholds.failing == {("", Check.QUEUE), ("a", Check.FRESHNESS)}
    assert check(thresholds, [reading(messages=1_000)], 10, S) == []
    assert thresholds.failing == set()


def test_warnings_in_a_row_become_an_error_once() -> None:
    thresholds = Thresholds(LIMITS)
    levels = [[each.level for each in check(thresholds, [], 11, second * S)] for second in range(6)]
    assert levels == [[Level.WARNING], [Level.WARNING], [Level.ERROR], [], [], []]
    (end,) = check(thresholds, [], 0, 6 * S)
    assert (end.level, end.text) == (Level.RECOVERED, "queue is well again")
    assert check(thresholds, [], 0, 7 * S) == []


def test_a_good_check_between_them_begins_anew() -> None:
    thresholds = Thresholds(LIMITS)
    depths = [11, 11, 0, 11, 11, 0, 11]
    levels = [level for second, depth in enumerate(depths) for level in check(thresholds, [], depth, second * S)]
    assert {finding.level for finding in levels} == {Level.WARNING}


def test_providers_do_not_share_their_warnings() -> None:
    thresholds = Thresholds(LIMITS)
    found = [
        check(thresholds, [reading(provider=name, unfresh=1)], 0, second * S) for second, name in enumerate("abab")
    ]
    assert all(each.level is Level.WARNING for findings in found for each in findings)


def test_a_provider_that_is_gone_is_forgotten() -> None:
    thresholds = Thresholds(LIMITS)
    check(thresholds, [reading(unfresh=1, messages=1_000)], 0, 0)
    assert check(thresholds, [], 0, S) == []
    assert thresholds.failing == set()
    assert check(thresholds, [reading()], 0, 2 * S) == [], "a new one of its name starts from nothing"
