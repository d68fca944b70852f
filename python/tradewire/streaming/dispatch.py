"""Who gets what: routes events to callbacks, `events()` and `batches()`, and tells the core which events to make.

Not for running callbacks or holding queues: `subscription.py` and `queues.py` do.

Its lists are tuples that are replaced, never changed: callbacks subscribe and close while they are being gone through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from tradewire.core import Bar, Liquidation, MarkPrice, Quote, Ticker, Trade, monotonic_ns
from tradewire.core.record import INTERVALS, Kind
from tradewire.model.notices import NOTICES
from tradewire.venues.adapter import RawMessage

from .events import BookUpdate
from .mailbox import Mailbox, Stream
from .queues import EVENTS, BatchQueue, EventQueue

if TYPE_CHECKING:
    from tradewire.core import Callbacks, Wanted
    from tradewire.core.protocols import Batch, HistogramProtocol
    from tradewire.venues.base import Channel

    from .events import StatusEvent
    from .queues import Policies
    from .subscription import CallbackRunner

__all__ = ["CONSUMERS", "EVENT_CLASSES", "Backlog", "Dispatcher", "RouteKey", "event_class", "route_key"]

#: What a kind of message is delivered as. Book messages are delivered as the book that they change.
EVENT_CLASSES: dict[Kind, type] = {
    Kind.TRADE: Trade,
    Kind.QUOTE: Quote,
    Kind.BOOK_DELTA: BookUpdate,
    Kind.BOOK_SNAPSHOT: BookUpdate,
    Kind.MARK_PRICE: MarkPrice,
    Kind.BAR: Bar,
    Kind.TICKER: Ticker,
    Kind.LIQUIDATION: Liquidation,
}
_BOOKS = (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT)
#: Delivered by `publish`, whoever wants them: the core makes no events of their records.
_UNMADE = (*_BOOKS, Kind.CONTROL)
_OBJECT_KINDS = tuple(kind for kind in EVENT_CLASSES if kind not in _BOOKS)

T = TypeVar("T")

#: The sorts of consumers: `subscribe` with a callback, `events()`, `batches()`.
CONSUMERS = ("callback", "events", "batches")


class Backlog(NamedTuple):
    """The queues of one sort of consumers.

    Attributes:
        consumers: how many there are.
        waiting: events, or messages of batches, in all queues.
        deepest: in the fullest queue.
        dropped_by: events or messages lost so far, by sort (`queues.EVENTS`), in queues of consumers that are gone as
            well.
        conflated_by: events replaced by a later one of their symbol so far, by sort.
    """

    consumers: int
    waiting: int
    deepest: int
    dropped_by: Mapping[str, int]
    conflated_by: Mapping[str, int]

    @property
    def dropped(self) -> int:
        """Events or messages lost so far."""
        return sum(self.dropped_by.values())

    @property
    def conflated(self) -> int:
        """Events replaced by a later one of their symbol so far."""
        return sum(self.conflated_by.values())


RouteKey: TypeAlias = tuple[type, str, str, str]


def event_class(channel: Channel) -> type:
    """What the messages of a channel are delivered as."""
    return channel.notice or EVENT_CLASSES[channel.kind]


def route_key(event_class: type, venue: str, symbol: str, interval: str = "") -> RouteKey:
    """Where an event goes: a symbol of two venues, and bars of different intervals, are different things."""
    return (event_class, venue, symbol, interval)


class Dispatcher:
    """All consumers of a gateway. The event loop owns it.

    Args:
        wanted: what the core makes events of, for those that it cannot call itself.
        callbacks: whom the core calls itself.
        latency: histogram of the hop to the consumer, for `events()`.
        capacity: of each queue (`EventQueue`, `BatchQueue`).
        policies: of each queue whose consumer names none.

    Attributes:
        wants_batches: whether anybody takes batches.
        wants_books: whether a book that changed has to be told to anybody.
    """

    def __init__(
        self,
        wanted: Wanted,
        callbacks: Callbacks,
        latency: HistogramProtocol,
        capacity: int,
        policies: Policies,
    ) -> None:
        self._wanted = wanted
        self._callbacks = callbacks
        self._record = latency.record
        self._capacity = capacity
        self._policies = policies
        self._want_counts: dict[tuple[int, int | None], int] = {}
        self._routes: dict[RouteKey, tuple[CallbackRunner, ...]] = {}
        # Of these, whom the core cannot call itself.
        self._indirect: dict[RouteKey, tuple[CallbackRunner, ...]] = {}
        self._book_routes = 0
        self._status_runners: tuple[CallbackRunner, ...] = ()
        self._runners: tuple[CallbackRunner, ...] = ()
        self._events: tuple[tuple[frozenset[str] | None, EventQueue, Mailbox[tuple[Any, int]]], ...] = ()
        self._batches: tuple[tuple[BatchQueue, Mailbox[Batch]], ...] = ()
        self.wants_batches = False
        self.wants_books = False
        self._observers: tuple[Callable[[StatusEvent], None], ...] = ()
        # (dropped, conflated) by sort, of consumers that are gone.
        self._past = {name: (dict.fromkeys(EVENTS, 0), dict.fromkeys(EVENTS, 0)) for name in CONSUMERS}
        # Consumers that went while events are delivered, of which they still get the rest.
        self._leaving: list[tuple[str, EventQueue | BatchQueue]] = []
        self._publishing = 0
        # (raised, slow) calls of callbacks that are gone.
        self._past_faults = (0, 0)

    @property
    def runners(self) -> list[CallbackRunner]:
        """All callbacks."""
        return list(self._runners)

    @property
    def capacity(self) -> int:
        """Of each queue."""
        return self._capacity

    def resize(self, capacity: int) -> None:
        """Gives all queues, those that are there and those to come, another capacity; smaller ones drop at once.

        Raises:
            ValueError: below 1.
        """
        if capacity == self._capacity:
            return
        for runner in self._runners:
            runner.resize(capacity)
        for _, events, _ in self._events:
            events.resize(capacity)
        for batches, _ in self._batches:
            batches.resize(capacity)
        self._capacity = capacity

    @property
    def callbacks(self) -> Callbacks:
        """Whom the core calls itself."""
        return self._callbacks

    def add_callback(self, runner: CallbackRunner, keys: Iterable[tuple[Kind, RouteKey, int]]) -> None:
        """Routes events to a callback.

        Args:
            runner: how it runs.
            keys: (kind of the messages, route, symbol id) of each feed.
        """
        if runner not in self._runners:
            self._runners += (runner,)
        for kind, key, symbol_id in keys:
            self._routes[key] = (*self._routes.get(key, ()), runner)
            if kind in _UNMADE:
                self._book_routes += kind in _BOOKS
            elif runner.direct is not None:
                self._callbacks.add(kind, symbol_id, runner.direct, INTERVALS.get(key[3], 0))
            else:
                self._indirect[key] = (*self._indirect.get(key, ()), runner)
                self._want(kind, symbol_id)
        self._settle_books()

    def remove_callback(self, runner: CallbackRunner, keys: Iterable[tuple[Kind, RouteKey, int]]) -> None:
        """Undoes `add_callback` with the same arguments."""
        for kind, key, symbol_id in keys:
            _take_away(self._routes, key, runner)
            if kind in _UNMADE:
                self._book_routes -= kind in _BOOKS
            elif runner.direct is not None:
                self._callbacks.discard(kind, symbol_id, runner.direct, INTERVALS.get(key[3], 0))
            else:
                _take_away(self._indirect, key, runner)
                self._unwant(kind, symbol_id)
        self._settle_books()
        if not any(runner in routed for routed in self._routes.values()):
            if runner in self._runners:
                errors, slow = self._past_faults
                self._past_faults = errors + runner.stats.errors, slow + runner.stats.slow
            self._runners = _without(self._runners, runner)
            self._bury("callback", runner.queue)

    def add_status_callback(self, runner: CallbackRunner) -> None:
        """Routes status events to a callback."""
        self._runners += (runner,)
        self._status_runners += (runner,)

    def observe_status(self, observer: Callable[[StatusEvent], None]) -> None:
        """Shows each status event to a part of the gateway, before any consumer gets it; it must not raise."""
        self._observers += (observer,)

    @property
    def wanted(self) -> Wanted:
        """What the core makes events of, for those that it cannot call itself; shared by pipelines."""
        return self._wanted

    def open_events(
        self,
        symbols: frozenset[str] | None = None,
        symbol_ids: Iterable[int] = (),
        policies: Policies | None = None,
    ) -> Stream[tuple[Any, int], Any]:
        """A consumer of typed events.

        Args:
            symbols: of these, in the spelling of each venue; None: of all.
            symbol_ids: of the same.
            policies: of its queue; None: those of the gateway.
        """
        ids: list[int | None] = [None] if symbols is None else list(symbol_ids)
        queue = EventQueue(self._capacity, self._policies if policies is None else policies)
        mailbox: Mailbox[tuple[Any, int]] = Mailbox(queue)
        entry = (symbols, queue, mailbox)
        self._events += (entry,)
        self._settle_books()
        for kind in _OBJECT_KINDS:
            for symbol_id in ids:
                self._want(kind, symbol_id)

        def on_close() -> None:
            if entry in self._events:
                self._bury("events", queue)
            self._events = _without(self._events, entry)
            self._settle_books()
            for kind in _OBJECT_KINDS:
                for symbol_id in ids:
                    self._unwant(kind, symbol_id)

        return Stream(mailbox, queue, self._take, on_close)

    def open_batches(self) -> Stream[Batch, Batch]:
        """A consumer of whole batches."""
        queue = BatchQueue(self._capacity)
        mailbox: Mailbox[Batch] = Mailbox(queue)
        entry = (queue, mailbox)
        self._batches += (entry,)
        self.wants_batches = True

        def on_close() -> None:
            if entry in self._batches:
                self._bury("batches", queue)
            self._batches = _without(self._batches, entry)
            self.wants_batches = bool(self._batches)

        return Stream(mailbox, queue, lambda batch: batch, on_close)

    def deliver(self, batch: Batch, events: list[Any], updates: list[Any], drained_ns: int) -> None:
        """Delivers a batch to everybody, then wakes who waits.

        Args:
            batch: it.
            events: of those of its messages that are wanted.
            updates: of the books that it changed.
            drained_ns: monotonic.
        """
        for queue, mailbox in self._batches:
            queue.put(batch, mailbox.reader_waits)
            mailbox.notify()
        self._callbacks.deliver(batch, drained_ns)
        if events:
            self._publish(events, self._indirect, drained_ns)
        if updates:
            self._publish(updates, self._routes, drained_ns)
        if events or updates:
            self._notify()

    def publish(self, events: list[Any], drained_ns: int) -> None:
        """Delivers events that did not come in a batch, notices too, then wakes who waits. Control events are passed
        over."""
        self._publish(events, self._routes, drained_ns)
        self._notify()

    def _publish(self, events: list[Any], routes: dict[RouteKey, tuple[CallbackRunner, ...]], drained_ns: int) -> None:
        # Once a batch: callbacks may make events in turn.
        self._publishing += 1
        try:
            self._route(events, routes, drained_ns)
        finally:
            self._publishing -= 1
            if self._leaving and not self._publishing:
                for name, queue in self._leaving:
                    _add_losses(*self._past[name], queue)
                self._leaving.clear()

    def _route(self, events: list[Any], routes: dict[RouteKey, tuple[CallbackRunner, ...]], drained_ns: int) -> None:
        for event in events:
            kind = type(event)
            if kind is RawMessage:
                self._publish_raw(event, drained_ns)
                continue
            for runner in routes.get((kind, event.venue, event.symbol, event.interval if kind is Bar else ""), ()):
                runner.deliver(event, drained_ns)
        if self._events:
            for symbols, queue, _ in self._events:
                for event in events:
                    if type(event) in _DELIVERED and (symbols is None or not event.symbol or event.symbol in symbols):
                        queue.put(event, drained_ns)

    def _publish_raw(self, event: RawMessage, drained_ns: int) -> None:
        """Nobody knows whose it is: every callback of its provider gets it, once."""
        of_provider = [routed for key, routed in self._routes.items() if key[1] == event.venue]
        for runner in dict.fromkeys(runner for routed in of_provider for runner in routed):
            runner.deliver(event, drained_ns)

    def publish_status(self, event: StatusEvent, now_ns: int) -> None:
        """Delivers a status event to every consumer whom it concerns; queues keep it, within their bound."""
        for observer in self._observers:
            observer(event)
        for runner in self._status_runners:
            runner.deliver(event, now_ns)
            runner.notify()
        for symbols, queue, mailbox in self._events:
            if symbols is None or not event.symbol or event.symbol in symbols:
                queue.put(event, now_ns)
                mailbox.notify()

    def close(self) -> None:
        """Ends every `events()` and `batches()` after what is queued."""
        for _, _, events in self._events:
            events.close()
        for _, batches in self._batches:
            batches.close()

    def dropped(self) -> int:
        """Events lost or replaced in all queues, and messages lost in batch queues; those of consumers that are gone
        as well."""
        return sum(backlog.dropped + backlog.conflated for backlog in self.backlogs().values())

    @property
    def callback_faults(self) -> tuple[int, int]:
        """(calls that raised, inline calls over `SLOW_NS`) of all callbacks, of those that are gone too."""
        errors, slow = self._past_faults
        for runner in self._runners:
            errors += runner.stats.errors
            slow += runner.stats.slow
        return errors, slow

    def backlogs(self) -> dict[str, Backlog]:
        """The queues by sort of consumer (`CONSUMERS`)."""
        queues: dict[str, list[EventQueue | BatchQueue | None]] = {
            "callback": [runner.queue for runner in self._runners],
            "events": [queue for _, queue, _ in self._events],
            "batches": [queue for queue, _ in self._batches],
        }
        found = {}
        for name, each in queues.items():
            present = [queue for queue in each if queue is not None]
            waiting = [queue.waiting for queue in present]
            dropped, conflated = (dict(past) for past in self._past[name])
            for queue in present:
                _add_losses(dropped, conflated, queue)
            for sort, queue in self._leaving:
                if sort == name:
                    _add_losses(dropped, conflated, queue)
            found[name] = Backlog(len(each), sum(waiting), max(waiting, default=0), dropped, conflated)
        return found

    def _bury(self, name: str, queue: EventQueue | BatchQueue | None) -> None:
        """Keeps what a consumer that goes has lost, and loses of what is being delivered."""
        if queue is None:
            return
        if self._publishing:
            self._leaving.append((name, queue))
        else:
            _add_losses(*self._past[name], queue)

    def _take(self, item: tuple[Any, int]) -> Any:
        event, drained_ns = item
        self._record(max(monotonic_ns() - drained_ns, 0))
        return event

    def _notify(self) -> None:
        for runner in self._runners:
            runner.notify()
        for _, _, mailbox in self._events:
            mailbox.notify()

    def _settle_books(self) -> None:
        self.wants_books = self._book_routes > 0 or bool(self._events)

    def _want(self, kind: Kind, symbol_id: int | None) -> None:
        if kind in _BOOKS:
            return
        key = (int(kind), symbol_id)
        self._want_counts[key] = self._want_counts.get(key, 0) + 1
        if self._want_counts[key] == 1:
            self._wanted.add(kind, symbol_id)

    def _unwant(self, kind: Kind, symbol_id: int | None) -> None:
        if kind in _BOOKS:
            return
        key = (int(kind), symbol_id)
        self._want_counts[key] -= 1
        if not self._want_counts[key]:
            del self._want_counts[key]
            self._wanted.discard(kind, symbol_id)


_DELIVERED = frozenset((*EVENT_CLASSES.values(), RawMessage, *NOTICES))


def _add_losses(dropped: dict[str, int], conflated: dict[str, int], queue: EventQueue | BatchQueue) -> None:
    for name in EVENTS:
        dropped[name] += queue.dropped_by[name]
        conflated[name] += queue.conflated_by[name]


def _take_away(routes: dict[RouteKey, tuple[CallbackRunner, ...]], key: RouteKey, runner: CallbackRunner) -> None:
    routed = _without(routes[key], runner)
    if routed:
        routes[key] = routed
    else:
        del routes[key]


def _without(items: tuple[T, ...], item: T) -> tuple[T, ...]:
    return tuple(one for one in items if one is not item)
