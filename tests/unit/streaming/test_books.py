"""Book keeping: when snapshots are asked for, and when a book may be served."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from tradewire.errors import QueryError
from tradewire.streaming.books import BookKeeper
from tradewire.streaming.events import FeedState, GapDetected, Resynced
from tradewire.streaming.health import FeedHealth
from tradewire.streaming.pipeline import Drained, Pipeline
from tradewire.venues.base import RestPayload
from tradewire.venues.registry import load


class Source:
    """Snapshots that the test hands out."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    async def snapshot(self, symbol: str) -> RestPayload:
        self.asked.append(symbol)
        answer = await self.answers.get()
        if isinstance(answer, Exception):
            raise answer
        return RestPayload(answer, 1, f"{symbol.lower()}@depth")


class Kept:
    """A keeper with everything around it."""

    def __init__(self, frames: Any, random: Random) -> None:
        venue = load("binance")
        self.frames = frames
        self.emitted: list[Any] = []
        self.source = Source()
        self.opened = 0
        self.stuck: list[tuple[str, str]] = []
        self.pipeline = Pipeline(venue, self._on_drained)
        self.health = FeedHealth("binance", self.emitted.append, self.pipeline.digest)
        self.keeper = BookKeeper(
            "binance",
            self.pipeline.books,
            self._open_source,
            lambda snapshot: self.pipeline.inject(snapshot.payload, snapshot.recv_ns, snapshot.stream),  # type: ignore[arg-type,return-value]
            self.health,
            self.emitted.append,
            self.pipeline.counters,
            random,
            lambda feed, reason: self.stuck.append((feed.symbol, reason)),
        )
        self.symbol_id = self.pipeline.symbols.add("binance", "BTCUSDT")
        self.feed = self.health.add(venue.channel("book"), "BTCUSDT", self.symbol_id, 0, 0, None)
        self.keeper.watch(self.feed)

    def _open_source(self) -> Source:
        self.opened += 1
        return self.source

    def _on_drained(self, drained: Drained) -> None:
        self.health.refresh()
        self.keeper.observe(drained)

    def delta(self, first: int, last: int, previous: int) -> None:
        self.pipeline.inject(self.frames.depth(first, last, previous), 1, None)

    def of(self, event_class: type) -> list[Any]:
        return [event for event in self.emitted if isinstance(event, event_class)]

    def served(self) -> Any:
        return self.keeper.book(self.symbol_id)


@pytest.fixture
async def kept(frames: Any, no_wait: Random) -> AsyncIterator[Kept]:
    kept = Kept(frames, no_wait)
    yield kept
    await kept.keeper.close()


async def _go_live(kept: Kept, eventually: Any) -> None:
    kept.delta(5, 10, 4)
    kept.source.answers.put_nowait(kept.frames.snapshot(7))
    await eventually(lambda: kept.served() is not None)


async def test_the_source_of_snapshots_is_opened_before_messages_arrive(kept: Kept) -> None:
    assert kept.opened == 1


async def test_the_first_delta_asks_for_a_snapshot_and_the_book_goes_live(kept: Kept, eventually: Any) -> None:
    assert kept.served() is None
    kept.delta(5, 10, 4)
    kept.delta(11, 12, 10)
    await eventually(lambda: kept.source.asked == ["BTCUSDT"])
    assert kept.served() is None
    assert kept.keeper.update(kept.symbol_id, 1) is None
    kept.source.answers.put_nowait(kept.frames.snapshot(7))
    await eventually(lambda: kept.served() is not None)
    assert kept.served().best() == ((100.0, 5.0), (101.0, 6.0))
    assert kept.served().last_seq == 12
    assert kept.feed.state is FeedState.LIVE
    (resynced,) = kept.of(Resynced)
    assert (resynced.symbol, resynced.last_seq) == ("BTCUSDT", 12)
    assert resynced.duration_ns > 0
    update = kept.keeper.update(kept.symbol_id, 9)
    assert update is not None
    assert (update.bid, update.ask, update.seq, update.recv_ns) == ((100.0, 5.0), (101.0, 6.0), 12, 9)


async def test_no_snapshot_is_asked_for_before_a_delta(kept: Kept) -> None:
    kept.pipeline.inject(kept.frames.trade(1), 1, None)
    await asyncio.sleep(0)
    assert kept.source.asked == []


async def test_a_gap_takes_the_book_away_until_it_is_rebuilt(kept: Kept, eventually: Any) -> None:
    await _go_live(kept, eventually)
    kept.delta(20, 21, 19)
    assert kept.served() is None
    assert kept.feed.state is FeedState.GAP
    assert [event.symbol for event in kept.of(GapDetected)] == ["BTCUSDT"]
    kept.delta(22, 23, 21)
    kept.source.answers.put_nowait(kept.frames.snapshot(22))
    await eventually(lambda: kept.served() is not None)
    assert kept.feed.state is FeedState.LIVE
    assert len(kept.of(Resynced)) == 2
    assert kept.pipeline.counters["book_gaps"] == 1


async def test_a_delta_lost_right_behind_the_snapshot_is_a_gap_too(kept: Kept, eventually: Any) -> None:
    kept.delta(5, 10, 4)
    kept.source.answers.put_nowait(kept.frames.snapshot(30))  # newer than all that was buffered: nothing chains yet
    await eventually(lambda: kept.served() is not None)
    kept.delta(40, 50, 35)
    assert kept.served() is None
    assert kept.feed.state is FeedState.GAP
    kept.source.answers.put_nowait(kept.frames.snapshot(45))
    await eventually(lambda: kept.served() is not None)
    assert kept.served().last_seq == 50
    assert kept.pipeline.counters["book_gaps"] == 1


async def test_a_snapshot_older_than_the_buffer_is_asked_for_again(kept: Kept, eventually: Any) -> None:
    kept.delta(50, 60, 49)
    kept.source.answers.put_nowait(kept.frames.snapshot(7))
    kept.source.answers.put_nowait(kept.frames.snapshot(55))
    await eventually(lambda: kept.served() is not None)
    assert len(kept.source.asked) == 2


@pytest.mark.parametrize("bad", [QueryError("no answer"), b"not json"])
async def test_a_failed_snapshot_is_tried_again(kept: Kept, eventually: Any, bad: Any) -> None:
    kept.delta(5, 10, 4)
    kept.source.answers.put_nowait(bad)
    kept.source.answers.put_nowait(kept.frames.snapshot(7))
    await eventually(lambda: kept.served() is not None)
    assert kept.pipeline.counters["snapshot_errors"] == 1
    assert kept.pipeline.counters["snapshot_errors.BTCUSDT"] == 1


async def test_one_request_at_a_time_however_many_deltas(kept: Kept, eventually: Any) -> None:
    for number in range(5, 25):
        kept.delta(number, number, number - 1)
        await asyncio.sleep(0)
    assert kept.source.asked == ["BTCUSDT"]


async def test_a_lost_connection_takes_the_book_away(kept: Kept, eventually: Any) -> None:
    await _go_live(kept, eventually)
    kept.keeper.reset(kept.symbol_id)
    assert kept.served() is None
    kept.delta(105, 110, 104)
    kept.source.answers.put_nowait(kept.frames.snapshot(107))
    await eventually(lambda: kept.served() is not None)
    assert kept.served().last_seq == 110
    assert kept.of(GapDetected) == [], "a reconnect is not a gap in the stream"


async def test_unwatched_books_are_let_go(kept: Kept, eventually: Any) -> None:
    kept.delta(5, 10, 4)
    await eventually(lambda: kept.source.asked)
    kept.keeper.unwatch(kept.symbol_id)
    kept.source.answers.put_nowait(kept.frames.snapshot(7))
    await asyncio.sleep(0)
    assert kept.served() is None
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("book ") and not task.cancelling()]


async def test_closing_leaves_no_task(kept: Kept, eventually: Any) -> None:
    kept.delta(5, 10, 4)
    await eventually(lambda: kept.source.asked)
    await kept.keeper.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("book ")]


async def test_a_listener_may_close_another_book_that_waits(kept: Kept, eventually: Any) -> None:
    other_id = kept.pipeline.symbols.add("binance", "ETHUSDT")
    kept.keeper.watch(kept.health.add(load("binance").channel("book"), "ETHUSDT", other_id, 0, 0, None))
    kept.keeper._emit = lambda _: kept.keeper.unwatch(other_id)
    kept.pipeline.inject(kept.frames.depth(5, 10, 4, symbol="ETHUSDT"), 1, None)
    kept.source.answers.put_nowait(QueryError("not yet"))
    await _go_live(kept, eventually)
    assert kept.keeper.book(other_id) is None
    assert not kept.keeper.syncing


class Streamed:
    """A keeper of books whose snapshots come in the stream, with a clock that the test winds."""

    def __init__(self) -> None:
        venue = load("alpaca_crypto")
        self.emitted: list[Any] = []
        self.restarts: list[str] = []
        self.waits: list[float] = []
        self.stuck: list[tuple[str, str]] = []
        self.wound = asyncio.Semaphore(0)
        self.pipeline = Pipeline(venue, self._on_drained)
        self.health = FeedHealth(venue.name, self.emitted.append, self.pipeline.digest)
        self.keeper = BookKeeper(
            venue.name,
            self.pipeline.books,
            self._no_source,
            lambda _: None,
            self.health,
            self.emitted.append,
            self.pipeline.counters,
            Random(1),
            lambda feed, reason: self.stuck.append((feed.symbol, reason)),
            lambda feed: self.restarts.append(feed.symbol),
            self._sleep,
            lambda: int(sum(self.waits) * 1e9),
        )
        self.symbol_id = self.pipeline.symbols.add(venue.name, "BTC/USD")
        self.feed = self.health.add(venue.channel("book"), "BTC/USD", self.symbol_id, 0, 0, None)
        self.keeper.watch(self.feed)

    def _no_source(self) -> Any:
        raise AssertionError("nothing is asked for by request")

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await self.wound.acquire()

    def _on_drained(self, drained: Drained) -> None:
        self.health.refresh()
        self.keeper.observe(drained)

    def says(self, price: float, *, whole: bool = False) -> None:
        levels = b'"b":[{"p":%.1f,"s":2}],"a":[{"p":200,"s":1}]' % price
        mark = b',"r":true' if whole else b""
        payload = b'[{"T":"o","S":"BTC/USD","t":"2024-03-12T10:38:50Z",%s%s}]' % (levels, mark)
        self.pipeline.inject(payload, 1, None)

    def best_bid(self) -> float | None:
        book = self.keeper.book(self.symbol_id)
        bid = None if book is None else book.best()[0]
        return None if bid is None else bid[0]


class Outage:
    """Snapshots fail one after the other, on a clock that only the waits between them move."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.now_ns = 0
        kept.keeper._sleep = self._sleep
        kept.keeper._now_ns = lambda: self.now_ns

    async def _sleep(self, _: float) -> None:
        self.now_ns += 4_000_000_000
        await asyncio.sleep(0)

    async def fails(self, times: int, eventually: Any, error: Exception | bytes | None = None) -> None:
        answers = self.kept.source.answers
        for _ in range(times):
            answers.put_nowait(error or QueryError("no book snapshot of BTCUSDT: HTTP 503"))
        # The next one is asked for when all that is to be said of the last one was said.
        asked = len(self.kept.source.asked) + times
        await eventually(lambda: answers.empty() and len(self.kept.source.asked) >= asked)


async def test_a_book_that_stays_unsynchronised_is_told_once_with_the_reason(kept: Kept, eventually: Any) -> None:
    outage = Outage(kept)
    kept.delta(5, 10, 4)
    await eventually(lambda: kept.source.asked)
    await outage.fails(4, eventually)
    assert kept.stuck == [], "12 s from the first failure to the last"
    await outage.fails(8, eventually)
    reason = "5 attempts in 16 s, the last: no book snapshot of BTCUSDT: HTTP 503"
    assert kept.stuck == [("BTCUSDT", reason)], "and the attempts went on"
    kept.keeper.reset(kept.symbol_id)
    kept.delta(15, 20, 14)
    await outage.fails(8, eventually)
    assert len(kept.stuck) == 1, "a new connection is not a new trouble"
    kept.source.answers.put_nowait(kept.frames.snapshot(17))
    await eventually(lambda: kept.served() is not None)
    assert kept.feed.state is FeedState.LIVE
    kept.delta(30, 31, 29)
    await outage.fails(8, eventually, kept.frames.snapshot(1))
    assert [reason for _, reason in kept.stuck[1:]] == [
        "5 attempts in 16 s, the last: the snapshot does not fit the changes that came"
    ], "whole in between: told again"


async def test_failures_before_a_lost_connection_do_not_count_after_it(kept: Kept, eventually: Any) -> None:
    outage = Outage(kept)
    kept.delta(5, 10, 4)
    await eventually(lambda: kept.source.asked)
    await outage.fails(4, eventually)
    kept.keeper.reset(kept.symbol_id)
    outage.now_ns += 3_600_000_000_000
    kept.delta(15, 20, 14)
    await outage.fails(3, eventually)
    assert kept.stuck == []


async def test_one_slow_attempt_is_not_a_trouble_that_stays(kept: Kept, eventually: Any) -> None:
    outage = Outage(kept)
    kept.delta(5, 10, 4)
    await eventually(lambda: kept.source.asked)
    outage.now_ns += 60_000_000_000
    await outage.fails(1, eventually)
    outage.now_ns += 60_000_000_000
    await outage.fails(1, eventually)
    assert kept.stuck == []


@pytest.fixture
async def streamed() -> AsyncIterator[Streamed]:
    streamed = Streamed()
    yield streamed
    await streamed.keeper.close()


async def test_a_snapshot_in_the_stream_makes_the_book(streamed: Streamed) -> None:
    streamed.says(100, whole=True)
    assert streamed.best_bid() == 100
    assert streamed.feed.state is FeedState.LIVE
    streamed.says(101)
    assert streamed.best_bid() == 101
    streamed.says(99, whole=True)
    assert streamed.best_bid() == 99, "a later one begins the book anew"
    assert len([event for event in streamed.emitted if isinstance(event, Resynced)]) == 1
    assert streamed.waits == []


async def test_changes_without_a_snapshot_begin_the_stream_anew_after_a_while(
    streamed: Streamed, eventually: Any
) -> None:
    streamed.says(100)
    streamed.says(101)
    assert streamed.best_bid() is None
    await eventually(lambda: streamed.waits == [5.0])
    assert streamed.restarts == [], "the snapshot may be on its way"
    streamed.wound.release()
    await eventually(lambda: streamed.waits == [5.0, 10.0])
    for _ in range(4):
        streamed.wound.release()
    await eventually(lambda: streamed.waits == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0])
    assert streamed.restarts == ["BTC/USD"] * 5
    assert streamed.pipeline.counters["book_restarts"] == 5
    streamed.says(102, whole=True)
    streamed.wound.release()
    await eventually(lambda: not streamed.keeper._tasks)
    assert streamed.best_bid() == 102
    assert len(streamed.restarts) == 5


async def test_a_snapshot_that_never_comes_in_the_stream_is_told_once(streamed: Streamed, eventually: Any) -> None:
    streamed.says(100)
    for number in range(1, 3):
        await eventually(lambda number=number: len(streamed.waits) == number)
        streamed.wound.release()
    await eventually(lambda: len(streamed.restarts) == 2)
    assert streamed.stuck == []
    for _ in range(3):
        streamed.wound.release()
    await eventually(lambda: len(streamed.restarts) == 5)
    assert [symbol for symbol, _ in streamed.stuck] == ["BTC/USD"]


async def test_a_lost_connection_takes_a_streamed_book_away_until_the_next_snapshot(streamed: Streamed) -> None:
    streamed.says(100, whole=True)
    streamed.keeper.reset(streamed.symbol_id)
    assert streamed.best_bid() is None
    streamed.says(101)
    assert streamed.best_bid() is None
    streamed.says(102, whole=True)
    assert streamed.best_bid() == 102
