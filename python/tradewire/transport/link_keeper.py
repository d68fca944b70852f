"""Keeps the links of a connection pool alive: opens, pings, replaces and closes their clients, in tasks of its own.

Not for handing links to callers: `connection_pool` does that, and decides when links are wanted.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine
from random import Random
from typing import Any, Generic, TypeVar

from tradewire.telemetry import Counters

from .error_reporter import ErrorReporter
from .policy.backoff import Backoff
from .policy.routing import Router
from .pool_settings import PoolSettings
from .pooled_link import PooledLink, call_hook, has_hook

__all__ = ["LinkKeeper"]

C = TypeVar("C")

_logger = logging.getLogger(__name__)
_SECOND = 1_000_000_000
_COUNTERS = (
    "total_requests",
    "failed_requests",
    "no_connection",
    "ejections",
    "replacements",
    "connects",
    "failed_connects",
    "failed_pings",
)


class LinkKeeper(Generic[C]):
    """The links of one pool and the tasks that look after them.

    Args:
        name: of the pool.
        create: makes a client, or gives an awaitable of one.
        settings: of the pool.
        router: told of every link that comes, breaks and goes.
        random: source of randomness, for backoff.
        clock: monotonic ns.
        to_idle: takes a link that is in nobody's hands.
        dispatch: called when idle links may have become better.
        wanted: whether callers wait for a link.

    Attributes:
        links: all places, those still connecting included.
        opening: links whose first connection is under way.
        connect_error: of the last attempt to connect; None: it succeeded, or there was none.
        stopped: nothing new is begun.
    """

    def __init__(
        self,
        name: str,
        create: Callable[[], Awaitable[C] | C],
        settings: PoolSettings,
        router: Router[PooledLink[C]],
        *,
        random: Random,
        clock: Callable[[], int],
        to_idle: Callable[[PooledLink[C]], None],
        dispatch: Callable[[], None],
        wanted: Callable[[], bool],
    ) -> None:
        self.links: list[PooledLink[C]] = []
        self.opening = 0
        self.connect_error: Exception | None = None
        self.stopped = False
        self.counters = Counters()
        self.reporter = ErrorReporter()
        self.router = router
        self._name = name
        self._create = create
        self._settings = settings
        self._random = random
        self._clock = clock
        self._to_idle = to_idle
        self._dispatch = dispatch
        self._wanted = wanted
        self._named = 0
        # The first are cancelled at the end, the second awaited.
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    async def stop(self) -> None:
        """Ends all tasks but those that close clients."""
        self.stopped = True
        # An error handler may be the caller: its own task must not wait for itself.
        tasks = self._tasks - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close_all(self) -> None:
        """Closes every link, in tasks."""
        for link in list(self.links):
            self.close(link)

    async def closed(self) -> None:
        """Waits until the clients are closed."""
        await asyncio.gather(*self._closing, return_exceptions=True)

    # health

    async def verify(self, link: PooledLink[C]) -> None:
        """Pings a link that is in nobody's hands, and makes it idle again, or has it replaced."""
        client = link.client
        assert client is not None  # noqa: S101 - it was idle or leased
        link.checked_ns = start_ns = self._clock()
        try:
            async with asyncio.timeout(self._settings.connection_timeout):
                await call_hook(client, "ping")
            if link.client is client:
                now_ns = self._clock()
                link.ping_ns = now_ns - start_ns
                link.backoff.reset()
                self.router.seen_alive(link, now_ns)
        except Exception as error:
            self.counters.add("failed_pings")
            if link.client is client:
                self.router.broken(link)
                self.report(error, link)
                self.replace(link)
        finally:
            if link.client is not None and link.client is not client:
                self.close_client(client)
        self._to_idle(link)

    def eject(self, link: PooledLink[C], now_ns: int) -> None:
        """The router ejected a link: it gets a new client meanwhile."""
        self.counters.add("ejections")
        _logger.warning(
            "pool %s: connection %s ejected for %.0f s",
            self._name,
            link.name,
            (link.ejected_until_ns - now_ns) / _SECOND,
        )
        self.replace(link)

    # connecting

    def new_link(self) -> PooledLink[C]:
        """A place without a client yet."""
        self._named += 1
        link = PooledLink[C](f"{self._name}-{self._named}", Backoff(self._random))
        self.links.append(link)
        return link

    def open(self, link: PooledLink[C], *, at_once: bool = False) -> None:
        """Connects a new link in the background, after a delay unless `at_once`."""
        self.opening += 1
        self.spawn(self._keep_opening(link, at_once))

    async def _keep_opening(self, link: PooledLink[C], at_once: bool) -> None:
        """Connects a new link; gives up when it is above the minimum and nobody waits any more."""
        try:
            while not at_once or not await self._connected(link):
                at_once = True
                if len(self.links) > self._settings.min_connections and not self._wanted():
                    self.close(link)
                    return
                await asyncio.sleep(link.backoff.next_delay_ns() / _SECOND)
        finally:
            self.opening -= 1

    def replace(self, link: PooledLink[C]) -> None:
        """Connects a new client for a link in the background; the old one stays until then."""
        if not link.replacing and not self.stopped:
            link.replacing = True
            self.spawn(self._keep_replacing(link))

    async def _keep_replacing(self, link: PooledLink[C]) -> None:
        while True:
            await asyncio.sleep(link.backoff.next_delay_ns() / _SECOND)
            if await self._connected(link):
                return

    async def _connected(self, link: PooledLink[C]) -> bool:
        try:
            await self.connect(link)
        except Exception:  # connect has reported it
            return False
        return True

    async def connect(self, link: PooledLink[C]) -> None:
        """Connects and pings a new client, then puts it in the link's place."""
        client: C | None = None
        try:
            made = self._create()
            async with asyncio.timeout(self._settings.connection_timeout):
                client = await made if inspect.isawaitable(made) else made
                await call_hook(client, "connect")
                await call_hook(client, "ping")
        except BaseException as error:
            if client is not None:
                self.close_client(client)
            if isinstance(error, Exception):
                self.connect_error = error
                self.counters.add("failed_connects")
                self.report(error, link)
            raise
        self.connect_error = None
        self.counters.add("connects")
        now_ns = self._clock()
        link.checked_ns = now_ns
        old, link.client = link.client, client
        link.unproven = True
        self.router.enter(link, now_ns, probation=old is not None)
        if old is None:
            self._to_idle(link)
            return
        link.replacing = False
        self.counters.add("replacements")
        if link.idle:
            self.close_client(old)
            self._dispatch()
        # Otherwise whoever holds it closes the old client.

    # closing and reporting

    def close(self, link: PooledLink[C]) -> None:
        """Forgets a link and closes its client, in a task."""
        self.router.leave(link)
        if link in self.links:
            self.links.remove(link)
        client, link.client = link.client, None
        if client is not None:
            self.close_client(client)

    def close_client(self, client: C) -> None:
        """Closes a client, in a task: nobody waits for a slow goodbye."""
        if has_hook(client, "close"):
            task = asyncio.get_running_loop().create_task(self._run_close(client))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _run_close(self, client: C) -> None:
        try:
            async with asyncio.timeout(self._settings.connection_timeout):
                await call_hook(client, "close")
        except Exception as error:
            _logger.warning("pool %s: closing a client failed: %r", self._name, error)

    def report(self, error: Exception, link: PooledLink[C]) -> None:
        """Tells the user's error handler."""
        if not self.stopped:
            now_ns = self._clock()
            self.reporter.report(error, lambda: link.metrics(self.router.score(link, now_ns), now_ns))

    def statistics(self) -> dict[str, Any]:
        """The links' part of `ConnectionPool.get_pool_stats`."""
        now_ns = self._clock()
        links = [link.metrics(self.router.score(link, now_ns), now_ns) for link in self.links]
        live = [each for each in links if each["connected"]]
        timed = [each["average_latency_ms"] for each in live if each["average_latency_ms"] > 0]
        return {
            "total_connections": len(live),
            "ejected_connections": sum(each["ejected"] for each in live),
            **{name: self.counters[name] for name in _COUNTERS},
            "errors_unreported": self.reporter.unreported,
            "average_health_score": sum(each["health_score"] for each in live) / len(live) if live else 0.0,
            "average_latency_ms": sum(timed) / len(timed) if timed else 0.0,
            "connections": links,
        }

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs work until it ends or the pool does."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
