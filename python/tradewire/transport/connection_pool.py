"""A pool of connections to one service: warm, routed by health, replaced when broken. Never repeats a call.

For HTTP and WebSocket-API clients. Not for market data streams (the gateway shards those) and not a retry layer: what
a failed call means is for the caller to know, so the pool calls the user's function once, whatever comes of it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tradewire.core import monotonic_ns
from tradewire.errors import NoConnectionError, RateLimitError, StateError, UnsupportedError

from .error_reporter import ErrorHandler
from .failure import reason_of
from .link_keeper import LinkKeeper
from .policy.blame import speaks_against_peer
from .policy.routing import Router, RoutingRules
from .pool_settings import PoolSettings
from .pooled_link import PooledLink, has_hook

__all__ = ["ConnectionPool"]

C = TypeVar("C")
T = TypeVar("T")

#: A link and the client that it had when it was handed out: before the caller runs, a replacement may take the place.
_Lease = tuple[PooledLink[C], C]


class ConnectionPool(Generic[C]):
    """Connections to one service; each serves one call at a time.

    Two forms: `ConnectionPool(api_class, config)` makes clients as `api_class(config)`;
    `ConnectionPool(name=..., create_client_func=..., config={...})` calls the factory, and `config` holds the pool's
    settings. A client may have `connect`, `ping` and `close` (plain or async) and needs none of them.

    * `min_connections` are connected, at once, by `initialize`; more are opened while callers wait, up to
      `max_connections`; connections that nobody needed for `idle_timeout` are closed again.
    * A call goes to an idle connection in proportion to its health (`policy.routing`): consecutive failures, latency
      against the best, last sign of life. Five failures in a row eject it, for longer each time. The last healthy
      connection is never ejected, and when all are bad all are used.
    * A connection whose call failed or was cancelled is pinged before it is used again. One that does not answer, and
      one that was ejected, gets a new client, with backoff; the old one is closed when the new one is connected.
    * When all are busy a call waits its turn, at most `connection_timeout`.

    Not thread-safe: one event loop owns it.

    Args:
        api_class: called with `config` (with nothing where that is None).
        config: for `api_class`; with `create_client_func`, the settings by name.
        min_connections: see `PoolSettings`, as the next four.
        max_connections: above.
        health_check_interval: seconds.
        connection_timeout: seconds.
        idle_timeout: seconds.
        name: in logs and statistics.
        create_client_func: makes a client; awaited when asynchronous, within `connection_timeout` (type checkers then
            need `pool: ConnectionPool[Client] = ...`).
        is_failure: which exceptions of a call speak against its connection; by default those that a
            `CircuitBreaker` counts.
        rules: thresholds of health and ejection.
        random: source of randomness.
        clock: monotonic ns.

    Raises:
        TypeError, ValueError: settings out of range, or not exactly one of `api_class` and `create_client_func`.
    """

    def __init__(
        self,
        api_class: Callable[..., C] | None = None,
        config: Any = None,
        min_connections: int | None = None,
        max_connections: int | None = None,
        health_check_interval: float | None = None,
        *,
        connection_timeout: float | None = None,
        idle_timeout: float | None = None,
        name: str | None = None,
        create_client_func: Callable[[], Awaitable[C]] | Callable[[], C] | None = None,
        is_failure: Callable[[Exception], bool] = speaks_against_peer,
        rules: RoutingRules | None = None,
        random: Random | None = None,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        if (api_class is None) == (create_client_func is None):
            raise TypeError("give exactly one of api_class and create_client_func")
        self.settings = PoolSettings.of(
            (config or {}) if create_client_func is not None else {},
            min_connections=min_connections,
            max_connections=max_connections,
            health_check_interval=health_check_interval,
            connection_timeout=connection_timeout,
            idle_timeout=idle_timeout,
        )
        if create_client_func is not None:
            create = create_client_func
        else:
            assert api_class is not None  # noqa: S101 - checked above
            create = api_class if config is None else partial(api_class, config)
        self.name = name or str(getattr(api_class, "__name__", "pool"))
        self._is_failure = is_failure
        self._clock = clock
        self._random = random or Random()
        self._router: Router[PooledLink[C]] = Router(self._random, rules)
        self._idle: list[PooledLink[C]] = []
        self._waiters: deque[asyncio.Future[_Lease[C]]] = deque()
        self._leased = 0
        self._leased_peak = 0
        self._drained: asyncio.Future[None] | None = None
        self._state = "new"
        self._keeper = LinkKeeper(
            self.name,
            create,
            self.settings,
            self._router,
            random=self._random,
            clock=clock,
            to_idle=self._to_idle,
            dispatch=self._dispatch,
            wanted=lambda: bool(self._waiters),
        )
        self._counters = self._keeper.counters

    # life

    async def initialize(self) -> None:
        """Connects `min_connections` clients concurrently. Those that fail are tried again in the background.

        Raises:
            NoConnectionError: not one could be connected; the pool is shut down.
            StateError: called before.
        """
        if self._state != "new":
            raise StateError(f"pool {self.name} was initialized before; make a new one")
        self._state = "open"
        self._keeper.spawn(self._keeper.reporter.run(lambda: self._state == "open"))
        links = [self._keeper.new_link() for _ in range(self.settings.min_connections)]
        try:
            outcomes = await asyncio.gather(*(self._keeper.connect(link) for link in links), return_exceptions=True)
        except BaseException:
            await self.shutdown()
            raise
        errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        if links and len(errors) == len(links):
            await self.shutdown()
            raise NoConnectionError(f"pool {self.name}: no connection could be opened: {errors[0]!r}") from errors[0]
        for link, outcome in zip(links, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                self._keeper.open(link)
        self._keeper.spawn(self._check_health())
        self._keeper.spawn(self._shrink())

    async def shutdown(self, timeout_s: float = 5.0) -> None:
        """Refuses new calls, lets those under way end for `timeout_s`, and closes all clients. May be called again."""
        self._state = "closed"
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(StateError(f"pool {self.name} was shut down while the call waited"))
        try:
            await self._keeper.stop()
            if self._leased:
                self._drained = asyncio.get_running_loop().create_future()
                await asyncio.wait([self._drained], timeout=timeout_s)
        finally:
            self._idle.clear()
            self._keeper.close_all()
        await self._keeper.closed()

    stop = shutdown

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()

    # calls

    async def execute_with_connection(self, function: Callable[[C], Awaitable[T]]) -> T:
        """Calls `function` once with a client, and returns what it gives. A plain function will do as well.

        Whatever the function raises comes out unchanged, and nothing is repeated.

        Raises:
            NoConnectionError: no connection was free in time; the function was not called.
            StateError: not initialized, or shut down; the function was not called.
        """
        link, client = self._take() or await self._wait()
        start_ns = self._clock()
        try:
            given: Any = function(client)
            result: T = await given if inspect.isawaitable(given) else given
        except BaseException as error:
            self._end_badly(link, client, error)
            raise
        now_ns = self._clock()
        if link.client is client:
            link.requests += 1
            self._router.succeeded(link, now_ns - start_ns, now_ns)
            if link.unproven:
                link.unproven = False
                link.backoff.reset()
        self._counters.add("total_requests")
        self._give_back(link, client)
        return result

    async def execute(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Calls one method of a client, by name, as `execute_with_connection` does.

        Raises:
            UnsupportedError: the client has no such method.
        """
        return await self.execute_with_connection(partial(_call_method, method, args, kwargs))

    def set_error_handler(self, handler: ErrorHandler) -> None:
        """`handler(error, metrics)`, plain or async, is told each failed call, connect and ping, in order, in a task.

        One that raises is logged and hurts nothing else.
        """
        self._keeper.reporter.handler = handler

    def get_pool_stats(self) -> dict[str, Any]:
        """What the pool has done, and how it is now; times in ms. Also after `shutdown`."""
        return {
            "name": self.name,
            "idle_connections": len(self._idle),
            "busy_connections": self._leased,
            "waiting": sum(not waiter.done() for waiter in self._waiters),
            **self._keeper.statistics(),
        }

    # taking and giving back

    def _take(self) -> _Lease[C] | None:
        if self._state != "open":
            hint = "call initialize() first" if self._state == "new" else "make a new one"
            raise StateError(f"pool {self.name} is not open; {hint}")
        if self._waiters or not self._idle:
            return None
        link = self._router.choose(self._idle, self._clock())
        return None if link is None else self._lease(link)

    def _lease(self, link: PooledLink[C]) -> _Lease[C]:
        self._remove_idle(link)
        self._leased += 1
        self._leased_peak = max(self._leased_peak, self._leased)
        assert link.client is not None  # noqa: S101 - idle links have one
        return link, link.client

    def _remove_idle(self, link: PooledLink[C]) -> None:
        self._idle.remove(link)
        link.idle = False

    async def _wait(self) -> _Lease[C]:
        waiter: asyncio.Future[_Lease[C]] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._grow()
        self._dispatch()
        try:
            async with asyncio.timeout(self.settings.connection_timeout):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Given a link at the very moment of the timeout or the cancellation.
                self._give_back(*waiter.result())
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            if isinstance(error, TimeoutError):
                self._counters.add("no_connection")
                cause = self._keeper.connect_error
                why = "" if cause is None else f"; the last attempt to connect failed: {reason_of(cause)}"
                raise NoConnectionError(
                    f"pool {self.name}: no connection free within {self.settings.connection_timeout:g} s "
                    f"({self._leased} busy, max_connections {self.settings.max_connections}); nothing was called{why}"
                ) from cause
            raise

    def _dispatch(self) -> None:
        """Gives idle links to those who wait, first come first served."""
        while self._waiters and self._idle:
            if self._waiters[0].done():
                self._waiters.popleft()
                continue
            link = self._router.choose(self._idle, self._clock())
            if link is None:
                return
            self._waiters.popleft().set_result(self._lease(link))

    def _give_back(self, link: PooledLink[C], client: C) -> None:
        self._leased -= 1
        if self._drained is not None and not self._leased and not self._drained.done():
            self._drained.set_result(None)
        if link.client is not None and link.client is not client:
            self._keeper.close_client(client)
        self._to_idle(link)

    def _to_idle(self, link: PooledLink[C]) -> None:
        if self._state == "open":
            self._idle.append(link)
            link.idle = True
            if self._waiters:
                self._dispatch()
        else:
            self._keeper.close(link)

    def _end_badly(self, link: PooledLink[C], client: C, error: BaseException) -> None:
        self._counters.add("total_requests")
        # A call that was overtaken by a replacement says nothing about the new client.
        current = link.client is client
        link.requests += current
        if isinstance(error, Exception) and not self._is_failure(error):
            # Of a limit on this side the connection heard nothing.
            if current and not isinstance(error, RateLimitError):
                link.consecutive_failures = 0
                self._router.seen_alive(link, self._clock())
            self._give_back(link, client)
            return
        if isinstance(error, Exception):
            self._counters.add("failed_requests")
            link.failures += current
            now_ns = self._clock()
            if current and self._router.failed(link, now_ns):
                self._keeper.eject(link, now_ns)
            self._keeper.report(error, link)
        if current and not link.replacing and self._state == "open" and has_hook(client, "ping"):
            # In doubt: nobody's until a ping is answered.
            self._leased -= 1
            self._keeper.spawn(self._keeper.verify(link))
        else:
            self._give_back(link, client)

    def _grow(self) -> None:
        waiting = sum(not waiter.done() for waiter in self._waiters)
        while self._keeper.opening < waiting and len(self._keeper.links) < self.settings.max_connections:
            self._keeper.open(self._keeper.new_link(), at_once=True)

    # health

    async def _check_health(self) -> None:
        """Pings one idle link at a time, the one not looked at for longest, so that the others stay at hand."""
        while True:
            # Some jitter, so that neither many processes nor the two loops of this one move in step.
            share = self._random.uniform(0.9, 1.1) / max(1, len(self._keeper.links))
            await asyncio.sleep(self.settings.health_check_interval * share)
            now_ns = self._clock()
            for link in self._router.sweep(now_ns):
                self._keeper.eject(link, now_ns)
            # An ejection may have run out while somebody waits.
            self._dispatch()
            due = [link for link in self._idle if not link.replacing and has_hook(link.client, "ping")]
            if due:
                link = min(due, key=lambda link: link.checked_ns)
                self._remove_idle(link)
                self._keeper.spawn(self._keeper.verify(link))

    async def _shrink(self) -> None:
        """Closes what the busiest moment of the last `idle_timeout` did not need."""
        while True:
            await asyncio.sleep(self.settings.idle_timeout)
            needed = max(self.settings.min_connections, self._leased_peak)
            self._leased_peak = self._leased
            surplus = sum(link.client is not None for link in self._keeper.links) - needed
            idle = sorted((link for link in self._idle if not link.replacing), key=lambda link: link.alive_ns)
            for link in idle[: max(0, surplus)]:
                self._remove_idle(link)
                self._keeper.close(link)


def _call_method(method: str, args: tuple[Any, ...], kwargs: dict[str, Any], client: object) -> Any:
    function = getattr(client, method, None)
    if not callable(function):
        raise UnsupportedError(f"the pool's client {type(client).__name__} has no method {method!r}")
    return function(*args, **kwargs)
