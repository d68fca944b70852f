"""`StreamingGateway`: live market data of one venue for strategies. Wires the parts together; each has its own file.

Over 400 lines because it is the public face: half of it is documentation.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tradewire.core import Control, monotonic_ns, wall_ns
from tradewire.errors import StateError
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.address import check_address
from tradewire.transport.event_loop import run
from tradewire.transport.http import HttpClient
from tradewire.venues.registry import load

from .books import BookKeeper
from .dispatch import EVENT_CLASSES, Dispatcher, route_key
from .events import BookUpdate, ConnectionChanged, ConnectionState, FeedState, GapDetected, SubscriptionRefused
from .health import Feed, FeedHealth
from .link import Link
from .pipeline import RING_CAPACITY, Drained, Pipeline
from .queues import Policy, default_policies, policy_of
from .roster import FeedRoster
from .subscription import CallbackRunner, Subscription, runner_for

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch, OrderBookProtocol, WireResultProtocol
    from tradewire.telemetry import Counters, LatencySpans
    from tradewire.venues.base import MarketDataVenue, Snapshot

    from .events import StatusEvent
    from .mailbox import Stream

__all__ = ["StreamingGateway"]

_logger = logging.getLogger("tradewire.streaming")
_log = LimitedLog(_logger)

_TICK_S = 0.25
#: Together under the 2 s in which `stop` must be done.
_GOODBYE_S = 0.5
_CALLBACK_S = 0.5


class StreamingGateway:
    """Live market data of one venue.

    ```python
    async with StreamingGateway(symbols=["BTCUSDT"], channels=["quotes", "book"]) as gateway:
        gateway.subscribe_to_trades(["BTC/USDT"], callback=print)
        async for event in gateway.events("BTCUSDT"):
            ...
    ```

    One event loop owns it: methods are called on that loop, or before `start`. Callbacks are called on it (inline, or
    in a task when asynchronous), or in a worker thread with `offload=True`.

    Args:
        venue: a name known to `tradewire.venues.registry`.
        symbols: subscribed from the start to all of `channels`; `BTCUSDT`, `btcusdt` and `BTC/USDT` are the same.
        channels: `trades`, `agg_trades`, `quotes`, `book`, `book5`, `mark_price`, `bars_5m`, `ticker`, ...
        url: replaces the venue's streaming address (`ws://127.0.0.1:8700`).
        rest_url: replaces the venue's REST address.
        ring_capacity: records (64 bytes each) between sockets and consumers; for `book`, room for a whole snapshot.
        queue_capacity: events per consumer queue.
        policies: per channel, what a full consumer queue does: `conflate`, `drop_oldest` or `keep`.
        stale_after_s: per channel, silence that makes a feed STALE; replaces the venue's values.
        open_timeout_s: for one connection attempt.
        random: for backoff jitter.

    Raises:
        UnsupportedError: an unknown venue or channel.
        ValueError: not a symbol, an address or a policy; channels without symbols; a ring too small for book snapshots.
    """

    def __init__(
        self,
        *,
        venue: str = "binance",
        symbols: Iterable[str] = (),
        channels: Iterable[str] = (),
        url: str | None = None,
        rest_url: str | None = None,
        ring_capacity: int = RING_CAPACITY,
        queue_capacity: int = 10_000,
        policies: Mapping[str, Policy] | None = None,
        stale_after_s: Mapping[str, float] | None = None,
        open_timeout_s: float = 10.0,
        random: Random | None = None,
    ) -> None:
        self._venue: MarketDataVenue = load(venue)
        check_address("url", url, ("ws", "wss"))
        check_address("rest_url", rest_url, ("http", "https"))
        self._url = url
        self._rest_url = rest_url
        self._queue_capacity = queue_capacity
        self._policies = default_policies()
        for name, policy in (policies or {}).items():
            self._policies[EVENT_CLASSES[self._venue.channel(name).kind]] = policy_of(name, policy)
        self._stale_after_s = dict(stale_after_s or {})
        self._open_timeout_s = open_timeout_s
        self._random = random or Random()
        self._request_ids = itertools.count(1)
        self._http = HttpClient()
        self._pipeline = Pipeline(self._venue, self._on_drained, ring_capacity=ring_capacity)
        self._health = FeedHealth(self._venue.name, self._emit)
        self._books = BookKeeper(
            self._venue.name,
            self._pipeline.books,
            lambda: self._venue.snapshots(self._http, self._rest_url),
            self._inject,
            self._health,
            self._emit,
            self._pipeline.counters,
            self._random,
        )
        self._dispatcher = Dispatcher(
            self._pipeline.wanted,
            self._pipeline.latency.callback,
            queue_capacity,
            ring_capacity,
            self._policies,
        )
        self._roster = FeedRoster(
            self._venue,
            self._pipeline.symbols,
            self._health,
            self._books,
            self._make_link,
            self._stale_after_s,
            self._pipeline.tracker.reset,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._stopped = False
        self._stop_requested = asyncio.Event()
        self._streaming_ended = False
        symbols = list(_several(symbols))
        for name in _several(channels):
            self.subscribe(name, symbols)

    # life

    async def start(self) -> None:
        """Connects, in the background; returns at once.

        Raises:
            StateError: already started, or stopped before.
        """
        if self._stopped:
            raise StateError("a stopped gateway cannot be started again; make a new one")
        if self._loop is not None:
            raise StateError("the gateway is already started")
        self._loop = asyncio.get_running_loop()
        for runner in self._dispatcher.runners:
            runner.start()
        for link in self._roster.links:
            link.start()
        self._ticker = self._loop.create_task(self._tick(), name="feed health")

    async def stop(self) -> None:
        """Closes every connection and ends every task and iterator; done in under 2 s. Harmless when repeated."""
        if self._stopped:
            return
        self._stopped = True
        self._stop_requested.set()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
        await self._books.close()
        await asyncio.gather(*(link.stop(_GOODBYE_S) for link in self._roster.links))
        await self._http.close()
        self._dispatcher.close()
        await asyncio.gather(*(runner.stop(_CALLBACK_S) for runner in self._dispatcher.runners))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start_streaming(self) -> None:
        """Runs the gateway on an event loop of its own until `stop_streaming` or Ctrl-C; for scripts.

        Raises:
            StateError: an event loop is already running in this thread.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise StateError(
                "start_streaming() blocks, and an event loop is already running in this thread; "
                "use `async with gateway:` or `await gateway.start()` instead"
            )
        run(self._stream())

    def stop_streaming(self) -> None:
        """Makes `start_streaming` return, even one called later. From any thread, callbacks included; repeatable."""
        # In this order: `_stream` has its loop known before it looks at the flag.
        self._streaming_ended = True
        if self._loop is not None:
            # RuntimeError: the loop is closed, `start_streaming` has returned.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop_requested.set)

    async def _stream(self) -> None:
        async with self:
            if not self._streaming_ended:
                await self._stop_requested.wait()

    # subscriptions

    def subscribe_to_trades(
        self, symbols: Iterable[str], callback: Callable[[Any], Any] | None = None, *, offload: bool = False
    ) -> Subscription:
        """Every trade, as `Trade`."""
        return self.subscribe("trades", symbols, callback, offload=offload)

    def subscribe_to_quotes(
        self, symbols: Iterable[str], callback: Callable[[Any], Any] | None = None, *, offload: bool = False
    ) -> Subscription:
        """Best bid and ask, as `Quote`."""
        return self.subscribe("quotes", symbols, callback, offload=offload)

    def subscribe_to_book(
        self, symbols: Iterable[str], callback: Callable[[Any], Any] | None = None, *, offload: bool = False
    ) -> Subscription:
        """The whole order book, kept synchronised: `BookUpdate` for each change, and `gateway.book(symbol)`."""
        return self.subscribe("book", symbols, callback, offload=offload)

    def subscribe_to_bars(
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        interval: str = "1m",
        offload: bool = False,
    ) -> Subscription:
        """Bars of an interval, as `Bar`; open ones are repeated until `closed`."""
        return self.subscribe(f"bars_{interval}", symbols, callback, offload=offload)

    def subscribe(
        self,
        channel: str,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        offload: bool = False,
    ) -> Subscription:
        """Any channel of the venue, before or after the start.

        Args:
            channel: its name.
            symbols: one or more; a single string is one symbol.
            callback: called with each event, or awaited when asynchronous; None: the data is only received (books,
                `events()`, `batches()`).
            offload: run a synchronous callback in a worker thread of its own.

        Raises:
            UnsupportedError: no such channel, or one whose events the symbol already gets from another channel.
            ValueError: not a symbol, or none at all; a ring too small for the book's snapshots.
            StateError: the gateway is stopped.
            TypeError: not a callback.
        """
        self._check_not_stopped()
        found = self._venue.channel(channel)
        if found.diff:
            self._check_ring(found.name)
        names = tuple(dict.fromkeys(self._venue.symbol(text) for text in _several(symbols)))
        if not names:
            raise ValueError(f"symbols must name at least one symbol for channel {found.name!r}, was empty")
        runner = self._runner(callback, offload) if callback is not None else None
        feeds = self._roster.acquire_all(found, names)
        event_class = EVENT_CLASSES[found.kind]
        keys = [(route_key(event_class, feed.symbol, found.interval), feed.symbol_id) for feed in feeds]
        if runner is not None:
            self._dispatcher.add_callback(runner, found.kind, keys)
            self._begin(runner)

        def on_close() -> None:
            if runner is not None:
                self._dispatcher.remove_callback(runner, found.kind, keys)
                if self._loop is not None and not self._stopped:
                    self._loop.create_task(runner.stop(_CALLBACK_S))
            for feed in feeds:
                self._roster.release(feed)

        return Subscription(found.name, names, runner, on_close)

    def on_status(self, callback: Callable[[Any], Any]) -> None:
        """Calls back for each connection change, gap, resync, feed state change and refused subscription.

        Raises:
            StateError: the gateway is stopped.
            TypeError: not a callback.
        """
        self._check_not_stopped()
        runner = self._runner(callback, offload=False)
        self._dispatcher.add_status_callback(runner)
        self._begin(runner)

    # consumption

    def events(self, symbol: str | None = None) -> Stream[tuple[Any, int], Any]:
        """Typed events in order, of one symbol or of all that are subscribed: market data and status.

        Behind it is a bounded queue: the latest quote and book per symbol, the oldest of other market data dropped
        and counted when the consumer falls behind, status events never dropped. Starts with this call.

        Raises:
            StateError: the gateway is stopped: nothing would ever come.
            ValueError: not a symbol.
        """
        self._check_not_stopped()
        if symbol is None:
            return self._dispatcher.open_events(None, None)
        name = self._venue.symbol(symbol)
        return self._dispatcher.open_events(name, self._pipeline.symbols.add(self._venue.plan.venue, name))

    def batches(self) -> Stream[Batch, Batch]:
        """Whole batches as read-only NumPy arrays of 64-byte records (`tradewire.core.view`), no object per message.

        Raises:
            StateError: the gateway is stopped: nothing would ever come.
        """
        self._check_not_stopped()
        return self._dispatcher.open_batches()

    def book(self, symbol: str) -> OrderBookProtocol | None:
        """The live book of a symbol; None between a gap (or a lost connection) and the resync."""
        symbol_id = self._pipeline.symbols.get(self._venue.plan.venue, self._venue.symbol(symbol))
        return None if symbol_id is None else self._books.book(symbol_id)

    # what is going on

    @property
    def venue(self) -> MarketDataVenue:
        """The venue."""
        return self._venue

    @property
    def counters(self) -> Counters:
        """Totals: `messages`, `messages.<kind>`, `bytes`, `decode_errors`, `book_gaps`, `resyncs`, `reconnects`, ..."""
        return self._pipeline.counters

    @property
    def latency(self) -> LatencySpans:
        """Latency per hop."""
        return self._pipeline.latency

    @property
    def links(self) -> list[Link]:
        """The connections."""
        return list(self._roster.links)

    @property
    def dropped(self) -> int:
        """Events and messages that full consumer queues lost or replaced."""
        return self._dispatcher.dropped()

    def feeds(self) -> list[Feed]:
        """All feeds with their states, in order of subscription."""
        return self._health.feeds()

    def state(self, channel: str, symbol: str) -> FeedState:
        """The state of one feed.

        Raises:
            ValueError: not subscribed.
        """
        found, name = self._venue.channel(channel), self._venue.symbol(symbol)
        for feed in self._health.feeds():
            if feed.symbol == name and feed.channel.name == found.name:
                return feed.state
        raise ValueError(f"channel {channel!r} of {name} is not subscribed")

    # inside: subscriptions

    def _runner(self, callback: Callable[[Any], Any], offload: bool) -> CallbackRunner:
        return runner_for(
            callback,
            offload=offload,
            latency=self._pipeline.latency.callback,
            capacity=self._queue_capacity,
            policies=self._policies,
        )

    def _begin(self, runner: CallbackRunner) -> None:
        if self._loop is not None:
            runner.start()

    def _check_not_stopped(self) -> None:
        if self._stopped:
            raise StateError("the gateway is stopped; make a new one")

    def _check_ring(self, channel: str) -> None:
        depth = self._venue.snapshot_depth
        least, capacity = 2 * depth + 1, self._pipeline.ring.capacity
        if capacity < least:
            raise ValueError(
                f"ring_capacity must be {least} or more for channel {channel!r} of {self._venue.name}, whose snapshots "
                f"have {depth} levels a side, was {capacity}"
            )

    def _make_link(self, name: str, route: str) -> Link:
        link = Link(
            name,
            self._venue,
            self._venue.stream_url(route, self._url),
            self,
            self._pipeline.reader,
            self._request_ids,
            self._random,
            self._open_timeout_s,
        )
        if self._loop is not None:
            link.start()
        return link

    # inside: what links, books and the pipeline say

    def on_read(self, result: WireResultProtocol, size: int) -> None:
        """A link read its socket."""
        self._pipeline.count(result, size)
        if result.errors:
            _logger.debug("refused: %s", result.errors[0])
        self._pipeline.pump()

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        """A link changed state."""
        feeds = self._roster.feeds_of(link)
        now, wall = monotonic_ns(), wall_ns()
        self._emit(event)
        if event.state is ConnectionState.CONNECTED:
            _logger.info("%s %s: connected", event.venue, event.connection)
            self._health.connected(feeds, now, wall)
        elif event.state in (ConnectionState.RECONNECTING, ConnectionState.CLOSED):
            if event.state is ConnectionState.RECONNECTING:
                self.counters.add("reconnects")
                _logger.warning(
                    "%s %s: %s; next attempt in %.1f s",
                    event.venue, event.connection, event.reason, event.retry_in_ns / 1e9,
                )  # fmt: skip
            for feed in feeds:
                if EVENT_CLASSES[feed.channel.kind] is BookUpdate:
                    self._books.reset(feed.symbol_id)
            self._health.down(feeds, event.reason or "closed", wall)

    def on_refused(self, event: SubscriptionRefused) -> None:
        """The venue refused streams."""
        self.counters.add("subscriptions_refused", len(event.streams))
        _logger.error("%s refused %s (code %d)", event.venue, ", ".join(event.streams), event.code)
        self._emit(event)

    def on_settled(self, streams: Iterable[str]) -> None:
        """The venue began or ended streams."""
        self._roster.settled(streams)

    def _on_drained(self, drained: Drained) -> None:
        self._health.observe(drained.heads, drained.drained_ns, drained.drained_wall_ns)
        if drained.sequence_incidents:
            self._on_sequence_incidents(drained)
        self._books.observe(drained)
        events = drained.events
        if events and any(type(event) is Control for event in events):
            events = self._take_control(events)
        if drained.changed and self._dispatcher.wants_books:
            updates = (self._books.update(symbol_id, drained.drained_wall_ns) for symbol_id in drained.changed)
            events = [*events, *(update for update in updates if update is not None)]
        self._dispatcher.publish_batch(drained.batch)
        if events:
            self._dispatcher.publish(events, drained.drained_ns)

    def _on_sequence_incidents(self, drained: Drained) -> None:
        for row, outcome, missing in drained.sequence_incidents:
            self.counters.add(f"sequence_{outcome}")
            if outcome != "gap":
                continue
            record = drained.batch[row]
            feed = self._health.find(int(record["kind"]), int(record["symbol"]))
            if feed is not None:
                self.counters.add("messages_missing", missing)
                self._emit(
                    GapDetected(self._venue.name, feed.channel.name, feed.symbol, missing, drained.drained_wall_ns)
                )

    def _take_control(self, events: list[Any]) -> list[Any]:
        rest = []
        for event in events:
            if type(event) is not Control:
                rest.append(event)
            elif event.status == "ack" or event.status == "error":
                refused = event.status == "error"
                if not any(
                    link.on_control(event.request_id, refused=refused, code=event.code or 0)
                    for link in self._roster.links
                ):
                    self.counters.add("control_unmatched")
            else:
                self.counters.add(f"control_{event.status}")
        return rest

    def _inject(self, snapshot: Snapshot) -> None:
        self._pipeline.inject(snapshot.payload, snapshot.recv_ns, snapshot.stream)

    def _emit(self, event: StatusEvent) -> None:
        self._dispatcher.publish_status(event, monotonic_ns())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                self._health.tick(monotonic_ns(), wall_ns())
            except Exception as error:
                # Invariant: it does not raise. A bug of ours must not end the watch over every feed.
                _log.say("tick", "feeds could not be checked for silence: %r", error, error=error)


def _several(names: Iterable[str]) -> Iterable[str]:
    return (names,) if isinstance(names, str) else names
