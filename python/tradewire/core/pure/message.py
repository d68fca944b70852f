"""One message on its way to records: header, slots and levels, and their 64-byte form. Not for reading payloads."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from tradewire.core.record import INEXACT, LAST, MORE, SIDE, SLOTS, Kind

__all__ = ["PLACES", "Level", "Message"]

_HEADER: Final = struct.Struct("<BBHIqqQ")
_FLOAT: Final = struct.Struct("<d")
_INTEGER: Final = struct.Struct("<q")
_UNUSED: Final = bytes(8)
_ABSENT: Final = {"<f8": _FLOAT.pack(float("nan")), "<i8": _INTEGER.pack(-1)}
_BOOKS: Final = (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT)

#: Where a slot is, by kind and name: record of the message, index in it, NumPy type.
PLACES: Final[dict[Kind, dict[str, tuple[int, int, str]]]] = {
    kind: {
        name: (part, index, dtype) for part, slots in enumerate(records) for index, (name, dtype) in enumerate(slots)
    }
    for kind, records in SLOTS.items()
}


@dataclass(slots=True)
class Level:
    """One price level, with the flags of its own."""

    price: float
    quantity: float
    flags: int


@dataclass(slots=True)
class Message:
    """A message being read. `flags` go to all of its records, `first_flags` to the first.

    `bad_time` is the offset of its first time that is out of range.
    """

    kind: Kind
    flags: int = 0
    first_flags: int = 0
    symbol_id: int = 0
    event_ns: int = 0
    seq: int = 0
    interval_ns: int = 0
    bad_time: int | None = None
    levels: list[Level] = field(default_factory=list)
    _slots: list[list[bytes]] = field(init=False)
    _inexact: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._slots = [
            [_ABSENT[dtype] for _, dtype in slots] + [_UNUSED] * (4 - len(slots)) for slots in SLOTS[self.kind]
        ]

    def put(self, name: str, value: float, *, inexact: bool = False) -> None:
        """Fills a slot; the value is of the slot's type."""
        part, index, dtype = PLACES[self.kind][name]
        self._slots[part][index] = (_FLOAT if dtype == "<f8" else _INTEGER).pack(value)
        if inexact:
            self._inexact.add(part)

    @property
    def inexact(self) -> bool:
        """Whether any of its numbers is."""
        return bool(self._inexact) or any(level.flags & INEXACT for level in self.levels)

    def __len__(self) -> int:
        """Records."""
        return len(self._slots) + len(self.levels)

    def encode(self, venue_id: int, recv_ns: int, *, last: bool) -> bytes:
        """The records. `last`: this is the last message of its payload."""
        if self.kind in _BOOKS:
            asks = sum(bool(level.flags & SIDE) for level in self.levels)
            self.put("bid_count", len(self.levels) - asks)
            self.put("ask_count", asks)
        records = [
            (self.kind, self._part_flags(part), self._seq(part), slots) for part, slots in enumerate(self._slots)
        ]
        for level in self.levels:
            pair = [_FLOAT.pack(level.price), _FLOAT.pack(level.quantity), _UNUSED, _UNUSED]
            records.append((Kind.LEVEL, level.flags, self.seq, pair))
        shared = self.flags | (LAST if last else 0)
        encoded = []
        for left, (kind, flags, seq, slots) in zip(range(len(records) - 1, -1, -1), records, strict=True):
            flags |= shared | (MORE if left else 0)
            encoded.append(_HEADER.pack(kind, flags, venue_id, self.symbol_id, self.event_ns, recv_ns, seq))
            encoded.extend(slots)
        return b"".join(encoded)

    def _part_flags(self, part: int) -> int:
        if part == 0:
            return self.first_flags | (INEXACT if self.inexact else 0)
        return INEXACT if part in self._inexact else 0

    def _seq(self, part: int) -> int:
        return self.interval_ns if self.kind == Kind.BAR and part == 1 else self.seq
