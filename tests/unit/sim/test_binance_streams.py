"""One stream connection, without sockets: a sans-I/O client, a transport that keeps what is written, a clock."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from sim_wires import Pipe
from tradewire.sim.binance_streams import StreamFace, StreamLimits, StreamSession
from tradewire.sim.binance_topics import MARKET, PUBLIC, Topic

SECOND_TOPIC = "btcusdt@bookTicker"


class Peer:
    """A client and the session that serves it."""

    def __init__(self, path: str, limits: StreamLimits | None = None) -> None:
        self.now_s = 1_000.0
        topics = [Topic("btcusdt@trade", PUBLIC), Topic(SECOND_TOPIC, PUBLIC), Topic("btcusdt@aggTrade", MARKET)]
        self.topics = {topic.name: topic for topic in topics}
        self.face = StreamFace(self.topics, limits or StreamLimits(), clock=lambda: self.now_s)
        self.pipe = Pipe()
        self.session: StreamSession = self.face.session()
        self.session.connection_made(self.pipe)
        self.client = ClientProtocol(parse_uri(f"ws://x{path}"), max_size=None)
        request = self.client.connect()
        self.client.send_request(request)
        self._push()
        self.response, *_ = self.client.events_received()
        assert isinstance(self.response, Response)

    def _push(self) -> None:
        for data in self.client.data_to_send():
            self.session.data_received(data)
        written, self.pipe.written = self.pipe.written, b""
        self.client.receive_data(written)

    def hear(self) -> list[Any]:
        """Everything received since: JSON of text frames, and the frames that are not text."""
        self._push()
        frames = [event for event in self.client.events_received() if isinstance(event, Frame)]
        return [json.loads(bytes(f.data)) if f.opcode is Opcode.TEXT else f for f in frames]

    def say(self, **request: object) -> list[Any]:
        self.client.send_text(json.dumps(request).encode())
        return self.hear()

    def tick(self, seconds: float = 0.0) -> list[Any]:
        self.now_s += seconds
        self.face.tick()
        return self.hear()

    @property
    def close(self) -> tuple[int, str] | None:
        rcvd = self.client.close_rcvd
        return None if rcvd is None else (rcvd.code, rcvd.reason)


async def test_raw_and_combined_modes() -> None:
    raw, combined = Peer("/public/ws/btcusdt@trade"), Peer("/public/stream?streams=btcusdt@trade")
    for peer in (raw, combined):
        peer.topics["btcusdt@trade"].publish('{"e":"trade"}')
    assert raw.tick() == [{"e": "trade"}]
    assert combined.tick() == [{"stream": "btcusdt@trade", "data": {"e": "trade"}}]


async def test_frames_of_a_tick_are_sent_together() -> None:
    peer = Peer("/public/ws/btcusdt@trade")
    peer.topics["btcusdt@trade"].publish("1")
    peer.topics["btcusdt@trade"].publish("2")
    assert peer.hear() == []
    assert peer.tick() == [1, 2]


async def test_reply_comes_after_what_was_sent_before() -> None:
    peer = Peer("/public/ws/btcusdt@trade")
    peer.topics["btcusdt@trade"].publish("1")
    assert peer.say(method="UNSUBSCRIBE", params=["btcusdt@trade"], id=1) == [1, {"result": None, "id": 1}]
    peer.topics["btcusdt@trade"].publish("2")
    assert peer.tick() == []


@pytest.mark.parametrize("path", ["/market/stream", "/private/ws/key", "/stream"])
async def test_wrong_route_is_acknowledged_and_silent(path: str) -> None:
    peer = Peer(path)
    wrong = "btcusdt@trade" if "market" in path else "btcusdt@aggTrade"
    assert peer.say(method="SUBSCRIBE", params=[wrong, "BTCUSDT@trade"], id=1) == [{"result": None, "id": 1}]
    for topic in peer.topics.values():
        topic.publish("1")
    assert peer.tick() == []
    (listed,) = peer.say(method="LIST_SUBSCRIPTIONS", id=2)
    assert set(listed["result"]) >= {wrong, "BTCUSDT@trade"}
    assert peer.say(method="UNSUBSCRIBE", params=[wrong], id=3) == [{"result": None, "id": 3}]


async def test_mode_changes_for_streams_that_run() -> None:
    peer = Peer("/public/ws/btcusdt@trade")
    peer.say(method="SET_PROPERTY", params=["combined", True], id=1)
    peer.topics["btcusdt@trade"].publish("1")
    assert peer.tick() == [{"stream": "btcusdt@trade", "data": 1}]
    assert peer.topics["btcusdt@trade"].listeners == 1


async def test_subscribing_twice_sends_once() -> None:
    peer = Peer("/public/ws/btcusdt@trade/btcusdt@trade")
    peer.say(method="SUBSCRIBE", params=["btcusdt@trade"], id=1)
    peer.topics["btcusdt@trade"].publish("1")
    assert peer.tick() == [1]


async def test_unknown_path_is_refused() -> None:
    peer = Peer("/nowhere")
    assert isinstance(peer.response, Response)
    assert peer.response.status_code == 404
    assert "close" in peer.pipe.ends


async def test_fifteen_at_once_pass_and_forty_do_not() -> None:
    peer = Peer("/public/ws")
    assert len([peer.say(method="LIST_SUBSCRIPTIONS", id=number) for number in range(15)]) == 15
    assert peer.close is None

    flood = Peer("/public/ws/btcusdt@trade")
    for number in range(40):
        flood.client.send_text(b'{"method":"LIST_SUBSCRIPTIONS","id":%d}' % number)
    replies = [item for item in flood.hear() if isinstance(item, dict)]
    assert len(replies) == 15
    assert flood.close == (1008, "Too many requests")
    assert flood.topics["btcusdt@trade"].listeners == 0


async def test_ten_a_second_is_allowed_for_ever() -> None:
    peer = Peer("/public/ws")
    for number in range(200):
        peer.say(method="LIST_SUBSCRIPTIONS", id=number)
        peer.tick(0.1)
    assert peer.close is None


async def test_pings_and_pongs_of_the_client_count() -> None:
    peer = Peer("/public/ws")
    for number in range(20):
        peer.client.send_ping(b"%d" % number) if number % 2 else peer.client.send_pong(b"")
    peer.hear()
    assert peer.close == (1008, "Too many requests")


async def test_client_ping_is_answered() -> None:
    peer = Peer("/public/ws")
    peer.client.send_ping(b"there?")
    (pong,) = peer.hear()
    assert (pong.opcode, bytes(pong.data)) == (Opcode.PONG, b"there?")


async def test_ping_every_three_minutes_with_a_time() -> None:
    peer = Peer("/public/ws")
    assert peer.tick(179.0) == []
    (ping,) = peer.tick(1.5)
    assert ping.opcode is Opcode.PING
    assert 1_600_000_000_000 < int(bytes(ping.data)) < 5_000_000_000_000
    for _ in range(20):
        peer.tick(180.0)
    assert peer.close is None, "the library answered every ping"


async def test_unanswered_ping_ends_the_connection_and_other_pongs_do_not_help() -> None:
    peer = Peer("/public/ws")
    peer.now_s += 180
    peer.face.tick()
    peer.pipe.written = b""  # the ping never arrives
    for _ in range(11):
        peer.client.send_pong(b"unasked")
        peer.now_s += 50
        peer.hear()
    assert peer.close is None
    peer.now_s += 50
    peer.face.tick()
    peer.hear()
    assert peer.close == (1008, "Pong timeout")


async def test_connection_lives_a_day() -> None:
    peer = Peer("/public/ws", StreamLimits(ping_interval_s=1e9))
    peer.tick(86_399)
    assert peer.close is None
    peer.tick(2)
    assert peer.close is not None
    assert peer.close[0] == 1001


async def test_stream_1025_is_error_4_and_the_end() -> None:
    peer = Peer("/public/ws")
    names = [f"s{number}usdt@trade" for number in range(1_024)]
    assert peer.say(method="SUBSCRIBE", params=names, id=1) == [{"result": None, "id": 1}]
    assert peer.say(method="SUBSCRIBE", params=names[:5], id=2) == [{"result": None, "id": 2}], "not new"
    reply, *_ = peer.say(method="SUBSCRIBE", params=["one@trade"], id=3)
    assert reply == {"error": {"code": 4, "msg": "Too many subscriptions"}, "id": 3}
    assert peer.close == (1008, "Invalid request")


async def test_too_many_streams_in_the_url() -> None:
    peer = Peer("/public/ws/a@trade/b@trade/c@trade", StreamLimits(streams=2))
    peer.hear()
    assert peer.close == (1008, "Invalid request")


async def test_request_that_is_not_http_is_dropped() -> None:
    face = StreamFace({}, StreamLimits())
    for request in (b"HELLO\r\n\r\n", b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"):
        pipe = Pipe()
        session = face.session()
        session.connection_made(pipe)
        session.data_received(request)
        assert "close" in pipe.ends
        assert b" 101 " not in pipe.written


async def test_slow_reader_is_dropped_and_forgotten() -> None:
    peer = Peer("/public/ws/btcusdt@trade", StreamLimits(buffer_bytes=1_000))
    peer.pipe.backlog = 1_001
    peer.topics["btcusdt@trade"].publish("1")
    peer.face.tick()
    assert "abort" in peer.pipe.ends
    assert peer.face.slow_readers == 1
    assert peer.topics["btcusdt@trade"].listeners == 0
    peer.session.connection_lost(None)
    assert peer.face.sessions == set()


async def test_message_in_fragments() -> None:
    peer = Peer("/public/ws")
    peer.client.send_text(b'{"method":"LIST_', fin=False)
    peer.client.send_ping(b"")
    peer.client.send_continuation(b'SUBSCRIPTIONS","id":1}', fin=True)
    assert peer.hear()[-1] == {"result": [], "id": 1}


async def test_text_that_is_not_utf8() -> None:
    peer = Peer("/public/ws")
    peer.client.send_text(b"\xff\xfe")
    peer.hear()
    assert peer.close == (1007, "invalid UTF-8")


async def test_client_that_says_goodbye() -> None:
    peer = Peer("/public/ws/btcusdt@trade")
    peer.client.send_close(1000, "done")
    peer.hear()
    assert peer.close == (1000, "done")
    assert "close" in peer.pipe.ends
    assert peer.topics["btcusdt@trade"].listeners == 0


async def test_closing_the_face_says_goodbye() -> None:
    peer = Peer("/public/ws/btcusdt@trade")
    peer.face.close()
    peer.hear()
    assert peer.close == (1001, "server is going away")
    assert "close" in peer.pipe.ends
