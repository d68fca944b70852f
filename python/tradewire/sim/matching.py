"""A limit order book with price-time priority: orders rest, match and leave. No randomness, no clock, no text.

Prices are whole ticks, quantities whole lots. Inside, a level's key is its price for bids and minus its price for asks,
so that on both sides the best level has the greatest key and one code path serves both.
"""

from __future__ import annotations

from bisect import bisect_left, insort

__all__ = ["BUY", "SELL", "LimitOrderBook"]

BUY, SELL = 1, -1


class LimitOrderBook:
    """Resting orders of one symbol.

    Attributes:
        bids: bid prices, ascending (best last).
        asks: minus the ask prices, ascending (best last).
        totals: key -> lots resting at that level.
        changed: keys touched since the reader last took them; the reader clears or replaces the set.
    """

    __slots__ = ("_queues", "_where", "asks", "bids", "changed", "totals")

    def __init__(self) -> None:
        self.bids: list[int] = []
        self.asks: list[int] = []
        self.totals: dict[int, int] = {}
        self.changed: set[int] = set()
        # A dict keeps insertion order: the first order of a level is the oldest, and any one leaves in O(1).
        self._queues: dict[int, dict[int, int]] = {}
        self._where: dict[int, int] = {}

    def __len__(self) -> int:
        """Number of resting orders."""
        return len(self._where)

    def submit(self, order_id: int, side: int, price: int, lots: int, *, rest: bool = True) -> list[tuple[int, int]]:
        """Match an order, then let what is left rest (or drop it).

        Returns:
            The fills, one per resting order hit, best price and oldest order first: (price, lots).
        """
        key = side * price
        theirs = self.asks if side == BUY else self.bids
        fills: list[tuple[int, int]] = []
        while lots and theirs and theirs[-1] >= -key:
            lots = self._fill(theirs, lots, fills)
        if lots and rest:
            self._rest(order_id, key, lots)
        return fills

    def cancel(self, order_id: int) -> bool:
        """Take an order off the book; False if it does not rest there (any more)."""
        key = self._where.pop(order_id, None)
        if key is None:
            return False
        queue = self._queues[key]
        self.totals[key] -= queue.pop(order_id)
        self.changed.add(key)
        if not queue:
            self._drop(key)
        return True

    def newest(self, key: int) -> int:
        """Id of the youngest order of a level that exists."""
        return next(reversed(self._queues[key]))

    def top(self, side: int, count: int) -> list[tuple[int, int]]:
        """The best `count` levels of a side, best first: (price, lots)."""
        keys = self.bids if side == BUY else self.asks
        return [(side * key, self.totals[key]) for key in keys[: -count - 1 : -1]]

    def _fill(self, theirs: list[int], lots: int, fills: list[tuple[int, int]]) -> int:
        """Take up to `lots` from the best level of a side; what is left to fill."""
        key = theirs[-1]
        queue = self._queues[key]
        price = abs(key)
        self.changed.add(key)
        while lots and queue:
            maker = next(iter(queue))
            resting = queue[maker]
            done = min(lots, resting)
            fills.append((price, done))
            lots -= done
            self.totals[key] -= done
            if done == resting:
                del queue[maker], self._where[maker]
            else:
                queue[maker] = resting - done
        if not queue:
            theirs.pop()
            del self._queues[key], self.totals[key]
        return lots

    def _rest(self, order_id: int, key: int, lots: int) -> None:
        queue = self._queues.get(key)
        if queue is None:
            self._queues[key] = {order_id: lots}
            self.totals[key] = lots
            insort(self.bids if key > 0 else self.asks, key)
        else:
            queue[order_id] = lots
            self.totals[key] += lots
        self._where[order_id] = key
        self.changed.add(key)

    def _drop(self, key: int) -> None:
        keys = self.bids if key > 0 else self.asks
        del keys[bisect_left(keys, key)]
        del self._queues[key], self.totals[key]
