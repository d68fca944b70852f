"""Names to numbers: `SymbolTable`. Not for instruments (ticks, lots): the model has those."""

from __future__ import annotations

from threading import Lock

from .argument import integer
from .fields import check_text

__all__ = ["SymbolTable"]

_VENUES = 65536
_NAME_BYTES = 64


def _check_name(name: str, value: object) -> str:
    text = check_text(name, value)
    size = len(text.encode())
    if not 1 <= size <= _NAME_BYTES:
        raise ValueError(f"{name} must be 1..{_NAME_BYTES} bytes, was {size}")
    return text


class SymbolTable:
    """(venue, symbol) -> u32, append-only, ids never reused. Thread-safe."""

    __slots__ = ("_capacity", "_ids", "_lock", "_symbols", "_venue_ids", "_venues")

    def __init__(self, capacity: int = 65536) -> None:
        self._capacity = integer(capacity, "capacity", 1, 2**31)
        self._lock = Lock()
        self._venues: list[str] = []
        self._venue_ids: dict[str, int] = {}
        self._symbols: list[tuple[str, str]] = []
        self._ids: dict[tuple[str, str], int] = {}

    def add_venue(self, venue: str) -> int:
        venue = _check_name("venue", venue)
        with self._lock:
            return self._add_venue(venue)

    def _add_venue(self, venue: str) -> int:
        known = self._venue_ids.get(venue)
        if known is not None:
            return known
        if len(self._venues) >= _VENUES:
            raise ValueError(f"the table is full: it holds {_VENUES} venues")
        self._venue_ids[venue] = len(self._venues)
        self._venues.append(venue)
        return len(self._venues) - 1

    def add(self, venue: str, symbol: str) -> int:
        venue, symbol = _check_name("venue", venue), _check_name("symbol", symbol)
        with self._lock:
            known = self._ids.get((venue, symbol))
            if known is not None:
                return known
            if len(self._symbols) >= self._capacity:
                raise ValueError(f"the table is full: it holds {self._capacity} symbols")
            self._add_venue(venue)
            self._ids[venue, symbol] = len(self._symbols)
            self._symbols.append((venue, symbol))
            return len(self._symbols) - 1

    def get(self, venue: str, symbol: str) -> int | None:
        return self._ids.get((check_text("venue", venue), check_text("symbol", symbol)))

    def lookup(self, symbol_id: int) -> tuple[str, str]:
        known = integer(symbol_id, "symbol_id", 0, 2**32 - 1)
        if known >= len(self._symbols):
            raise KeyError(known)
        return self._symbols[known]

    def venue(self, venue_id: int) -> str:
        known = integer(venue_id, "venue_id", 0, _VENUES - 1)
        if known >= len(self._venues):
            raise KeyError(known)
        return self._venues[known]

    def __len__(self) -> int:
        return len(self._symbols)
