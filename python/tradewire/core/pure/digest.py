"""What is done with every batch of a ring: sequences, books, callbacks, counts, latencies. `Digest`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tradewire.core.delivery import Asked, Digested, DigestProtocol, News
from tradewire.core.protocols import Batch, HistogramProtocol, WireResultProtocol
from tradewire.core.record import Kind

from . import clock
from .argument import integer
from .batch import message_ends
from .bookset import BookSet
from .callbacks import Callbacks
from .histogram import Histogram
from .objects import Wanted
from .ring import Ring
from .sequence import SequenceTracker
from .wire_result import WireResult

__all__ = ["Digest"]

#: Records taken at a time.
_DRAIN = 8192
#: A venue's clock that is further off than this is set wrong, or its unit is.
_JUMP_NS = 3_600_000_000_000
_MOST_NS = 2**63 - 1
_TOTALS = ("messages", "bytes", "reads", "decode_errors", "protocol_errors", "batches", "records", "time_jumps")


class Digest(DigestProtocol):
    """What is done with every batch of a ring."""

    def __init__(
        self,
        ring: Ring,
        tracker: SequenceTracker,
        books: BookSet,
        wanted: Wanted,
        callbacks: Callbacks,
        latencies: tuple[HistogramProtocol, HistogramProtocol] | None = None,
    ) -> None:
        given: list[tuple[str, Any, type]] = [
            ("ring", ring, Ring),
            ("tracker", tracker, SequenceTracker),
            ("books", books, BookSet),
            ("wanted", wanted, Wanted),
            ("callbacks", callbacks, Callbacks),
            *((f"latencies[{at}]", each, Histogram) for at, each in enumerate(latencies or ())),
        ]
        for name, value, kind in given:
            if not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__} of this core, was {type(value).__name__}")
        self._ring = ring
        self._tracker = tracker
        self._books = books
        self._wanted = wanted
        self._callbacks = callbacks
        self._latencies = latencies
        self._totals = dict.fromkeys(_TOTALS, 0)
        self._watched: set[tuple[int, int, int]] = set()
        # (kind, symbol id, interval) -> (messages, now_ns, wall_ns).
        self._news: dict[tuple[int, int, int], tuple[int, int, int]] = {}
        # Found by a reader's direct call; the next `run` gives it.
        self._found: Digested | None = None
        self._running = False

    def count(self, result: WireResultProtocol, size: int) -> None:
        if not isinstance(result, WireResult):
            raise TypeError(f"result must be a WireResult, was {type(result).__name__}")
        totals = self._totals
        size = integer(size, "size", 0, _MOST_NS)
        totals["bytes"] += size
        totals["reads"] += size > 0
        totals["messages"] += result.messages
        totals["decode_errors"] += result.error_count
        for name, count in result.counts.items():
            totals[f"messages.{name}"] = totals.get(f"messages.{name}", 0) + count
        if result.close is not None:
            totals["protocol_errors"] += 1
            code = f"protocol_errors.{result.close[0]}"
            totals[code] = totals.get(code, 0) + 1

    def run(
        self, every: bool, books: bool, offset_ns: int, now_ns: int | None = None, wall_ns: int | None = None
    ) -> Digested | None:
        # The outer call goes on.
        if self._running:
            return None
        found, self._found = self._found, None
        if found is not None:
            return found
        self._running = True
        try:
            return self._digest(every, books, offset_ns, now_ns, wall_ns)
        finally:
            self._running = False

    def _digest(
        self, every: bool, books: bool, offset_ns: int, now_ns: int | None, wall_ns: int | None
    ) -> Digested | None:
        while len(batch := self._ring.drain(_DRAIN)):
            wall = _time(wall_ns, "wall_ns", clock.wall_ns)
            now = _time(now_ns, "now_ns", clock.monotonic_ns)
            incidents = self._tracker.apply(batch)
            changed, book_incidents = self._books.apply(batch)
            messages = list(_messages(batch))
            watched = self._count(messages, now, wall)
            self._totals["batches"] += 1
            self._totals["records"] += len(batch)
            asked = every or watched or incidents or book_incidents or (books and changed)
            if asked or any((kind, symbol_id) in self._wanted for kind, symbol_id, *_ in messages):
                self._time(messages, wall, offset_ns)
                return (batch, changed, book_incidents, incidents, now, wall)
            try:
                self._callbacks.deliver(batch, now)
            finally:
                self._time(messages, wall, offset_ns)
        return None

    def watch(self, kind: int, symbol_id: int, interval_ns: int, watched: bool) -> None:
        kind = integer(kind, "kind", Kind.TRADE, Kind.CONTROL)
        symbol_id = integer(symbol_id, "symbol_id", 0, 2**32 - 1)
        interval_ns = integer(interval_ns, "interval_ns", 0, _MOST_NS)
        key = (kind, symbol_id, interval_ns if kind == Kind.BAR else 0)
        (self._watched.add if watched else self._watched.discard)(key)

    def news(self) -> list[News]:
        news, self._news = self._news, {}
        return [(*key, *found) for key, found in news.items()]

    def totals(self) -> dict[str, int]:
        return dict(self._totals)

    def _time(self, messages: list[tuple[int, int, int, int, int]], wall: int, offset_ns: int) -> None:
        if self._latencies is None:
            return
        venue, queue = self._latencies
        for _, _, _, event_ns, recv_ns in messages:
            queue.record(wall - recv_ns)
            if event_ns > 0:
                age = recv_ns + offset_ns - event_ns
                venue.record(age)
                self._totals["time_jumps"] += abs(age) > _JUMP_NS

    def _count(self, messages: list[tuple[int, int, int, int, int]], now: int, wall: int) -> bool:
        watched = False
        for kind, symbol_id, interval_ns, _, _ in messages:
            if symbol_id >= len(self._books.symbols):
                continue
            key = (kind, symbol_id, interval_ns)
            self._news[key] = (self._news.get(key, (0,))[0] + 1, now, wall)
            watched = watched or key in self._watched
        return watched


def take(digest: Digest, result: WireResult, size: int, asked: Asked) -> bool:
    """For a reader that goes direct: deals with a plain read; whether nobody in Python has to look at it."""
    every, books, offset_ns = asked
    if every:
        return False
    try:
        found = digest.run(every, books, offset_ns)
    except BaseException:
        digest.count(result, size)
        raise
    if found is not None:
        digest._found = found
        return False
    digest.count(result, size)
    return True


def _messages(batch: Batch) -> Iterator[tuple[int, int, int, int, int]]:
    """(kind, symbol id, interval of a bar, event_ns, recv_ns) of each."""
    start = 0
    for end in message_ends(batch):
        kind, _, _, symbol_id, event_ns, recv_ns = batch[start].tolist()[:6]
        interval_ns = int(batch["seq"][start + 1].view("i8")) if kind == Kind.BAR and end - start > 1 else 0
        yield kind, symbol_id, interval_ns, event_ns, recv_ns
        start = end


def _time(value: int | None, name: str, now: Callable[[], int]) -> int:
    return now() if value is None else integer(value, name, 0, _MOST_NS)
