"""`StreamingGateway`: live market data of one or several venues for strategies. What it says of itself is in `view.py`.

Over 400 lines because it is the public face: half of it is documentation.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, MutableMapping
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from tradewire.core import Callbacks, SymbolTable, Wanted, monotonic_ns, wall_ns
from tradewire.errors import StateError
from tradewire.telemetry import Counters
from tradewire.telemetry.alerts import CountedAlerts, LogAlerts
from tradewire.telemetry.latency import latency_histogram
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.address import check_address
from tradewire.transport.event_loop import BusyPoll, run
from tradewire.venues.adapter import DataProviderAdapter
from tradewire.venues.registry import ADAPTERS, load, register_adapter

from .arguments import check_arguments, texts_of
from .configured import Configured
from .dispatch import Dispatcher
from .pipeline import RING_CAPACITY
from .plan import GatewayPlan, add_policies, by_channel, credential_of
from .provider import ProviderSettings
from .providers import Providers
from .queues import OwnPolicies, Policy, default_policies
from .subscription import CallbackRunner, Subscription, runner_for
from .view import GatewayView
from .watch import Watch

if TYPE_CHECKING:
    from tradewire.config import Config
    from tradewire.core.protocols import Batch
    from tradewire.telemetry.alerts import AlertPort
    from tradewire.transport.auth import Credential

    from .mailbox import Stream
    from .manager import WebSocketManager
    from .queues import Policies

__all__ = ["StreamingGateway"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

_TICK_S = 0.25
#: A look at the feeds that comes so late: this process was held up, by a callback or for want of a processor.
_HELD_UP_NS = 250_000_000
#: With what managers take, under the 2 s in which `stop` must be done.
_CALLBACK_S = 0.5
_OPEN_S = 10.0
_QUEUE_CAPACITY = 10_000


class StreamingGateway(GatewayView):
    """Live market data of one venue, or of several providers by a configuration.

    ```python
    async with StreamingGateway(symbols=["BTCUSDT"], channels=["quotes", "book"]) as gateway:
        gateway.subscribe_to_trades(["BTC/USDT"], callback=print)
        async for event in gateway.events("BTCUSDT"):
            ...

    gateway = StreamingGateway("config/streaming.yaml")
    ```

    One event loop owns it: methods are called on that loop, or before `start`. Callbacks are called on it (inline, or
    in a task when asynchronous), or in a worker thread with `offload=True`.

    Args:
        config: a file, or a loaded configuration; instead of the arguments from `venue` to `loop`.
        hot_reload: apply changes of the file while running: what did not change is not reconnected.
        venue: a name known to `tradewire.venues.registry`; None: `binance`.
        symbols: subscribed from the start to all of `channels`; `BTCUSDT`, `btcusdt` and `BTC/USDT` are the same.
        channels: `trades`, `agg_trades`, `quotes`, `book`, `book5`, `mark_price`, `bars_5m`, `ticker`, ...; None: the
            venue's usual ones, `trades`, `quotes` and, where it has one, `book`.
        url: replaces the venue's streaming address (`ws://127.0.0.1:8700`); unencrypted only on loopback.
        rest_url: replaces the venue's REST address; likewise.
        ring_capacity: records (64 bytes each) between sockets and consumers, 64 at least; for `book`, room for a whole
            snapshot; None: 32,768.
        queue_capacity: events per consumer queue; for `batches()`: messages, and four times as many records; None:
            10,000.
        policies: per channel, what the queue of a consumer does that names no policy of its own: `conflate`,
            `drop_oldest` or `keep`.
        stale_after_s: per channel, silence that makes a feed STALE; replaces the venue's values.
        open_timeout_s: for one connection attempt; None: 10.
        credential: where the venue asks for one; None: from the environment (`AuthManager`).
        codec: `json` (None as well) or, where the venue speaks it, `msgpack`.
        loop: `spin`: the event loop never sleeps, for the lowest latency, on a core of its own.
        random: for backoff jitter.
        alerts: calls a person; None: what `streaming_health.alerts` says, or ERROR log lines and a counter.

    Raises:
        ConfigError: everything that is wrong with the configuration.
        MissingCredentialError: a venue asks for a key, and none is given.
        UnsupportedError: an unknown venue or channel.
        ValueError: configuration and arguments together; not a symbol, an address or a policy; channels without
            symbols, or symbols with an empty list of channels; a ring too small for book snapshots; a number or word
            that the same setting of a configuration does not allow.
        TypeError: symbols or channels that are no texts; alerts whose `alert` is an `async def`.
    """

    #: Custom providers by name, as `register_provider` adds them.
    AdapterMap: ClassVar[MutableMapping[str, type[DataProviderAdapter]]] = ADAPTERS

    @staticmethod
    def register_provider(name: str, adapter: type[DataProviderAdapter]) -> None:
        """Makes a custom provider known by a name, for `venue=` and for configurations.

        Raises:
            TypeError: no subclass of `DataProviderAdapter`.
            ValueError: not letters, digits, `-` and `_`, beginning with a letter; the name of a built-in venue.
        """
        register_adapter(name, adapter)

    def __init__(
        self,
        config: str | os.PathLike[str] | Config | None = None,
        *,
        hot_reload: bool = False,
        venue: str | None = None,
        symbols: Iterable[str] | None = None,
        channels: Iterable[str] | None = None,
        url: str | None = None,
        rest_url: str | None = None,
        ring_capacity: int | None = None,
        queue_capacity: int | None = None,
        policies: Mapping[str, Policy] | None = None,
        stale_after_s: Mapping[str, float] | None = None,
        open_timeout_s: float | None = None,
        credential: Credential | None = None,
        codec: Literal["json", "msgpack"] | None = None,
        loop: Literal["sleep", "spin"] | None = None,
        random: Random | None = None,
        alerts: AlertPort | None = None,
    ) -> None:
        self._totals = Counters("alerts")
        self._configured: Configured | None = None
        texts, names = texts_of("symbols", symbols or ()), texts_of("channels", channels or ())
        given = {
            "venue": venue,
            "symbols": symbols,
            "channels": channels,
            "url": url,
            "rest_url": rest_url,
            "ring_capacity": ring_capacity,
            "queue_capacity": queue_capacity,
            "policies": policies,
            "stale_after_s": stale_after_s,
            "open_timeout_s": open_timeout_s,
            "credential": credential,
            "codec": codec,
            "loop": loop,
        }
        if config is not None:
            twice = [name for name, value in given.items() if value is not None]
            if twice:
                raise ValueError(f"with a configuration, {', '.join(twice)} must be left to it")
            self._configured = Configured(config, hot_reload=hot_reload, counters=self._totals)
            plan = self._configured.plan
        else:
            if hot_reload:
                raise ValueError("hot_reload needs a configuration file")
            check_address("url", url, ("ws", "wss"))
            check_address("rest_url", rest_url, ("http", "https"))
            check_arguments(given)
            found = load(venue or "binance")
            settings = ProviderSettings(
                found.name,
                found,
                url,
                rest_url,
                credential=credential if credential is not None else credential_of(found),
                codec="json" if codec is None else codec,
                ring_capacity=RING_CAPACITY if ring_capacity is None else ring_capacity,
                stale_after_s=by_channel(found, stale_after_s or {}, "stale_after_s"),
                open_timeout_s=_OPEN_S if open_timeout_s is None else open_timeout_s,
            )
            capacity = _QUEUE_CAPACITY if queue_capacity is None else queue_capacity
            plan = GatewayPlan({found.name: settings}, (), capacity, spin=loop == "spin")
            if policies is not None:
                add_policies(plan.policies, policies, [found], "policies")
            if channels is None and symbols is not None:
                names = list(found.default_channels)
            elif texts and not names:
                default = ", ".join(found.default_channels)
                raise ValueError(f"channels must name at least one channel, was empty; leave it out for {default}")
        self._policies = default_policies() | plan.policies
        self._symbols = SymbolTable()
        self._callback_latency = latency_histogram()
        self._dispatcher = Dispatcher(
            Wanted(self._symbols),
            Callbacks(self._symbols),
            self._callback_latency,
            plan.queue_capacity,
            self._policies,
        )
        own_alerts = LogAlerts(self._totals)
        port = own_alerts if alerts is None else CountedAlerts(alerts, self._totals)
        self._providers = Providers(self._symbols, self._dispatcher, random or Random(), port, self._stop_meanwhile)
        self._watch = Watch(self._providers.managers, self._dispatcher, own_alerts, self._callback_latency)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._busy_poll = BusyPoll()
        self._ticker: asyncio.Task[None] | None = None
        self._stopping: set[asyncio.Task[None]] = set()
        self._stop_task: asyncio.Task[None] | None = None
        # Later than that: callbacks that are closed while connections say goodbye are still to be ended.
        self._ended = False
        self._stop_requested = asyncio.Event()
        self._streaming_ended = False
        self._apply(plan)
        provider = next(iter(self._providers.managers))
        for name in names:
            subscription = self.subscribe(name, texts)
            self._providers.planned.setdefault((provider, subscription.channel), subscription)

    # life

    async def start(self) -> None:
        """Connects, in the background; returns at once.

        Raises:
            StateError: already started, or stopped before.
        """
        if self._stop_task is not None:
            raise StateError("a stopped gateway cannot be started again; make a new one")
        if self._loop is not None:
            raise StateError("the gateway is already started")
        self._loop = asyncio.get_running_loop()
        self._busy_poll.begin(self._loop)
        for runner in self._dispatcher.runners:
            runner.start()
        self._providers.start()
        self._ticker = self._loop.create_task(self._tick(), name="feed health")
        if self._configured is not None:
            await self._configured.start(self._apply)

    async def stop(self) -> None:
        """Closes every connection and ends every task and iterator; done in under 2 s. Harmless when repeated: later
        calls wait for the first. An asynchronous callback that awaits it is cancelled there."""
        if self._stop_task is None:
            # In a task: a caller that is cancelled, such as a callback, leaves nothing half closed.
            self._stop_task = asyncio.get_running_loop().create_task(self._stop_all(), name="stop gateway")
        await asyncio.shield(self._stop_task)

    async def _stop_all(self) -> None:
        self._busy_poll.end()
        self._stop_requested.set()
        if self._configured is not None:
            await self._configured.stop()
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.wait([self._ticker])
        await asyncio.gather(*(manager.stop() for manager in self._providers.managers.values()), *self._stopping)
        self._dispatcher.close()
        endings = [runner.stop(_CALLBACK_S) for runner in self._dispatcher.runners]
        self._ended = True
        await asyncio.gather(*endings, *self._stopping)

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
        policies: Mapping[str, Policy] | None = None,
    ) -> Subscription:
        """Every trade, as `Trade`."""
        return self.subscribe("trades", symbols, callback, provider=provider, offload=offload, policies=policies)

    def subscribe_to_quotes(
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        provider: str | None = None,
        offload: bool = False,
        policies: Mapping[str, Policy] | None = None,
    ) -> Subscription:
        """Best bid and ask, as `Quote`."""
        return self.subscribe("quotes", symbols, callback, provider=provider, offload=offload, policies=policies)

    def subscribe_to_book(
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        provider: str | None = None,
        offload: bool = False,
        policies: Mapping[str, Policy] | None = None,
    ) -> Subscription:
        """The whole order book, kept synchronised: `BookUpdate` for each change, and `gateway.book(symbol)`."""
        return self.subscribe("book", symbols, callback, provider=provider, offload=offload, policies=policies)

    def subscribe_to_bars(
        self,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        interval: str = "1m",
        provider: str | None = None,
        offload: bool = False,
        policies: Mapping[str, Policy] | None = None,
    ) -> Subscription:
        """Bars of an interval, as `Bar`; open ones are repeated until `closed`."""
        return self.subscribe(
            f"bars_{interval}", symbols, callback, provider=provider, offload=offload, policies=policies
        )

    def subscribe(
        self,
        channel: str,
        symbols: Iterable[str],
        callback: Callable[[Any], Any] | None = None,
        *,
        provider: str | None = None,
        offload: bool = False,
        policies: Mapping[str, Policy] | None = None,
    ) -> Subscription:
        """Any channel, before or after the start.

        Args:
            channel: its name.
            symbols: one or more; a single string is one symbol.
            callback: called with each event, or awaited when asynchronous; None: the data is only received (books,
                `events()`, `batches()`).
            provider: of these; None: the only one, or those whose configuration names the symbols.
            offload: run a synchronous callback in a worker thread of its own.
            policies: of this channel in the callback's queue (`{"trades": "keep"}`), whatever the gateway's are and
                become; for asynchronous callbacks and `offload=True`, since others have no queue.

        Raises:
            UnsupportedError: no such channel or provider, or a channel whose events the symbol already gets from
                another one.
            ValueError: not a symbol, or none at all, or one that no provider's configuration names; a ring too small
                for the book's snapshots; not a policy, or one for another channel or without a queue.
            StateError: the gateway is stopped.
            TypeError: not a callback; symbols that are no texts; policies that are no mapping.
        """
        self._check_not_stopped()
        texts = texts_of("symbols", symbols)
        if not texts:
            raise ValueError(f"symbols must name at least one symbol for channel {channel!r}, was empty")
        shares = self._providers.shares.of(channel, texts, provider)
        own = self._policies_of(policies, (manager for manager, _, _ in shares))
        runner = self._runner(callback, offload, own) if callback is not None else None
        if policies:
            _check_heeded(policies, (channel, shares[0][1].name), runner)
        subscription = self._providers.shares.subscribe(shares, runner, self._end_runner)
        if runner is not None:
            self._begin(runner)
        return subscription

    def on_status(self, callback: Callable[[Any], Any]) -> None:
        """Calls back for each connection change, gap, resync, feed state change and refused subscription.

        Raises:
            StateError: the gateway is stopped.
            TypeError: not a callback.
        """
        self._check_not_stopped()
        runner = self._runner(callback, False, self._policies)
        self._dispatcher.add_status_callback(runner)
        self._begin(runner)

    # consumption

    def events(
        self, symbol: str | None = None, *, policies: Mapping[str, Policy] | None = None
    ) -> Stream[tuple[Any, int], Any]:
        """Typed events in order, of one symbol or of all that are subscribed: market data and status.

        Behind it is a bounded queue; unless policies say otherwise: of unread ones the latest quote and book per symbol
        alone, also while there is room (`policies={"quotes": "drop_oldest"}` gives every quote); the oldest
        of the other sort of market data that has most waiting is dropped and counted when the consumer falls behind.
        Status events are kept, ten times as many as the queue holds and 10,000 at least. Starts with this call.

        Args:
            symbol: in any spelling; None: all.
            policies: per channel, what this consumer's queue does when it is full (`{"trades": "keep", "quotes":
                "drop_oldest"}`), whatever the gateway's policies are and become; those hold for other channels. Raw
                messages of custom providers belong to no channel: the oldest are dropped.

        Raises:
            StateError: the gateway is stopped: nothing would ever come.
            UnsupportedError: a policy for a channel that no provider has; two policies for one sort of event.
            ValueError: not a symbol, or not a policy.
            TypeError: policies that are no mapping.
        """
        self._check_not_stopped()
        if symbol is None:
            return self._dispatcher.open_events(policies=self._policies_of(policies, self._providers.managers.values()))
        managers = self._providers.shares.spelling(symbol)
        spelt = frozenset(manager.venue.symbol(symbol) for manager in managers)
        own = self._policies_of(policies, managers)
        # Venues may spell it alike, and each has an id of its own.
        return self._dispatcher.open_events(spelt, [manager.symbol_id(symbol) for manager in managers], own)

    def batches(self) -> Stream[Batch, Batch]:
        """Whole batches as read-only NumPy arrays of 64-byte records (`tradewire.core.view`), no object per message.

        A consumer that falls behind loses the oldest batches whole, with a count of messages: when more messages wait
        than `queue_capacity` (`buffer_size`) says, or four times as many records. What comes in one turn of the event
        loop while it waits is never lost. Policies do not apply, since a batch is dropped with all of its channels: who
        needs other ones takes `events(policies=...)`.

        Raises:
            StateError: the gateway is stopped: nothing would ever come.
        """
        self._check_not_stopped()
        return self._dispatcher.open_batches()

    # inside

    def _apply(self, plan: GatewayPlan) -> None:
        """Makes the gateway what a plan says; what the plan does not change goes on undisturbed."""
        # The same mapping, which every queue holds: without what the plan names no more.
        self._policies.clear()
        self._policies.update(default_policies() | plan.policies)
        self._busy_poll.want(plan.spin)
        self._watch.configure(plan.health)
        self._providers.apply(plan, self.subscribe)
        # Last: a plan that cannot be applied costs nobody an event.
        self._dispatcher.resize(plan.queue_capacity)

    def _policies_of(self, named: Mapping[str, Policy] | None, managers: Iterable[WebSocketManager]) -> Policies:
        """Those that a consumer names by channels of these providers; for all other events the gateway's."""
        if named is None:
            return self._policies
        own: dict[type, Policy] = {}
        add_policies(own, named, [manager.venue for manager in managers], "policies")
        return OwnPolicies(own, self._policies) if own else self._policies

    def _runner(self, callback: Callable[[Any], Any], offload: bool, policies: Policies) -> CallbackRunner:
        return runner_for(
            callback,
            offload=offload,
            latency=self._callback_latency,
            capacity=self._dispatcher.capacity,
            policies=policies,
        )

    def _begin(self, runner: CallbackRunner) -> None:
        if self._loop is not None:
            runner.start()

    def _end_runner(self, runner: CallbackRunner) -> None:
        if self._loop is not None and not self._ended:
            self._stop_meanwhile(runner.stop(_CALLBACK_S), f"stop callback {runner.stats.name}")

    def _stop_meanwhile(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = (self._loop or asyncio.get_running_loop()).create_task(work, name=name)
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)

    def _check_not_stopped(self) -> None:
        if self._stop_task is not None:
            raise StateError("the gateway is stopped; make a new one")

    async def _tick(self) -> None:
        while True:
            due_ns = monotonic_ns() + int(_TICK_S * 1e9)
            await asyncio.sleep(_TICK_S)
            managers = self._providers.managers.values()
            now_ns = monotonic_ns()
            if now_ns - due_ns > _HELD_UP_NS:
                for manager in managers:
                    manager.excuse(now_ns - due_ns, now_ns)
            for check in (*(manager.tick for manager in managers), self._providers.tick, self._watch.tick):
                try:
                    check(monotonic_ns(), wall_ns())
                except Exception as error:
                    # Invariant: it does not raise. A bug of ours must not end the watch over every feed.
                    _log.say("tick", "feeds could not be checked for silence: %r", error, error=error)


def _check_heeded(policies: Mapping[str, Policy], names: tuple[str, str], runner: CallbackRunner | None) -> None:
    """Refuses policies of a subscription that change nothing.

    Args:
        policies: they.
        names: what the caller and the venue call its channel.
        runner: of its callback.

    Raises:
        ValueError: they name another channel, or there is no queue.
    """
    for name in policies:
        if name not in names:
            raise ValueError(
                f"policies must name channel {names[0]!r} alone, the one subscribed to here, was {name!r}; "
                "name others where they are subscribed to"
            )
    if runner is None or runner.queue is None:
        raise ValueError(
            f"policies must be left out where there is no queue, was {dict(policies)!r}; async callbacks, "
            "offload=True and events() have one"
        )
