"""Between a stream connection and its socket: writes at once, slowly, or not at all. No protocol, no clock."""

from __future__ import annotations

import asyncio

__all__ = ["Valve"]


class Valve:
    """Passes bytes on to a transport. Without faults it adds one call to a write.

    Attributes:
        is_frozen: whether nothing is read or written.
    """

    __slots__ = ("_due", "_rate", "_ticked_s", "_transport", "_waiting", "is_frozen")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._rate: float | None = None
        self._waiting = bytearray()
        self._due = 0.0
        self._ticked_s: float | None = None
        self.is_frozen = False

    @property
    def backlog(self) -> int:
        """Bytes that the peer has not been sent yet."""
        return len(self._waiting) + self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Write, keep for later, or lose."""
        if self.is_frozen:
            return
        if self._rate is None:
            self._transport.write(data)
        else:
            self._waiting += data

    def drip(self, bytes_per_s: float | None) -> None:
        """Write so slowly; None is at once."""
        self._rate = bytes_per_s
        self._ticked_s = None
        self._due = 0.0
        if bytes_per_s is None:
            self._pour(len(self._waiting))

    def tick(self, now_s: float) -> None:
        """Write what is due by the clock of the owner; at most one write, whose bytes travel together."""
        if self._rate is None or self.is_frozen:
            return
        if self._ticked_s is not None:
            self._due = min(self._due + (now_s - self._ticked_s) * self._rate, max(1.0, self._rate))
        self._ticked_s = now_s
        count = min(int(self._due), len(self._waiting))
        self._due -= count
        self._pour(count)

    def freeze(self) -> None:
        """Read and write nothing any more."""
        if not self.is_frozen:
            self.is_frozen = True
            self._transport.pause_reading()

    def thaw(self) -> None:
        """Read and write again; whole writes were lost, so that the frames of the stream stay whole."""
        if self.is_frozen:
            self.is_frozen = False
            self._transport.resume_reading()
            if self._rate is None:
                self._pour(len(self._waiting))

    def _pour(self, count: int) -> None:
        if count and not self.is_frozen:
            self._transport.write(bytes(self._waiting[:count]))
            del self._waiting[:count]
