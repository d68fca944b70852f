"""What providers of one venue give while one stands in for another: each trade once, all else from one of them at a
time. Decides only. Not for connections of one provider that take over from each other: `overlap.py`.

The venue numbers its trades alike on every connection, so whichever provider is first with a trade delivers it. Other
messages have no identity that would outlast a lag: those of the stand-in are left out while the feed that it stands in
for is live.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tradewire.core.record import BACKFILL, MORE, Kind

from .events import FeedState

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch
    from tradewire.telemetry import Counters

    from .health import Feed, FeedHealth

__all__ = ["Given", "Twin"]

#: Runs of numbers remembered of a feed: where every trade is numbered, one run is an outage's worth. Elsewhere one is a
#: trade, this is twice what a back-fill brings, and all are forgotten when they are of no use any more.
_RUNS = 10_000
_BOOKS = (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT)


class _Numbers:
    """A set of whole numbers, as runs; forgets the least when there are too many."""

    __slots__ = ("_firsts", "_lasts")

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    @property
    def greatest(self) -> int:
        return self._lasts[-1] if self._lasts else -1

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number)
        return at > 0 and number <= self._lasts[at - 1]

    def add(self, number: int) -> None:
        """Adds one that is not there."""
        firsts, lasts = self._firsts, self._lasts
        at = bisect_right(firsts, number)
        follows = at > 0 and lasts[at - 1] == number - 1
        if at < len(firsts) and firsts[at] == number + 1:
            if follows:
                del firsts[at], lasts[at - 1]
            else:
                firsts[at] = number
        elif follows:
            lasts[at - 1] = number
        else:
            firsts.insert(at, number)
            lasts.insert(at, number)
            if len(firsts) > _RUNS:
                del firsts[: _RUNS // 2], lasts[: _RUNS // 2]

    def count(self, first: int, stop: int) -> int:
        """How many of `range(first, stop)` are there."""
        found = 0
        for at in range(max(bisect_right(self._firsts, first) - 1, 0), bisect_right(self._firsts, stop - 1)):
            found += max(min(self._lasts[at] + 1, stop) - max(self._firsts[at], first), 0)
        return found


class Given:
    """The trades that the providers of one venue delivered while one of them stood in for another.

    Args:
        numbered: whether numbers grow within a symbol; elsewhere they tell trades of one moment apart, and no more.
    """

    def __init__(self, numbered: bool) -> None:
        self.numbered = numbered
        # Channels of a venue may number the same trades differently.
        self._of: dict[tuple[str, int], _Numbers] = {}

    def add(self, feed: Feed, seq: int, event_ns: int) -> None:
        """Somebody delivers a trade."""
        numbers = self._of.setdefault((feed.channel.name, feed.symbol_id), _Numbers())
        identity = self._identity(seq, event_ns)
        if identity not in numbers:
            numbers.add(identity)

    def has(self, feed: Feed, seq: int, event_ns: int) -> bool:
        """Whether somebody delivered it."""
        numbers = self._of.get((feed.channel.name, feed.symbol_id))
        return numbers is not None and self._identity(seq, event_ns) in numbers

    def is_behind(self, feed: Feed, seq: int) -> bool:
        """Whether somebody delivered a later trade."""
        numbers = self._of.get((feed.channel.name, feed.symbol_id))
        return self.numbered and numbers is not None and seq < numbers.greatest

    def count(self, feed: Feed, first: int, stop: int) -> int:
        """How many trades with these numbers, `stop` not among them, were delivered; 0 where numbers do not grow."""
        numbers = self._of.get((feed.channel.name, feed.symbol_id))
        return numbers.count(first, stop) if self.numbered and numbers is not None else 0

    def forget(self, is_owed: Callable[[int], bool]) -> None:
        """Nobody stands in any more: of trades that are not numbered it keeps those of symbols, given by their id, of
        which trades are owed still. Numbers that grow are kept: they are few runs."""
        if not self.numbered and self._of:
            self._of = {key: numbers for key, numbers in self._of.items() if is_owed(key[1])}

    def _identity(self, seq: int, event_ns: int) -> int:
        return seq if self.numbered else event_ns << 64 | seq


class _Part:
    """That a provider stands in for the one with these feeds, or (None) has a stand-in."""

    __slots__ = ("instead_of", "over")

    def __init__(self, instead_of: FeedHealth | None) -> None:
        self.instead_of = instead_of
        self.over = False


class Twin:
    """One provider as consumers see it beside another one of its venue. The event loop owns it.

    Args:
        given: what was delivered; shared when it joins others.
        health: the provider's feeds.
        counters: `duplicates`.

    Attributes:
        given: as given, or shared meanwhile.
        active: whether its messages have to be sifted, each of them. To be read only.
    """

    def __init__(self, given: Given, health: FeedHealth, counters: Counters) -> None:
        self.given = given
        self.active = False
        self._health = health
        self._counters = counters
        self._parts: list[_Part] = []

    def join(self, given: Given, instead_of: FeedHealth | None) -> Callable[[], Callable[[], None]]:
        """Begins to sift.

        Args:
            given: shared by the providers of the venue.
            instead_of: the feeds that it stands in for; None: another one stands in for it.

        Returns:
            What ends it, but for what is on its way still: until the function that this returns is called, messages of
            feeds that a stand-in has no more are left out, and of a provider that lags those that the stand-in gave.
        """
        self.given = given
        part = _Part(instead_of)
        self._parts.append(part)
        self.active = True

        def leave() -> None:
            self._parts.remove(part)
            self.active = bool(self._parts)

        def end() -> Callable[[], None]:
            part.over = True
            return leave

        return end

    def sift(self, batch: Batch) -> Batch:
        """What of a batch is to be delivered; it counts as delivered. Trades behind others are marked as back-filled:
        they fill what the provider that was ahead of them lacks."""
        first = np.ones(len(batch), dtype=bool)
        first[1:] = (batch["flags"][:-1] & MORE) == 0
        starts = np.flatnonzero(first)
        fresh = np.ones(len(starts), dtype=bool)
        behind: list[int] = []
        for at, start in enumerate(starts.tolist()):
            kind, _, _, symbol_id, event_ns, _, seq = batch[start].tolist()[:7]
            feed = self._feed(self._health, kind, symbol_id, 0) if kind == Kind.TRADE and seq else None
            if feed is None:
                interval_ns = int(batch["seq"][start + 1].view("i8")) if kind == Kind.BAR else 0
                fresh[at] = not self.withholds(kind, symbol_id, interval_ns)
            elif self.given.has(feed, seq, event_ns):
                fresh[at] = False
            else:
                if self.given.is_behind(feed, seq):
                    behind.append(start)
                self.given.add(feed, seq, event_ns)
        if fresh.all() and not behind:
            return batch
        self._counters.add("duplicates", int((~fresh).sum()))
        rows: Batch = batch.copy()
        rows["flags"][behind] |= BACKFILL
        rows = rows[np.repeat(fresh, np.diff(starts, append=len(batch)))]
        rows.flags.writeable = False
        return rows

    def note(self, trades: Batch) -> None:
        """These trades are delivered past `sift`."""
        for trade in trades:
            feed = self._health.find(Kind.TRADE, int(trade["symbol"]))
            if feed is not None:
                self.given.add(feed, int(trade["seq"]), int(trade["event_ns"]))

    def withholds(self, kind: int, symbol_id: int, interval_ns: int = 0) -> bool:
        """Whether messages of a feed that have no identity are left out: another provider gives them."""
        if kind == Kind.CONTROL:
            return False
        ours = self._feed(self._health, kind, symbol_id, interval_ns)
        for part in self._parts:
            if part.instead_of is None:
                continue
            if part.over:
                if ours is None:
                    return True
                continue
            theirs = self._feed(part.instead_of, kind, symbol_id, interval_ns)
            if (
                ours is not None
                and theirs is not None
                and theirs.channel.name == ours.channel.name
                and theirs.state is FeedState.LIVE
            ):
                return True
        return False

    @staticmethod
    def _feed(health: FeedHealth, kind: int, symbol_id: int, interval_ns: int) -> Feed | None:
        # A book's deltas and snapshots are of one feed.
        for each in _BOOKS if kind in _BOOKS else (kind,):
            feed = health.find(each, symbol_id, interval_ns)
            if feed is not None:
                return feed
        return None
