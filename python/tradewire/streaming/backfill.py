"""Fetches trades that a stream lost, by request, and delivers exactly these, marked with the flag BACKFILL.

Where the venue numbers every trade, a hole in the numbers says what is missing, also after a reconnect. Elsewhere the
time between the last trade before a reconnect and the first one after it does. Not for books: they take a snapshot.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tradewire.core import wall_ns
from tradewire.core.record import BACKFILL, Kind
from tradewire.errors import DecodeError, QueryError, UnsupportedError
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.policy.backoff import Backoff
from tradewire.venues.base import LastTrade

from .events import BackFilled

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch
    from tradewire.telemetry import Counters
    from tradewire.venues.base import MarketDataRest, RestPayload

    from .health import Feed

__all__ = ["BackFill"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

#: Trades fetched for one gap, the newest of those missing; five requests at Binance.
_MOST = 5_000
#: The same where only times are known.
_MOST_NS = 600 * 1_000_000_000
#: Gaps of a feed that wait for their turn; later ones stay gaps.
_WAITING = 32
_ATTEMPTS = 3
#: Trades remembered per symbol where only times are known: those of one moment may come in any order.
_REMEMBERED = 2_000


class _Gap(NamedTuple):
    """What is missing; `missing` counts it, 0 where the venue does not number its trades."""

    first: LastTrade
    last: LastTrade
    missing: int


class _Memory:
    """The latest trades of a symbol at a venue that does not number them."""

    __slots__ = ("ids", "last")

    def __init__(self) -> None:
        self.last = LastTrade(0, 0)
        self.ids: deque[int] = deque(maxlen=_REMEMBERED)


class BackFill:
    """The back-fills of one provider, one at a time for each feed. The event loop owns it.

    Args:
        venue: for events.
        numbered: whether the venue numbers every trade.
        source: the source of trades; asked for it each time, since it may be replaced.
        decode: reads an answer into batches that nobody else gets.
        deliver: gives trades to the consumers, past trackers and health.
        watches: whether a feed is still wanted.
        emit: takes `BackFilled`.
        counters: `backfilled`, `backfill_errors`.
        random: for the jitter of repeated requests.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        venue: str,
        numbered: bool,
        source: Callable[[], MarketDataRest],
        decode: Callable[[RestPayload], list[Batch]],
        deliver: Callable[[Batch], None],
        watches: Callable[[Feed], bool],
        emit: Callable[[BackFilled], None],
        counters: Counters,
        random: Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        #: Whether `observe` wants to see batches.
        self.observes = not numbered
        self._venue = venue
        self._source = source
        self._decode = decode
        self._deliver = deliver
        self._watches = watches
        self._emit = emit
        self._counters = counters
        self._random = random
        self._sleep = sleep
        self._waiting: dict[Feed, deque[_Gap]] = {}
        self._tasks: dict[Feed, asyncio.Task[None]] = {}
        # Missing trades that came late after all.
        self._late: dict[Feed, set[int]] = {}
        self._memory: dict[int, _Memory] = {}
        # Symbol id -> its feed, and the last trade before its connection was lost.
        self._broken: dict[int, tuple[Feed, LastTrade]] = {}

    def gap(self, feed: Feed, seq: int, event_ns: int, missing: int) -> None:
        """Numbers were skipped.

        Args:
            feed: which one; only trades are fetched.
            seq: the number that came.
            event_ns: the time of that trade.
            missing: how many numbers before it did not come.
        """
        if feed.channel.kind is Kind.TRADE:
            first = LastTrade(seq - min(missing, _MOST) - 1, 0)
            self._ask(feed, _Gap(first, LastTrade(seq, event_ns), missing))

    def late(self, feed: Feed, seq: int) -> None:
        """A number came after its successors: it need not be delivered any more."""
        if feed in self._tasks:
            self._late.setdefault(feed, set()).add(seq)

    def lost(self, feeds: Iterable[Feed]) -> None:
        """The connection of these feeds is gone."""
        for feed in feeds:
            memory = self._memory.get(feed.symbol_id)
            if feed.channel.kind is Kind.TRADE and memory is not None:
                self._broken.setdefault(feed.symbol_id, (feed, memory.last))

    def observe(self, batch: Batch) -> None:
        """Remembers the trades of a batch, where the venue does not number them."""
        trades = batch[batch["kind"] == Kind.TRADE]
        for symbol_id, event_ns, seq in zip(
            trades["symbol"].tolist(), trades["event_ns"].tolist(), trades["seq"].tolist(), strict=True
        ):
            memory = self._memory.get(symbol_id)
            if memory is None:
                memory = self._memory[symbol_id] = _Memory()
            memory.last = LastTrade(seq, event_ns)
            memory.ids.append(seq)
            if symbol_id in self._broken:
                feed, before = self._broken.pop(symbol_id)
                first = LastTrade(before.seq, max(before.event_ns, event_ns - _MOST_NS))
                if event_ns > first.event_ns:
                    self._ask(feed, _Gap(first, memory.last, 0))

    async def close(self) -> None:
        """Ends all work."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._tasks.clear()

    def _ask(self, feed: Feed, gap: _Gap) -> None:
        waiting = self._waiting.setdefault(feed, deque())
        if len(waiting) == _WAITING:
            self._counters.add("backfill_errors")
            return
        waiting.append(gap)
        if feed not in self._tasks:
            self._tasks[feed] = asyncio.get_running_loop().create_task(
                self._work(feed, waiting), name=f"back-fill {feed.channel.name} {feed.symbol}"
            )

    async def _work(self, feed: Feed, waiting: deque[_Gap]) -> None:
        try:
            while waiting and self._watches(feed):
                await self._fill(feed, waiting.popleft())
        except UnsupportedError as error:
            _log.say(f"back-fill {feed.channel.name}", "%s", error)
        finally:
            del self._tasks[feed]
            self._waiting.pop(feed, None)
            self._late.pop(feed, None)

    async def _fill(self, feed: Feed, gap: _Gap) -> None:
        backoff = Backoff(self._random, first_ns=100_000_000, base_ns=500_000_000, cap_ns=5_000_000_000)
        found = count = 0
        for attempt in range(_ATTEMPTS):
            if attempt:
                await self._sleep(backoff.next_delay_ns() / 1e9)
            try:
                payloads = await self._source().missed_trades(feed.channel, feed.symbol, gap.first, gap.last)
                batches = [self._missing(feed, gap, batch) for payload in payloads for batch in self._decode(payload)]
            except (QueryError, DecodeError) as error:
                self._counters.add("backfill_errors")
                _log.say(f"back-fill {feed.symbol}", "%s", error)
                continue
            if not self._watches(feed):
                return
            found = sum(map(len, batches))
            count = min(found, _MOST)
            if count:
                newest = np.concatenate(batches)[-count:]
                newest.flags.writeable = False
                self._deliver(newest)
            # None of those that must be there: the venue's answers lag behind its streams.
            if count or gap.missing == self._came_late(feed, gap):
                break
        self._counters.add("backfilled", count)
        still_missing = max(gap.missing - count - self._came_late(feed, gap), found - count, 0)
        self._emit(BackFilled(self._venue, feed.channel.name, feed.symbol, count, still_missing, wall_ns()))

    def _came_late(self, feed: Feed, gap: _Gap) -> int:
        """How many of the missing came over the stream after all; 0 where they are not numbered."""
        return sum(gap.last.seq - gap.missing <= seq < gap.last.seq for seq in self._late.get(feed, ()) if gap.missing)

    def _missing(self, feed: Feed, gap: _Gap, batch: Batch) -> Batch:
        """Of an answer, the trades that belong into the gap, each once; a copy."""
        seq = batch["seq"]
        wanted = (batch["kind"] == Kind.TRADE) & (batch["symbol"] == feed.symbol_id)
        if gap.missing:
            wanted &= (seq > gap.first.seq) & (seq < gap.last.seq)
            known = self._late.get(feed, set())
        else:
            times = batch["event_ns"]
            wanted &= (times >= gap.first.event_ns) & (times <= gap.last.event_ns)
            known = set(self._memory[feed.symbol_id].ids)
        if known:
            wanted &= ~np.isin(seq, np.array(list(known), dtype=np.uint64))
        missing: Batch = batch[wanted]
        missing["flags"] |= BACKFILL
        return missing
