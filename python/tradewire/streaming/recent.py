"""The newest trades of each feed, where the venue does not number them. The core collects them with its other calls, so
that nothing is done for a trade in Python.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tradewire.core import Callback, Histogram
from tradewire.core.record import BACKFILL, Kind

if TYPE_CHECKING:
    from tradewire.core import Callbacks, Trade

    from .health import Feed

__all__ = ["RecentTrades"]

#: More than a market trades in one moment.
_KEPT = 500
_NEVER_NS = 2**62


class RecentTrades:
    """What was delivered last, by feed. The event loop owns it.

    Args:
        callbacks: whom the core calls with trades.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self._of: dict[int, tuple[Feed, Callback, deque[Trade]]] = {}
        # A callback has to have one.
        self._unread = Histogram(1, 2, 1)

    def begin(self, feed: Feed) -> None:
        """Collects the trades of a feed from now on; those of an earlier feed of its symbol are let go."""
        known = self._of.get(feed.symbol_id)
        if known is not None:
            if known[0] is feed:
                return
            self._callbacks.discard(Kind.TRADE, feed.symbol_id, known[1])
        trades: deque[Trade] = deque(maxlen=_KEPT)
        # It returns None, raises nothing and is never slow: there is nothing unusual to tell.
        callback = Callback(trades.append, self._unread, _NEVER_NS, print)
        self._of[feed.symbol_id] = (feed, callback, trades)
        self._callbacks.add(Kind.TRADE, feed.symbol_id, callback)

    def of(self, feed: Feed) -> list[Trade]:
        """Those of a feed, oldest first, without those that were fetched."""
        return [trade for trade in self._kept(feed) if not trade.flags & BACKFILL]

    @contextmanager
    def aside(self, feed: Feed) -> Iterator[None]:
        """Fetched trades that are delivered meanwhile push none out."""
        kept = self._kept(feed)
        before = list(kept)
        kept.clear()
        try:
            yield
        finally:
            live = self.of(feed)
            kept.clear()
            kept.extend([*before, *live])

    def _kept(self, feed: Feed) -> deque[Trade]:
        known = self._of.get(feed.symbol_id)
        return known[2] if known is not None and known[0] is feed else deque()
