"""The reference driver."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tradewire.errors import FeedConnectionError
from tradewire.transport.plain import connect_plain


async def test_payloads_come_whole_with_their_time(wire_server: Any) -> None:
    serving = asyncio.create_task(wire_server.serve())
    async with connect_plain(wire_server.url) as connection:
        peer = await serving
        assert b"Extensions" not in peer.request
        await connection.send(b'{"id":1}')
        assert await peer.read_frame() == (1, b'{"id":1}')
        peer.send(wire_server.frame('{"a":1}') + wire_server.frame('{"b":2}'))
        received = []
        async for recv_ns, payload in connection.messages():
            assert recv_ns > 1_700_000_000_000_000_000
            received.append(payload)
            if len(received) == 2:
                break
        assert received == [b'{"a":1}', b'{"b":2}']


async def test_a_lost_connection_is_an_error(wire_server: Any) -> None:
    serving = asyncio.create_task(wire_server.serve())
    async with connect_plain(wire_server.url) as connection:
        (await serving).writer.transport.abort()
        with pytest.raises(FeedConnectionError, match="connection lost"):
            await anext(aiter(connection.messages()))


async def test_sending_on_a_lost_connection_is_the_same_error(wire_server: Any) -> None:
    serving = asyncio.create_task(wire_server.serve())
    async with connect_plain(wire_server.url) as connection:
        (await serving).writer.transport.abort()
        with pytest.raises(FeedConnectionError):
            await anext(aiter(connection.messages()))
        with pytest.raises(FeedConnectionError, match="connection lost"):
            await connection.send(b"{}")


async def test_nobody_listens(wire_server: Any) -> None:
    await wire_server.stop()
    with pytest.raises(FeedConnectionError, match=r"cannot connect to ws://127\.0\.0\.1:"):
        async with connect_plain(wire_server.url):
            pass


async def test_a_proxy_from_the_environment_is_ignored(wire_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ws_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    serving = asyncio.create_task(wire_server.serve())
    async with connect_plain(wire_server.url):
        await serving
