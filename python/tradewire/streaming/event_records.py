"""Events of a custom provider as the records that a field plan would have given. The way back: `core.objects`."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewire.core import (
    Bar,
    BookDelta,
    BookSnapshot,
    Control,
    Liquidation,
    MarkPrice,
    Quote,
    SymbolTable,
    Ticker,
    Trade,
)
from tradewire.core.record import INTERVALS, MORE, NO_SYMBOL, RECORD, SIDE, SLOTS, ControlStatus, Kind

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch

__all__ = ["KINDS", "EventRecords"]

#: What the messages of an event class are.
KINDS: dict[type, Kind] = {
    Trade: Kind.TRADE,
    Quote: Kind.QUOTE,
    BookDelta: Kind.BOOK_DELTA,
    BookSnapshot: Kind.BOOK_SNAPSHOT,
    MarkPrice: Kind.MARK_PRICE,
    Bar: Kind.BAR,
    Ticker: Kind.TICKER,
    Liquidation: Kind.LIQUIDATION,
    Control: Kind.CONTROL,
}
_BOOKS = (BookDelta, BookSnapshot)
_HEADER = "<BBHIqqQ"
#: How the records of a kind's message are packed, and the fields in their slots: (name, what stands for None).
_PARTS = {
    kind: tuple(
        (
            struct.Struct(
                _HEADER + "".join("d" if dtype == "<f8" else "q" for _, dtype in slots) + "8x" * (4 - len(slots))
            ),
            tuple((name, float("nan") if dtype == "<f8" else -1) for name, dtype in slots),
        )
        for slots in records
    )
    for kind, records in SLOTS.items()
}
((_LEVEL, _),) = _PARTS[Kind.LEVEL]


class EventRecords:
    """Writes events of one provider.

    Args:
        venue: the provider's name, which is that of its events.
        symbols: given to readers of the records; symbols are added to it.
        most: records of a message, at most: what the ring holds.
    """

    __slots__ = ("_most", "_symbols", "_venue", "_venue_id")

    def __init__(self, venue: str, symbols: SymbolTable, most: int) -> None:
        self._venue = venue
        self._venue_id = symbols.add_venue(venue)
        self._symbols = symbols
        self._most = most

    def batch(self, events: Iterable[Any], recv_ns: int) -> Batch:
        """The records of events, in order.

        Args:
            events: of `tradewire.core`; an empty `venue` is the provider's.
            recv_ns: of those that have 0.

        Raises:
            ValueError: of another venue, a symbol that is not 1 to 64 bytes, or a book that the ring cannot hold.
        """
        return np.frombuffer(b"".join(self._message(event, recv_ns) for event in events), RECORD)

    def _message(self, event: Any, recv_ns: int) -> bytes:
        name, kind = type(event).__name__, KINDS[type(event)]
        if event.venue not in ("", self._venue):
            raise ValueError(f"venue of a {name} must be {self._venue!r} (self.name) or empty, was {event.venue!r}")
        bids, asks = (event.bids, event.asks) if type(event) in _BOOKS else ((), ())
        parts = _PARTS[kind]
        left = len(parts) + len(bids) + len(asks)
        if left > self._most:
            raise ValueError(
                f"a {name} must have {self._most - 1} levels or fewer, which is what the ring holds (ring_capacity), "
                f"had {left - 1}"
            )
        no_symbol = kind is Kind.CONTROL and not event.symbol
        symbol_id = NO_SYMBOL if no_symbol else self._symbols.add(self._venue, event.symbol)
        head = (self._venue_id, symbol_id, event.event_ns, event.recv_ns or recv_ns)
        written: list[bytes] = []
        for number, (packer, slots) in enumerate(parts):
            left -= 1
            # The second record of a bar tells its interval.
            seq = INTERVALS.get(event.interval, 0) if kind is Kind.BAR and number else event.seq
            values = (_slot(event, slot, absent) for slot, absent in slots)
            written.append(packer.pack(kind, _flags(event.flags, left), *head, seq, *values))
        for flags, levels in ((0, bids), (SIDE, asks)):
            for price, quantity in levels:
                left -= 1
                written.append(_LEVEL.pack(Kind.LEVEL, _flags(flags, left), *head, event.seq, price, quantity))
        return b"".join(written)


def _flags(own: int, records_left: int) -> int:
    return own & ~MORE | (MORE if records_left else 0)


def _slot(event: Any, name: str, absent: float) -> Any:
    if name == "bid_count":
        return len(event.bids)
    if name == "ask_count":
        return len(event.asks)
    value = getattr(event, name)
    if name == "status":
        return ControlStatus[value.upper()]
    return absent if value is None else value
