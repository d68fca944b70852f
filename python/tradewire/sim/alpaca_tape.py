"""What the simulated Alpaca venue remembers of one symbol, for its historical calls. No text, no sockets.

Times are strictly rising nanoseconds, so that a client can ask for everything after what it has.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

from tradewire.sim.history import MINUTE_MS, Bar

__all__ = ["Print", "Tape", "Top", "between"]

_KEPT = 20_000
_MS_NS = 1_000_000


@dataclass(slots=True)
class Print:
    """A trade as it was reported; prices in ticks, quantities in lots.

    Attributes:
        update: `canceled`, `incorrect` (a corrected one follows) or `corrected`; empty for nearly all.
    """

    trade_id: int
    price: int
    lots: int
    ns: int
    seller_took: bool
    exchange: str
    conditions: tuple[str, ...]
    update: str = ""


@dataclass(frozen=True, slots=True)
class Top:
    """Best prices and quantities."""

    bid: int
    bid_lots: int
    ask: int
    ask_lots: int
    ns: int


class _Timed(Protocol):
    @property
    def ns(self) -> int: ...


_ITEM = TypeVar("_ITEM", bound=_Timed)


def between(items: deque[_ITEM], start_ns: int, end_ns: int) -> list[_ITEM]:
    """Items of `start_ns`..`end_ns`, both included; the deque is in the order of time."""
    first = bisect_left(items, start_ns, key=lambda item: item.ns)
    last = bisect_right(items, end_ns, key=lambda item: item.ns)
    return list(islice(items, first, last))


class Tape:
    """One symbol's trades and quotes.

    Attributes:
        prints: the last trades, oldest first.
        tops: the last quotes, oldest first.
        corrected: minutes whose bar is not what it first was: start in ms -> bar.
    """

    def __init__(self) -> None:
        self.prints: deque[Print] = deque(maxlen=_KEPT)
        self.tops: deque[Top] = deque(maxlen=_KEPT)
        self.corrected: dict[int, Bar] = {}

    def minute(self, start_ms: int) -> Bar | None:
        """The bar of a minute by what is known now; None if not all of it is remembered, or nothing was traded."""
        start_ns = start_ms * _MS_NS
        if not self.prints or self.prints[0].ns > start_ns:
            return None
        whole: Bar | None = None
        for item in between(self.prints, start_ns, start_ns + MINUTE_MS * _MS_NS - 1):
            if item.update in ("canceled", "incorrect"):
                continue
            value = item.price * item.lots
            own = Bar(start_ms, item.price, item.price, item.price, item.price, item.lots, value, 1)
            if whole is None:
                whole = own
            else:
                whole.absorb(own)
        return whole
