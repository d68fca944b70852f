"""`Ring` in Python: a queue of messages behind the contract of `protocols.RingProtocol`."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, RLock

from tradewire.core.protocols import Batch, RingProtocol
from tradewire.errors import StateError

from . import batch
from .argument import integer

__all__ = ["Ring"]

_MOST = 1 << 26


class Ring(RingProtocol):
    """Single-writer, single-reader ring of whole messages."""

    def __init__(self, capacity: int) -> None:
        self._capacity = integer(capacity, "capacity", 1, _MOST)
        self._messages: deque[Batch] = deque()
        # Two counters, each with one writing thread; their difference is what waits.
        self._written = 0
        self._read = 0
        # A wire reader holds the writing side while its decoder writes.
        self._writing = RLock()
        self._reading = Lock()

    @property
    def capacity(self) -> int:
        return self._capacity

    def __len__(self) -> int:
        return self._written - self._read

    def push(self, records: Batch) -> int:
        batch.records(records)
        ends = batch.message_ends(records)
        if len(records) and (not ends or ends[-1] != len(records)):
            raise ValueError("the last message is incomplete: its last record has the flag MORE")
        messages = [records[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        with self.writing():
            if any(len(message) > self._capacity for message in messages):
                raise ValueError(f"a message is longer than the capacity of {self._capacity} records")
            before = self._written
            for message in messages:
                if len(message) > self._capacity - len(self):
                    break
                # Counted before it can be seen: `len` is never negative.
                self._written += len(message)
                self._messages.append(message.copy())
            return self._written - before

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Holds the writing side. StateError: another thread holds it."""
        with _sole(self._writing, "writer"):
            yield

    def drain(self, limit: int) -> Batch:
        limit = integer(limit, "limit", 1, _MOST)
        with _sole(self._reading, "reader"):
            taken: list[Batch] = []
            count = 0
            while self._messages and (not taken or count + len(self._messages[0]) <= limit):
                taken.append(self._messages.popleft())
                count += len(taken[-1])
            self._read += count
            return batch.array(taken)


@contextmanager
def _sole(side: Lock | RLock, name: str) -> Iterator[None]:
    if not side.acquire(blocking=False):
        raise StateError(f"the ring has another {name} at this moment; a ring has one writer and one reader")
    try:
        yield
    finally:
        side.release()
