"""The simulated Binance USD-M venue as a whole: market, HTTP and WebSocket on one loopback port, and its pump.

The market and both faces are separate modules; this one only starts, drives and stops them.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self, cast

from aiohttp import web

from tradewire.sim.binance_feed import Feed
from tradewire.sim.binance_rest import RestFace
from tradewire.sim.binance_streams import StreamFace, StreamLimits
from tradewire.sim.instruments import instrument

__all__ = ["DEFAULT_RATE", "DEFAULT_SYMBOLS", "BinanceSim"]

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DEFAULT_RATE = 300.0
_HOST = "127.0.0.1"
_TICK_S = 0.002
_BACKLOG_S = 0.1
_MAX_HEAD = 65_536


class BinanceSim:
    """A venue on loopback: `async with BinanceSim(rate=1000) as sim: sim.rest_url, sim.stream_url`.

    Use it from one event loop. It speaks the protocol sheet's dialect: the stream routes are `stream_url + "/public"`,
    `"/market"` and `"/private"`.

    Args:
        port: 0 takes a free one.
        symbols: upper-case names quoted in USDT or USDC; the first are the busiest.
        rate: trades and best-price changes a second, over all symbols (what clients get if they take `@trade` and
            `@bookTicker` of all; the other streams come on top, at their own speeds). 0 is a market at rest.
        seed: one seed gives one sequence of orders.
        limits: the rules of stream connections.
        weight_limit: REST request weight a minute.

    Attributes:
        feed: the market and its streams, for those who check what they received.
        streams: the WebSocket face.
        skipped: messages not made because this machine could not keep up with `rate`.
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
        instruments = tuple(instrument(symbol) for symbol in dict.fromkeys(symbols))
        self.feed = Feed(instruments, seed=seed, now_ms=time.time_ns() // 1_000_000)
        self.streams = StreamFace(self.feed.topics, limits or StreamLimits())
        self.skipped = 0
        self._rest = RestFace(self.feed, weight_limit=weight_limit)
        self._rate = rate
        self._port = port
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._pump: asyncio.Task[None] | None = None
        self._fronts: set[asyncio.Transport] = set()

    @property
    def rest_url(self) -> str:
        """Base of the HTTP calls, without a path."""
        return f"http://{_HOST}:{self._port}"

    @property
    def stream_url(self) -> str:
        """Base of the streams, without a route."""
        return f"ws://{_HOST}:{self._port}"

    async def start(self) -> None:
        """Listen and let the market run.

        Raises:
            OSError: the port is taken.
        """
        runner = web.AppRunner(self._rest.application(), access_log=None)
        await runner.setup()
        self._runner = runner
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Front(self), _HOST, self._port)
        except OSError:
            await self.stop()
            raise
        self._port = self._server.sockets[0].getsockname()[1]
        self._pump = asyncio.create_task(self._run(), name="simulated market")

    async def stop(self) -> None:
        """Disconnect everybody and stop. Raises what broke the market, if something did."""
        if self._server is not None:
            self._server.close()
        self.streams.close()
        for transport in tuple(self._fronts):
            transport.abort()
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

    def handler(self, *, is_websocket: bool) -> asyncio.Protocol:
        """The protocol that goes on with a connection whose first request is known."""
        if is_websocket:
            return self.streams.session()
        if self._runner is None or self._runner.server is None:
            raise RuntimeError("Invariant: connections come only while the HTTP face runs")
        return self._runner.server()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        started_s = clock()
        produced = 0.0
        while True:
            now_s = clock()
            due = (now_s - started_s) * self._rate - produced
            if due > self._rate * _BACKLOG_S + 1:
                late = int(due - self._rate * _BACKLOG_S)
                self.skipped += late
                produced += late
                due -= late
            before = self.feed.market.messages
            self.feed.advance(time.time_ns() // 1_000_000, int(due))
            produced += self.feed.market.messages - before
            self.streams.tick(now_s)
            await asyncio.sleep(_TICK_S)


class _Front(asyncio.Protocol):
    """Reads the head of a connection's first request and hands the connection to the face that it asks for."""

    def __init__(self, venue: BinanceSim) -> None:
        self._venue = venue
        self._head = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class, which asyncio's does not know
        self._venue._fronts.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._venue._fronts.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        transport = self._transport
        if transport is None:
            return
        if b"\r\n\r\n" not in self._head:
            if len(self._head) > _MAX_HEAD:
                transport.abort()
            return
        head = self._head.partition(b"\r\n\r\n")[0].lower()
        self._venue._fronts.discard(transport)
        protocol = self._venue.handler(is_websocket=b"\r\nupgrade: websocket" in head)
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        protocol.data_received(self._head)
