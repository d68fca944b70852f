"""A TCP proxy that spoils what passes, in the manner of toxiproxy: one toxic at a time, set while it runs.

Bytes only, no protocol: faults of messages are `sim.chaos`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from random import Random
from types import TracebackType
from typing import Literal, Self

Toxic = Literal["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "down"]
TOXICS: tuple[Toxic, ...] = (
    "latency",
    "bandwidth",
    "slow_close",
    "timeout",
    "reset_peer",
    "slicer",
    "limit_data",
    "down",
)


class Proxy:
    """`async with Proxy(host, port, random) as proxy: proxy.url("ws")`.

    Toxics: `latency` holds every piece for 5..60 ms; `bandwidth` lets 20 kB/s through; `slow_close` tells of ends
    300 ms late; `timeout` lets nothing through and closes after 300 ms; `reset_peer` resets connections within 100 ms;
    `slicer` cuts everything into pieces of a few bytes; `limit_data` closes each connection after 20 kB; `down` accepts
    nobody.

    Attributes:
        hits: connections and pieces that a toxic has touched.
    """

    def __init__(self, host: str, port: int, random: Random) -> None:
        self._to = (host, port)
        self._random = random
        self._server: asyncio.Server | None = None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.toxic: Toxic | None = None
        self.hits = 0

    def url(self, scheme: str) -> str:
        return f"{scheme}://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        return len(self._tasks)

    async def poison(self, toxic: Toxic) -> None:
        """Sets a toxic; those that end connections end the present ones too."""
        self.toxic = toxic
        if toxic == "down":
            await self._close()
            self.hits += 1
        elif toxic == "slow_close":
            # It shows only where something ends.
            for writer in tuple(self._writers):
                if not writer.is_closing():
                    writer.write_eof()

    async def heal(self) -> None:
        self.toxic = None
        if self._server is None:
            await self._listen()

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._on_client, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _on_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        writers = [writer]
        # Nobody awaits this task, and its ends are expected ones: of a peer, or of the proxy.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            try:
                venue_reader, venue_writer = await asyncio.open_connection(*self._to)
                writers.append(venue_writer)
                self._writers.update(writers)
                ways = (self._pass(reader, venue_writer), self._pass(venue_reader, writer))
                passing = [asyncio.ensure_future(way) for way in ways]
                try:
                    await asyncio.wait(passing, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for one in passing:
                        one.cancel()
                    await asyncio.gather(*passing, return_exceptions=True)
                if self.toxic == "slow_close":
                    self.hits += 1
                    await asyncio.sleep(0.3)
            finally:
                for one in writers:
                    self._writers.discard(one)
                    if self.toxic == "reset_peer":
                        # Linger 0: the peer gets a reset, not an orderly end.
                        one.get_extra_info("socket").setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                        )
                    one.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await reader.read(1 << 16):
            toxic = self.toxic
            self.hits += toxic is not None
            passed += len(data)
            match toxic:
                case "latency":
                    await asyncio.sleep(self._random.uniform(0.005, 0.06))
                case "bandwidth":
                    await asyncio.sleep(len(data) / 20_000)
                case "timeout":
                    await asyncio.sleep(0.3)
                    return
                case "reset_peer":
                    await asyncio.sleep(self._random.uniform(0, 0.1))
                    return
                case "slicer":
                    await self._slice(data, writer)
                    continue
                case "limit_data" if passed > 20_000:
                    return
                case _:
                    pass
            writer.write(data)
            await writer.drain()

    async def _slice(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        at = 0
        while at < len(data):
            size = self._random.randint(1, 40)
            writer.write(data[at : at + size])
            at += size
            await asyncio.sleep(0)
        await writer.drain()
