"""Typed events out of batches: `objects` and `Wanted`. Not for decoding payloads: the decoder makes the records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from tradewire.core.protocols import Batch, Event
from tradewire.core.record import CLOSED, INTERVALS, MORE, NO_SYMBOL, RECORD, SIDE, SIDELESS, ControlStatus, Kind

from .argument import integer
from .batch import message_ends, records
from .events import Bar, BookDelta, BookSnapshot, Control, Liquidation, MarkPrice, Quote, Side, Status, Ticker, Trade
from .symbols import SymbolTable

__all__ = ["Wanted", "objects"]

#: The same record with its slots as integers.
_INTEGERS = np.dtype([*RECORD.descr[:7], *((slot, "<i8") for slot in "abcd")])
_SLOTS = slice(7, 11)
_BOOKS = (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT)
_LENGTHS = {Kind.MARK_PRICE: 2, Kind.BAR: 2, Kind.TICKER: 2}
_INTERVAL_NAMES = {length: name for name, length in INTERVALS.items()}
_STATUSES: dict[int, Status] = {
    ControlStatus.ACK: "ack",
    ControlStatus.ERROR: "error",
    ControlStatus.NOTICE: "notice",
    ControlStatus.UNKNOWN: "unknown",
}

#: A record as Python numbers, in the order of its dtype.
Row: TypeAlias = tuple[Any, ...]
Header: TypeAlias = dict[str, Any]


class Wanted:
    """Which messages `objects` turns into events."""

    __slots__ = ("_all", "_one", "_symbols")

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = _table("symbols", symbols)
        self._all: set[int] = set()
        self._one: dict[int, set[int]] = defaultdict(set)

    def add(self, kind: int, symbol_id: int | None = None) -> None:
        kind = _message_kind(kind)
        if symbol_id is None:
            self._all.add(kind)
            return
        symbol_id = _symbol_id(symbol_id)
        if symbol_id >= len(self._symbols):
            raise ValueError(f"symbol_id must be one that the table gave out, was {symbol_id}")
        self._one[kind].add(symbol_id)

    def discard(self, kind: int, symbol_id: int | None = None) -> None:
        kind = _message_kind(kind)
        if symbol_id is None:
            self._all.discard(kind)
        else:
            self._one[kind].discard(_symbol_id(symbol_id))

    def __contains__(self, message: tuple[int, int]) -> bool:
        kind, symbol_id = message
        return kind in self._all or symbol_id in self._one[kind]


class _Everything:
    """Stands for a `Wanted` of all messages."""

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = symbols

    def __contains__(self, message: tuple[int, int]) -> bool:
        return True


def objects(batch: Batch, wanted: Wanted | SymbolTable) -> list[Event]:
    """The events of a batch that `wanted` asks for, oldest first."""
    batch = records(batch)
    if isinstance(wanted, Wanted):
        return _events(batch, wanted)
    if isinstance(wanted, SymbolTable):
        return _events(batch, _Everything(wanted))
    raise TypeError(f"wanted must be a Wanted or a SymbolTable, was {type(wanted).__name__}")


def _message_kind(kind: int) -> int:
    return integer(kind, "kind", Kind.TRADE, Kind.CONTROL)


def _symbol_id(symbol_id: int) -> int:
    return integer(symbol_id, "symbol_id", 0, 2**32 - 1)


def _table(name: str, table: object) -> SymbolTable:
    if not isinstance(table, SymbolTable):
        raise TypeError(f"{name} must be a SymbolTable, was {type(table).__name__}")
    return table


def _events(batch: Batch, wanted: Wanted | _Everything) -> list[Event]:
    if len(batch) and batch["flags"][-1] & MORE:
        raise ValueError("the last message of the batch is incomplete")
    floats, integers = batch.tolist(), batch.view(_INTEGERS).tolist()
    found: list[Event] = []
    start = 0
    for end in message_ends(batch):
        _check_shape(start, floats[start:end])
        kind, symbol_id = floats[start][0], floats[start][3]
        header = _header(start, floats[start], wanted._symbols)
        if (kind, symbol_id) in wanted:
            found.append(_MAKERS[kind](header, floats[start:end], integers[start:end]))
        start = end
    return found


def _check_shape(row: int, message: list[Row]) -> None:
    kind = message[0][0]
    if not Kind.TRADE <= kind <= Kind.CONTROL:
        raise ValueError(f"record {row}: no message begins with kind {kind}")
    if kind in _BOOKS:
        for offset, level in enumerate(message[1:], start=1):
            if level[0] != Kind.LEVEL:
                raise ValueError(f"record {row + offset}: kind {level[0]} inside a book message")
    elif len(message) != _LENGTHS.get(kind, 1):
        raise ValueError(
            f"record {row}: a message of kind {kind} has {_LENGTHS.get(kind, 1)} records, had {len(message)}"
        )


def _header(row: int, first: Row, symbols: SymbolTable) -> Header:
    _, flags, venue_id, symbol_id, event_ns, recv_ns, seq = first[:7]
    try:
        symbol = "" if symbol_id == NO_SYMBOL else symbols.lookup(symbol_id)[1]
    except KeyError:
        raise ValueError(f"record {row}: symbol id {symbol_id} is not in the table") from None
    try:
        venue = symbols.venue(venue_id)
    except KeyError:
        raise ValueError(f"record {row}: venue id {venue_id} is not in the table") from None
    return {"symbol": symbol, "venue": venue, "event_ns": event_ns, "recv_ns": recv_ns, "seq": seq, "flags": flags}


def _side(header: Header) -> Side | None:
    flags = header["flags"]
    return None if flags & SIDELESS else "sell" if flags & SIDE else "buy"


def _trade(header: Header, floats: list[Row], integers: list[Row]) -> Event:
    price, quantity, _, _ = floats[0][_SLOTS]
    return Trade(**header, price=price, quantity=quantity, side=_side(header), trade_id=integers[0][9])


def _quote(header: Header, floats: list[Row], integers: list[Row]) -> Event:
    bid_price, bid_quantity, ask_price, ask_quantity = floats[0][_SLOTS]
    return Quote(
        **header, bid_price=bid_price, bid_quantity=bid_quantity, ask_price=ask_price, ask_quantity=ask_quantity
    )


def _book(made: type[BookDelta | BookSnapshot]) -> Callable[[Header, list[Row], list[Row]], Event]:
    def make(header: Header, floats: list[Row], integers: list[Row]) -> Event:
        first_seq, prev_seq, _, _ = integers[0][_SLOTS]
        bids, asks = ([(row[7], row[8]) for row in floats[1:] if row[1] & SIDE == side] for side in (0, SIDE))
        return made(**header, first_seq=first_seq, prev_seq=prev_seq, bids=bids, asks=asks)

    return make


def _mark_price(header: Header, floats: list[Row], integers: list[Row]) -> Event:
    mark_price, index_price, funding_rate, _ = floats[0][_SLOTS]
    settle_price, average_price, _, _ = floats[1][_SLOTS]
    return MarkPrice(
        **header,
        mark_price=mark_price,
        index_price=index_price,
        funding_rate=funding_rate,
        next_funding_ns=integers[0][10],
        settle_price=settle_price,
        average_price=average_price,
    )


def _bar(header: Header, floats: list[Row], integers: list[Row]) -> Event:
    opened, high, low, close = floats[0][_SLOTS]
    volume, quote_volume, _, _ = floats[1][_SLOTS]
    return Bar(
        **header,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=volume,
        quote_volume=quote_volume,
        trades=integers[1][9],
        start_ns=integers[1][10],
        interval=_INTERVAL_NAMES.get(integers[1][6], ""),
        closed=bool(header["flags"] & CLOSED),
    )


def _ticker(header: Header, floats: list[Row], integers: list[Row]) -> Event:
    last_price, last_quantity, opened, high = floats[0][_SLOTS]
    low, volume, quote_volume, _ = floats[1][_SLOTS]
    return Ticker(
        **header,
        last_price=last_price,
        last_quantity=last_quantity,
        open=opened,
        high=high,
        low=low,
        volume=volume,
        quote_volume=quote_volume,
        trades=integers[1][10],
    )


def _liquidation(header: Header, floats: list[Row], integers: list[Row]) -> Event:
    price, quantity, average_price, filled_quantity = floats[0][_SLOTS]
    return Liquidation(
        **header,
        price=price,
        quantity=quantity,
        side=_side(header),
        average_price=average_price,
        filled_quantity=filled_quantity,
    )


def _control(header: Header, floats: list[Row], integers: list[Row]) -> Event:
    status, request_id, code, _ = integers[0][_SLOTS]
    return Control(**header, status=_STATUSES.get(status, "unknown"), request_id=request_id, code=code)


_MAKERS: dict[int, Callable[[Header, list[Row], list[Row]], Event]] = {
    Kind.TRADE: _trade,
    Kind.QUOTE: _quote,
    Kind.BOOK_DELTA: _book(BookDelta),
    Kind.BOOK_SNAPSHOT: _book(BookSnapshot),
    Kind.MARK_PRICE: _mark_price,
    Kind.BAR: _bar,
    Kind.TICKER: _ticker,
    Kind.LIQUIDATION: _liquidation,
    Kind.CONTROL: _control,
}
