"""`OrderBook` in Python: sorted prices and a dict of quantities. Not for several books: `bookset` keeps those."""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Literal

from tradewire.core.plan import SequenceRule
from tradewire.core.protocols import BookOutcome, Event, OrderBookProtocol

from .argument import integer
from .events import BookDelta
from .fields import check_levels, check_text

__all__ = ["OrderBook"]

Level = tuple[float, float]
Link = Literal["next", "old", "broken"]

_SEQ = 2**63 - 1


class _Side:
    """Price levels of one side by rank: the price of a bid, the negated price of an ask. The best is last."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._ranks: list[float] = []
        self._quantities: dict[float, float] = {}

    def __len__(self) -> int:
        return len(self._ranks)

    def set(self, price: float, quantity: float) -> None:
        """Sets a level; a quantity not above zero deletes it. A price that is not finite is passed over."""
        rank = self._sign * price
        if not math.isfinite(rank):
            return
        if quantity > 0:
            if rank not in self._quantities:
                insort(self._ranks, rank)
            self._quantities[rank] = quantity
        elif self._quantities.pop(rank, None) is not None:
            del self._ranks[bisect_left(self._ranks, rank)]

    def replace(self, levels: Iterable[Level]) -> None:
        """Replaces the whole side; of equal prices the last one wins."""
        quantities = {self._sign * price: quantity for price, quantity in levels if math.isfinite(price)}
        self._quantities = {rank: quantity for rank, quantity in quantities.items() if quantity > 0}
        self._ranks = sorted(self._quantities)

    def best(self) -> Level | None:
        return self._level(self._ranks[-1]) if self._ranks else None

    def levels(self, depth: int | None = None) -> list[Level]:
        """Levels, best first."""
        return [self._level(rank) for rank in self._ranks[: -depth - 1 if depth else None : -1]]

    def _level(self, rank: float) -> Level:
        return (self._sign * rank, self._quantities[rank])


class OrderBook(OrderBookProtocol):
    """One book of absolute price levels, synchronised by a `SequenceRule`."""

    def __init__(self, rule: SequenceRule | None = None, *, symbol: str = "") -> None:
        if rule is not None and not isinstance(rule, SequenceRule):
            raise TypeError(f"rule must be a SequenceRule or None, was {type(rule).__name__}")
        self._rule = rule
        self._symbol = check_text("symbol", symbol)
        self._bids, self._asks = _Side(1), _Side(-1)
        self._waiting: deque[BookDelta] = deque(maxlen=rule.buffer if rule else 0)
        self._live = rule is None
        self._chained = False  # whether a delta has followed the snapshot
        self._last_seq = 0
        self._event_ns = 0

    def reset(self) -> None:
        """Back to the beginning: empty, syncing, nothing waiting. For `BookSet.reset`."""
        self._empty()
        self._waiting.clear()
        self._last_seq = 0
        self._event_ns = 0

    def apply(self, delta: Event) -> BookOutcome:
        if not isinstance(delta, BookDelta):
            raise TypeError(f"delta must be a BookDelta, was {type(delta).__name__}")
        return self._apply(delta)

    def _apply(self, delta: BookDelta) -> BookOutcome:
        if self._rule is not None:
            if not self._live and self._rule.next != "none":
                self._waiting.append(delta)
                return "buffered"
            link = self._link(self._rule, delta)
            if link == "old":
                return "stale"
            if link == "broken":
                outcome: BookOutcome = "gap" if self._chained else "need_snapshot"
                self._empty()
                self._waiting.append(delta)
                return outcome
            self._chained = True
        for side, levels in ((self._bids, delta.bids), (self._asks, delta.asks)):
            for price, quantity in levels:
                side.set(price, quantity)
        self._last_seq = delta.last_seq
        self._event_ns = delta.event_ns
        return self._outcome()

    def _link(self, rule: SequenceRule, delta: BookDelta) -> Link:
        """How a delta stands to the book; the meaning of the rules is in `SequenceRule`."""
        first_seq = -1 if delta.first_seq is None else delta.first_seq
        if rule.next == "none":
            return "next" if self._live else "old"
        if not self._chained:
            wanted = self._last_seq + (rule.first == "straddle_next")
            return "old" if delta.last_seq < wanted else "next" if first_seq <= wanted else "broken"
        is_old = delta.last_seq <= self._last_seq
        if rule.next == "contiguous":
            return "old" if is_old else "next" if first_seq <= self._last_seq + 1 else "broken"
        if is_old:
            return "old" if delta.event_ns <= self._event_ns else "broken"
        return "next" if delta.prev_seq == self._last_seq else "broken"

    def apply_snapshot(self, bids: Sequence[Level], asks: Sequence[Level], last_seq: int, event_ns: int) -> BookOutcome:
        checked = _finite("bids", bids), _finite("asks", asks)
        return self.replace(*checked, integer(last_seq, "last_seq", 0, _SEQ), integer(event_ns, "event_ns", 0, _SEQ))

    def replace(self, bids: Iterable[Level], asks: Iterable[Level], last_seq: int, event_ns: int) -> BookOutcome:
        """`apply_snapshot` of checked values, and for `BookSet`."""
        self._replace(bids, asks, last_seq, event_ns)
        waiting = list(self._waiting)
        self._waiting.clear()
        for at, delta in enumerate(waiting, start=1):
            outcome = self._apply(delta)
            if outcome in ("gap", "need_snapshot"):
                self._waiting.extend(waiting[at:])
                return outcome
        return self._outcome()

    def replace_top(self, bids: Iterable[Level], asks: Iterable[Level], last_seq: int, event_ns: int) -> BookOutcome:
        """A snapshot that holds the top only, for `BookSet`; such a feed has no deltas to wait for."""
        self._waiting.clear()
        self._replace(bids, asks, last_seq, event_ns)
        return self._outcome()

    def _replace(self, bids: Iterable[Level], asks: Iterable[Level], last_seq: int, event_ns: int) -> None:
        self._bids.replace(bids)
        self._asks.replace(asks)
        self._last_seq = last_seq
        self._event_ns = event_ns
        self._live = True
        self._chained = False

    def _empty(self) -> None:
        self._bids.replace(())
        self._asks.replace(())
        self._live = self._rule is None
        self._chained = False

    def _outcome(self) -> BookOutcome:
        bid, ask = self.best()
        return "crossed" if bid and ask and bid[0] >= ask[0] else "applied"

    def best(self) -> tuple[Level | None, Level | None]:
        return self._bids.best(), self._asks.best()

    def levels(self, depth: int) -> tuple[list[Level], list[Level]]:
        depth = integer(depth, "depth", 1, 2**31)
        return self._bids.levels(depth), self._asks.levels(depth)

    def digest(self) -> str:
        lines = [
            f"{name} {_plain(price)} {_plain(quantity)}"
            for name, side in (("B", self._bids), ("A", self._asks))
            for price, quantity in side.levels()
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]

    @property
    def symbol(self) -> str:
        return self._symbol

    @property
    def state(self) -> Literal["syncing", "live"]:
        return "live" if self._live else "syncing"

    @property
    def last_seq(self) -> int:
        return self._last_seq

    @property
    def event_ns(self) -> int:
        return self._event_ns

    def __len__(self) -> int:
        return len(self._bids) + len(self._asks)

    def __repr__(self) -> str:
        bid, ask = ("none" if best is None else repr(best[0]) for best in self.best())
        return (
            f"OrderBook({self._symbol!r}, {self.state}, {len(self._bids)} bids, {len(self._asks)} asks, "
            f"best bid {bid}, best ask {ask}, last_seq {self._last_seq})"
        )


def _plain(value: float) -> str:
    return format(Decimal(repr(value)).normalize(), "f")


def _finite(name: str, levels: Iterable[Level]) -> tuple[Level, ...]:
    checked = check_levels(name, levels)
    for price, quantity in checked:
        if not (math.isfinite(price) and math.isfinite(quantity) and quantity >= 0):
            raise ValueError(f"{name} must hold finite prices and quantities from 0, had ({price!r}, {quantity!r})")
    return checked
