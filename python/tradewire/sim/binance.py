"""The simulated Binance USD-M venue as a whole: market, HTTP and WebSocket on two loopback ports, and its pump.

The market and both faces are separate modules; this one only starts, drives and stops them.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

from aiohttp import web

from tradewire.sim.binance_feed import Feed
from tradewire.sim.binance_rest import RestFace
from tradewire.sim.binance_streams import StreamFace, StreamLimits
from tradewire.sim.instruments import DEFAULT_SYMBOLS, instrument
from tradewire.sim.market import DEFAULT_RATE

__all__ = ["BinanceSim", "Pace"]

_HOST = "127.0.0.1"
_LAST_PORT = 65_535
_TICK_S = 0.002
_BACKLOG_S = 0.5  # bridges the moments in which a busy machine runs something else
_PORTION = 2_000  # messages between two looks at the sockets, some 15 ms


class Pace:
    """How many messages are due: as many as the elapsed time asks for, in portions, with a bounded backlog.

    Attributes:
        made: messages made so far; the owner adds to it.
        skipped: messages that will never be made, because the owner came too late.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._backlog = rate * _BACKLOG_S + 1
        self.made = 0
        self.skipped = 0

    def due(self, elapsed_s: float) -> int:
        """Messages to make now."""
        due = int(elapsed_s * self._rate) - self.made - self.skipped
        if due > self._backlog:
            self.skipped += int(due - self._backlog)
            due = int(self._backlog)
        return min(due, _PORTION)


class BinanceSim:
    """A venue on loopback: `async with BinanceSim(rate=1000) as sim: sim.rest_url, sim.stream_url`.

    Use it from one event loop. It speaks the protocol sheet's dialect: the stream routes are `stream_url + "/public"`,
    `"/market"` and `"/private"`.

    Args:
        port: of the HTTP calls; streams are on the next one. 0 takes two free ones. (One port for both would mislead
            clients that reuse an HTTP connection for a WebSocket of the same address; the venue has two hosts.)
        symbols: upper-case names quoted in USDT or USDC; the first are the busiest.
        rate: trades and best-price changes a second, over all symbols (what clients get if they take `@trade` and
            `@bookTicker` of all; the other streams come on top, at their own speeds). 0 is a market at rest.
        seed: one seed gives one sequence of orders.
        limits: the rules of stream connections.
        weight_limit: REST request weight a minute.

    Attributes:
        feed: the market and its streams, for those who check what they received.
        streams: the WebSocket face.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        symbols: tuple[str, ...] = DEFAULT_SYMBOLS,
        rate: float = DEFAULT_RATE,
        seed: int = 1,
        limits: StreamLimits | None = None,
        weight_limit: int = 2_400,
    ) -> None:
        if not 0 <= rate <= 1_000_000:
            raise ValueError(f"rate must be 0..1000000 messages a second, was {rate}")
        if not 0 <= port < _LAST_PORT:
            raise ValueError(f"port must be 0..{_LAST_PORT - 1}, because streams are on the next one, was {port}")
        instruments = tuple(instrument(symbol) for symbol in dict.fromkeys(symbols))
        self.feed = Feed(instruments, seed=seed, now_ms=time.time_ns() // 1_000_000)
        self.streams = StreamFace(self.feed.topics, limits or StreamLimits())
        self._rest = RestFace(self.feed, weight_limit=weight_limit)
        self._pace = Pace(rate)
        self._rest_port = port
        self._stream_port = port + 1 if port else 0
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._pump: asyncio.Task[None] | None = None

    @property
    def rest_url(self) -> str:
        """Base of the HTTP calls, without a path."""
        return f"http://{_HOST}:{self._rest_port}"

    @property
    def stream_url(self) -> str:
        """Base of the streams, without a route."""
        return f"ws://{_HOST}:{self._stream_port}"

    @property
    def skipped(self) -> int:
        """Messages not made because this machine could not keep up with the rate."""
        return self._pace.skipped

    async def start(self) -> None:
        """Listen and let the market run.

        Raises:
            OSError: the port is taken.
        """
        self._runner = web.AppRunner(self._rest.application(), access_log=None)
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            await web.TCPSite(self._runner, _HOST, self._rest_port).start()
            self._server = await loop.create_server(self.streams.session, _HOST, self._stream_port)
        except OSError:
            await self.stop()
            raise
        self._rest_port = self._runner.addresses[0][1]
        self._stream_port = self._server.sockets[0].getsockname()[1]
        self._pump = asyncio.create_task(self._run(), name="simulated market")

    async def stop(self) -> None:
        """Disconnect everybody and stop. Raises what broke the market, if something did."""
        if self._server is not None:
            self._server.close()
        self.streams.close()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._pump is not None:
            self._pump.cancel()
            await asyncio.wait((self._pump,))
            if not self._pump.cancelled():
                self._pump.result()

    async def wait(self) -> None:
        """Until the market breaks (which it should not) or this call is cancelled."""
        if self._pump is None:
            raise RuntimeError("start() the venue first")
        await asyncio.shield(self._pump)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        started_s = clock()
        while True:
            before = self.feed.market.messages
            due = self._pace.due(clock() - started_s)
            self.feed.advance(time.time_ns() // 1_000_000, due)
            self._pace.made += self.feed.market.messages - before
            self.streams.tick()
            await asyncio.sleep(0 if due == _PORTION else _TICK_S)
