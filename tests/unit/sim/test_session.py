"""What every venue's connections share, with a venue that only echoes. Over sockets: `test_venue`."""

from __future__ import annotations

from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.uri import parse_uri

from sim_wires import Pipe
from tradewire.sim.binance_topics import text_frame
from tradewire.sim.session import Session, SessionFace


class Echo(Session):
    def __init__(self, face: SessionFace[Echo]) -> None:
        super().__init__(face)
        self.told: list[str] = []

    def on_request(self, request: Request) -> None:
        self.accept(request)

    def on_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT:
            self.put(bytes(frame.data))

    def on_time(self, now_s: float) -> None:
        self.told.append("time")

    def on_end(self) -> None:
        self.told.append("end")

    def put(self, message: bytes) -> None:
        self.out.append(text_frame(message))


class Peer:
    """A client and the session that serves it."""

    def __init__(self, face: SessionFace[Echo]) -> None:
        self.pipe = Pipe()
        self.session = Echo(face)
        self.session.connection_made(self.pipe)
        self.client = ClientProtocol(parse_uri("ws://x/"))
        self.client.send_request(self.client.connect())
        self.events = self.exchange()

    def exchange(self) -> list[Any]:
        for data in self.client.data_to_send():
            self.session.data_received(data)
        written, self.pipe.written = self.pipe.written, b""
        self.client.receive_data(written)
        return [event.data if isinstance(event, Frame) else event for event in self.client.events_received()]


@pytest.fixture
def face() -> SessionFace[Echo]:
    return SessionFace(buffer_bytes=100, clock=lambda: 1.0)


async def test_frames_of_a_tick_go_together(face: SessionFace[Echo]) -> None:
    peer = Peer(face)
    assert [event.status_code for event in peer.events] == [101]
    peer.client.send_text(b"a")
    peer.client.send_text(b"b")
    assert peer.exchange() == []
    face.tick()
    assert peer.exchange() == [b"a", b"b"]
    assert peer.session.told == ["time"]


async def test_frozen_loses_what_it_had_to_say(face: SessionFace[Echo]) -> None:
    peer = Peer(face)
    fault = face.chaos.half_open()
    peer.session.put(b"lost")
    face.tick()
    fault.stop()
    peer.session.put(b"found")
    face.tick()
    assert peer.exchange() == [b"found"]
    assert peer.session.told == ["time"]


async def test_slow_reader_is_dropped(face: SessionFace[Echo]) -> None:
    peer = Peer(face)
    peer.pipe.backlog = 101
    peer.session.put(b"a")
    face.tick()
    assert (peer.pipe.ends, peer.session.told[:1], face.slow_readers) == (["abort"], ["end"], 1)


async def test_refused_handshake(face: SessionFace[Echo]) -> None:
    face.chaos.refuse_connect(503, retry_after_s=9)
    (response,) = Peer(face).events
    assert isinstance(response, Response)
    assert (response.status_code, response.headers["Retry-After"]) == (503, "9")
    assert not face.sessions


async def test_goodbye(face: SessionFace[Echo]) -> None:
    peer, silent = Peer(face), Echo(face)
    silent_pipe = Pipe()
    silent.connection_made(silent_pipe)
    face.close()
    peer.exchange()
    assert peer.client.close_rcvd is not None
    assert peer.client.close_rcvd.code == 1001
    assert silent_pipe.ends == ["abort"]
    late = Pipe()
    Echo(face).connection_made(late)
    assert late.ends == ["abort"]
    for session in (peer.session, silent):
        session.connection_lost(None)
    assert not face.sessions
