"""The contract of the hot core, continued: socket bytes become messages, and go straight to a digest if that is wanted.

What is common to all is said in `protocols.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .delivery import Asked, DigestProtocol
from .protocols import DecoderProtocol, RingProtocol, WireResultProtocol

__all__ = ["WireReaderProtocol"]


class WireReaderProtocol(Protocol):
    """RFC 6455 client-side frame reader joined to a decoder and a ring: one call per socket read. Sans-I/O.

    `WireReader(decoder, ring, *, stream=None, max_message=1 << 20, max_fragments=1024)`; decoder and ring of the same
    implementation. More than `max_message` (bytes, 125..2**26) or `max_fragments` (frames of one message, 1..2**20) is
    refused on the frame header, before anything is allocated for it. Text must be UTF-8, checked frame by frame as
    they become whole; text and binary messages are decoded alike. `recv_ns` 0..2**63-1: that of the read that completed
    a message.

    A header that breaks several rules is named by the first of: reserved bit (no extensions), opcode, mask, control
    frame without FIN, control frame over 125 bytes, continuation without a message or new message inside one, length
    of 2**63 or more, length not in its shortest form, size, fragments. A close frame's payload is empty, or a code
    (1000-1003, 1007-1014, 3000-4999) and a UTF-8 reason. After a close frame or a failure nothing is read: later bytes
    are dropped, results are empty. A message that the decoder refuses is an error value and ends nothing.

    While bytes wait for room, `get_buffer`, `buffer_updated` and `feed` are a StateError: drain and `resume` first. So
    is a call while the ring has another writer, or the reader another caller; nothing was taken then.
    """

    def __init__(
        self,
        decoder: DecoderProtocol,
        ring: RingProtocol,
        *,
        stream: str | None = None,
        max_message: int = 1 << 20,
        max_fragments: int = 1024,
    ) -> None: ...
    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """64 KiB of writable memory, behind the tail of an unfinished frame, whatever `sizehint` (as asyncio's
        `BufferedProtocol` is called; -1 or more). To be written to before the next call of any method, and not after
        it (memory-safe all the same); not to be released, for the next call may give it again. Memory: at most
        `max_message` + 128 KiB, and as much again twice for a message in fragments."""

    def buffer_updated(self, count: int, recv_ns: int | None = None) -> WireResultProtocol | None:
        """Reads `count` (0..65536) bytes written to the buffer, received now unless `recv_ns` says when. None: all was
        dealt with, see `direct`. StateError: no `get_buffer` since the last call."""

    def direct(self, digest: DigestProtocol | None, asks: Callable[[], Asked] | None = None) -> None:
        """From now on a read by `buffer_updated` that gives a `plain` result goes through `digest` in the same call:
        its `run`, with what `asks()` returns as `every`, `books` and `offset_ns`, then its `count`. Where `every` is
        true, or a batch is asked about, the result comes back, uncounted, and the next `run` gives that batch. What
        `asks` or a callback raises is raised. `digest` None: no more of it. `digest` of the same implementation, and
        of the same ring."""

    def feed(self, data: bytes, recv_ns: int) -> WireResultProtocol:
        """The copying form, for replay and tests: any number of bytes."""

    def resume(self) -> WireResultProtocol:
        """Goes on with the bytes that waited for room, under the receive time of their read. Without any: nothing."""

    @property
    def pending(self) -> int:
        """Bytes held: the tail of an unfinished frame, fragments of an unfinished message, or what waits for room."""
