"""Bounded queues between the gateway and one consumer each, with a policy per sort of event and exact counts.

Policies: `conflate` keeps the latest of each (sort, venue, symbol, bar interval); `drop_oldest` drops the oldest of the
sort that has most waiting when the queue is full, so that a busy channel takes no room from a quiet one; `keep` drops
only beyond a bound of its own, ten times as wide. Status events are always kept. Owned by the event loop
(`ThreadRunner` in `subscription.py` locks around it). Not for the ring, which is lossless.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from tradewire.core import Bar, Liquidation, MarkPrice, Quote, Ticker, Trade
from tradewire.core.record import MORE, Kind
from tradewire.model.notices import NOTICES
from tradewire.venues.adapter import RawMessage

from .events import BookUpdate, StatusEvent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.core.protocols import Batch

__all__ = ["EVENTS", "BatchQueue", "EventQueue", "OwnPolicies", "Policies", "Policy", "default_policies", "policy_of"]

Policy: TypeAlias = Literal["conflate", "drop_oldest", "keep"]

_logger = logging.getLogger("tradewire.streaming")

_STATUS = StatusEvent.__args__
_STATUS_NAME = "status"
_CONTROL_NAME = "control"
_NOTICE_NAME = "notice"
_NAMES: dict[type, str] = {
    Trade: "trade",
    Quote: "quote",
    BookUpdate: "book",
    MarkPrice: "mark_price",
    Bar: "bar",
    Ticker: "ticker",
    Liquidation: "liquidation",
    RawMessage: "raw",
    **dict.fromkeys(NOTICES, _NOTICE_NAME),
    **dict.fromkeys(_STATUS, _STATUS_NAME),
}
_KIND_NAMES: dict[int, str] = {
    Kind.TRADE: "trade",
    Kind.QUOTE: "quote",
    Kind.BOOK_DELTA: "book",
    Kind.BOOK_SNAPSHOT: "book",
    Kind.MARK_PRICE: "mark_price",
    Kind.BAR: "bar",
    Kind.TICKER: "ticker",
    Kind.LIQUIDATION: "liquidation",
}
#: By which losses are counted: the sorts of events, and what batches hold besides.
EVENTS = (*dict.fromkeys(_NAMES.values()), _CONTROL_NAME)

_KEPT_TIMES = 10
#: Status events are few and say what others missed: a small queue drops them no earlier than a large one.
_KEPT_LEAST = 10_000
#: What the messages of a batch queue may take on the average; books take one for each level.
_RECORDS_PER_MESSAGE = 4


def default_policies() -> dict[type, Policy]:
    """Quotes and books conflate; status events and notices are kept; everything else drops its oldest."""
    policies: dict[type, Policy] = {Quote: "conflate", BookUpdate: "conflate"}
    policies.update(dict.fromkeys((*_STATUS, *NOTICES), "keep"))
    return policies


def policy_of(channel: str, word: Policy) -> Policy:
    """The policy that a user chose for a channel.

    Raises:
        ValueError: there is no such policy.
    """
    if word not in get_args(Policy):
        raise ValueError(f"policy of {channel!r} must be one of {', '.join(get_args(Policy))}, was {word!r}")
    return word


class OwnPolicies:
    """The policies that one consumer named; the gateway's, as they are at that moment, for all other events.

    Args:
        own: by event class.
        others: the gateway's, which a reload of its configuration changes.
    """

    __slots__ = ("_others", "_own")

    def __init__(self, own: Mapping[type, Policy], others: Mapping[type, Policy]) -> None:
        self._own = own
        self._others = others

    def get(self, kind: type, default: Policy) -> Policy:
        """The policy of a class of events; `default` where neither names it."""
        return self._own.get(kind) or self._others.get(kind, default)


#: By event class.
Policies: TypeAlias = "Mapping[type, Policy] | OwnPolicies"


def _checked(capacity: int) -> int:
    if capacity < 1:
        raise ValueError(f"capacity must be 1 or more, was {capacity}")
    return capacity


_Entry: TypeAlias = tuple[int, Any, int]


class EventQueue:
    """Events waiting for one consumer, given out in order of arrival.

    Args:
        capacity: events held before `drop_oldest` drops, 1 or more. Conflated ones do not count: they are bounded by
            the number of venues, symbols and bar intervals. Nor do kept ones: of each sort, and of all status events
            together, ten times the capacity and 10,000 at least are held; then the oldest are dropped, which is an
            ERROR in the log, once.
        policies: by event class; others are `drop_oldest`.

    Attributes:
        dropped_by: events lost, by sort (`EVENTS`).
        conflated_by: events replaced by a later one of their symbol, by sort.
    """

    __slots__ = (
        "_arrivals",
        "_capacity",
        "_dropping",
        "_held",
        "_kept",
        "_kept_held",
        "_kept_most",
        "_latest",
        "_overflowed",
        "_policies",
        "conflated_by",
        "dropped_by",
    )

    def __init__(self, capacity: int, policies: Policies | None = None) -> None:
        self._capacity = _checked(capacity)
        self._kept_most = max(capacity * _KEPT_TIMES, _KEPT_LEAST)
        self._policies: Policies = default_policies() if policies is None else policies
        self._arrivals = 0
        # One lane for each sort, and how many events are in all of them.
        self._dropping: dict[type, deque[_Entry]] = {}
        self._held = 0
        self._kept: dict[str, deque[_Entry]] = {}
        self._kept_held = 0
        self._latest: OrderedDict[tuple[type, str, str, str], _Entry] = OrderedDict()
        self._overflowed = False
        self.dropped_by = dict.fromkeys(EVENTS, 0)
        self.conflated_by = dict.fromkeys(EVENTS, 0)

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
            key = (kind, event.venue, event.symbol, event.interval if kind is Bar else "")
            if self._latest.pop(key, None) is not None:
                self.conflated_by[_NAMES[kind]] += 1
            self._latest[key] = (self._arrivals, event, drained_ns)
        elif policy == "keep":
            name = _NAMES[kind]
            lane = self._kept.get(name)
            if lane is None:
                lane = self._kept[name] = deque()
            lane.append((self._arrivals, event, drained_ns))
            self._kept_held += 1
            if len(lane) > self._kept_most:
                self._overflow(name, lane)
        else:
            lane = self._dropping.get(kind)
            if lane is None:
                lane = self._dropping[kind] = deque()
            lane.append((self._arrivals, event, drained_ns))
            self._held += 1
            if self._held > self._capacity:
                self._drop()

    def pop(self) -> tuple[Any, int]:
        """The oldest event, and the time at which its batch was drained.

        Raises:
            IndexError: the queue is empty.
        """
        first = self._arrivals + 1
        source: deque[_Entry] | None = None
        kept = False
        if self._held:
            for lane in self._dropping.values():
                if lane and lane[0][0] < first:
                    first, source = lane[0][0], lane
        if self._kept_held:
            for lane in self._kept.values():
                if lane and lane[0][0] < first:
                    first, source, kept = lane[0][0], lane, True
        if self._latest and next(iter(self._latest.values()))[0] < first:
            return self._latest.popitem(last=False)[1][1:]
        if source is None:
            raise IndexError("the queue is empty")
        if kept:
            self._kept_held -= 1
        else:
            self._held -= 1
        return source.popleft()[1:]

    def resize(self, capacity: int) -> None:
        """Takes another capacity over, at once: what is too much for a smaller one is dropped.

        Raises:
            ValueError: below 1.
        """
        self._capacity = _checked(capacity)
        self._kept_most = max(capacity * _KEPT_TIMES, _KEPT_LEAST)
        while self._held > capacity:
            self._drop()
        for name, lane in self._kept.items():
            while len(lane) > self._kept_most:
                self._overflow(name, lane)

    def __len__(self) -> int:
        return self._held + self._kept_held + len(self._latest)

    @property
    def waiting(self) -> int:
        """Events not yet taken."""
        return len(self)

    @property
    def dropped(self) -> int:
        """Events lost."""
        return sum(self.dropped_by.values())

    @property
    def conflated(self) -> int:
        """Events replaced by a later one of their symbol."""
        return sum(self.conflated_by.values())

    def _drop(self) -> None:
        """Takes the oldest out of the longest lane."""
        kind, longest = next(iter(self._dropping.items()))
        for other, lane in self._dropping.items():
            if len(lane) > len(longest):
                kind, longest = other, lane
        longest.popleft()
        self._held -= 1
        self.dropped_by[_NAMES[kind]] += 1

    def _overflow(self, name: str, lane: deque[_Entry]) -> None:
        lane.popleft()
        self._kept_held -= 1
        self.dropped_by[name] += 1
        if not self._overflowed:
            self._overflowed = True
            _logger.error(
                "%s events that are to be kept are dropped from now on, the oldest first and counted: a consumer has "
                "left %d of them waiting, as many as its queue keeps; let it take them, close it, or give it another "
                "policy",
                name,
                self._kept_most,
            )


class BatchQueue:
    """Batches waiting for one consumer; the oldest are dropped when it falls behind.

    Args:
        capacity: messages held, 1 or more, and four times as many 64-byte records, whichever is reached first: so
            that books, which have a record for each level, take no more memory than configured. A batch larger than
            that is held alone, and all that comes while the reader has not had its turn is held.

    Attributes:
        dropped_by: messages lost, by sort (`EVENTS`).
        conflated_by: always 0: batches are not replaced.
        dropped_batches: batches lost.
    """

    __slots__ = (
        "_batches",
        "_capacity",
        "_counted",
        "_messages",
        "_records",
        "conflated_by",
        "dropped_batches",
        "dropped_by",
    )

    def __init__(self, capacity: int) -> None:
        self._capacity = _checked(capacity)
        self._batches: deque[Batch] = deque()
        self._records = 0
        # Messages in each of the oldest batches, and in all of these. A consumer that keeps up pays for no counting.
        self._counted: deque[int] = deque()
        self._messages = 0
        self.dropped_batches = 0
        self.dropped_by = dict.fromkeys(EVENTS, 0)
        self.conflated_by = dict.fromkeys(EVENTS, 0)

    def put(self, batch: Batch, reader_waits: bool = False) -> None:
        """Appends a batch, dropping the oldest ones for it where there is no room.

        Args:
            batch: it.
            reader_waits: for the first of the batches that are there. Nothing is dropped then: at full load one turn
                of the loop brings more than fits, and a reader that had no turn has not fallen behind.
        """
        self._batches.append(batch)
        self._records += len(batch)
        # There are no more messages than records.
        if self._records > self._capacity and not reader_waits:
            self._make_room()

    def pop(self) -> Batch:
        """The oldest batch.

        Raises:
            IndexError: the queue is empty.
        """
        batch = self._batches.popleft()
        self._records -= len(batch)
        if self._counted:
            self._messages -= self._counted.popleft()
        return batch

    def resize(self, capacity: int) -> None:
        """Takes another capacity over, at once: what is too much for a smaller one is dropped.

        Raises:
            ValueError: below 1.
        """
        self._capacity = _checked(capacity)
        self._make_room()

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def waiting(self) -> int:
        """Messages not yet taken."""
        self._count()
        return self._messages

    @property
    def dropped(self) -> int:
        """Messages lost."""
        return sum(self.dropped_by.values())

    @property
    def conflated(self) -> int:
        """Always 0: batches are not replaced."""
        return 0

    def _make_room(self) -> None:
        self._count()
        most = self._capacity * _RECORDS_PER_MESSAGE
        while len(self._batches) > 1 and (self._messages > self._capacity or self._records > most):
            lost = self.pop()
            self.dropped_batches += 1
            starts = np.ones(len(lost), bool)
            starts[1:] = (lost["flags"][:-1] & MORE) == 0
            for kind, count in zip(*np.unique(lost["kind"][starts], return_counts=True), strict=True):
                self.dropped_by[_KIND_NAMES.get(int(kind), _CONTROL_NAME)] += int(count)

    def _count(self) -> None:
        for at in range(len(self._counted), len(self._batches)):
            messages = int(np.count_nonzero((self._batches[at]["flags"] & MORE) == 0))
            self._counted.append(messages)
            self._messages += messages
