"""Keeps the books of a feed synchronised: asks for snapshots when they are needed, and says when a book may be served.

The rules of synchronisation are the core's (`BookSet`); this is only the when and the how often.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING

from tradewire.core import monotonic_ns
from tradewire.errors import DecodeError, QueryError
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.policy.backoff import Backoff

from .events import BookUpdate, GapDetected, Resynced
from .tasks import end_all

if TYPE_CHECKING:
    from tradewire.core.protocols import BookSetProtocol, OrderBookProtocol
    from tradewire.telemetry import Counters
    from tradewire.venues.base import MarketDataRest, RestPayload

    from .health import Feed, FeedHealth
    from .pipeline import Drained

__all__ = ["BookKeeper"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

#: How long a snapshot that comes in the stream may take; then it is asked for anew, less and less often.
_STREAMED_S = 5.0
_STREAMED_MOST_S = 60.0
#: A person is called for a book after so many attempts without success, and so long after the first of them: many books
#: that wait for the venue's request limits have not failed, and one slow request is not a trouble that stays.
_STUCK_ATTEMPTS = 3
_STUCK_NS = 15_000_000_000


class _Failing:
    """Attempts in a row that left a book without a snapshot that fits."""

    __slots__ = ("attempts", "is_told", "since_ns")

    def __init__(self, since_ns: int) -> None:
        self.since_ns = since_ns
        self.attempts = 0
        self.is_told = False


class BookKeeper:
    """The books that somebody subscribed to. The event loop owns it.

    Args:
        venue: for events.
        books: fed by the pipeline.
        source: the source of snapshots; asked for it each time, since it may be replaced.
        inject: decodes a snapshot into the pipeline.
        health: told about gaps and resyncs.
        emit: takes `GapDetected` and `Resynced`.
        counters: `book_gaps`, `snapshots`, `snapshot_errors`, `book_restarts`, `resyncs`.
        random: for the jitter of repeated snapshots.
        on_stuck: told of a book that stays unsynchronised, with the reason, once until it is whole; attempts go on.
        restart: where snapshots come in the stream: subscribes anew, which brings one; None: they come from `source`.
        sleep: waits that many seconds.
        now_ns: monotonic.

    Attributes:
        syncing: the books that may not be served yet: symbol id -> monotonic time since when. To be read only.
    """

    def __init__(
        self,
        venue: str,
        books: BookSetProtocol,
        source: Callable[[], MarketDataRest],
        inject: Callable[[RestPayload], None],
        health: FeedHealth,
        emit: Callable[[GapDetected | Resynced], None],
        counters: Counters,
        random: Random,
        on_stuck: Callable[[Feed, str], None],
        restart: Callable[[Feed], None] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._venue = venue
        self._books = books
        self._source = source
        self._inject = inject
        self._health = health
        self._emit = emit
        self._counters = counters
        self._random = random
        self._on_stuck = on_stuck
        self._restart = restart
        self._sleep = sleep
        self._now_ns = now_ns
        self._feeds: dict[int, Feed] = {}
        self.syncing: dict[int, int] = {}
        self._failing: dict[int, _Failing] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def watch(self, feed: Feed) -> None:
        """Keeps the book of this feed from now on."""
        self._feeds[feed.symbol_id] = feed
        if feed.channel.diff:
            self.syncing[feed.symbol_id] = self._now_ns()
            if self._restart is None:
                # Not when the first snapshot is due: what it loads would hold up the messages that arrive by then.
                self._source()

    def unwatch(self, symbol_id: int) -> None:
        """Lets a book go."""
        self._feeds.pop(symbol_id, None)
        self.syncing.pop(symbol_id, None)
        self._failing.pop(symbol_id, None)
        self._books.reset(symbol_id)
        self._cancel(symbol_id)

    def reset(self, symbol_id: int) -> None:
        """Its connection is gone: nothing of it may be served until it is rebuilt."""
        feed = self._feeds.get(symbol_id)
        if feed is None:
            return
        self._books.reset(symbol_id)
        if feed.channel.diff:
            self.syncing.setdefault(symbol_id, self._now_ns())
        failing = self._failing.get(symbol_id)
        if failing is not None and not failing.is_told:
            del self._failing[symbol_id]
        self._cancel(symbol_id)

    def book(self, symbol_id: int) -> OrderBookProtocol | None:
        """The live book, or None while it may not be served."""
        if symbol_id not in self._feeds or symbol_id in self.syncing:
            return None
        book = self._books.book(symbol_id)
        return book if book is not None and book.state == "live" else None

    def update(self, symbol_id: int, recv_ns: int) -> BookUpdate | None:
        """The event for a book that changed, or None while it may not be served."""
        book = self.book(symbol_id)
        if book is None:
            return None
        bid, ask = book.best()
        feed = self._feeds[symbol_id]
        return BookUpdate(self._venue, feed.symbol, book.event_ns, recv_ns, book.last_seq, bid, ask, book)

    def observe(self, drained: Drained) -> None:
        """Takes note of what a batch did to the books; starts and ends resynchronisations."""
        for _row, symbol_id, outcome in drained.book_incidents:
            if symbol_id not in self._feeds:
                continue
            # A served book that needs a snapshot again lost the delta right behind its first one.
            if outcome == "gap" or (outcome == "need_snapshot" and symbol_id not in self.syncing):
                self._on_gap(symbol_id, drained)
            else:
                self._counters.add(f"book_{outcome}")
        for symbol_id in list(self.syncing):
            # A callback told of an earlier one may have closed this one.
            if symbol_id not in self.syncing:
                continue
            book = self._books.book(symbol_id)
            # No book yet: no delta has come, and a snapshot taken now could be older than the first one.
            if book is None:
                continue
            if book.state == "live":
                self._on_live(symbol_id, book.last_seq, drained.drained_wall_ns)
            elif symbol_id not in self._tasks:
                resync = self._resync(symbol_id) if self._restart is None else self._await(symbol_id, self._restart)
                self._tasks[symbol_id] = asyncio.get_running_loop().create_task(
                    resync, name=f"book {self._feeds[symbol_id].symbol}"
                )

    async def close(self) -> None:
        """Ends all work."""
        await end_all(self._tasks.values())
        self._tasks.clear()

    def _on_gap(self, symbol_id: int, drained: Drained) -> None:
        feed = self._feeds[symbol_id]
        self._counters.add("book_gaps")
        first = symbol_id not in self.syncing
        self.syncing.setdefault(symbol_id, drained.drained_ns)
        if first:
            self._emit(GapDetected(self._venue, feed.channel.name, feed.symbol, 0, drained.drained_wall_ns))
            self._health.gap(feed, "the chain of book updates is broken", drained.drained_wall_ns)

    def _on_live(self, symbol_id: int, last_seq: int, recv_ns: int) -> None:
        feed = self._feeds[symbol_id]
        since = self.syncing.pop(symbol_id)
        self._failing.pop(symbol_id, None)
        self._counters.add("resyncs")
        self._health.synced(feed, recv_ns)
        duration = self._now_ns() - since
        self._emit(Resynced(self._venue, feed.channel.name, feed.symbol, last_seq, duration, recv_ns))

    def _on_failed(self, symbol_id: int, reason: str) -> None:
        now_ns = self._now_ns()
        failing = self._failing.setdefault(symbol_id, _Failing(now_ns))
        failing.attempts += 1
        lasted_ns = now_ns - failing.since_ns
        if failing.is_told or failing.attempts < _STUCK_ATTEMPTS or lasted_ns < _STUCK_NS:
            return
        failing.is_told = True
        detail = f"{failing.attempts} attempts in {lasted_ns / 1e9:.0f} s, the last: {reason}"
        self._on_stuck(self._feeds[symbol_id], detail)

    def _cancel(self, symbol_id: int) -> None:
        task = self._tasks.pop(symbol_id, None)
        if task is not None:
            task.cancel()

    async def _resync(self, symbol_id: int) -> None:
        """Snapshots until the book is live. The first one at once, others after a growing wait."""
        symbol = self._feeds[symbol_id].symbol
        backoff = Backoff(self._random, first_ns=100_000_000, base_ns=250_000_000, cap_ns=10_000_000_000)
        try:
            while symbol_id in self.syncing:
                reason = "the snapshot does not fit the changes that came"
                try:
                    snapshot = await self._source().snapshot(symbol)
                    self._counters.add("snapshots")
                    self._inject(snapshot)
                except (QueryError, DecodeError) as error:
                    self._counters.add("snapshot_errors")
                    self._counters.add(f"snapshot_errors.{symbol}")
                    _log.say(f"snapshot {symbol}", "%s", error)
                    reason = str(error)
                if symbol_id in self.syncing:
                    self._on_failed(symbol_id, reason)
                    await self._sleep(backoff.next_delay_ns() / 1e9)
        finally:
            if self._tasks.get(symbol_id) is asyncio.current_task():
                del self._tasks[symbol_id]

    async def _await(self, symbol_id: int, restart: Callable[[Feed], None]) -> None:
        """Waits for the snapshot that begins a stream: changes have come, and it has not. It may be on its way, so the
        stream is not begun anew at once."""
        feed, wait_s = self._feeds[symbol_id], _STREAMED_S
        try:
            while True:
                await self._sleep(wait_s)
                if symbol_id not in self.syncing:
                    return
                self._counters.add("book_restarts")
                self._on_failed(symbol_id, "the snapshot with which the stream begins did not come")
                restart(feed)
                wait_s = min(2 * wait_s, _STREAMED_MOST_S)
        finally:
            if self._tasks.get(symbol_id) is asyncio.current_task():
                del self._tasks[symbol_id]
