"""The path of every frame, live or replayed: reader -> ring -> batch -> books, sequences, events, latency spans.

Knows no sockets and no consumers: sources feed its readers, and its handler gets each batch with what it meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tradewire.core import (
    BookSet,
    Decoder,
    Ring,
    SequenceTracker,
    SymbolTable,
    Wanted,
    WireReader,
    monotonic_ns,
    objects,
    wall_ns,
)
from tradewire.telemetry import Counters, LatencySpans

from .heads import Heads, read_heads

if TYPE_CHECKING:
    from tradewire.core.protocols import (
        Batch,
        BookOutcome,
        SequenceOutcome,
        WantedProtocol,
        WireReaderProtocol,
        WireResultProtocol,
    )
    from tradewire.venues.base import MarketDataVenue

__all__ = ["RING_CAPACITY", "Drained", "Pipeline"]

#: Records: 2 MiB, six times what one socket read can hold, three times the largest snapshot (Spot, 5000 levels a side).
#: More would only cost memory: the ring is drained after every read.
RING_CAPACITY = 32_768
#: Records taken at a time, so that one batch stays within the processor's cache.
_DRAIN = 8_192


class Drained(NamedTuple):
    """A batch and what it meant.

    Attributes:
        batch: immutable, whole messages, oldest first.
        heads: what the first record of each message says.
        events: the typed events that somebody wants.
        changed: symbol ids of live books that changed.
        book_incidents: (row, symbol id, outcome), from `BookSet.apply`.
        sequence_incidents: (row, outcome, missing), from `SequenceTracker.apply`.
        drained_ns: monotonic time of draining.
        drained_wall_ns: the same moment, ns since 1970.
    """

    batch: Batch
    heads: Heads
    events: list[Any]
    changed: list[int]
    book_incidents: list[tuple[int, int, BookOutcome]]
    sequence_incidents: list[tuple[int, SequenceOutcome, int]]
    drained_ns: int
    drained_wall_ns: int


class Pipeline:
    """One decoder, one ring, all books of a feed. The event loop (or the replay) owns it; it is the ring's only reader.

    Args:
        venue: plan and rules.
        handler: called with each batch, oldest first.
        symbols: shared with other pipelines; None: its own.
        wanted: which messages become events; None: its own.
        codec: of the payloads.
        learn: whether symbols never asked for are taken in (replay) or refused and counted (live).
        ring_capacity: records.
        timed: whether latency spans are recorded; replayed receive times would mean nothing.

    Attributes:
        clock_offset_ns: the venue's clock minus ours, as far as it is known.
    """

    def __init__(
        self,
        venue: MarketDataVenue,
        handler: Callable[[Drained], None],
        *,
        symbols: SymbolTable | None = None,
        wanted: WantedProtocol | None = None,
        codec: Literal["json", "msgpack"] = "json",
        learn: bool = False,
        ring_capacity: int = RING_CAPACITY,
        timed: bool = True,
    ) -> None:
        self.venue = venue
        self.symbols = SymbolTable() if symbols is None else symbols
        self.decoder = Decoder(replace(venue.plan, codec=codec), self.symbols, learn=learn)
        # REST answers are JSON whatever the stream's codec.
        self._answers = self.decoder if codec == "json" else Decoder(venue.plan, self.symbols, learn=learn)
        self.ring = Ring(ring_capacity)
        self.books = BookSet(venue.book_rule, self.symbols)
        self.tracker = SequenceTracker(venue.sequences)
        self.wanted = Wanted(self.symbols) if wanted is None else wanted
        self.latency = LatencySpans()
        self.clock_offset_ns = 0
        self.counters = Counters("messages", "bytes", "reads", "decode_errors", "protocol_errors", "batches", "records")
        self._handler = handler
        self._timed = timed
        self._pumping = False

    def reader(self, stream: str | None = None) -> WireReaderProtocol:
        """A fresh frame reader into the ring, one for each connection."""
        return WireReader(self.decoder, self.ring, stream=stream)

    def count(self, result: WireResultProtocol, size: int) -> None:
        """Adds what a read gave to the counters."""
        counters = self.counters
        counters.add("bytes", size)
        if size:
            counters.add("reads")
        if result.messages:
            counters.add("messages", result.messages)
            counters.add_all(result.counts, "messages.")
        if result.error_count:
            counters.add("decode_errors", result.error_count)
        if result.close is not None:
            counters.add("protocol_errors")
            counters.add(f"protocol_errors.{result.close[0]}")

    def inject(self, payload: bytes, recv_ns: int, stream: str | None) -> int:
        """Decodes one REST answer (a snapshot, missed trades), which is JSON, into the same stream, and pumps.

        Returns:
            The messages written.

        Raises:
            DecodeError: refused.
        """
        written = self._answers.decode_into(payload, recv_ns, self.ring, stream)
        while written < 0:
            self.pump()
            written = self._answers.decode_into(payload, recv_ns, self.ring, stream)
        self.counters.add("messages", written)
        self.counters.add("messages.injected", written)
        self.pump()
        return written

    def decode(self, payload: bytes, recv_ns: int, stream: str) -> list[Batch]:
        """Decodes one REST answer, which is JSON, for the caller alone.

        Raises:
            DecodeError: refused.
        """
        ring = Ring(RING_CAPACITY)
        self._answers.decode_into(payload, recv_ns, ring, stream)
        return [batch] if len(batch := ring.drain(RING_CAPACITY)) else []

    def divert(self) -> list[Batch]:
        """Takes what waits in the ring without delivering it; not from inside a handler."""
        taken: list[Batch] = []
        while len(batch := self.ring.drain(_DRAIN)):
            taken.append(batch)
        return taken

    def deliver(self, batch: Batch) -> None:
        """Delivers a batch that was diverted, as if it came from the ring now; not from inside a handler."""
        self._pumping = True
        try:
            drained = self._digest(batch)
            self._handler(drained)
            self._record(drained)
        finally:
            self._pumping = False
        self.pump()

    def pump(self) -> None:
        """Drains the ring to its end. Does nothing when called from inside a handler: the outer call goes on."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while len(batch := self.ring.drain(_DRAIN)):
                drained = self._digest(batch)
                self._handler(drained)
                # After delivery: nobody waits for the bookkeeping.
                self._record(drained)
        finally:
            self._pumping = False

    def _digest(self, batch: Batch) -> Drained:
        drained_wall_ns, drained_ns = wall_ns(), monotonic_ns()
        sequence_incidents = self.tracker.apply(batch)
        changed, book_incidents = self.books.apply(batch)
        events = objects(batch, self.wanted)
        heads = read_heads(batch)
        return Drained(batch, heads, events, changed, book_incidents, sequence_incidents, drained_ns, drained_wall_ns)

    def _record(self, drained: Drained) -> None:
        heads = drained.heads
        self.counters.add("batches")
        self.counters.add("records", len(drained.batch))
        if self._timed:
            jumps = self.latency.observe(heads.event_ns, heads.recv_ns, drained.drained_wall_ns, self.clock_offset_ns)
            if jumps:
                self.counters.add("time_jumps", jumps)
