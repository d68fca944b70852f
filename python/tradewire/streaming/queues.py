"""Bounded queues between the gateway and one consumer each, with a policy per sort of event and exact counts.

Policies: `conflate` keeps the latest of each (sort, symbol, bar interval); `drop_oldest` drops the oldest of its sort
when the queue is full; `keep` never drops. Status events are always kept. Owned by the event loop (`ThreadRunner` in
`subscription.py` locks around it). Not for the ring, which is lossless.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from tradewire.core import Bar, Quote
from tradewire.core.record import MORE

from .events import BookUpdate, StatusEvent

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch

__all__ = ["BatchQueue", "EventQueue", "Policy", "default_policies", "policy_of"]

Policy: TypeAlias = Literal["conflate", "drop_oldest", "keep"]

_STATUS = StatusEvent.__args__


def default_policies() -> dict[type, Policy]:
    """Quotes and books conflate; status events are kept; everything else drops its oldest."""
    policies: dict[type, Policy] = {Quote: "conflate", BookUpdate: "conflate"}
    policies.update(dict.fromkeys(_STATUS, "keep"))
    return policies


def policy_of(channel: str, word: Policy) -> Policy:
    """The policy that a user chose for a channel.

    Raises:
        ValueError: there is no such policy.
    """
    if word not in get_args(Policy):
        raise ValueError(f"policy of {channel!r} must be one of {', '.join(get_args(Policy))}, was {word!r}")
    return word


class EventQueue:
    """Events waiting for one consumer, given out in order of arrival.

    Args:
        capacity: events held before `drop_oldest` drops, 1 or more. Kept events may exceed it; conflated ones are
            bounded by the number of symbols and bar intervals.
        policies: by event class; others are `drop_oldest`.

    Attributes:
        dropped: events lost to `drop_oldest`.
        conflated: events replaced by a later one of their symbol.
    """

    __slots__ = ("_arrivals", "_capacity", "_dropping", "_kept", "_latest", "_policies", "conflated", "dropped")

    def __init__(self, capacity: int, policies: dict[type, Policy] | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be 1 or more, was {capacity}")
        self._capacity = capacity
        self._policies = default_policies() if policies is None else policies
        self._arrivals = 0
        self._dropping: deque[tuple[int, Any, int]] = deque()
        self._kept: deque[tuple[int, Any, int]] = deque()
        self._latest: OrderedDict[tuple[type, str, str], tuple[int, Any, int]] = OrderedDict()
        self.dropped = 0
        self.conflated = 0

    def put(self, event: Any, drained_ns: int = 0) -> None:
        """Appends an event, by its policy.

        Args:
            event: any event with a `symbol`.
            drained_ns: monotonic time at which its batch was drained; handed on by `pop`.
        """
        self._arrivals += 1
        kind = type(event)
        policy = self._policies.get(kind, "drop_oldest")
        if policy == "conflate":
            key = (kind, event.symbol, event.interval if kind is Bar else "")
            if self._latest.pop(key, None) is not None:
                self.conflated += 1
            self._latest[key] = (self._arrivals, event, drained_ns)
        elif policy == "keep":
            self._kept.append((self._arrivals, event, drained_ns))
        else:
            if len(self._dropping) >= self._capacity:
                self._dropping.popleft()
                self.dropped += 1
            self._dropping.append((self._arrivals, event, drained_ns))

    def pop(self) -> tuple[Any, int]:
        """The oldest event, and the time at which its batch was drained.

        Raises:
            IndexError: the queue is empty.
        """
        if not self._kept and not self._latest:
            return self._dropping.popleft()[1:]
        heads: list[tuple[int, deque[tuple[int, Any, int]] | None]] = []
        if self._dropping:
            heads.append((self._dropping[0][0], self._dropping))
        if self._kept:
            heads.append((self._kept[0][0], self._kept))
        if self._latest:
            heads.append((next(iter(self._latest.values()))[0], None))
        source = min(heads, key=lambda head: head[0])[1]
        if source is None:
            return self._latest.popitem(last=False)[1][1:]
        return source.popleft()[1:]

    def __len__(self) -> int:
        return len(self._dropping) + len(self._kept) + len(self._latest)

    @property
    def waiting(self) -> int:
        """Events not yet taken."""
        return len(self)


class BatchQueue:
    """Batches waiting for one consumer; the oldest are dropped when it falls behind.

    Args:
        capacity: records held, 1 or more; a batch larger than that is held alone.

    Attributes:
        dropped: messages lost.
        dropped_batches: batches lost.
        conflated: always 0: batches are not replaced.
    """

    __slots__ = ("_batches", "_capacity", "_records", "conflated", "dropped", "dropped_batches")

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be 1 or more, was {capacity}")
        self._capacity = capacity
        self._batches: deque[Batch] = deque()
        self._records = 0
        self.dropped = 0
        self.dropped_batches = 0
        self.conflated = 0

    def put(self, batch: Batch) -> None:
        """Appends a batch, dropping the oldest ones for it where there is no room."""
        self._batches.append(batch)
        self._records += len(batch)
        while self._records > self._capacity and len(self._batches) > 1:
            lost = self._batches.popleft()
            self._records -= len(lost)
            self.dropped_batches += 1
            self.dropped += int(np.count_nonzero((lost["flags"] & MORE) == 0))

    def pop(self) -> Batch:
        """The oldest batch.

        Raises:
            IndexError: the queue is empty.
        """
        batch = self._batches.popleft()
        self._records -= len(batch)
        return batch

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def waiting(self) -> int:
        """Records not yet taken."""
        return self._records
