"""The HTTP session against a scripted server."""

from __future__ import annotations

import asyncio
import gzip
import logging
import traceback
from typing import Any

import pytest

from tradewire.core import Signer
from tradewire.errors import FeedConnectionError
from tradewire.transport.adaptive_limit import AdaptiveRateLimiter
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
        with pytest.raises(FeedConnectionError, match="body over 400000 bytes after decompression"):
            await http.get(_url(wire_server))
    await answering


async def test_a_packed_body_within_the_limits(wire_server: Any) -> None:
    body = b'{"bids":[]}' * 1000
    answering = asyncio.create_task(_answer(wire_server, b"200 OK\r\nContent-Encoding: gzip\r\n", gzip.compress(body)))
    async with HttpClient() as http:
        assert (await http.get(_url(wire_server))).body == body
    assert b"Accept-Encoding: gzip\r\n" in await answering


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        (b"gzip", gzip.compress(b"whole")[:-3], "ends too early or too late"),
        (b"gzip", gzip.compress(b"whole") + b"more", "ends too early or too late"),
        (b"gzip", b"no gzip at all", "not the gzip it says it is"),
        (b"br", b"x", "Content-Encoding 'br' was not asked for"),
    ],
)
async def test_a_body_that_is_not_what_it_says(wire_server: Any, encoding: bytes, body: bytes, reason: str) -> None:
    answering = asyncio.create_task(_answer(wire_server, b"200 OK\r\nContent-Encoding: " + encoding + b"\r\n", body))
    async with HttpClient() as http:
        with pytest.raises(FeedConnectionError, match=reason):
            await http.get(_url(wire_server))
    await answering


async def _pour(server: Any, head: bytes, piece: bytes) -> int:
    """Sends without end until the client hangs up; how much that was."""
    peer = await server.accept()
    await peer.reader.readuntil(b"\r\n\r\n")
    sent = 0
    try:
        peer.send(head)
        while not peer.reader.at_eof() and sent < 64 << 20:
            peer.send(piece)
            sent += len(piece)
            await peer.writer.drain()
            await asyncio.sleep(0)
    except OSError:
        pass
    return sent


@pytest.mark.parametrize(
    ("head", "piece", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"8000\r\n" + b"x" * 0x8000 + b"\r\n", "body over"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 0x8000, "body over"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: " + b"y" * 1000 + b"\r\n", "(?i)header"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"y" * 0x1000, "(?i)header|more than"),
    ],
    ids=["chunked body", "long body", "many headers", "one long header"],
)
async def test_an_endless_answer_is_cut_off(wire_server: Any, head: bytes, piece: bytes, reason: str) -> None:
    pouring = asyncio.create_task(_pour(wire_server, head, piece))
    async with HttpClient(max_body=1 << 20) as http:
        with pytest.raises(FeedConnectionError, match=reason):
            await http.get(_url(wire_server))
    assert await pouring < 32 << 20


async def test_headers_have_a_limit_together(wire_server: Any) -> None:
    lines = b"".join(b"X-%d: %s\r\n" % (index, b"y" * 1000) for index in range(70))
    answering = asyncio.create_task(_answer(wire_server, b"200 OK\r\n" + lines, b"{}"))
    async with HttpClient() as http:
        with pytest.raises(FeedConnectionError, match="headers over 65536 bytes"):
            await http.get(_url(wire_server))
    await answering


async def test_a_slow_drip_is_bounded_as_a_whole(wire_server: Any) -> None:
    async def drip() -> None:
        peer = await wire_server.accept()
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not peer.writer.is_closing():
            peer.send(b"x")
            await asyncio.sleep(0.01)

    dripping = asyncio.create_task(drip())
    async with HttpClient(timeout_s=0.2) as http:
        with pytest.raises(FeedConnectionError, match=r"no answer within 0\.2 s$"):
            await http.get(_url(wire_server))
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)


async def test_each_read_has_its_deadline(wire_server: Any) -> None:
    async def stall() -> None:
        peer = await wire_server.accept()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")

    stalling = asyncio.create_task(stall())
    async with HttpClient(read_timeout_s=0.05) as http:
        with pytest.raises(FeedConnectionError, match=r"no answer within 0\.05 s of waiting for bytes"):
            await http.get(_url(wire_server))
    await stalling


async def test_a_signed_query_is_sent_byte_for_byte_and_shown_to_nobody(
    wire_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    signer = Signer("canary-secret")
    headers = {"X-KEY": "canary-key"}
    query = signer.sign_query([("symbol", "币安USDT"), ("note", "a+b c~/")], 1_700_000_000_000)
    answering = asyncio.create_task(_answer(wire_server, b"302 Found\r\nLocation: http://127.0.0.1:1/\r\n", b""))
    async with HttpClient() as http:
        response = await http.request("POST", _url(wire_server) + "/order", query=query, headers=headers, body=b"{}")
    request = await answering
    assert response.status == 302
    assert request.split(b" ")[1] == b"/order?" + query
    assert b"X-KEY: canary-key\r\n" in request
    broken = asyncio.create_task(_answer(wire_server, b"200\x00 OK\r\nBad Header\r\n", b""))
    async with HttpClient() as http:
        with pytest.raises(FeedConnectionError) as caught:
            await http.request("POST", _url(wire_server) + "/order", query=query, headers=headers)
    await broken
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    signature = query.rpartition(b"=")[2].decode()
    assert signature not in shown
    assert "canary" not in shown


async def test_no_address() -> None:
    async with HttpClient() as http:
        with pytest.raises(FeedConnectionError, match="POST an address without a host: not an HTTP address") as caught:
            await http.request("POST", "http://", query=b"signature=abc")
        with pytest.raises(FeedConnectionError, match="GET an unreadable address: not an HTTP address"):
            await http.request("GET", "http://localhost:x/y", query=b"signature=abc")
        assert "abc" not in repr(caught.value)
        with pytest.raises(ValueError, match="give params or query, not both"):
            await http.request("GET", "http://127.0.0.1", {"a": "1"}, query=b"b=2")
        with pytest.raises(FeedConnectionError, match="GET an address without a host: not an HTTP address"):
            await http.get("http://?signature=abc")


async def test_connections_are_kept_and_warmed(wire_server: Any) -> None:
    async def serve(count: int) -> None:
        peers = [await wire_server.accept() for _ in range(count)]
        for peer in peers:
            await peer.reader.readuntil(b"\r\n\r\n")
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        ended = await asyncio.gather(*(peer.reader.readuntil(b"\r\n\r\n") for peer in peers), return_exceptions=True)
        for peer, request in zip(peers, ended, strict=True):
            if isinstance(request, bytes):
                peer.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    serving = asyncio.create_task(serve(3))
    async with HttpClient() as http:
        assert await http.warm(_url(wire_server) + "/ping", 3) == 3
        answers = asyncio.gather(*(http.get(_url(wire_server)) for _ in range(3)))
        assert [answer.status for answer in await answers] == [204] * 3
    await serving
    assert wire_server.connections == 3


async def test_warming_where_nobody_listens(wire_server: Any) -> None:
    await wire_server.stop()
    async with HttpClient() as http:
        assert await http.warm(_url(wire_server), 2) == 0


async def test_a_proxy_from_the_environment_is_not_used(wire_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    answering = asyncio.create_task(_answer(wire_server, b"200 OK\r\n", b"{}"))
    async with HttpClient() as http:
        assert (await http.get(_url(wire_server))).status == 200
    await answering


async def test_no_answer_in_time(wire_server: Any) -> None:
    async with HttpClient(timeout_s=0.05) as http:
        with pytest.raises(FeedConnectionError, match=r"no answer within 0\.05 s"):
            await http.get(_url(wire_server))


async def test_nobody_listens(wire_server: Any) -> None:
    await wire_server.stop()
    async with HttpClient() as http:
        with pytest.raises(FeedConnectionError, match=r"^GET http://127\.0\.0\.1:\d+: "):
            await http.get(_url(wire_server) + "/path-that-may-be-a-key")


async def test_closing_an_unused_session_is_harmless() -> None:
    http = HttpClient()
    await http.close()
    await http.close()


async def test_a_limiter_lets_requests_pass_and_learns_from_the_answers(wire_server: Any, eventually: Any) -> None:
    limiter = AdaptiveRateLimiter(60, 2)
    async with HttpClient() as http:
        http.limiter = limiter
        for head in (b"200 OK\r\n", b"429 Too Many\r\nRetry-After: 9\r\n"):
            answering = asyncio.create_task(_answer(wire_server, head, b""))
            await http.get(_url(wire_server))
            await answering
        statistics = limiter.statistics()
        assert (statistics.granted, statistics.refusals, limiter.current_rate) == (2, 1, 30)
        assert 8 < statistics.closed_for_s <= 9
        waiting = asyncio.create_task(http.get(_url(wire_server)))
        await eventually(lambda: limiter.statistics().waiting == 1)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert wire_server.connections == 2
