"""The contract of the hot core, continued: from a socket's bytes to batches, and who is called with their events.

What is common to all is said in `protocols.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from .protocols import (
    Batch,
    BookOutcome,
    BookSetProtocol,
    DecoderProtocol,
    HistogramProtocol,
    RingProtocol,
    SequenceOutcome,
    SequenceTrackerProtocol,
    SymbolTableProtocol,
    WantedProtocol,
    WireResultProtocol,
)

__all__ = [
    "Asked",
    "CallbackProtocol",
    "CallbacksProtocol",
    "DigestProtocol",
    "Digested",
    "News",
    "WireReaderProtocol",
]


#: What is asked about of a batch: `every`, `books` and `offset_ns` of `DigestProtocol.run`.
Asked: TypeAlias = tuple[bool, bool, int]


class CallbackProtocol(Protocol):
    """A function that is called with events, timed and counted: `Callback(function, latency, slow_ns, unusual)`.

    One thread delivers at a time. The time from the drain to the call goes to `latency` (a Histogram of the same core,
    ns), for what is called in a row with one clock reading a call. `unusual(result, error, elapsed_ns)` is called at
    once when the function returned something else than None, raised (an `Exception`; `result` is None then), or took
    more than `slow_ns`; what it raises itself, and what is raised that is no `Exception`, goes to the caller.
    """

    def __init__(
        self,
        function: Callable[[Any], object],
        latency: HistogramProtocol,
        slow_ns: int,
        unusual: Callable[[object, Exception | None, int], object],
    ) -> None: ...
    @property
    def calls(self) -> int:
        """Finished calls, those that raised an `Exception` included."""

    def deliver(self, event: Any, drained_ns: int) -> None:
        """Calls it now with anything. `drained_ns`: monotonic."""


class CallbacksProtocol(Protocol):
    """Callbacks by kind and symbol: `Callbacks(symbols)`. Belongs to one thread.

    Functions may add, discard and deliver: an event goes to those that were there when its turn came.
    """

    def __init__(self, symbols: SymbolTableProtocol) -> None: ...
    def add(self, kind: int, symbol_id: int, callback: CallbackProtocol, interval_ns: int = 0) -> None:
        """Calls back with the messages of a kind (not LEVEL) and a symbol, for bars of an interval; once for each time
        it was added. ValueError: a symbol id that the table never gave out."""

    def discard(self, kind: int, symbol_id: int, callback: CallbackProtocol, interval_ns: int = 0) -> None:
        """Undoes every `add` with the same arguments; otherwise nothing."""

    def deliver(self, batch: Batch, drained_ns: int) -> None:
        """Calls back with the events of a batch, oldest first. `drained_ns`: monotonic. ValueError: the last message is
        incomplete (nothing was delivered), or one has another number of records than its kind (those before were)."""


#: A batch, what it did to books (`BookSetProtocol.apply`) and numbered streams (`SequenceTrackerProtocol.apply`), and
#: when it was drained: monotonic, and ns since 1970.
Digested: TypeAlias = tuple[
    Batch,
    list[int],
    list[tuple[int, int, BookOutcome]],
    list[tuple[int, SequenceOutcome, int]],
    int,
    int,
]
#: Kind, symbol id, interval of bars in ns (else 0), messages, when the last batch with one was drained: monotonic, and
#: ns since 1970.
News: TypeAlias = tuple[int, int, int, int, int, int]


class DigestProtocol(Protocol):
    """What is done with every batch of a ring: `Digest(ring, tracker, books, wanted, callbacks, latencies=None)`.

    All of one implementation; `latencies`: histograms of the first two hops (venue to us, socket read to drained).
    Belongs to one thread.
    """

    def __init__(
        self,
        ring: RingProtocol,
        tracker: SequenceTrackerProtocol,
        books: BookSetProtocol,
        wanted: WantedProtocol,
        callbacks: CallbacksProtocol,
        latencies: tuple[HistogramProtocol, HistogramProtocol] | None = None,
    ) -> None: ...
    def count(self, result: WireResultProtocol, size: int) -> None:
        """Adds what a read of `size` bytes gave to the totals."""

    def run(
        self, every: bool, books: bool, offset_ns: int, now_ns: int | None = None, wall_ns: int | None = None
    ) -> Digested | None:
        """Drains the ring, at most 8192 records at a time. Each batch goes to the tracker and the books and is timed
        and counted; then to the callbacks, or, where somebody asks about it, instead to the caller, who delivers it.

        None: the ring is empty. A batch is asked about where `every` says so, `books` says so and a live book changed,
        one of its messages is in `wanted` or of a watched feed, or an outcome is not as it should be.

        `offset_ns`: the venue's clock minus ours. `now_ns`, `wall_ns`: when it is drained; None: the clocks.
        What callbacks raise (see `CallbackProtocol`) ends it; the rest of their batch is lost.
        """

    def watch(self, kind: int, symbol_id: int, interval_ns: int, watched: bool) -> None:
        """Whether batches with a message of a feed are asked about. Symbols that the table never gave out: nothing."""

    def news(self) -> list[News]:
        """The feeds that had messages since the last call, in order of the first one. Those without a symbol have no
        feed."""

    def totals(self) -> dict[str, int]:
        """Since the beginning. Of what was counted: `messages`, `bytes`, `reads`, `decode_errors`, `protocol_errors`,
        `messages.<kind>`, `protocol_errors.<close code>`. Of what was drained: `batches`, `records`, and `time_jumps`
        (venue times over an hour from ours)."""


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
        """128 KiB of writable memory, behind the tail of an unfinished frame, whatever `sizehint` (as asyncio's
        `BufferedProtocol` is called; -1 or more). To be written to before the next call of any method, and not after
        it (memory-safe all the same); not to be released, for the next call may give it again. Memory: at most
        `max_message` + 129 KiB, and as much again twice for a message in fragments."""

    def buffer_updated(self, count: int, recv_ns: int | None = None) -> WireResultProtocol | None:
        """Reads `count` (0..131072) bytes written to the buffer, received now unless `recv_ns` says when. None: all was
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
