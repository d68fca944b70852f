"""`WireResult` in Python: what one read of the socket gave. Not for reading: `wire.py` is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tradewire.core.protocols import WireResultProtocol
from tradewire.errors import DecodeError

__all__ = ["WireResult"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class WireResult(WireResultProtocol):
    """What one read of the socket gave."""

    messages: int
    counts: Mapping[str, int]
    frames: list[tuple[int, bytes]]
    errors: list[DecodeError]
    error_count: int
    controls: list[bytes]
    control_count: int
    full: bool
    close: tuple[int, str] | None

    @property
    def plain(self) -> bool:
        return not (self.frames or self.error_count or self.control_count or self.full or self.close)
