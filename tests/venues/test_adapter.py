"""Custom providers: what a subclass with one method gives, and what its hooks add."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from tradewire.core.record import Kind
from tradewire.errors import QueryError, UnsupportedError
from tradewire.transport.http import HttpClient
from tradewire.venues.adapter import AdapterVenue, DataProviderAdapter, RawMessage


@dataclass
class Mine(DataProviderAdapter):
    name: str = "mine"
    websocket_url: str = "ws://127.0.0.1:9/feed"

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> dict[str, Any]:
        return {"action": "subscribe", "channel": channel, "symbols": symbols}


@dataclass
class Hooked(Mine):
    def _build_unsubscribe_message(self, channel: str, symbols: list[str]) -> str:
        return f"-{channel}:{','.join(symbols)}"

    def _build_auth_message(self) -> bytes:
        return b"let me in"


def streams(venue: AdapterVenue, *pairs: tuple[str, str]) -> list[str]:
    return [venue.stream(venue.channel(channel), symbol).name for channel, symbol in pairs]


def test_requests_are_grouped_by_channel() -> None:
    venue = AdapterVenue(Mine())
    session = venue.session()
    names = streams(venue, ("trades", "A"), ("quotes", "A"), ("trades", "B/USD"))
    assert [json.loads(message) for message in session.subscribe(names, 1)] == [
        {"action": "subscribe", "channel": "trades", "symbols": ["A", "B/USD"]},
        {"action": "subscribe", "channel": "quotes", "symbols": ["A"]},
    ]
    assert session.unsubscribe(names, 2) == []
    assert session.opened() == ()
    assert session.take(b"{}") == ()
    assert session.ready
    assert not session.acknowledges


def test_hooks() -> None:
    venue = AdapterVenue(Hooked())
    session = venue.session()
    assert session.opened() == (b"let me in",)
    assert session.unsubscribe(streams(venue, ("trades", "A"), ("trades", "B")), 1) == ["-trades:A,B"]


def test_channels_that_tradewire_knows_carry_their_events() -> None:
    venue = AdapterVenue(Mine())
    kinds = {name: venue.channel(name).kind for name in ("trades", "quotes", "bars_5m", "moods")}
    assert kinds == {"trades": Kind.TRADE, "quotes": Kind.QUOTE, "bars_5m": Kind.BAR, "moods": Kind.TRADE}
    assert venue.channel("bars_5m").interval == "5m"


def test_addresses() -> None:
    assert AdapterVenue(Mine()).stream_url("") == "ws://127.0.0.1:9/feed"
    assert AdapterVenue(Mine()).stream_url("", "ws://127.0.0.1:8") == "ws://127.0.0.1:8"


@pytest.mark.parametrize("text", ["", "A B", "x" * 65])
def test_what_is_no_symbol(text: str) -> None:
    with pytest.raises(ValueError, match="symbol must be 1 to 64 bytes"):
        AdapterVenue(Mine()).symbol(text)


def test_without_the_one_method_it_says_so() -> None:
    with pytest.raises(NotImplementedError, match="must have _build_subscribe_message"):
        DataProviderAdapter()._build_subscribe_message("trades", ["A"])


def test_without_a_plan_there_is_only_json() -> None:
    with pytest.raises(UnsupportedError, match="mine has no field plan, so its codec is json, was 'msgpack'"):
        AdapterVenue(Mine()).session(codec="msgpack")


async def test_it_has_no_rest() -> None:
    rest = AdapterVenue(Mine()).rest(HttpClient())
    with pytest.raises(QueryError):
        await rest.snapshot("A")
    with pytest.raises(UnsupportedError):
        await rest.server_time_ns()


def test_a_raw_message_belongs_to_every_symbol() -> None:
    assert RawMessage("mine", {"p": 1}, 5).symbol == ""
