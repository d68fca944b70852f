"""The handshake, subscriptions and every error code, without sockets."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri

from sim_wires import Pipe
from tradewire.sim.alpaca_accounts import Accounts, Plan
from tradewire.sim.alpaca_feed import AlpacaFeed
from tradewire.sim.alpaca_streams import ERRORS, AlpacaFace, AlpacaLimits
from tradewire.sim.instruments import alpaca_instrument

START = 1_791_382_980_000
SYMBOLS = ("AAPL", "MSFT", "BTC/USD", "FAKEPACA")
CONNECTED, AUTHENTICATED = {"T": "success", "msg": "connected"}, {"T": "success", "msg": "authenticated"}
AUTH = {"action": "auth", "key": "k", "secret": "s"}


class House:
    """A venue whose clock and market stand still until they are told to move."""

    def __init__(self, plan: Plan = "plus", credentials: dict[str, str] | None = None) -> None:
        self.now_s = 100.0
        self.feed = AlpacaFeed(tuple(alpaca_instrument(symbol) for symbol in SYMBOLS), seed=1, now_ms=START)
        self.face = AlpacaFace(self.feed, Accounts(credentials, plan), AlpacaLimits(), clock=lambda: self.now_s)
        self.feed = AlpacaFeed(
            tuple(alpaca_instrument(symbol) for symbol in SYMBOLS), seed=1, now_ms=START, chaos=self.face.chaos
        )
        self.face.feed = self.feed
        self.face.chaos.channels = ("trades", "quotes", "book")

    def move(self, count: int) -> None:
        self.feed.advance(self.feed.market.now_ms + 100, count)
        self.face.tick()


class Peer:
    def __init__(
        self, house: House, path: str = "/v2/iex", *, packed: bool = False, headers: dict[str, str] | None = None
    ) -> None:
        self.house = house
        self.packed = packed
        self.pipe = Pipe()
        self.session = house.face.session()
        self.session.connection_made(self.pipe)
        self.client = ClientProtocol(parse_uri(f"ws://x{path}"), max_size=None)
        request = self.client.connect()
        if packed:
            request.headers["Content-Type"] = "application/msgpack"
        request.headers.update(headers or {})
        self.client.send_request(request)
        self.greeting = self.hear()

    def hear(self) -> list[Any]:
        """The messages of all arrays since."""
        for data in self.client.data_to_send():
            self.session.data_received(data)
        self.session.flush()
        written, self.pipe.written = self.pipe.written, b""
        self.client.receive_data(written)
        frames = [event for event in self.client.events_received() if isinstance(event, Frame)]
        wanted = Opcode.BINARY if self.packed else Opcode.TEXT
        decode: Any = msgspec.msgpack.decode if self.packed else msgspec.json.decode
        arrays = [decode(frame.data) for frame in frames if frame.opcode is wanted]
        assert all(isinstance(array, list) for array in arrays)
        return [message for array in arrays for message in array]

    def say(self, message: Any) -> list[Any]:
        if self.packed:
            self.client.send_binary(msgspec.msgpack.encode(message))
        else:
            self.client.send_text(msgspec.json.encode(message))
        return self.hear()

    def say_raw(self, text: bytes) -> list[Any]:
        self.client.send_text(text)
        return self.hear()


def _in(house: House, path: str = "/v2/iex", *, packed: bool = False) -> Peer:
    peer = Peer(house, path, packed=packed)
    assert peer.greeting == [CONNECTED]
    assert peer.say(AUTH) == [AUTHENTICATED]
    return peer


def _error(code: int) -> list[dict[str, Any]]:
    return [{"T": "error", "code": code, "msg": ERRORS[code]}]


@pytest.mark.parametrize("packed", [False, True])
async def test_conversation_of_the_sheet(packed: bool) -> None:
    peer = _in(House(), packed=packed)
    (reply,) = peer.say({"action": "subscribe", "trades": ["AAPL"], "quotes": ["AMD", "CLDR"], "bars": ["*"]})
    assert reply == {
        "T": "subscription", "trades": ["AAPL"], "quotes": ["AMD", "CLDR"], "bars": ["*"], "updatedBars": [],
        "dailyBars": [], "statuses": [], "lulds": [], "corrections": ["AAPL"], "cancelErrors": ["AAPL"],
    }  # fmt: skip
    (reply,) = peer.say({"action": "unsubscribe", "quotes": ["AMD"], "trades": ["AAPL"]})
    assert (reply["trades"], reply["quotes"], reply["bars"], reply["corrections"]) == ([], ["CLDR"], ["*"], [])


async def test_headers_of_the_upgrade_authenticate() -> None:
    house = House(credentials={"k": "s"})

    def greeting(**headers: str) -> list[Any]:
        return Peer(house, headers={f"APCA-API-{name}": value for name, value in headers.items()}).greeting

    assert greeting(**{"KEY-ID": "k", "SECRET-KEY": "s"}) == [CONNECTED, AUTHENTICATED]
    assert greeting(**{"KEY-ID": "k", "SECRET-KEY": "x"}) == [CONNECTED, *_error(402)]
    assert greeting(**{"KEY-ID": "k"}) == [CONNECTED, *_error(402)]


async def test_data_of_what_was_asked_for() -> None:
    house = House()
    peer = _in(house)
    peer.say({"action": "subscribe", "trades": ["AAPL"], "quotes": ["*"]})
    house.move(300)
    got = peer.hear()
    assert {(message["T"], message["S"]) for message in got} == {("t", "AAPL"), ("q", "AAPL"), ("q", "MSFT")}


@pytest.mark.parametrize(
    ("path", "symbols"),
    [("/v2/test", {"FAKEPACA"}), ("/v1beta3/crypto/us", {"BTC/USD"}), ("/v2/sip", {"AAPL", "MSFT"})],
)
async def test_each_endpoint_has_its_symbols(path: str, symbols: set[str]) -> None:
    house = House()
    peer = _in(house, path)
    peer.say({"action": "subscribe", "quotes": ["*", "AAPL", "BTC/USD", "FAKEPACA"]})
    house.move(300)
    assert {message["S"] for message in peer.hear()} == symbols


async def test_reply_of_the_test_stream() -> None:
    (reply,) = _in(House(), "/v2/test").say({"action": "subscribe", "quotes": ["FAKEPACA"], "bars": ["FAKEPACA"]})
    assert reply == {"T": "subscription", "trades": [], "quotes": ["FAKEPACA"], "bars": ["FAKEPACA"]}


async def test_book_begins_with_a_snapshot() -> None:
    house = House()
    peer = _in(house, "/v1beta3/crypto/us")
    house.feed.market.advance(START, 50)  # older than the snapshot: not for this peer
    reply, snapshot = peer.say({"action": "subscribe", "orderbooks": ["BTC/USD"]})
    assert list(reply) == ["T", "trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars"]
    assert (snapshot["T"], snapshot["r"], len(snapshot["b"]) > 100) == ("o", True, True)
    house.move(50)
    assert [("r" in message, message["T"]) for message in peer.hear()] == [(False, "o")]


async def test_data_lingers_after_unsubscribe() -> None:
    house = House()
    peer = _in(house)
    peer.say({"action": "subscribe", "quotes": ["AAPL"]})
    assert peer.say({"action": "unsubscribe", "quotes": ["AAPL"]})[0]["quotes"] == []
    house.move(100)
    assert peer.hear()
    house.now_s += 0.05
    house.face.tick()
    house.move(100)
    assert peer.hear() == []


async def test_subscribing_again_in_that_moment_sends_nothing_twice() -> None:
    house = House()
    peer = _in(house)
    for action in ("subscribe", "unsubscribe", "subscribe"):
        peer.say({"action": action, "quotes": ["AAPL"]})
    house.now_s += 1
    house.face.tick()
    house.move(100)
    times = [message["t"] for message in peer.hear()]
    assert times
    assert len(times) == len(set(times))


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"7", b'{"action":"shout"}', b'{"trades":["AAPL"]}', b"\xff"])
async def test_400(text: bytes) -> None:
    peer = _in(House())
    if text == b"\xff":
        peer.client.send_binary(text)
        assert peer.hear() == _error(400)
    else:
        assert peer.say_raw(text) == _error(400)


@pytest.mark.parametrize("names", ["AAPL", [7], ["aapl"], ["AA PL"], [""], {"AAPL": 1}])
async def test_400_for_bad_symbols(names: object) -> None:
    assert _in(House()).say({"action": "subscribe", "trades": names}) == _error(400)


async def test_401_402_403_404() -> None:
    house = House(credentials={"k": "s"})
    peer = Peer(house)
    assert peer.say({"action": "subscribe", "trades": ["AAPL"]}) == _error(401)
    assert peer.say({**AUTH, "secret": "x"}) == _error(402)
    assert peer.say(AUTH) == [AUTHENTICATED]
    assert peer.say(AUTH) == _error(403)
    late = Peer(house, "/v2/sip")
    house.now_s += 9.9
    house.face.tick()
    assert late.hear() == []
    house.now_s += 0.2
    house.face.tick()
    assert late.hear() == _error(404)
    assert late.client.close_rcvd is not None
    assert peer.client.close_rcvd is None


async def test_402_when_credentials_expire() -> None:
    house = House()
    house.face.chaos.expire_auth(1)
    peer = Peer(house)
    assert peer.say(AUTH) == _error(402)
    assert peer.say(AUTH) == [AUTHENTICATED]


async def test_405_refuses_the_whole_request() -> None:
    peer = _in(House(plan="basic"))
    names = [f"S{number}" for number in range(30)]
    assert peer.say({"action": "subscribe", "trades": names})[0]["T"] == "subscription"
    assert peer.say({"action": "subscribe", "quotes": ["ONE"], "bars": ["TWO"]}) == _error(405)
    (reply,) = peer.say({"action": "subscribe", "bars": ["*"]})
    assert (reply["trades"], reply["quotes"], reply["bars"]) == (names, [], ["*"])


async def test_406_per_endpoint_and_credential() -> None:
    house = House()
    first = _in(house)
    second = Peer(house)
    assert second.say(AUTH) == _error(406)
    assert second.say({**AUTH, "key": "other"}) == [AUTHENTICATED]
    assert Peer(house, "/v2/test").say(AUTH) == [AUTHENTICATED]
    third = Peer(house)
    assert third.say(AUTH) == _error(406)
    first.session.connection_lost(None)
    assert third.say(AUTH) == [AUTHENTICATED]


async def test_half_open_connection_does_not_keep_its_client_out() -> None:
    house = House()
    first = _in(house)
    house.face.chaos.half_open()
    assert Peer(house).say(AUTH) == [AUTHENTICATED]
    assert first.session.is_frozen


async def test_407_comes_last() -> None:
    house = House()
    peer = _in(house)
    peer.say({"action": "subscribe", "quotes": ["*"]})
    peer.pipe.backlog = (8 << 20) + 1
    house.move(100)
    assert peer.pipe.ends == ["close"]
    peer.pipe.backlog = 0
    assert peer.hear() == _error(407)
    assert house.face.slow_readers == 1


async def test_409_410_412_413() -> None:
    assert Peer(House(plan="basic"), "/v2/sip").say(AUTH) == _error(409)
    assert _in(House()).say({"action": "subscribe", "orderbooks": ["AAPL"]}) == _error(410)
    assert _in(House(), "/v2/test").say({"action": "subscribe", "statuses": ["FAKEPACA"]}) == _error(410)
    assert Peer(House(), "/v1beta1/indicative").say(AUTH) == _error(412)
    options = _in(House(), "/v1beta1/opra", packed=True)
    assert options.say({"action": "subscribe", "quotes": ["*"]}) == _error(413)
    assert options.say({"action": "subscribe", "trades": ["*"]})[0]["trades"] == ["*"]


@pytest.mark.parametrize("code", [408, 411, 500])
async def test_errors_on_request(code: int) -> None:
    house = House()
    peer = _in(house)
    house.face.send_error(code)
    assert peer.hear() == _error(code)


async def test_unknown_feed_is_a_404() -> None:
    house = House()
    peer = Peer(house, "/v2/mars")
    assert peer.greeting == []
    assert not house.face.sessions


@pytest.mark.parametrize("packed", [False, True])
async def test_truncated_message_has_a_frame_of_its_own(packed: bool) -> None:
    house = House()
    peer = _in(house, packed=packed)
    peer.say({"action": "subscribe", "quotes": ["*"]})
    house.face.chaos.truncate(1)
    house.move(100)
    peer.session.flush()
    peer.client.receive_data(peer.pipe.written)
    decode: Any = msgspec.msgpack.decode if packed else msgspec.json.decode
    bad, good = 0, 0
    for event in peer.client.events_received():
        assert isinstance(event, Frame)
        try:
            good += len(decode(event.data))
        except msgspec.DecodeError:
            bad += 1
    assert (bad, good > 20) == (1, True)


async def test_muted_until_subscribed_again() -> None:
    house = House()
    peer = _in(house)
    peer.say({"action": "subscribe", "quotes": ["AAPL"]})
    house.face.chaos.mute("quotes", until="resubscribe")
    house.move(50)
    assert peer.hear() == []
    peer.say({"action": "subscribe", "quotes": ["AAPL"]})
    house.move(50)
    assert peer.hear()
