"""Custom providers: what a subclass with one method gives, and what its hooks add."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from tradewire.core.record import Kind
from tradewire.errors import QueryError, RejectedError, UnsupportedError
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


def test_two_of_one_class_and_name_are_one_venue() -> None:
    assert AdapterVenue(Mine()) == AdapterVenue(Mine(websocket_url="ws://127.0.0.1:1"))
    assert len({AdapterVenue(Mine()), AdapterVenue(Mine()), AdapterVenue(Hooked())}) == 2
    assert AdapterVenue(Mine()) != AdapterVenue(Mine("other"))
    assert AdapterVenue(Mine()) != Mine()


def test_hooks() -> None:
    venue = AdapterVenue(Hooked())
    session = venue.session()
    assert session.opened() == (b"let me in",)
    assert session.unsubscribe(streams(venue, ("trades", "A"), ("trades", "B")), 1) == ["-trades:A,B"]


class Wrong(Mine):
    """Its hooks give, or raise, whatever they are told to."""

    def __init__(self, outcome: Any) -> None:
        super().__init__()
        self.outcome = outcome

    def _outcome(self) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> Any:
        return self._outcome()

    def _build_unsubscribe_message(self, channel: str, symbols: list[str]) -> Any:
        return self._outcome()

    def _build_auth_message(self) -> Any:
        return self._outcome()


_ROUND: list[Any] = []
_ROUND.append(_ROUND)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (5, " must return a mapping, a list, text or bytes, not empty, was int"),
        (0, " must return a mapping, a list, text or bytes, not empty, was int"),
        ([], " must return a mapping, a list, text or bytes, not empty, was an empty list"),
        ({}, " must return a mapping, a list, text or bytes, not empty, was an empty dict"),
        ("", " must return a mapping, a list, text or bytes, not empty, was an empty str"),
        ({"secret": object()}, " must return what JSON can hold: Object of type object is not JSON serializable"),
        (_ROUND, " must return what JSON can hold: Circular reference detected"),
        (KeyError("book"), " failed: KeyError('book')"),
    ],
)
def test_a_hook_that_gives_no_message_is_named(outcome: Any, said: str) -> None:
    session = AdapterVenue(Wrong(outcome)).session()
    names = ["trades A"]
    for hook, call in (
        ("_build_subscribe_message", lambda: session.subscribe(names, 1)),
        ("_build_unsubscribe_message", lambda: session.unsubscribe(names, 1)),
        ("_build_auth_message", session.opened),
    ):
        with pytest.raises(RejectedError, match=f"^{re.escape(f'Wrong.{hook}{said}')}$"):
            call()


def test_only_to_subscribe_takes_a_message() -> None:
    session = AdapterVenue(Wrong(None)).session()
    assert session.opened() == ()
    assert session.unsubscribe(["trades A"], 1) == []
    with pytest.raises(RejectedError, match=r"^Wrong._build_subscribe_message must return .* not empty, was NoneType$"):
        session.subscribe(["trades A"], 1)


def test_channels_that_tradewire_knows_carry_their_events() -> None:
    venue = AdapterVenue(Mine())
    kinds = {name: venue.channel(name).kind for name in ("trades", "quotes", "bars_5m", "moods")}
    assert kinds == {"trades": Kind.TRADE, "quotes": Kind.QUOTE, "bars_5m": Kind.BAR, "moods": Kind.TRADE}
    assert venue.channel("bars_5m").interval == "5m"


def test_addresses() -> None:
    assert AdapterVenue(Mine()).stream_url("") == "ws://127.0.0.1:9/feed"
    assert AdapterVenue(Mine()).stream_url("", "ws://127.0.0.1:8") == "ws://127.0.0.1:8"


def test_an_address_of_the_class_is_no_clear_text_to_another_machine() -> None:
    with_key = "wss://feed.example.com/v1?key=s3cret"
    assert AdapterVenue(Mine(websocket_url=with_key)).stream_url("") == with_key
    venue = AdapterVenue(Mine(websocket_url="ws://feed.example.com/v1?key=s3cret"))
    with pytest.raises(ValueError, match=r"^websocket_url of Mine must begin with wss:// .*; set it in the") as caught:
        venue.stream_url("")
    assert "s3cret" not in str(caught.value)


def test_without_an_address_it_says_where_to_write_one() -> None:
    venue = AdapterVenue(Mine(websocket_url=""))
    assert venue.stream_url("", "wss://127.0.0.1:8") == "wss://127.0.0.1:8"
    with pytest.raises(ValueError, match=r"^websocket_url of Mine must be ws://.*, was ''; set it in the class, or "):
        venue.stream_url("")


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
