"""The path of every frame, live or replayed: reader -> ring -> batch -> books, sequences, events, latency spans.

Knows no sockets and no consumers: sources feed its readers, and its handler gets each batch with what it meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tradewire.core import (
    BookSet,
    Callbacks,
    Decoder,
    Digest,
    Ring,
    SequenceTracker,
    SymbolTable,
    Wanted,
    WireReader,
    objects,
)
from tradewire.telemetry import Counters, LatencySpans

if TYPE_CHECKING:
    from tradewire.core.delivery import Asked, WireReaderProtocol
    from tradewire.core.protocols import Batch, BookOutcome, SequenceOutcome
    from tradewire.venues.base import MarketDataVenue

__all__ = ["RING_CAPACITY", "Drained", "Pipeline"]

#: Records: 2 MiB, three times what one socket read can hold, or the largest snapshot (Spot, 5000 levels a side).
#: More would only cost memory: the ring is drained after every read.
RING_CAPACITY = 32_768
#: Records taken at a time, so that one batch stays within the processor's cache.
_DRAIN = 8_192


class Drained(NamedTuple):
    """A batch and what it meant.

    Attributes:
        batch: immutable, whole messages, oldest first.
        events: the typed events that somebody wants.
        changed: symbol ids of live books that changed.
        book_incidents: (row, symbol id, outcome), from `BookSet.apply`.
        sequence_incidents: (row, outcome, missing), from `SequenceTracker.apply`.
        drained_ns: monotonic time of draining.
        drained_wall_ns: the same moment, ns since 1970.
    """

    batch: Batch
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
        handler: called with each batch that somebody asks about, oldest first; the others go straight to `callbacks`.
        symbols: shared with other pipelines; None: its own.
        wanted: which messages become events for the handler; None: its own.
        callbacks: whom the core calls itself; None: its own.
        codec: of the payloads.
        learn: whether symbols never asked for are taken in (replay) or refused and counted (live).
        ring_capacity: records.
        timed: whether latency spans are recorded; replayed receive times would mean nothing.
        asks: the arguments of the digest's `run`: whether the handler wants every batch, whether those that change live
            books, and the venue's clock minus ours; None: every one, and 0.

    Attributes:
        digest: what is done with every batch.
        asks: as given.
        count: adds what a read gave to the counters: the result, and the bytes read.
    """

    def __init__(
        self,
        venue: MarketDataVenue,
        handler: Callable[[Drained], None],
        *,
        symbols: SymbolTable | None = None,
        wanted: Wanted | None = None,
        callbacks: Callbacks | None = None,
        codec: Literal["json", "msgpack"] = "json",
        learn: bool = False,
        ring_capacity: int = RING_CAPACITY,
        timed: bool = True,
        asks: Callable[[], Asked] = lambda: (True, True, 0),
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
        self.digest = Digest(
            self.ring,
            self.tracker,
            self.books,
            self.wanted,
            Callbacks(self.symbols) if callbacks is None else callbacks,
            (self.latency.venue, self.latency.queue) if timed else None,
        )
        self.counters = Counters(elsewhere=self.digest.totals)
        self.count = self.digest.count
        self._run = self.digest.run
        self._handler = handler
        self.asks = asks
        self._pumping = False

    def reader(self, stream: str | None = None) -> WireReaderProtocol:
        """A fresh frame reader into the ring, one for each connection."""
        return WireReader(self.decoder, self.ring, stream=stream)

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
        done = 0
        while done < len(batch):
            done += self.ring.push(batch[done:])
            self.pump()

    def pump(self) -> None:
        """Drains the ring to its end. Does nothing when called from inside a handler: the outer call goes on."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while (found := self._run(*self.asks())) is not None:
                batch, changed, book_incidents, sequence_incidents, now, wall = found
                events: list[Any] = objects(batch, self.wanted)
                self._handler(Drained(batch, events, changed, book_incidents, sequence_incidents, now, wall))
        finally:
            self._pumping = False
