"""`StreamingGateway`: live market data of one or several venues for strategies. Wires the parts together.

Over 400 lines because it is the public face: half of it is documentation.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tradewire.core import Histogram, SymbolTable, Wanted, monotonic_ns, wall_ns
from tradewire.errors import StateError, UnsupportedError
from tradewire.telemetry import Counters, LatencySpans
from tradewire.telemetry.alerts import LogAlerts
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.address import check_address
from tradewire.transport.event_loop import run
from tradewire.venues.registry import load

from .dispatch import EVENT_CLASSES, Dispatcher, RouteKey, route_key
from .events import FeedState
from .fallback import Fallbacks
from .manager import ProviderSettings, WebSocketManager
from .pipeline import RING_CAPACITY
from .queues import Policy, default_policies, policy_of
from .subscription import CallbackRunner, Subscription, runner_for

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch, OrderBookProtocol
    from tradewire.core.record import Kind
    from tradewire.telemetry.alerts import AlertPort
    from tradewire.venues.base import Channel

    from .health import Feed
    from .link import Link
    from .mailbox import Stream

__all__ = ["StreamingGateway"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

_TICK_S = 0.25
#: With what managers take, under the 2 s in which `stop` must be done.
_CALLBACK_S = 0.5
_HIGHEST_NS = 3_600_000_000_000


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
        alerts: calls a person; None: ERROR log lines and a counter.

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
        alerts: AlertPort | None = None,
    ) -> None:
        check_address("url", url, ("ws", "wss"))
        check_address("rest_url", rest_url, ("http", "https"))
        found = load(venue)
        settings = ProviderSettings(
            found.name,
            found,
            url,
            rest_url,
            ring_capacity=ring_capacity,
            stale_after_s=dict(stale_after_s or {}),
            open_timeout_s=open_timeout_s,
        )
        self._queue_capacity = queue_capacity
        self._policies = default_policies()
        for name, policy in (policies or {}).items():
            self._policies[EVENT_CLASSES[found.channel(name).kind]] = policy_of(name, policy)
        self._random = random or Random()
        self._symbols = SymbolTable()
        self._callback_latency = Histogram(1, _HIGHEST_NS, 3)
        self._dispatcher = Dispatcher(
            Wanted(self._symbols), self._callback_latency, queue_capacity, ring_capacity, self._policies
        )
        self._managers: dict[str, WebSocketManager] = {}
        self._totals = Counters("alerts")
        self._alerts: AlertPort = alerts or LogAlerts(self._totals)
        self._fallbacks = Fallbacks(self._mirror, lambda event: self._dispatcher.publish_status(event, monotonic_ns()))
        # What is subscribed with which callback, for fallbacks.
        self._uses: dict[Subscription, tuple[CallbackRunner | None, list[tuple[WebSocketManager, Feed]]]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ticker: asyncio.Task[None] | None = None
        self._stopped = False
        self._stop_requested = asyncio.Event()
        self._streaming_ended = False
        self._add(settings)
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
        for manager in self._managers.values():
            manager.start()
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
        await asyncio.gather(*(manager.stop() for manager in self._managers.values()))
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
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        provider: str | None = None,
        offload: bool = False,
    ) -> Subscription:
        """Every trade, as `Trade`."""
        return self.subscribe("trades", symbols, callback, provider=provider, offload=offload)

    def subscribe_to_quotes(
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        provider: str | None = None,
        offload: bool = False,
    ) -> Subscription:
        """Best bid and ask, as `Quote`."""
        return self.subscribe("quotes", symbols, callback, provider=provider, offload=offload)

    def subscribe_to_book(
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        provider: str | None = None,
        offload: bool = False,
    ) -> Subscription:
        """The whole order book, kept synchronised: `BookUpdate` for each change, and `gateway.book(symbol)`."""
        return self.subscribe("book", symbols, callback, provider=provider, offload=offload)

    def subscribe_to_bars(
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        interval: str = "1m",
        provider: str | None = None,
        offload: bool = False,
    ) -> Subscription:
        """Bars of an interval, as `Bar`; open ones are repeated until `closed`."""
        return self.subscribe(f"bars_{interval}", symbols, callback, provider=provider, offload=offload)

    def subscribe(
        self,
        channel: str,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        provider: str | None = None,
        offload: bool = False,
    ) -> Subscription:
        """Any channel, before or after the start.

        Args:
            channel: its name.
            symbols: one or more; a single string is one symbol.
            callback: called with each event, or awaited when asynchronous; None: the data is only received (books,
                `events()`, `batches()`).
            provider: of these; None: the only one, or those whose configuration names the symbols.
            offload: run a synchronous callback in a worker thread of its own.

        Raises:
            UnsupportedError: no such channel or provider, or a channel whose events the symbol already gets from
                another one.
            ValueError: not a symbol, or none at all, or one that no provider's configuration names; a ring too small
                for the book's snapshots.
            StateError: the gateway is stopped.
            TypeError: not a callback.
        """
        self._check_not_stopped()
        texts = list(dict.fromkeys(_several(symbols)))
        if not texts:
            raise ValueError(f"symbols must name at least one symbol for channel {channel!r}, was empty")
        shares = self._shares(channel, texts, provider)
        runner = self._runner(callback, offload) if callback is not None else None
        feeds = self._acquire(shares)
        keys = [
            (feed.channel.kind, self._route(manager, feed.channel, feed.symbol), feed.symbol_id)
            for manager, feed in feeds
        ]
        if runner is not None:
            self._dispatcher.add_callback(runner, keys)
            self._begin(runner)

        def on_close() -> None:
            if runner is not None:
                self._dispatcher.remove_callback(runner, keys)
                if self._loop is not None and not self._stopped:
                    self._loop.create_task(runner.stop(_CALLBACK_S))
            for manager, feed in feeds:
                manager.release(feed)
            self._uses.pop(subscription, None)

        names = tuple(dict.fromkeys(feed.symbol for _, feed in feeds))
        subscription = Subscription(shares[0][1].name, names, runner, on_close)
        self._uses[subscription] = (runner, feeds)
        return subscription

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
            return self._dispatcher.open_events()
        spelt: dict[str, int] = {}
        for manager in self._spelling(symbol):
            spelt[manager.venue.symbol(symbol)] = manager.symbol_id(symbol)
        return self._dispatcher.open_events(frozenset(spelt), list(spelt.values()))

    def batches(self) -> Stream[Batch, Batch]:
        """Whole batches as read-only NumPy arrays of 64-byte records (`tradewire.core.view`), no object per message.

        Raises:
            StateError: the gateway is stopped: nothing would ever come.
        """
        self._check_not_stopped()
        return self._dispatcher.open_batches()

    def book(self, symbol: str, provider: str | None = None) -> OrderBookProtocol | None:
        """The live book of a symbol; None between a gap (or a lost connection) and the resync.

        Args:
            symbol: in any spelling.
            provider: whose book; None: the first provider that has one.

        Raises:
            ValueError: not a symbol.
            UnsupportedError: no such provider.
        """
        managers = self._spelling(symbol) if provider is None else [self._manager(provider)]
        return next((book for book in (manager.book(symbol) for manager in managers) if book is not None), None)

    # what is going on

    @property
    def managers(self) -> Mapping[str, WebSocketManager]:
        """What runs each provider, by its name."""
        return dict(self._managers)

    @property
    def counters(self) -> Counters:
        """Totals of all providers: `messages`, `messages.<kind>`, `bytes`, `decode_errors`, `book_gaps`, `resyncs`,
        `reconnects`, `alerts`, ... A snapshot; each provider's own go on counting (`managers[name].counters`)."""
        return Counters.sum([*(manager.counters for manager in self._managers.values()), self._totals])

    @property
    def latency(self) -> LatencySpans:
        """Latency per hop, of all providers. A snapshot when there are several."""
        return LatencySpans.sum((manager.latency for manager in self._managers.values()), self._callback_latency)

    @property
    def links(self) -> list[Link]:
        """The connections."""
        return [link for manager in self._managers.values() for link in manager.links]

    @property
    def dropped(self) -> int:
        """Events and messages that full consumer queues lost or replaced."""
        return self._dispatcher.dropped()

    def feeds(self) -> list[Feed]:
        """All feeds with their states, by provider, in order of subscription."""
        return [feed for manager in self._managers.values() for feed in manager.feeds()]

    def state(self, channel: str, symbol: str, provider: str | None = None) -> FeedState:
        """The state of one feed, of the first provider that has it.

        Raises:
            ValueError: not subscribed.
            UnsupportedError: no such channel or provider.
        """
        managers = self._spelling(symbol) if provider is None else [self._manager(provider)]
        for manager in managers:
            feed = manager.feed(channel, symbol) if manager.has_channel(channel) else None
            if feed is not None:
                return feed.state
        raise ValueError(f"channel {channel!r} of {symbol} is not subscribed")

    # inside: providers and subscriptions

    def _add(self, settings: ProviderSettings) -> None:
        self._managers[settings.name] = WebSocketManager(
            settings, self._symbols, self._dispatcher, self._random, self._alerts, self._on_trouble
        )

    def _on_trouble(self, manager: WebSocketManager, reason: str) -> None:
        """A provider needs its fallback."""
        name = manager.settings.fallback
        if name is not None:
            self._fallbacks.begin(manager, self._managers[name], reason, wall_ns())

    def _mirror(self, primary: WebSocketManager, standin: WebSocketManager) -> Callable[[], None]:
        """The primary's subscriptions on its stand-in, for the same callbacks."""
        mirrored: list[tuple[CallbackRunner | None, list[Feed], list[tuple[Kind, RouteKey, int]]]] = []
        for runner, feeds in self._uses.values():
            for manager, feed in feeds:
                if manager is not primary:
                    continue
                try:
                    channel = standin.venue.channel(feed.channel.name)
                    found = standin.acquire(channel, [standin.venue.symbol(feed.symbol)])
                except (UnsupportedError, ValueError) as error:
                    _log.say(f"fallback {standin.name}", "%s cannot stand in: %s", standin.name, error)
                    continue
                own = self._route(primary, feed.channel, feed.symbol)
                keys = [(channel.kind, self._route(standin, channel, each.symbol), each.symbol_id) for each in found]
                # A stand-in of the same venue gives the same events: they are routed already.
                keys = [key for key in keys if key[1] != own]
                if runner is not None and keys:
                    self._dispatcher.add_callback(runner, keys)
                mirrored.append((runner, found, keys))

        def close() -> None:
            for runner, found, keys in mirrored:
                if runner is not None and keys:
                    self._dispatcher.remove_callback(runner, keys)
                for feed in found:
                    standin.release(feed)

        return close

    def _manager(self, provider: str) -> WebSocketManager:
        try:
            return self._managers[provider]
        except KeyError:
            known = ", ".join(self._managers)
            raise UnsupportedError(f"provider must be one of {known}, was {provider!r}") from None

    def _spelling(self, symbol: str) -> list[WebSocketManager]:
        """The managers whose venue can have such a symbol.

        Raises:
            ValueError: none.
        """
        managers, error = [], None
        for manager in self._managers.values():
            try:
                manager.venue.symbol(symbol)
            except ValueError as refused:
                error = refused
            else:
                managers.append(manager)
        if not managers and error is not None:
            raise error
        return managers

    def _shares(
        self, channel: str, texts: list[str], provider: str | None
    ) -> list[tuple[WebSocketManager, Channel, list[str]]]:
        """Which provider serves which of the symbols."""
        if provider is not None or len(self._managers) == 1:
            manager = self._manager(provider) if provider is not None else next(iter(self._managers.values()))
            names = [manager.venue.symbol(text) for text in texts]
            return [(manager, manager.venue.channel(channel), list(dict.fromkeys(names)))]
        shares: dict[str, list[str]] = {}
        for text in texts:
            of_symbol = [
                manager
                for manager in self._spelling(text)
                if manager.venue.symbol(text) in manager.settings.symbols and manager.has_channel(channel)
            ]
            if not of_symbol:
                raise ValueError(
                    f"no provider with channel {channel!r} has {text!r} among its configured symbols; "
                    f"name one with provider=, of {', '.join(self._managers)}"
                )
            for manager in of_symbol:
                shares.setdefault(manager.name, []).append(manager.venue.symbol(text))
        return [
            (self._managers[name], self._managers[name].venue.channel(channel), list(dict.fromkeys(symbols)))
            for name, symbols in shares.items()
        ]

    def _acquire(
        self, shares: list[tuple[WebSocketManager, Channel, list[str]]]
    ) -> list[tuple[WebSocketManager, Feed]]:
        """Every feed, or, where one raises, none."""
        feeds: list[tuple[WebSocketManager, Feed]] = []
        try:
            for manager, channel, names in shares:
                feeds += [(manager, feed) for feed in manager.acquire(channel, names)]
        except BaseException:
            for manager, feed in feeds:
                manager.release(feed)
            raise
        return feeds

    def _route(self, manager: WebSocketManager, channel: Channel, symbol: str) -> RouteKey:
        return route_key(EVENT_CLASSES[channel.kind], manager.venue.plan.venue, symbol, channel.interval)

    def _runner(self, callback: Callable[[Any], Any], offload: bool) -> CallbackRunner:
        return runner_for(
            callback,
            offload=offload,
            latency=self._callback_latency,
            capacity=self._queue_capacity,
            policies=self._policies,
        )

    def _begin(self, runner: CallbackRunner) -> None:
        if self._loop is not None:
            runner.start()

    def _check_not_stopped(self) -> None:
        if self._stopped:
            raise StateError("the gateway is stopped; make a new one")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for manager in list(self._managers.values()):
                try:
                    manager.tick(monotonic_ns(), wall_ns())
                except Exception as error:
                    # Invariant: it does not raise. A bug of ours must not end the watch over every feed.
                    _log.say("tick", "feeds could not be checked for silence: %r", error, error=error)
            self._fallbacks.tick(monotonic_ns(), wall_ns())


def _several(names: Iterable[str]) -> Iterable[str]:
    return (names,) if isinstance(names, str) else names
