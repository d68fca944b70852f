"""The reference driver."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tradewire.errors import FeedConnectionError
from tradewire.transport.frames import MOST_UNREAD, PING, PONG
from tradewire.transport.plain import PlainSocket, connect_plain, open_plain


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
    with pytest.raises(FeedConnectionError, match=r"^cannot connect to ws://127\.0\.0\.1:\d+: [^\[]"):
        async with connect_plain(f"{wire_server.url}?token=s3cret"):
            pass


@pytest.mark.parametrize("url", ["ws://127.0.0.1:9/ws#s3cret", "ws://127.0.0.1:s3cret/", "http://127.0.0.1/s3cret"])
async def test_what_is_no_address_is_not_repeated(url: str) -> None:
    with pytest.raises(FeedConnectionError, match=r"^cannot connect to .*: not a WebSocket address$") as caught:
        async with connect_plain(url):
            pass
    assert "s3cret" not in "".join(traceback.format_exception(caught.value))


async def test_keys_are_not_taken_to_another_address(wire_server: Any) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere?a=s3cret\r\nContent-Length: 0\r\n\r\n"

    async def redirect() -> None:
        peer = await wire_server.accept()
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.send(answer)

    answering = asyncio.create_task(redirect())
    with pytest.raises(FeedConnectionError, match="HTTP 302") as caught:
        async with connect_plain(wire_server.url, headers={"X-KEY": "s3cret"}):
            pass
    await answering
    assert (caught.value.status, wire_server.connections) == (302, 1)


async def test_a_proxy_from_the_environment_is_ignored(wire_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ws_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    serving = asyncio.create_task(wire_server.serve())
    async with connect_plain(wire_server.url):
        await serving


class Owner:
    """Writes down what a socket says."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.closed: list[Exception | None] = []
        self.socket: PlainSocket | None = None
        self.aborts = False

    def on_payload(self, payload: bytes, recv_ns: int) -> None:
        self.payloads.append(payload)
        if self.aborts and self.socket is not None:
            self.socket.abort()

    def on_closed(self, error: Exception | None) -> None:
        self.closed.append(error)


@pytest.fixture
async def opened(wire_server: Any) -> AsyncIterator[tuple[Owner, PlainSocket, Any]]:
    owner = Owner()
    serving = asyncio.create_task(wire_server.serve())
    owner.socket = await open_plain(wire_server.url, owner)
    yield owner, owner.socket, await serving
    await owner.socket.close(timeout_s=0.1)


async def test_a_pong_counts_as_a_read(opened: Any, eventually: Any) -> None:
    owner, socket, peer = opened
    socket.last_read_ns = 0
    socket.ping()
    opcode, payload = await peer.read_frame()
    assert opcode == PING
    assert socket.last_read_ns == 0
    peer.send_frame(payload, opcode=PONG)
    await eventually(lambda: socket.last_read_ns > 0)
    assert not owner.payloads


async def test_a_ping_that_is_never_answered_is_no_read(opened: Any, eventually: Any) -> None:
    owner, socket, peer = opened
    socket.last_read_ns = 0
    socket.ping()
    await peer.read_frame()
    peer.writer.transport.abort()
    await eventually(lambda: owner.closed)
    assert socket.last_read_ns == 0
    assert not socket.is_open


async def test_pings_and_messages_keep_their_order(opened: Any) -> None:
    _, socket, peer = opened
    socket.send(b"1")
    socket.ping()
    socket.send(b"\x02", binary=True)
    frames = [await peer.read_frame() for _ in range(3)]
    assert [opcode for opcode, _ in frames] == [1, PING, 2]
    assert (frames[0][1], frames[2][1]) == (b"1", b"\x02")


async def test_a_peer_that_does_not_read_is_given_up(opened: Any, eventually: Any) -> None:
    owner, socket, peer = opened
    peer.reader._transport.pause_reading()
    sent = 0
    # More than the system's own buffers hold.
    while socket.is_open and sent < 1000:
        socket.send(b"x" * (MOST_UNREAD // 16))
        sent += 1
        await asyncio.sleep(0)
    await eventually(lambda: owner.closed)
    (error,) = owner.closed
    assert isinstance(error, FeedConnectionError)
    assert str(error) == f"the peer does not read: {MOST_UNREAD} bytes wait for it"
    assert sent < 1000


async def test_a_peer_that_reads_may_be_told_any_amount(opened: Any, eventually: Any) -> None:
    owner, socket, peer = opened
    for _ in range(80):
        socket.send(b"x" * (MOST_UNREAD // 32))
        await peer.read_frame()
    assert socket.is_open
    assert not owner.closed


async def test_nothing_comes_after_an_abort(opened: Any, wire_server: Any, eventually: Any) -> None:
    owner, socket, peer = opened
    owner.aborts = True
    peer.send(b"".join(wire_server.frame(str(number)) for number in range(5)))
    await eventually(lambda: not socket.is_open)
    await asyncio.wait(socket._tasks)
    assert owner.payloads == [b"0"]
    assert not owner.closed
