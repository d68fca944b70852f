"""The fast link against a server whose every byte is scripted. The frame reader is a stub: the real one is core's."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tradewire.errors import FeedConnectionError, ProtocolError
from tradewire.transport.frames import CLOSE, PING, close_reason
from tradewire.transport.websocket import WebSocketConnection, connect


class Reader:
    """Collects bytes; `script` says what each read gives."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.script: list[dict[str, Any]] = []
        self.resumed = 0
        self._buffer = bytearray(1 << 16)

    def get_buffer(self, _sizehint: int = -1) -> memoryview:
        return memoryview(self._buffer)

    def buffer_updated(self, count: int) -> Any:
        self.received += self._buffer[:count]
        return self._result()

    def feed(self, data: bytes, recv_ns: int) -> Any:
        assert recv_ns > 1_700_000_000_000_000_000
        self.received += data
        return self._result()

    def resume(self) -> Any:
        self.resumed += 1
        return self._result()

    def _result(self) -> Any:
        fields = {
            "messages": 0,
            "counts": {},
            "frames": [],
            "errors": [],
            "error_count": 0,
            "full": False,
            "close": None,
        }
        fields |= self.script.pop(0) if self.script else {}
        return SimpleNamespace(plain=not (fields["frames"] or fields["full"] or fields["close"]), **fields)


class Owner:
    def __init__(self) -> None:
        self.reads: list[int] = []
        self.closed: list[Exception | None] = []

    def on_read(self, result: Any, size: int) -> None:
        self.reads.append(size)

    def on_closed(self, error: Exception | None) -> None:
        self.closed.append(error)


async def _open(server: Any, then: bytes = b"", script: list[dict[str, Any]] | None = None) -> Any:
    reader, owner = Reader(), Owner()
    reader.script = script or []
    pauses: list[int] = []
    url = server.url + "/public/stream"
    opening = asyncio.create_task(connect(url, reader, owner, on_paused=pauses.append))  # type: ignore[arg-type]
    peer = await server.serve(then)
    connection = await opening
    return SimpleNamespace(peer=peer, connection=connection, reader=reader, owner=owner, pauses=pauses)


async def test_handshake_and_one_and_a_half_frames_in_one_segment(wire_server: Any, eventually: Any) -> None:
    whole, half = wire_server.frame('{"a":1}'), wire_server.frame('{"b":2}')
    link = await _open(wire_server, whole + half[:5])
    assert link.peer.path == "/public/stream"
    await eventually(lambda: link.reader.received == whole + half[:5])
    link.peer.send(half[5:])
    await eventually(lambda: link.reader.received == whole + half)
    assert sum(link.owner.reads) == len(whole + half)
    await link.connection.close(timeout_s=0.1)


async def test_many_reads_reach_the_reader_in_order(wire_server: Any, eventually: Any) -> None:
    link = await _open(wire_server)
    data = bytes(range(256)) * 2_000
    link.peer.send(data)
    await eventually(lambda: len(link.reader.received) == len(data))
    assert link.reader.received == data
    assert sum(link.owner.reads) == len(data)
    await link.connection.close(timeout_s=0.1)


async def test_a_ping_is_answered_with_its_payload(wire_server: Any) -> None:
    link = await _open(wire_server, script=[{"frames": [(PING, b"1791382992488")]}])
    link.peer.send(b"x")
    assert await link.peer.read_frame() == (10, b"1791382992488")
    await link.connection.close(timeout_s=0.1)


async def test_our_ping_measures_the_round_trip(wire_server: Any, eventually: Any) -> None:
    link = await _open(wire_server)
    link.connection.ping()
    opcode, payload = await link.peer.read_frame()
    assert opcode == PING
    link.reader.script = [{"frames": [(10, b"unasked")]}, {"frames": [(10, payload)]}]
    link.peer.send(b"x")
    await eventually(lambda: not link.reader.script or len(link.reader.script) == 1)
    assert link.connection.rtt_ns == 0
    link.peer.send(b"x")
    await eventually(lambda: link.connection.rtt_ns > 0)
    await link.connection.close(timeout_s=0.1)


async def test_a_full_ring_pauses_until_it_is_drained(wire_server: Any, eventually: Any) -> None:
    link = await _open(wire_server, script=[{"full": True}, {"full": True}, {"frames": [(PING, b"late")]}])
    link.peer.send(b"x")
    assert await link.peer.read_frame() == (10, b"late")
    assert link.reader.resumed == 2
    assert link.owner.reads == [1, 0, 0]
    (pause_ns,) = link.pauses
    assert pause_ns > 0
    link.peer.send(b"more")
    await eventually(lambda: link.reader.received == b"xmore")
    await link.connection.close(timeout_s=0.1)


async def test_closing_says_goodbye_and_waits(wire_server: Any) -> None:
    link = await _open(wire_server)
    closing = asyncio.create_task(link.connection.close(timeout_s=10))
    opcode, payload = await link.peer.read_frame()
    assert (opcode, close_reason(payload)) == (CLOSE, (1000, ""))
    await link.peer.close()
    await closing
    assert link.owner.closed == [None]
    assert not link.connection.is_open


async def test_closing_does_not_wait_for_ever(wire_server: Any, eventually: Any) -> None:
    link = await _open(wire_server)
    await link.connection.close(timeout_s=0.01)
    await eventually(lambda: link.owner.closed == [None])


async def test_the_peers_close_is_answered_and_told(wire_server: Any, eventually: Any) -> None:
    link = await _open(wire_server, script=[{"frames": [(CLOSE, (1008).to_bytes(2, "big") + b"Too many requests")]}])
    link.peer.send(b"x")
    opcode, payload = await link.peer.read_frame()
    assert (opcode, close_reason(payload)[0]) == (CLOSE, 1008)
    await eventually(lambda: link.owner.closed)
    assert "code 1008 (Too many requests)" in str(link.owner.closed[0])


async def test_a_broken_frame_ends_the_connection_with_its_code(wire_server: Any, eventually: Any) -> None:
    link = await _open(wire_server, script=[{"close": (1009, "message over 1048576 bytes")}])
    link.peer.send(b"x")
    opcode, payload = await link.peer.read_frame()
    assert (opcode, close_reason(payload)) == (CLOSE, (1009, "message over 1048576 bytes"))
    await eventually(lambda: link.owner.closed)
    assert isinstance(link.owner.closed[0], ProtocolError)
    assert link.owner.closed[0].code == 1009


async def test_a_lost_connection_is_told_once(wire_server: Any, eventually: Any) -> None:
    link = await _open(wire_server)
    link.peer.writer.transport.abort()
    await eventually(lambda: link.owner.closed)
    assert len(link.owner.closed) == 1
    assert isinstance(link.owner.closed[0], FeedConnectionError)
    with pytest.raises(FeedConnectionError, match="not open"):
        link.connection.send(b"{}")


async def test_a_text_message_arrives(wire_server: Any) -> None:
    link = await _open(wire_server)
    link.connection.send(b'{"method":"SUBSCRIBE"}')
    assert await link.peer.read_frame() == (1, b'{"method":"SUBSCRIBE"}')
    await link.connection.close(timeout_s=0.1)


async def test_a_refused_handshake(wire_server: Any) -> None:
    opening = asyncio.create_task(connect(wire_server.url, Reader(), Owner()))  # type: ignore[arg-type]
    peer = await wire_server.accept()
    peer.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(FeedConnectionError, match="HTTP 404"):
        await opening


@pytest.mark.parametrize("ends", [True, False])
async def test_a_refusal_whose_body_is_cut_off_is_still_one(wire_server: Any, ends: bool) -> None:
    opening = asyncio.create_task(
        connect(wire_server.url, Reader(), Owner(), open_timeout_s=30 if ends else 0.2)  # type: ignore[arg-type]
    )
    peer = await wire_server.accept()
    peer.send(b"HTTP/1.1 418 No\r\nContent-Length: 99\r\n\r\nbanned until 1899999999999")
    if ends:
        await peer.close()
    with pytest.raises(FeedConnectionError, match="HTTP 418") as refused:
        await opening
    assert refused.value.status == 418
    assert refused.value.body == b"banned until 1899999999999"


async def test_a_connection_lost_during_the_handshake(wire_server: Any) -> None:
    owner = Owner()
    opening = asyncio.create_task(connect(wire_server.url, Reader(), owner))  # type: ignore[arg-type]
    peer = await wire_server.accept()
    await peer.close()
    with pytest.raises(FeedConnectionError):
        await opening
    assert owner.closed == [], "connect told it already"


async def test_a_server_that_never_answers(wire_server: Any) -> None:
    with pytest.raises(FeedConnectionError, match=r"did not answer within 0\.05 s"):
        await connect(wire_server.url, Reader(), Owner(), open_timeout_s=0.05)  # type: ignore[arg-type]


async def test_nobody_listens(wire_server: Any) -> None:
    await wire_server.stop()
    with pytest.raises(FeedConnectionError, match=r"cannot connect to 127\.0\.0\.1:\d+: [^\[]"):
        await connect(wire_server.url, Reader(), Owner())  # type: ignore[arg-type]


async def test_cancelled_while_opening(wire_server: Any) -> None:
    opening = asyncio.create_task(connect(wire_server.url, Reader(), Owner()))  # type: ignore[arg-type]
    peer = await wire_server.accept()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await peer.reader.read()
    assert peer.reader.at_eof(), "the socket is closed"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    options = f"-keyout {folder}/key.pem -out {folder}/cert.pem -days 2 -subj /CN=venue"
    command = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes {options}"
    subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return folder


async def test_tls_refuses_a_certificate_that_nobody_vouches_for(wire_server: Any, certificate: Path) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    await wire_server.stop()
    await wire_server.start(ssl=server_side)
    with pytest.raises(FeedConnectionError, match="certificate verify failed"):
        await connect(wire_server.url, Reader(), Owner())  # type: ignore[arg-type]


async def test_tls_with_a_known_certificate(wire_server: Any, certificate: Path, eventually: Any) -> None:
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    await wire_server.stop()
    await wire_server.start(ssl=server_side)
    reader, owner = Reader(), Owner()
    context = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    opening = asyncio.create_task(connect(wire_server.url, reader, owner, context=context))  # type: ignore[arg-type]
    await wire_server.serve(wire_server.frame("{}"))
    connection = await opening
    await eventually(lambda: reader.received == wire_server.frame("{}"))
    await connection.close(timeout_s=0.1)


async def test_close_before_anything(eventually: Any) -> None:
    connection = WebSocketConnection(None, Reader(), Owner())  # type: ignore[arg-type]
    await connection.close()
    connection.abort()


async def test_a_flood_of_pings_by_a_peer_that_does_not_read_ends_the_connection(
    wire_server: Any, eventually: Any
) -> None:
    link = await _open(wire_server)
    link.peer.reader._transport.pause_reading()
    link.reader.script = [{"frames": [(PING, b"p" * 125)] * 200_000}]
    link.peer.send(b"x")
    await eventually(lambda: link.owner.closed)
    (error,) = link.owner.closed
    assert isinstance(error, FeedConnectionError)
    assert "does not read" in str(error)
