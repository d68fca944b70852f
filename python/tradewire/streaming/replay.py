"""Replays recorded frames through the live path: framed as WebSocket frames, decoded into the ring, drained in batches.

Not for reading files: `recording.py`; not for pacing by a person's clock: the caller passes `sleep`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tradewire.core import monotonic_ns
from tradewire.core.record import Kind

from .pipeline import Drained, Pipeline

if TYPE_CHECKING:
    from tradewire.core.protocols import BookOutcome
    from tradewire.venues.base import MarketDataVenue

__all__ = ["BookEnd", "Detected", "Replay", "ReplayReport", "detect", "paced"]

#: Records left in the ring while nobody waits for them: batches of the size of a live socket read.
_BACKLOG = 2_048
#: Lines looked at to find out what a recording holds.
_LOOK = 2_000


@dataclass(frozen=True, slots=True)
class BookEnd:
    """A book at the end of a replay."""

    symbol: str
    state: str
    last_seq: int
    levels: int
    bid: tuple[float, float] | None
    ask: tuple[float, float] | None
    digest: str


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay saw.

    Attributes:
        frames: lines fed.
        messages: messages decoded.
        counts: messages per kind.
        decode_errors: messages refused, by the decoder or already as frames.
        first_error: the first of them, in words.
        book_gaps: breaks in the chain of book updates.
        sequences: `gap`, `duplicate`, `reordered` in trades and quotes.
        missing: messages missing in contiguous streams.
        books: by symbol.
    """

    frames: int
    messages: int
    counts: dict[str, int]
    decode_errors: int
    first_error: str
    book_gaps: int
    sequences: dict[str, int]
    missing: int
    books: list[BookEnd] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """The end state: the digest of the only book, or, of several, the first 16 hex digits of SHA-256 over the
        lines `<symbol> <digest>` in order of symbol, joined by newlines. Empty without a book, and while one of them
        is not live: what it holds then is not the venue's book."""
        if any(book.state != "live" for book in self.books):
            return ""
        if len(self.books) <= 1:
            return self.books[0].digest if self.books else ""
        lines = sorted(f"{book.symbol} {book.digest}" for book in self.books)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


class Replay:
    """One pass over recorded frames.

    Args:
        venue: plan and rules.
        stream: source of payloads that do not name theirs (snapshots): `btcusdt@depth`.
        mixed_trades: single and aggregated trades come together, so that holes in their numbers mean nothing.
    """

    def __init__(self, venue: MarketDataVenue, stream: str | None = None, *, mixed_trades: bool = False) -> None:
        self._pipeline = Pipeline(venue, self._on_drained, learn=True, timed=False)
        self._mixed_trades = mixed_trades
        self._stream = stream
        self._reader = self._pipeline.reader(stream)
        self._frames = 0
        self._first_error = ""
        self._book_gaps = 0
        self._sequences = {"gap": 0, "duplicate": 0, "reordered": 0}
        self._missing = 0

    @property
    def pipeline(self) -> Pipeline:
        """The path, for a look at its books and counters while it runs."""
        return self._pipeline

    def feed(self, recv_ns: int, frame: bytes) -> None:
        """One recorded frame, as the server would have sent it (unmasked text, RFC 6455 section 5.2). Drained in
        batches, and by `report`."""
        data = _header(len(frame)) + frame
        result = self._reader.feed(data, recv_ns)
        self._frames += 1
        self._pipeline.count(result, len(data))
        while True:
            if result.errors and not self._first_error:
                self._first_error = f"frame {self._frames}: {result.errors[0]}"
            if len(self._pipeline.ring) > _BACKLOG or result.full:
                self._pipeline.pump()
            if not result.full:
                break
            result = self._reader.resume()
            self._pipeline.count(result, 0)
        if result.close is not None:
            # A frame that the reader will not take ends a live connection; a replay goes on with a fresh one.
            self._first_error = self._first_error or f"frame {self._frames}: {result.close[1]}"
            self._reader = self._pipeline.reader(self._stream)

    def report(self) -> ReplayReport:
        """What was seen so far."""
        self._pipeline.pump()
        counters = self._pipeline.counters
        return ReplayReport(
            frames=self._frames,
            messages=counters["messages"],
            counts=counters.group("messages."),
            decode_errors=counters["decode_errors"] + counters["protocol_errors"],
            first_error=self._first_error,
            book_gaps=self._book_gaps,
            sequences=dict(self._sequences),
            missing=self._missing,
            books=list(self._book_ends()),
        )

    def _book_ends(self) -> Iterator[BookEnd]:
        for symbol_id in self._pipeline.books.ids():
            book = self._pipeline.books.book(symbol_id)
            if book is None:
                continue
            symbol = self._pipeline.symbols.lookup(symbol_id)[1]
            bid, ask = book.best()
            yield BookEnd(symbol, book.state, book.last_seq, len(book), bid, ask, book.digest())

    def _on_drained(self, drained: Drained) -> None:
        gap: BookOutcome = "gap"
        self._book_gaps += sum(outcome == gap for _, _, outcome in drained.book_incidents)
        for row, outcome, missing in drained.sequence_incidents:
            if self._mixed_trades and drained.batch[row]["kind"] == Kind.TRADE:
                continue
            self._sequences[outcome] += 1
            self._missing += missing


def _header(length: int) -> bytes:
    if length < 126:
        return bytes((0x81, length))
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


def paced(
    lines: Iterable[tuple[int, bytes]],
    speed: float,
    *,
    sleep: Callable[[float], object],
    clock: Callable[[], int] = monotonic_ns,
) -> Iterator[tuple[int, bytes]]:
    """The lines at `speed` times their recorded pace; 0: as fast as they come.

    Args:
        lines: of a recording.
        speed: 1.0 is the recorded pace.
        sleep: waits that many seconds.
        clock: monotonic, ns.
    """
    if speed <= 0:
        yield from lines
        return
    start_ns = clock()
    first_ns: int | None = None
    for recv_ns, frame in lines:
        if first_ns is None:
            first_ns = recv_ns
        ahead_ns = (recv_ns - first_ns) / speed - (clock() - start_ns)
        if ahead_ns > 0:
            sleep(ahead_ns / 1e9)
        yield recv_ns, frame


@dataclass(frozen=True, slots=True)
class Detected:
    """What the first lines of a recording show.

    Attributes:
        venue: `binance` (USD-M, whose updates carry `pu` or `T`) or `binance_spot`; None: nothing tells them apart.
        stream: the stream that snapshots belong to, when the lines are all of one symbol.
        mixed_trades: single and aggregated trades of a symbol come together; their numbers are not one sequence.
    """

    venue: str | None
    stream: str | None
    mixed_trades: bool


def detect(lines: Iterable[tuple[int, bytes]]) -> Detected:
    """Looks at the first lines of a recording of Binance."""
    venue = None
    symbols: set[str] = set()
    events: set[str] = set()
    for _, (_, frame) in zip(range(_LOOK), lines, strict=False):
        payload = _payload(frame)
        event = payload.get("e")
        if isinstance(payload.get("s"), str):
            symbols.add(payload["s"])
        if isinstance(event, str):
            events.add(event)
        if venue is not None:
            continue
        if event == "depthUpdate":
            venue = "binance" if "pu" in payload else "binance_spot"
        elif "u" in payload and "B" in payload:
            venue = "binance" if event else "binance_spot"
        elif "lastUpdateId" in payload:
            venue = "binance" if "T" in payload else "binance_spot"
    stream = f"{symbols.pop().lower()}@depth" if len(symbols) == 1 else None
    return Detected(venue, stream, {"trade", "aggTrade"} <= events)


def _payload(frame: bytes) -> dict[str, Any]:
    try:
        message = json.loads(frame)
    except ValueError:
        return {}
    payload = message.get("data", message) if isinstance(message, dict) else None
    return payload if isinstance(payload, dict) else {}
