"""The 64-byte record as NumPy sees it: dtypes, kinds, flags, views. The layout itself: `rust_core/src/record.rs`."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "BACKFILL",
    "CLOSED",
    "INEXACT",
    "INTERVALS",
    "LAST",
    "MORE",
    "NO_SYMBOL",
    "PARTIAL",
    "RECORD",
    "RECORD_VERSION",
    "SIDE",
    "SIDELESS",
    "SLOTS",
    "ControlStatus",
    "Kind",
    "view",
]

RECORD_VERSION = 1

MORE, SIDE, LAST, INEXACT, SIDELESS, CLOSED, PARTIAL, BACKFILL = (1 << bit for bit in range(8))
NO_SYMBOL = 0xFFFF_FFFF


class Kind(IntEnum):
    """What a record says; the values are part of the layout."""

    TRADE = 1
    QUOTE = 2
    BOOK_DELTA = 3
    BOOK_SNAPSHOT = 4
    MARK_PRICE = 5
    BAR = 6
    TICKER = 7
    LIQUIDATION = 8
    CONTROL = 9
    LEVEL = 10


class ControlStatus(IntEnum):
    """What a Control message says."""

    ACK = 1
    ERROR = 2
    NOTICE = 3
    UNKNOWN = 4


_HEADER = [
    ("kind", "u1"),
    ("flags", "u1"),
    ("venue", "<u2"),
    ("symbol", "<u4"),
    ("event_ns", "<i8"),
    ("recv_ns", "<i8"),
    ("seq", "<u8"),
]

#: One record with unnamed slots `a`, `b`, `c`, `d` (f64).
RECORD = np.dtype([*_HEADER, ("a", "<f8"), ("b", "<f8"), ("c", "<f8"), ("d", "<f8")])

_BOOK = ((("first_seq", "<i8"), ("prev_seq", "<i8"), ("bid_count", "<i8"), ("ask_count", "<i8")),)

#: Slot names and types of each record of a kind's message. Absent floats are NaN, absent integers -1.
SLOTS: dict[Kind, tuple[tuple[tuple[str, str], ...], ...]] = {
    Kind.TRADE: ((("price", "<f8"), ("quantity", "<f8"), ("trade_id", "<i8")),),
    Kind.QUOTE: ((("bid_price", "<f8"), ("bid_quantity", "<f8"), ("ask_price", "<f8"), ("ask_quantity", "<f8")),),
    Kind.BOOK_DELTA: _BOOK,
    Kind.BOOK_SNAPSHOT: _BOOK,
    Kind.MARK_PRICE: (
        (("mark_price", "<f8"), ("index_price", "<f8"), ("funding_rate", "<f8"), ("next_funding_ns", "<i8")),
        (("settle_price", "<f8"), ("average_price", "<f8")),
    ),
    Kind.BAR: (
        (("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8")),
        (("volume", "<f8"), ("quote_volume", "<f8"), ("trades", "<i8"), ("start_ns", "<i8")),
    ),
    Kind.TICKER: (
        (("last_price", "<f8"), ("last_quantity", "<f8"), ("open", "<f8"), ("high", "<f8")),
        (("low", "<f8"), ("volume", "<f8"), ("quote_volume", "<f8"), ("trades", "<i8")),
    ),
    Kind.LIQUIDATION: ((("price", "<f8"), ("quantity", "<f8"), ("average_price", "<f8"), ("filled_quantity", "<f8")),),
    Kind.CONTROL: ((("status", "<i8"), ("request_id", "<i8"), ("code", "<i8")),),
    Kind.LEVEL: ((("price", "<f8"), ("quantity", "<f8")),),
}

#: Bar intervals by name, in nanoseconds; a month counts as 30 days (a name, not a duration).
INTERVALS: dict[str, int] = {
    name: count * unit * 1_000_000_000
    for unit, names in (
        (1, {"1s": 1}),
        (60, {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30}),
        (3600, {"1h": 1, "2h": 2, "4h": 4, "6h": 6, "8h": 8, "12h": 12}),
        (86400, {"1d": 1, "3d": 3, "1w": 7, "1M": 30}),
    )
    for name, count in names.items()
}


def _dtype(slots: tuple[tuple[str, str], ...]) -> np.dtype[Any]:
    padding = [(f"_{index}", "<f8") for index in range(len(slots), 4)]
    return np.dtype([*_HEADER, *slots, *padding])


_VIEWS = {kind: tuple(_dtype(slots) for slots in records) for kind, records in SLOTS.items()}


def view(batch: NDArray[np.void], kind: Kind, part: int = 0) -> NDArray[np.void]:
    """The records of one kind, with the kind's own field names; a copy, in the batch's order.

    Args:
        batch: a batch as `Ring.drain` gives it.
        kind: which messages; `Kind.LEVEL` gives the levels of all book messages.
        part: 0 for the first record of each message, 1 for the second (Bar, Ticker, MarkPrice).

    Raises:
        ValueError: the kind has no such part.
    """
    kind = Kind(kind)
    parts = _VIEWS[kind]
    if not 0 <= part < len(parts):
        raise ValueError(f"part must be 0..{len(parts) - 1} for {kind.name}, was {part}")
    rows = np.flatnonzero(batch["kind"] == kind)
    if len(parts) > 1:
        second = np.zeros(len(batch) + 1, dtype=bool)
        second[1:] = (batch["flags"] & MORE) != 0
        rows = rows[second[rows] == bool(part)]
    return batch[rows].view(parts[part])
