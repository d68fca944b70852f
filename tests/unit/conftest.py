"""For tests of sockets: a WebSocket server on loopback whose every byte the test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

import frames


def frame(payload: bytes | str, opcode: int = 1) -> bytes:
    """A server's frame, unmasked."""
    return frames.frame(opcode, payload.encode() if isinstance(payload, str) else payload)


class Peer:
    """One accepted connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.request = b""

    async def handshake(self, then: bytes = b"") -> None:
        """Answers the opening handshake; `then` goes into the same TCP segment."""
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        self.send(frames.upgrade(self.request) + then)

    @property
    def path(self) -> str:
        return self.request.split(b" ", 2)[1].decode()

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def send_frame(self, payload: bytes | str, opcode: int = 1) -> None:
        self.send(frame(payload, opcode))

    async def read_frame(self) -> tuple[int, bytes]:
        """(opcode, payload) of the client's next frame, which must be masked."""
        head = await self.reader.readexactly(2)
        assert head[1] & 0x80, "clients mask"
        length = head[1] & 0x7F
        if length == 126:
            length = int.from_bytes(await self.reader.readexactly(2), "big")
        key = await self.reader.readexactly(4)
        body = await self.reader.readexactly(length)
        return head[0] & 0x0F, bytes(byte ^ key[index % 4] for index, byte in enumerate(body))

    async def close(self) -> None:
        self.writer.close()


class WireServer:
    """Listens; `accept` gives connections in order."""

    frame = staticmethod(frame)

    def __init__(self) -> None:
        self._peers: asyncio.Queue[Peer] = asyncio.Queue()
        self._all: list[Peer] = []
        self._server: asyncio.Server | None = None
        self.url = ""

    async def start(self, **options: Any) -> None:
        self._server = await asyncio.start_server(self._on_peer, "127.0.0.1", 0, **options)
        scheme = "wss" if options.get("ssl") else "ws"
        self.url = f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _on_peer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self._all.append(peer)
        await self._peers.put(peer)

    async def accept(self) -> Peer:
        return await asyncio.wait_for(self._peers.get(), 20)

    async def serve(self, then: bytes = b"") -> Peer:
        """The next connection, its handshake answered."""
        peer = await self.accept()
        await peer.handshake(then)
        return peer

    @property
    def connections(self) -> int:
        return len(self._all)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for peer in self._all:
            peer.writer.transport.abort()


@pytest.fixture
async def wire_server() -> AsyncIterator[WireServer]:
    server = WireServer()
    await server.start()
    yield server
    await server.stop()
