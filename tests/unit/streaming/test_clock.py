"""Asking a made-up venue for its time, on invented time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tradewire.errors import QueryError, UnsupportedError
from tradewire.streaming.clock import VenueClock
from tradewire.telemetry import Counters

SECOND = 1_000_000_000


class Venue:
    """A clock that is ahead, and what is said about it."""

    def __init__(self) -> None:
        self.now = 0
        self.ahead_ns = 0
        self.trip_ns = 10_000_000
        self.error: Exception | None = None
        self.asked = 0
        self.slept: list[float] = []
        self.awake = asyncio.Event()
        self.offsets: list[int] = []
        self.alerts: list[str] = []
        self.counters = Counters()
        self.clock = VenueClock(
            lambda: self,  # type: ignore[arg-type, return-value]
            self.offsets.append,
            self.alerts.append,
            self.counters,
            self.sleep,
            lambda: self.now,
            lambda: 1_000 * SECOND + self.now,
        )

    async def server_time_ns(self) -> int:
        self.asked += 1
        if self.error is not None:
            raise self.error
        self.now += self.trip_ns
        return 1_000 * SECOND + self.now - self.trip_ns // 2 + self.ahead_ns

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += int(seconds * 1e9)
        self.awake.clear()
        await self.awake.wait()

    async def next(self) -> None:
        """Lets it ask once more."""
        before = len(self.slept)
        self.awake.set()
        async with asyncio.timeout(10):
            while len(self.slept) == before:  # noqa: ASYNC110 - any condition, not one of ours
                await asyncio.sleep(0)


@pytest.fixture
async def venue() -> Any:
    venue = Venue()
    yield venue
    await venue.clock.close()


async def started(venue: Venue) -> None:
    venue.clock.start()
    async with asyncio.timeout(10):
        while not venue.slept:  # noqa: ASYNC110 - any condition, not one of ours
            await asyncio.sleep(0)


async def test_asked_at_the_start_and_every_minute(venue: Venue) -> None:
    venue.ahead_ns = -300_000_000
    await started(venue)
    assert (venue.clock.offset.offset_ns, venue.clock.offset.rtt_ns) == (-300_000_000, 10_000_000)
    for _ in range(4):
        await venue.next()
    assert venue.slept == [1.0, 1.0, 1.0, 60.0, 60.0]
    assert venue.offsets == [-300_000_000] * 5


async def test_an_offset_within_its_error_corrects_nothing(venue: Venue) -> None:
    venue.ahead_ns = 6_000_000
    await started(venue)
    venue.ahead_ns = 6_000_001
    await venue.next()
    venue.trip_ns = 9_000_000
    await venue.next()
    assert venue.offsets == [0, 0, 6_000_001]


async def test_skew_calls_a_person_once(venue: Venue) -> None:
    venue.ahead_ns = 1_000_000_001
    await started(venue)
    await venue.next()
    assert venue.alerts == ["the venue's clock is 1.0 s ahead of this machine's"]
    venue.ahead_ns = 0
    await venue.next()
    venue.ahead_ns = -2_500_000_000
    await venue.next()
    assert venue.alerts[1:] == ["the venue's clock is 2.5 s behind this machine's"]


async def test_a_skew_that_comes_and_goes_calls_once(venue: Venue) -> None:
    venue.ahead_ns = 1_100_000_000
    await started(venue)
    for ahead_ns in (800_000_000, 1_100_000_000, 800_000_000):
        venue.ahead_ns = ahead_ns
        await venue.next()
    assert len(venue.alerts) == 1


async def test_no_answer_is_counted_and_asked_again(venue: Venue) -> None:
    venue.error = QueryError("no answer")
    await started(venue)
    assert (venue.counters["clock_errors"], venue.offsets, venue.clock.offset.known) == (1, [], False)
    venue.error = None
    await venue.next()
    assert venue.offsets == [0]


async def test_a_venue_that_does_not_tell_is_not_asked_again(venue: Venue) -> None:
    venue.error = UnsupportedError("no time")
    venue.clock.start()
    task = venue.clock._task
    assert task is not None
    await asyncio.wait_for(task, 10)
    assert (venue.asked, venue.slept, venue.counters["clock_errors"]) == (1, [], 0)


async def test_another_venue(venue: Venue) -> None:
    venue.ahead_ns = 500_000_000
    await started(venue)
    venue.clock.forget()
    assert not venue.clock.offset.known
    assert venue.offsets[-1] == 0
