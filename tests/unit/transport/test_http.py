"""The HTTP session against a scripted server."""

from __future__ import annotations

import asyncio
import gzip
from typing import Any

import pytest

from tradewire.errors import FeedConnectionError
from tradewire.transport.http import HttpClient


async def _answer(server: Any, head: bytes, body: bytes) -> bytes:
    peer = await server.accept()
    request: bytes = await peer.reader.readuntil(b"\r\n\r\n")
    peer.send(b"HTTP/1.1 " + head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
    return request


def _url(server: Any) -> str:
    return str(server.url.replace("ws://", "http://"))


async def test_any_status_is_a_result(wire_server: Any) -> None:
    answering = asyncio.create_task(_answer(wire_server, b"418 Banned\r\nRetry-After: 5\r\n", b'{"code":-1003}'))
    async with HttpClient() as http:
        response = await http.get(_url(wire_server) + "/fapi/v1/depth", {"symbol": "币安", "limit": "5"})
    assert (response.status, response.headers["retry-after"], response.body) == (418, "5", b'{"code":-1003}')
    assert response.recv_ns > 1_700_000_000_000_000_000
    assert (await answering).startswith(b"GET /fapi/v1/depth?symbol=%E5%B8%81%E5%AE%89&limit=5 HTTP/1.1")


async def test_redirects_are_not_followed(wire_server: Any) -> None:
    answering = asyncio.create_task(_answer(wire_server, b"302 Found\r\nLocation: http://127.0.0.1:1/\r\n", b""))
    async with HttpClient() as http:
        assert (await http.get(_url(wire_server))).status == 302
    await answering


async def test_a_packed_body_is_unpacked_and_limited_after_that(wire_server: Any) -> None:
    bomb = gzip.compress(b"x" * 1_000_000)
    assert len(bomb) < 10_000
    answering = asyncio.create_task(_answer(wire_server, b"200 OK\r\nContent-Encoding: gzip\r\n", bomb))
    async with HttpClient(max_body=100_000) as http:
        with pytest.raises(FeedConnectionError, match="body over 100000 bytes"):
            await http.get(_url(wire_server))
    await answering


async def test_no_answer_in_time(wire_server: Any) -> None:
    async with HttpClient(timeout_s=0.05) as http:
        with pytest.raises(FeedConnectionError, match=r"no answer within 0\.05 s"):
            await http.get(_url(wire_server))


async def test_nobody_listens(wire_server: Any) -> None:
    await wire_server.stop()
    async with HttpClient() as http:
        with pytest.raises(FeedConnectionError, match=r"GET http://127\.0\.0\.1:"):
            await http.get(_url(wire_server))


async def test_closing_an_unused_session_is_harmless() -> None:
    http = HttpClient()
    await http.close()
    await http.close()
