"""Records made by hand: one message of every kind, and Hypothesis strategies of batches. Not for payloads."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tradewire.core import record
from tradewire.core.record import Kind

SYMBOLS = (("alpha", "BTCUSDT"), ("alpha", "ETHUSDT"), ("beta", "BTCUSDT"))

floats = st.floats(allow_nan=False, allow_infinity=False) | st.just(float("nan"))
integers = st.integers(-1, 2**63 - 1)
own_flags = st.integers(0, 255).map(lambda flags: flags & ~record.MORE)


def table(impl: Any) -> Any:
    """A table that holds `SYMBOLS`, ids 0, 1, 2."""
    symbols = impl.SymbolTable()
    for venue, symbol in SYMBOLS:
        symbols.add(venue, symbol)
    return symbols


def message(kind: int, slots: list[tuple[Any, ...]], **header: Any) -> NDArray[np.void]:
    """One message: a record for each of `slots`; ints go into integer slots, floats into float slots."""
    made = np.zeros(len(slots), record.RECORD)
    for row, values in enumerate(slots):
        made[row]["kind"] = kind
        for name, value in header.items():
            made[row][name] = value
        for slot, value in zip("abcd", values, strict=False):
            made[row : row + 1][slot] = value if isinstance(value, float) else np.int64(value).view("f8")
    made["flags"][:-1] |= record.MORE
    return made


def book(kind: int, header: tuple[int, int], bids: Any, asks: Any, **fields: Any) -> NDArray[np.void]:
    """A book message: header record, then bids, then asks."""
    made = message(kind, [(*header, len(bids), len(asks)), *bids, *asks], **fields)
    made["kind"][1:] = Kind.LEVEL
    made["flags"][1:] &= ~np.uint8(record.SIDE)
    made["flags"][1 + len(bids) :] |= record.SIDE
    return made


@st.composite
def messages(draw: st.DrawFn) -> NDArray[np.void]:
    """A message of any kind, with any values."""
    kind = draw(st.integers(Kind.TRADE, Kind.CONTROL))
    symbol, venue = draw(st.sampled_from([(0, 0), (1, 0), (2, 1)]))
    header = {
        "symbol": record.NO_SYMBOL if kind == Kind.CONTROL else symbol,
        "venue": venue,
        "event_ns": draw(st.integers(0, 2**63 - 1)),
        "recv_ns": draw(st.integers(0, 2**63 - 1)),
        "seq": draw(st.integers(0, 2**64 - 1) | st.sampled_from([60 * 10**9, 30 * 86400 * 10**9])),
        "flags": draw(own_flags),
    }
    if kind in (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT):
        levels = st.lists(st.tuples(floats, floats), max_size=4)
        return book(kind, (draw(integers), draw(integers)), draw(levels), draw(levels), **header)
    slots = [
        tuple(draw(floats if dtype == "<f8" else integers) for _, dtype in part) for part in record.SLOTS[Kind(kind)]
    ]
    if kind == Kind.CONTROL:
        slots = [(draw(st.integers(0, 5)), *slots[0][1:])]
    return message(kind, slots, **header)


batches = st.lists(messages(), max_size=8).map(
    lambda made: np.concatenate(made) if made else np.zeros(0, record.RECORD)
)


def shown(event: Any) -> tuple[str, dict[str, Any]]:
    """All that can be read of an event, in a form that compares across implementations (NaN equals NaN)."""
    derived = ("buyer_is_maker", "last_seq", "partial")
    names = (*event.__match_args__, *(name for name in derived if hasattr(event, name)))
    return type(event).__name__, {name: repr(getattr(event, name)) for name in names}


#: One of every kind, as constructor arguments.
EXAMPLES: dict[str, dict[str, Any]] = {
    "Trade": {"price": 1.5, "quantity": 2.0, "side": "sell", "trade_id": 7},
    "Quote": {"bid_price": 1.0, "bid_quantity": 2.0, "ask_price": 3.0, "ask_quantity": 4.0},
    "BookDelta": {"first_seq": 5, "prev_seq": 4, "bids": ((1.0, 2.0),), "asks": ((3.0, 0.0), (4.0, 1.0))},
    "BookSnapshot": {"first_seq": None, "prev_seq": None, "bids": ((1.0, 2.0),), "asks": ()},
    "MarkPrice": {
        "mark_price": 1.0,
        "index_price": 2.0,
        "funding_rate": -0.0001,
        "next_funding_ns": 8,
        "settle_price": None,
        "average_price": 3.0,
    },
    "Bar": {
        "open": 1.0,
        "high": 2.0,
        "low": 0.5,
        "close": 1.5,
        "volume": 10.0,
        "quote_volume": 15.0,
        "trades": 3,
        "start_ns": 60,
        "interval": "1m",
        "closed": True,
    },
    "Ticker": {
        "last_price": 1.0,
        "last_quantity": None,
        "open": 0.5,
        "high": 2.0,
        "low": 0.25,
        "volume": 9.0,
        "quote_volume": 8.0,
        "trades": 12,
    },
    "Liquidation": {"price": 1.0, "quantity": 2.0, "side": "buy", "average_price": 1.5, "filled_quantity": None},
    "Control": {"status": "error", "request_id": 3, "code": -1121},
}
COMMON = {"symbol": "BTCUSDT", "venue": "alpha", "event_ns": 11, "recv_ns": 22, "seq": 33}


def example(impl: Any, name: str, **changes: Any) -> Any:
    """The example event of that class."""
    return getattr(impl, name)(**{**COMMON, **EXAMPLES[name], **changes})
