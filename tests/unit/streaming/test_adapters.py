"""Custom providers without a field plan, against a scripted server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pytest

from tradewire.core import Trade
from tradewire.core.plan import FieldPlan, Shape
from tradewire.core.record import Kind
from tradewire.streaming import ConnectionChanged, FeedAlert, FeedState, StreamingGateway, SubscriptionRefused, adapters
from tradewire.streaming import link as link_module
from tradewire.transport import plain
from tradewire.transport.frames import PING, PONG
from tradewire.venues.adapter import DataProviderAdapter, RawMessage
from tradewire.venues.registry import ADAPTERS


@dataclass
class MyProviderAdapter(DataProviderAdapter):
    name: str = "my_provider"

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> dict[str, Any]:
        return {"action": "subscribe", "channel": channel, "symbols": symbols}


@dataclass
class Parsing(MyProviderAdapter):
    def is_control(self, data: Any) -> bool:
        return "ok" in data

    def _parse_message(self, data: Any) -> list[Trade]:
        head = {"venue": self.name, "event_ns": 0, "recv_ns": 1, "seq": data["id"]}
        return [
            Trade(symbol=data["s"], price=price, quantity=1.0, side=None, trade_id=data["id"], **head)
            for price in data["prices"]
        ]


@pytest.fixture(autouse=True)
def providers() -> Iterator[None]:
    StreamingGateway.register_provider("my_provider", MyProviderAdapter)
    StreamingGateway.register_provider("parsing", Parsing)
    yield
    ADAPTERS.clear()


def make(server: Any, venue: str, no_wait: Random) -> StreamingGateway:
    return StreamingGateway(venue=venue, url=server.url, random=no_wait)


async def test_one_method_is_enough(wire_server: Any, eventually: Any, no_wait: Random) -> None:
    seen: list[RawMessage] = []
    gateway = make(wire_server, "my_provider", no_wait)
    gateway.subscribe_to_trades(["AAPL", "MSFT"], seen.append)
    gateway.subscribe_to_quotes(["AAPL"], seen.append)
    async with gateway:
        events = gateway.events("AAPL")
        peer = await wire_server.serve()
        asked = [json.loads((await peer.read_frame())[1]) for _ in range(2)]
        assert asked == [
            {"action": "subscribe", "channel": "trades", "symbols": ["AAPL", "MSFT"]},
            {"action": "subscribe", "channel": "quotes", "symbols": ["AAPL"]},
        ]
        peer.send_frame('{"p": 1}')
        peer.send_frame(b"\x00\x01", opcode=2)
        await eventually(lambda: len(seen) == 4)
        assert gateway.state("trades", "AAPL") is FeedState.LIVE
        got = [event async for event in _first(events, RawMessage, 2)]
    assert [message.data for message in got] == [{"p": 1}, b"\x00\x01"]
    assert got[0].venue == "my_provider"
    assert got[0].recv_ns > 0
    assert gateway.counters["messages_not_json"] == 1


async def _first(events: Any, event_class: type, count: int) -> Any:
    async for event in events:
        if type(event) is event_class:
            yield event
            count -= 1
            if not count:
                return


async def test_events_of_ones_own_are_delivered_like_a_venues(
    wire_server: Any, eventually: Any, no_wait: Random
) -> None:
    seen: list[Trade] = []
    gateway = make(wire_server, "parsing", no_wait)
    gateway.subscribe_to_trades(["A"], seen.append)
    gateway.subscribe_to_trades(["B"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        for text in ('{"ok": 1}', '{"id": 7, "s": "A", "prices": [1.5, 2.5]}', '{"id": 8, "s": "B", "prices": [3.5]}'):
            peer.send_frame(text)
        await eventually(lambda: gateway.counters["messages"] == 4)
        assert gateway.state("trades", "A") is FeedState.LIVE
    assert [trade.price for trade in seen] == [1.5, 2.5]
    assert (gateway.counters["messages.control"], gateway.counters["messages.trade"]) == (1, 3)


async def test_a_message_that_cannot_be_read_hurts_nothing(wire_server: Any, eventually: Any, no_wait: Random) -> None:
    seen: list[Trade] = []
    gateway = make(wire_server, "parsing", no_wait)
    gateway.subscribe_to_trades(["A"], seen.append)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        peer.send_frame("[]")
        peer.send_frame('{"id": 7, "s": "A", "prices": [1.5]}')
        await eventually(lambda: len(seen) == 1)
    assert gateway.counters["decode_errors"] == 1


@dataclass
class Generating(Parsing):
    """Reads while its events are taken, and takes anything for an event."""

    def _parse_message(self, data: Any) -> Any:
        yield from super()._parse_message(data)
        yield from data["extras"]


@pytest.mark.parametrize("extras", [None, ["no event"]])
async def test_events_that_are_none_or_fail_late_hurt_nothing(
    wire_server: Any, eventually: Any, no_wait: Random, extras: Any
) -> None:
    StreamingGateway.register_provider("generating", Generating)
    seen: list[Trade] = []
    gateway = make(wire_server, "generating", no_wait)
    gateway.subscribe_to_trades(["A"], seen.append)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        peer.send_frame(json.dumps({"id": 7, "s": "A", "prices": [1.5], "extras": extras}))
        peer.send_frame('{"id": 8, "s": "A", "prices": [2.5], "extras": []}')
        await eventually(lambda: seen)
    assert [trade.price for trade in seen] == [2.5]
    assert gateway.counters["decode_errors"] == 1


@pytest.mark.parametrize(
    ("venue", "answer", "attempts"),
    [
        ("my_provider", '{"error": "no such key"}', 3),
        ("parsing", '{"ok": 0}', 3),
        ("parsing", '{"error": "no such key"}', 3),
        ("parsing", '{"id": 7, "s": "A", "prices": []}', 3),
        ("parsing", '{"id": 7, "s": "A", "prices": [1.5]}', 1),
    ],
)
async def test_only_what_is_delivered_shows_that_a_provider_serves(
    wire_server: Any, eventually: Any, no_wait: Random, venue: str, answer: str, attempts: int
) -> None:
    gateway = make(wire_server, venue, no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        for number in range(3):
            peer = await wire_server.serve()
            await peer.read_frame()
            peer.send_frame(answer)
            await peer.close()
            await eventually(lambda number=number: gateway.counters["reconnects"] == number + 1)
        assert gateway.counters["messages"] + gateway.counters["decode_errors"] == 3
        assert gateway.links[0]._attempts.backoff.attempts == attempts


async def test_what_comes_before_it_is_asked_for_shows_nothing(
    wire_server: Any, eventually: Any, no_wait: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_: Any) -> int:
        return 1_000_000_000

    monkeypatch.setattr(link_module.Link, "_send_due", nothing)
    gateway = make(wire_server, "parsing", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        peer.send_frame('{"id": 7, "s": "A", "prices": [1.5]}')
        await eventually(lambda: gateway.counters["messages"] == 1)
        assert not gateway.links[0].proven


async def test_a_message_of_which_nothing_came_shows_nothing_however_late(
    wire_server: Any, eventually: Any, no_wait: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    gateway = make(wire_server, "parsing", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        clock.advance(gateway, 15)
        peer.send_frame('{"id": 7, "s": "A", "prices": []}')
        await eventually(lambda: gateway.counters["messages"] == 1)
        assert not gateway.links[0].proven


async def test_raw_messages_show_it_where_the_connection_lasts(
    wire_server: Any, eventually: Any, no_wait: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    gateway = make(wire_server, "my_provider", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        for number, (wait_s, proven) in enumerate(((0, False), (9, False), (2, True))):
            clock.advance(gateway, wait_s)
            peer.send_frame('{"p": 1}')
            await eventually(lambda number=number: gateway.counters["messages"] == number + 1)
            assert gateway.links[0].proven is proven


@dataclass
class Talking(MyProviderAdapter):
    """Builds each sort of message."""

    def _build_auth_message(self) -> bytes:
        return b"\x82\xa1k"

    def _build_unsubscribe_message(self, channel: str, symbols: list[str]) -> str:
        return f"-{channel}"


async def test_bytes_go_into_binary_frames_and_text_into_text_frames(
    wire_server: Any, eventually: Any, no_wait: Random
) -> None:
    StreamingGateway.register_provider("talking", Talking)
    gateway = make(wire_server, "talking", no_wait)
    subscription = gateway.subscribe_to_trades(["A"], lambda _: None)
    gateway.subscribe_to_quotes(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        assert await peer.read_frame() == (2, b"\x82\xa1k")
        assert [(await peer.read_frame())[0] for _ in range(2)] == [1, 1]
        subscription.close()
        assert await peer.read_frame() == (1, b"-trades")


async def test_too_many_messages_that_cannot_be_read_end_the_connection(
    wire_server: Any, eventually: Any, no_wait: Random
) -> None:
    gateway = make(wire_server, "parsing", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        for _ in range(10):
            peer.send_frame("[]")
        await eventually(lambda: gateway.counters["decode_errors"] == 10)
        assert gateway.counters["bad_message_storms"] == gateway.counters["reconnects"] == 0
        # What comes in the same read as the last straw belongs to a connection that is given up.
        peer.send(wire_server.frame("[]") * 20)
        again = await wire_server.serve()
        assert json.loads((await again.read_frame())[1])["symbols"] == ["A"]
        assert gateway.counters["bad_message_storms"] == 1
        assert gateway.counters["decode_errors"] == 11
        assert gateway.links[0]._attempts.backoff.attempts == 1


async def test_a_lost_connection_comes_back(wire_server: Any, eventually: Any, no_wait: Random) -> None:
    gateway = make(wire_server, "my_provider", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        for _ in range(3):
            peer = await wire_server.serve()
            assert json.loads((await peer.read_frame())[1])["symbols"] == ["A"]
            peer.writer.transport.abort()
        await eventually(lambda: gateway.counters["reconnects"] == 3)


class Clock:
    """The monotonic clock of links and their sockets, which a test sets forward."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now_ns = 1_000_000_000_000
        for module in (adapters, link_module, plain):
            monkeypatch.setattr(module, "monotonic_ns", lambda: self._now_ns)

    def advance(self, gateway: StreamingGateway, seconds: float) -> None:
        self._now_ns += int(seconds * 1e9)
        for link in gateway.links:
            link._wake.set()


async def test_a_quiet_market_is_no_reason_to_reconnect_while_pings_are_answered(
    wire_server: Any, eventually: Any, no_wait: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    gateway = make(wire_server, "my_provider", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        (link,) = gateway.links
        for _ in range(5):
            clock.advance(gateway, 25)
            silent_since = link.connection.last_read_ns
            opcode, payload = await asyncio.wait_for(peer.read_frame(), 20)
            assert opcode == PING
            peer.send_frame(payload, opcode=PONG)
            await eventually(lambda before=silent_since: link.connection.last_read_ns > before)
        assert wire_server.connections == 1
        assert gateway.counters["messages"] == gateway.counters["reconnects"] == 0


async def test_a_server_that_answers_no_ping_is_given_up(
    wire_server: Any, eventually: Any, no_wait: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    gateway = make(wire_server, "my_provider", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        clock.advance(gateway, 25)
        assert (await asyncio.wait_for(peer.read_frame(), 20))[0] == PING
        assert gateway.counters["reconnects"] == 0
        clock.advance(gateway, 6)
        again = await wire_server.serve()
        assert json.loads((await again.read_frame())[1])["symbols"] == ["A"]
        assert gateway.counters["reconnects"] == 1


@dataclass
class Half(MyProviderAdapter):
    """Knows how to ask for trades alone."""

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> Any:
        return {"trades": {"ask": symbols}}.get(channel)


async def test_a_hook_that_builds_no_message_refuses_its_streams_and_nothing_else(
    wire_server: Any, eventually: Any, no_wait: Random, caplog: pytest.LogCaptureFixture
) -> None:
    StreamingGateway.register_provider("half", Half)
    refused: list[Any] = []
    gateway = make(wire_server, "half", no_wait)
    gateway.on_status(lambda event: refused.append(event) if isinstance(event, SubscriptionRefused) else None)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        assert json.loads((await peer.read_frame())[1]) == {"ask": ["A"]}
        gateway.subscribe_to_quotes(["A"], lambda _: None)
        await eventually(lambda: refused)
        gateway.subscribe_to_trades(["B"], lambda _: None)
        assert json.loads((await peer.read_frame())[1]) == {"ask": ["B"]}
        assert gateway.counters["reconnects"] == 0
    (event,) = refused
    assert event.streams == ("quotes A",)
    said = "Half._build_subscribe_message must return a mapping, a list, text or bytes, not empty, was NoneType"
    assert event.message == said
    errors = [record for record in caplog.records if record.name == "tradewire.streaming"]
    assert [record.getMessage() for record in errors] == [f"half refused quotes A: {said} (code 0)"]
    assert not any(record.exc_info for record in caplog.records)


@dataclass
class Choosy(MyProviderAdapter):
    """Knows symbols that begin with A, and takes so many in a message."""

    most: ClassVar[int] = 1_000
    turns: ClassVar[list[int]] = []
    turn: ClassVar[int] = 0

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> Any:
        self.turns.append(Choosy.turn)
        unknown = [symbol for symbol in symbols if not symbol.startswith("A")]
        if unknown:
            raise ValueError(f"no {unknown[0]}")
        if len(symbols) > self.most:
            raise ValueError("too many")
        return {"ask": symbols}


@pytest.fixture
async def _choosy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Counts the turns of the event loop meanwhile."""
    monkeypatch.setattr(Choosy, "turns", [])
    StreamingGateway.register_provider("choosy", Choosy)

    async def count() -> None:
        while True:
            Choosy.turn += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    yield
    counting.cancel()
    await asyncio.wait([counting])


@pytest.mark.usefixtures("_choosy")
async def test_streams_without_a_message_are_found_at_once_and_cost_no_other_its_turn(
    wire_server: Any, eventually: Any, no_wait: Random
) -> None:
    good = ["A1", "A2"]
    told: list[Any] = []
    gateway = make(wire_server, "choosy", no_wait)
    gateway.on_status(told.append)
    gateway.subscribe_to_trades(["A1", *(f"B{number}" for number in range(498)), "A2"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        assert json.loads((await peer.read_frame())[1]) == {"ask": good}, "in one message, at once"
        (refused,) = [event for event in told if isinstance(event, SubscriptionRefused)]
        assert (len(refused.streams), refused.streams[0]) == (498, "trades B0")
        assert refused.message == "Choosy._build_subscribe_message failed: ValueError('no B0')"
        await eventually(lambda: gateway.counters["subscriptions_refused"] == 498)
        down = [feed.symbol for feed in gateway.feeds() if feed.state is FeedState.DOWN]
        assert len(down) == 498
        assert not {"A1", "A2"} & set(down)
        calls = len(Choosy.turns)
        assert calls <= 2 * 500 + 1
        assert len(set(Choosy.turns)) == calls, "one call a turn"
        await eventually(lambda: gateway.counters["alerts"] == 1)
        peer.writer.transport.abort()
        again = await wire_server.serve()
        assert json.loads((await again.read_frame())[1]) == {"ask": good}
        await eventually(lambda: gateway.links[0].acknowledged)
        assert len(Choosy.turns) == calls + 1 + 498, "what was refused before is asked for alone"
        assert sum(isinstance(event, SubscriptionRefused) for event in told) == 1


@pytest.mark.usefixtures("_choosy")
async def test_a_hook_that_takes_fewer_in_a_message_gets_fewer(
    wire_server: Any, eventually: Any, no_wait: Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Choosy, "most", 2)
    gateway = make(wire_server, "choosy", no_wait)
    gateway.subscribe_to_trades(["A1", "A2", "A3", "A4", "A5", "B"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        asked = [json.loads((await peer.read_frame())[1])["ask"] for _ in range(3)]
        assert asked == [["A1", "A2"], ["A3", "A4"], ["A5"]]
        assert gateway.counters["subscriptions_refused"] == 1
        assert gateway.state("trades", "B") is FeedState.DOWN
        assert gateway.state("trades", "A5") is FeedState.SYNCING


@dataclass
class Planned(MyProviderAdapter):
    """Read by tradewire, so that its connections are those of venues."""

    plan: ClassVar[FieldPlan | None] = FieldPlan("planned", (Shape(Kind.CONTROL, "unread", value="-"),), dispatch="-")


@pytest.mark.parametrize("adapter", [MyProviderAdapter, Planned])
async def test_a_bearer_token_stands_in_the_upgrade_request(
    adapter: type[DataProviderAdapter], wire_server: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    StreamingGateway.register_provider("bearing", adapter)
    path = tmp_path / "c.yaml"
    path.write_text(f"""
credentials: {{mine: {{api_key: token-5d1f0c}}}}
streaming:
  symbols: [A]
  providers:
    - name: bearing
      auth_method: bearer
      credential: mine
      websocket_url: {wire_server.url}
      subscriptions: [trades]
""")
    path.chmod(0o600)
    caplog.set_level("DEBUG")
    async with StreamingGateway(path):
        peer = await wire_server.serve()
        assert b"\r\nAuthorization: Bearer token-5d1f0c\r\n" in peer.request
        assert json.loads((await peer.read_frame())[1])["action"] == "subscribe", "no login message"
    assert "token-5d1f0c" not in caplog.text


@dataclass
class LoggingIn(MyProviderAdapter):
    def _build_auth_message(self) -> dict[str, str]:
        return {"key": self.credential.api_key.reveal() if self.credential else ""}


@pytest.mark.parametrize("adapter", [LoggingIn, Planned])
async def test_reloads_apply_to_a_custom_provider_too(
    adapter: type[DataProviderAdapter],
    wire_server: Any,
    eventually: Any,
    no_wait: Random,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Other symbols on the connection that it has; another key, on one that is made anew and says why."""
    StreamingGateway.register_provider("reloaded", adapter)
    path = tmp_path / "c.yaml"

    def write(key: str, symbols: str, method: str) -> None:
        path.touch(0o600)
        path.write_text(f"""
credentials: {{mine: {{api_key: {key}}}}}
streaming:
  symbols: [{symbols}]
  providers:
    - name: reloaded
      auth_method: {method}
      credential: mine
      websocket_url: {wire_server.url}
      subscriptions: [trades]
""")

    method = "api_key" if adapter is LoggingIn else "bearer"
    write("one", "A", method)
    reasons: list[str] = []
    gateway = StreamingGateway(path, hot_reload=True, random=no_wait)
    gateway.on_status(
        lambda event: reasons.append(event.reason) if isinstance(event, ConnectionChanged) and event.reason else None
    )

    async def seen(peer: Any, key: str, symbols: list[str]) -> None:
        if adapter is LoggingIn:
            assert json.loads((await peer.read_frame())[1]) == {"key": key}
        else:
            assert f"Bearer {key}\r\n".encode() in peer.request
        assert json.loads((await peer.read_frame())[1])["symbols"] == symbols

    async with gateway:
        peer = await wire_server.serve()
        await seen(peer, "one", ["A"])
        write("one", "A, B", method)
        assert json.loads((await peer.read_frame())[1])["symbols"] == ["B"]
        assert gateway.counters["reloads.applied"] == 1
        write("two", "A, B", method)
        await seen(await wire_server.serve(), "two", ["A", "B"])
    assert wire_server.connections == 2
    assert reasons[0] == "the credential changed"
    assert gateway.counters["reloads.refused"] == 0


@dataclass
class Keyless(MyProviderAdapter):
    def _build_auth_message(self) -> Any:
        # As people write it who forget that there may be none.
        return {"key": self.credential.api_key.reveal()}  # type: ignore[union-attr]


async def test_a_login_that_cannot_be_built_calls_a_person_once(
    wire_server: Any, eventually: Any, no_wait: Random, caplog: pytest.LogCaptureFixture
) -> None:
    StreamingGateway.register_provider("keyless", Keyless)
    alerts: list[str] = []
    gateway = make(wire_server, "keyless", no_wait)
    gateway.on_status(lambda event: alerts.append(event.reason) if isinstance(event, FeedAlert) else None)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        for number in range(2):
            await wire_server.serve()
            await eventually(lambda number=number: gateway.counters["reconnects"] == number + 1)
        assert len(alerts) == 1
    assert "Keyless._build_auth_message failed: AttributeError(" in alerts[0]
    assert not any(record.exc_info for record in caplog.records)


def test_a_class_without_an_address_is_told_when_the_gateway_is_made() -> None:
    with pytest.raises(ValueError, match=r"^websocket_url of MyProviderAdapter must be ws://"):
        StreamingGateway(venue="my_provider")


def test_names_are_checked() -> None:
    assert StreamingGateway.AdapterMap["my_provider"] is MyProviderAdapter
    with pytest.raises(ValueError, match="'binance' is the name of a built-in venue"):
        StreamingGateway.register_provider("binance", MyProviderAdapter)
    with pytest.raises(TypeError, match="adapter must be a subclass of DataProviderAdapter"):
        StreamingGateway.register_provider("other", dict)  # type: ignore[arg-type]


def test_the_map_refuses_what_registering_refuses() -> None:
    known = StreamingGateway.AdapterMap
    with pytest.raises(ValueError, match="'binance' is the name of a built-in venue"):
        known["binance"] = MyProviderAdapter
    with pytest.raises(ValueError, match="'alpaca' is the name of a built-in venue"):
        known.update({"alpaca": MyProviderAdapter})
    with pytest.raises(TypeError, match="adapter must be a subclass of DataProviderAdapter"):
        known.setdefault("other", dict)  # type: ignore[arg-type]
    assert sorted(known) == ["my_provider", "parsing"]
