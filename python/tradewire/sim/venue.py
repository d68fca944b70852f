"""A simulated venue as a process sees it: HTTP calls and streams on two loopback ports, a clock, faults and a pump.

What is called and streamed is the business of each venue (subclasses).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from aiohttp import web

from tradewire.sim.control import add_faults
from tradewire.sim.pace import PORTION, Pace
from tradewire.sim.script import Script

if TYPE_CHECKING:
    from tradewire.sim.chaos import Chaos
    from tradewire.sim.faults import Fault, Refusal
    from tradewire.sim.market import Market
    from tradewire.sim.session import SessionFace

__all__ = ["Venue"]

_HOST = "127.0.0.1"
_LAST_PORT = 65_535
_BACKLOG = 4_096  # connections not yet accepted: a storm of clients that come back
_TICK_S = 0.002


class MarketFeed(Protocol):
    """The market of a venue, told on its streams."""

    @property
    def market(self) -> Market:
        """What is behind the streams."""

    def advance(self, now_ms: int, count: int) -> None:
        """Let at least `count` messages happen, and send what is due."""


class Calls(Protocol):
    """The HTTP face of a venue."""

    def application(self) -> web.Application:
        """A fresh application with all calls."""


class Venue(ABC):
    """`async with` it, or `start()` and `stop()`. Use it from one event loop.

    Args:
        port: of the HTTP calls; streams are on the next one. 0 takes two free ones. (One port for both would mislead
            clients that reuse an HTTP connection for a WebSocket of the same address; the venues have two hosts.)
        rate: messages a second that the market makes.
        chaos: the faults.
        script: text of a script of faults, see `tradewire.sim.script`.

    Attributes:
        chaos: the faults, to be started and stopped while the venue runs.
        feed: the market and its streams; each venue makes its own, as the next two.
        streams: the WebSocket face.
        calls: the HTTP face.
    """

    feed: MarketFeed
    streams: SessionFace[Any]
    calls: Calls

    def __init__(self, *, port: int, rate: float, chaos: Chaos, script: str) -> None:
        if not 0 <= rate <= 1_000_000:
            raise ValueError(f"rate must be 0..1000000 messages a second, was {rate}")
        if not 0 <= port < _LAST_PORT:
            raise ValueError(f"port must be 0..{_LAST_PORT - 1}, because streams are on the next one, was {port}")
        self.chaos = chaos
        self._pace = Pace(rate)
        self._script = Script.parse(script, chaos.channels, chaos.symbols, chaos.streams, chaos.notices)
        self._ports = [port, port + 1 if port else 0]
        self._sockets: list[socket.socket] = []
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []
        self._tasks: list[asyncio.Task[None]] = []

    # Of each venue

    def before_closing(self) -> None:  # noqa: B027 # reason: most venues say nothing of their own
        """Say goodbye in the venue's own words, if it has some."""

    @abstractmethod
    def refusal(self, refusal: Refusal) -> tuple[str, dict[str, str]]:
        """Body and headers with which the venue refuses an HTTP call."""

    # For everybody

    @property
    def rest_url(self) -> str:
        """Base of the HTTP calls, without a path."""
        return f"http://{_HOST}:{self._ports[0]}"

    @property
    def stream_url(self) -> str:
        """Base of the streams, without a path."""
        return f"ws://{_HOST}:{self._ports[1]}"

    @property
    def skipped(self) -> int:
        """Messages not made because this machine could not keep up with the rate."""
        return self._pace.skipped

    def now_ms(self) -> int:
        """The venue's clock: milliseconds of the wall clock, skewed by a fault perhaps."""
        return time.time_ns() // 1_000_000 + self.chaos.skew_ms

    async def start(self) -> None:
        """Listen and let the market run.

        Raises:
            OSError: a port is taken.
        """
        try:
            self._bind()
            await self._listen()
        except OSError:
            await self.stop()
            raise
        self._tasks = [asyncio.create_task(self._run(), name="simulated market")]

    async def stop(self) -> None:
        """Disconnect everybody and stop. Raises what broke the market, if something did."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._close()
        for taken in self._sockets:
            taken.close()
        self._sockets = []
        for task in self._tasks:
            if not task.cancelled():
                task.result()

    async def wait(self) -> None:
        """Until the market breaks (which it should not) or this call is cancelled."""
        if not self._tasks:
            raise RuntimeError("start() the venue first")
        await asyncio.shield(self._tasks[0])

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _bind(self) -> None:
        """Take both ports; nobody is answered before `_listen`."""
        for index, port in enumerate(self._ports):
            taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._sockets.append(taken)
            if os.name == "posix":
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                taken.bind((_HOST, port))
            except OSError as error:
                # Worded as the event loop words it, so that whoever explains it to people need not know the difference.
                reason = os.strerror(error.errno or errno.EADDRINUSE).lower()
                text = f"error while attempting to bind on address {(_HOST, port)}: {reason}"
                raise OSError(error.errno, text) from error
            self._ports[index] = taken.getsockname()[1]

    async def _listen(self) -> None:
        application = self.calls.application()
        add_faults(application, self.chaos, self.refusal)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        calls, streams = self._sockets
        self.streams.is_closed = False
        loop = asyncio.get_running_loop()
        handler = self._runner.server
        if handler is None:
            raise RuntimeError("Invariant: a runner that is set up has a server")
        for protocol, listening in ((handler, calls), (self.streams.session, streams)):
            self._servers.append(await loop.create_server(protocol, sock=listening, backlog=_BACKLOG))
        self._sockets = []

    async def _close(self) -> None:
        self.streams.is_closed = True
        loop = asyncio.get_running_loop()
        for server in self._servers:
            for listening in server.sockets:
                # Loops without readers (Windows) have nothing to take back.
                with contextlib.suppress(NotImplementedError):
                    loop.remove_reader(listening)
        # asyncio loses connections accepted in the very moment in which the server is closed: they would hang.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for server in self._servers:
            server.close()
        self._servers = []
        self.before_closing()
        self.streams.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        started_s = clock()
        while True:
            elapsed_s = clock() - started_s
            self.chaos.tick()
            self._script.tick(elapsed_s, self.chaos)
            if len(self._tasks) > 1 and self._tasks[1].done():
                self._tasks.pop().result()  # a venue that cannot come back is broken
            if len(self._tasks) == 1:
                self._restart_if_asked()
            due = self._pace.due(elapsed_s)
            before = self.feed.market.messages
            self.feed.advance(self.now_ms(), due)
            self._pace.made += self.feed.market.messages - before
            self.streams.tick()
            await asyncio.sleep(0 if due == PORTION else _TICK_S)

    def _restart_if_asked(self) -> None:
        asked = self.chaos.take_restart()
        if asked is not None:
            # The market goes on meanwhile: the next client finds ids that have moved.
            self._tasks.append(asyncio.create_task(self._restart(*asked), name="restart of a simulated venue"))

    async def _restart(self, fault: Fault, down_s: float) -> None:
        await self._close()
        # Held while down: a client that tries to reconnect could otherwise be given this very port as its own.
        self._bind()
        await asyncio.sleep(down_s)
        await self._listen()
        fault.inject()
