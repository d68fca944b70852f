"""Fetches trades that a stream lost, by request, and delivers exactly these, marked with the flag BACKFILL.

Where the venue numbers every trade, a hole in the numbers says what is missing, also after a reconnect. Elsewhere the
time between the last trade before a reconnect and the first one after it does; a break that cannot be asked about is
told as a gap. Where the venue numbers events that it does not send, too, a hole is taken for a loss only when a request
shows trades in it, or cannot show that there are none. Not for books: they take a snapshot.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing, nullcontext
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tradewire.core import monotonic_ns, wall_ns
from tradewire.core.record import BACKFILL, Kind
from tradewire.errors import DecodeError, QueryError, RateLimitError, UnsupportedError
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.policy.backoff import Backoff
from tradewire.venues.base import LastTrade

from .events import BackFilled
from .tasks import end_all
from .twins import Given

if TYPE_CHECKING:
    from tradewire.core import Trade
    from tradewire.core.protocols import Batch
    from tradewire.telemetry import Counters
    from tradewire.venues.base import MarketDataRest, RestPayload

    from .health import Feed
    from .recent import RecentTrades

__all__ = ["BackFill"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

#: Trades fetched for one gap, the newest of those missing; five requests at Binance.
_MOST = 5_000
#: The same where only times are known.
_MOST_NS = 600 * 1_000_000_000
#: Gaps of a feed that are open, the one at work among them; later ones stay gaps.
_OPEN = 32
#: Requests for one gap, two minutes from the first to the last: what drops a stream often takes requests along.
_ATTEMPTS = 10
_LONGEST_WAIT_NS = 30 * 1_000_000_000
#: Answers without what they should show, after which the venue is believed.
_ANSWERS = 3
#: Where holes may be nothing: so many are open, for one request answers all of them, and each waits so long, for
#: answers lag.
_HOLES = 1_000
_SETTLE_S = 1.0
#: A trade that comes over the stream so long after it was fetched is known still.
_KNOWN_NS = 60 * 1_000_000_000


class _Gap(NamedTuple):
    """What is missing.

    Attributes:
        missing: how many; 0 where the venue does not number its trades.
        known: trades of that span that need not be delivered: they came over the stream.
        told: whether consumers know that trades are missing, where they are not numbered.
    """

    first: LastTrade
    last: LastTrade
    missing: int
    known: set[int]
    told: bool = False


class BackFill:
    """The back-fills of one provider, one at a time for each feed. The event loop owns it.

    Args:
        venue: for events.
        recent: the newest trades, where the venue does not number them; None: it numbers every one.
        source: the source of trades; asked for it each time, since it may be replaced.
        decode: reads an answer into batches that nobody else gets.
        deliver: gives trades to the consumers, past trackers and health.
        watches: whether a feed is still wanted.
        lost: told that so many messages of a feed are missing, where that had to be proven; 0: nobody knows how many.
        emit: takes `BackFilled`.
        counters: `backfilled`, `backfill_errors`, `sequence_skipped`.
        random: for the jitter of repeated requests.
        sleep: waits that many seconds.
        clock: monotonic ns.

    Attributes:
        given: trades that need not be delivered any more, for another provider of the venue delivered them.
        open_of: by symbol id, what is being fetched where trades are not numbered; while there is something, `observe`
            wants to see every batch. To be read only.
    """

    def __init__(
        self,
        venue: str,
        recent: RecentTrades | None,
        source: Callable[[], MarketDataRest],
        decode: Callable[[RestPayload], list[Batch]],
        deliver: Callable[[Batch], None],
        watches: Callable[[Feed], bool],
        lost: Callable[[Feed, int], None],
        emit: Callable[[BackFilled], None],
        counters: Counters,
        random: Random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        self.given = Given(recent is None)
        self._recent = recent
        self._venue = venue
        self._source = source
        self._decode = decode
        self._deliver = deliver
        self._watches = watches
        self._lost = lost
        self._emit = emit
        self._counters = counters
        self._random = random
        self._sleep = sleep
        self._clock = clock
        # Oldest first; those at work stay until they are done.
        self._open: dict[Feed, deque[_Gap]] = {}
        # The same by symbol, where trades are not numbered.
        self.open_of: dict[int, deque[_Gap]] = {}
        self._tasks: dict[Feed, asyncio.Task[None]] = {}
        # (symbol id, number) -> when it was delivered, oldest first.
        self._delivered: dict[tuple[int, int], int] = {}
        # Symbol id -> its feed, and the last trades before its connection was lost.
        self._broken: dict[int, tuple[Feed, list[Trade]]] = {}

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
            self._ask(feed, _Gap(first, LastTrade(seq, event_ns), missing, set()))

    def late(self, feed: Feed, seq: int) -> bool:
        """A number came after its successors: it need not be delivered any more. Whether it was waited for."""
        of = [gap for gap in self._open.get(feed, ()) if gap.last.seq - gap.missing <= seq < gap.last.seq]
        for gap in of:
            gap.known.add(seq)
        return bool(of)

    def gave(self, feed: Feed, seq: int) -> bool:
        """Whether a number that comes after its successors has been fetched and delivered meanwhile."""
        self._forget()
        return (feed.symbol_id, seq) in self._delivered

    def begin(self, feed: Feed) -> None:
        """Its trades arrive: from now on they are remembered, where the venue does not number them."""
        if self._recent is not None and feed.channel.kind is Kind.TRADE:
            self._recent.begin(feed)

    def lost(self, feeds: Iterable[Feed]) -> None:
        """The connection of these feeds is gone."""
        for feed in feeds:
            trades = [] if self._recent is None else self._recent.of(feed)
            if trades:
                self._broken.setdefault(feed.symbol_id, (feed, trades))

    def owes(self, symbol_id: int) -> bool:
        """Whether trades of a symbol are fetched, or will be with the next one that comes."""
        if any(feed.symbol_id == symbol_id for feed in self._tasks):
            return True
        return symbol_id in self._broken and self._watches(self._broken[symbol_id][0])

    @property
    def observes(self) -> bool:
        """Whether `observe` wants to see batches: of a symbol whose connection was lost, the first at least."""
        return bool(self._broken or self.open_of)

    def observe(self, batch: Batch) -> None:
        """Finds what was missed between two connections, and what of it comes over the stream, where trades are not
        numbered."""
        trades = batch[batch["kind"] == Kind.TRADE]
        for symbol_id, event_ns, seq in zip(
            trades["symbol"].tolist(), trades["event_ns"].tolist(), trades["seq"].tolist(), strict=True
        ):
            for gap in self.open_of.get(symbol_id, ()):
                if event_ns <= gap.last.event_ns:
                    gap.known.add(seq)
            if symbol_id in self._broken:
                feed, before = self._broken.pop(symbol_id)
                last_ns = before[-1].event_ns
                first = LastTrade(before[-1].seq, max(last_ns, event_ns - _MOST_NS))
                if event_ns > first.event_ns:
                    is_cut = first.event_ns > last_ns
                    if is_cut and self._watches(feed):
                        self._lost(feed, 0)
                    known = {trade.seq for trade in before if trade.event_ns >= first.event_ns}
                    self._ask(feed, _Gap(first, LastTrade(seq, event_ns), 0, known | {seq}, is_cut))

    async def close(self) -> None:
        """Ends all work."""
        await end_all(self._tasks.values())
        self._tasks.clear()

    def _ask(self, feed: Feed, gap: _Gap) -> None:
        gaps = self._open.setdefault(feed, deque())
        if len(gaps) == (_HOLES if feed.channel.holes else _OPEN):
            self._counters.add("backfill_errors")
            self._give_up(feed, gap)
            return
        gaps.append(gap)
        if feed not in self._tasks:
            if self._recent is not None:
                self.open_of[feed.symbol_id] = gaps
            self._tasks[feed] = asyncio.get_running_loop().create_task(
                self._work(feed, gaps), name=f"back-fill {feed.channel.name} {feed.symbol}"
            )

    async def _work(self, feed: Feed, gaps: deque[_Gap]) -> None:
        try:
            while gaps and self._watches(feed):
                if feed.channel.holes:
                    await self._sleep(_SETTLE_S)
                    at_work = list(gaps)
                    await self._prove(feed, at_work)
                    for _ in at_work:
                        gaps.popleft()
                else:
                    await self._fill(feed, gaps[0])
                    gaps.popleft()
        except UnsupportedError as error:
            _log.say(f"back-fill {feed.channel.name}", "%s", error)
            for gap in gaps:
                if not gap.missing:
                    self._give_up(feed, gap)
        finally:
            del self._tasks[feed]
            self._open.pop(feed, None)
            if self.open_of.get(feed.symbol_id) is gaps:
                del self.open_of[feed.symbol_id]

    async def _fill(self, feed: Feed, gap: _Gap) -> None:
        found = count = known = 0
        is_answered = False
        async with aclosing(self._answers(feed, gap.first, gap.last)) as answers:
            async for answer in answers:
                batches = [self._missing(feed, gap, batch) for batch in answer]
                if not self._watches(feed):
                    return
                is_answered = True
                found = sum(map(len, batches))
                # Before they are given: then they are known, too.
                known = self._known_of(feed, gap)
                count = self._give(feed, batches)
                # None of those that must be there: the venue's answers lag behind its streams.
                if count or gap.missing == known:
                    break
        if not self._watches(feed):
            return
        if not is_answered:
            self._give_up(feed, gap)
            return
        if not count:
            known = self._known_of(feed, gap)
        if count or not gap.told:
            self._tell(feed, count, max(gap.missing - count - known, found - count, 0))

    def _give_up(self, feed: Feed, gap: _Gap) -> None:
        """Nothing of a gap can be fetched: says what is missing, where that is known, or that something may be."""
        missing = gap.missing - self._known_of(feed, gap)
        if feed.channel.holes or not (gap.missing or gap.told):
            self._lost(feed, missing)
        if gap.missing:
            self._tell(feed, 0, missing)

    def _tell(self, feed: Feed, count: int, still_missing: int) -> None:
        self._emit(BackFilled(self._venue, feed.channel.name, feed.symbol, count, still_missing, wall_ns()))

    async def _prove(self, feed: Feed, gaps: list[_Gap]) -> None:
        """Tells losses from numbers that were never trades. What no answer covers counts as lost."""
        numbers, answer = np.array([], np.uint64), []
        async with aclosing(self._answers(feed, gaps[0].first, gaps[-1].last)) as answers:
            async for answer in answers:
                ours = [batch["seq"][batch["symbol"] == feed.symbol_id] for batch in answer]
                numbers = np.concatenate([numbers, *ours]) if ours else numbers
                if len(numbers) and numbers.max() >= gaps[-1].last.seq:
                    break
        if not self._watches(feed):
            return
        oldest, newest = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, -1)
        batches: list[Batch] = []
        unknown = 0
        for gap in gaps:
            batches += [self._missing(feed, gap, batch) for batch in answer]
            hole = range(gap.last.seq - gap.missing, gap.last.seq)
            covered = len(range(max(hole.start, oldest), min(hole.stop, newest + 1)))
            outside = self._known(feed, gap, hole.start, min(hole.stop, oldest))
            outside += self._known(feed, gap, max(hole.start, newest + 1), hole.stop)
            unknown += len(hole) - covered - outside
        found = sum(map(len, batches))
        if not found and not unknown:
            self._counters.add("sequence_skipped", sum(gap.missing - self._known_of(feed, gap) for gap in gaps))
            return
        self._lost(feed, found + unknown)
        count = self._give(feed, batches)
        self._tell(feed, count, unknown + found - count)

    async def _answers(self, feed: Feed, first: LastTrade, last: LastTrade) -> AsyncGenerator[list[Batch]]:
        """What the venue says to the same question, asked again after a growing wait while the feed is wanted; failures
        left out. Each request waits for the venue's limits and the end of its bans."""
        backoff = Backoff(self._random, first_ns=100_000_000, base_ns=500_000_000, factor=2.5, cap_ns=_LONGEST_WAIT_NS)
        answered = 0
        for attempt in range(_ATTEMPTS):
            if attempt:
                await self._sleep(backoff.next_delay_ns() / 1e9)
                if not self._watches(feed):
                    return
            try:
                payloads = await self._source().missed_trades(feed.channel, feed.symbol, first, last)
                answer = [batch for payload in payloads for batch in self._decode(payload)]
            except (QueryError, DecodeError, RateLimitError) as error:
                self._counters.add("backfill_errors")
                _log.say(f"back-fill {feed.symbol}", "%s", error)
                continue
            yield answer
            answered += 1
            if answered == _ANSWERS:
                return

    def _give(self, feed: Feed, batches: list[Batch]) -> int:
        """Delivers the newest of these trades, as many as may be; returns how many."""
        count = min(sum(map(len, batches)), _MOST)
        if count:
            newest = np.concatenate(batches)[-count:]
            newest.flags.writeable = False
            self._forget()
            now = self._clock()
            for symbol_id, seq in zip(newest["symbol"].tolist(), newest["seq"].tolist(), strict=True):
                self._delivered[symbol_id, seq] = now
            with nullcontext() if self._recent is None else self._recent.aside(feed):
                self._deliver(newest)
        self._counters.add("backfilled", count)
        return count

    def _forget(self) -> None:
        """Forgets what was delivered so long ago that it will not come over the stream any more."""
        old = self._clock() - _KNOWN_NS
        while self._delivered and next(iter(self._delivered.values())) < old:
            del self._delivered[next(iter(self._delivered))]

    def _known_of(self, feed: Feed, gap: _Gap) -> int:
        """How many of the missing came otherwise; 0 where they are not numbered."""
        return self._known(feed, gap, gap.last.seq - gap.missing, gap.last.seq)

    def _known(self, feed: Feed, gap: _Gap, first: int, stop: int) -> int:
        """How many of these numbers of a gap came over the stream after all, or from another provider."""
        late = (seq for seq in gap.known if first <= seq < stop)
        return self.given.count(feed, first, stop) + sum(not self.given.has(feed, seq, 0) for seq in late)

    def _missing(self, feed: Feed, gap: _Gap, batch: Batch) -> Batch:
        """Of an answer, the trades that belong into the gap, each once; a copy."""
        seq = batch["seq"]
        wanted = (batch["kind"] == Kind.TRADE) & (batch["symbol"] == feed.symbol_id)
        if gap.missing:
            wanted &= (seq > gap.first.seq) & (seq < gap.last.seq)
        else:
            times = batch["event_ns"]
            wanted &= (times >= gap.first.event_ns) & (times <= gap.last.event_ns)
        if gap.known:
            wanted &= ~np.isin(seq, np.array(list(gap.known), dtype=np.uint64))
        for row in np.flatnonzero(wanted).tolist():
            wanted[row] = not self.given.has(feed, int(seq[row]), int(batch["event_ns"][row]))
        missing: Batch = batch[wanted]
        missing["flags"] |= BACKFILL
        return missing
