"""One provider's part of a gateway: what it has, and what it says. Its life is in test_gateway.py."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tradewire import Secret
from tradewire.core import Callbacks, Histogram, SymbolTable, Wanted, monotonic_ns
from tradewire.errors import MissingCredentialError, UnsupportedError
from tradewire.streaming.dispatch import Dispatcher
from tradewire.streaming.evidence import Verdict
from tradewire.streaming.ladder import Rung
from tradewire.streaming.manager import WebSocketManager
from tradewire.streaming.provider import ProviderSettings
from tradewire.streaming.queues import default_policies
from tradewire.streaming.stream_requests import Refusal
from tradewire.telemetry import Counters
from tradewire.telemetry.alerts import LogAlerts
from tradewire.transport.auth import Credential
from tradewire.venues.registry import load


def manager(name: str = "binance", venue: str = "binance", alerts: Any = None, **options: Any) -> WebSocketManager:
    symbols = SymbolTable()
    dispatcher = Dispatcher(Wanted(symbols), Callbacks(symbols), Histogram(1, 10**12, 3), 10, default_policies())
    settings = ProviderSettings(name, load(venue), **options)
    return WebSocketManager(settings, symbols, dispatcher, Random(1), alerts or LogAlerts(Counters()), lambda *_: None)


def test_feeds_are_found_in_any_spelling() -> None:
    made = manager()
    (feed,) = made.acquire(made.venue.channel("trades"), ["BTCUSDT"])
    assert made.feed("trades", "btc/usdt") is feed
    assert made.feed("quotes", "BTCUSDT") is None
    made.release(feed)
    assert made.feeds() == []


def test_channels_are_known_without_an_exception() -> None:
    assert manager().has_channel("mark_price")
    assert not manager().has_channel("statuses")


KEY = Credential(Secret("PK1"), Secret("hush"))


def test_what_the_venue_cannot_be_asked_with_shows_at_once() -> None:
    with pytest.raises(MissingCredentialError, match="ALPACA_API_KEY"):
        manager("alpaca", "alpaca")
    with pytest.raises(UnsupportedError, match="codec was 'msgpack'"):
        manager(codec="msgpack")


def test_books_whose_snapshots_come_in_the_stream_ask_nothing_of_the_ring() -> None:
    made = manager("alpaca_crypto", "alpaca_crypto", credential=KEY, ring_capacity=16)
    assert made.acquire(made.venue.channel("book"), ["BTC/USD"])


@pytest.mark.parametrize(
    "act",
    [lambda made, feed: made._begin_anew(feed), lambda made, feed: made._act(feed, Rung.RESNAPSHOT, Verdict.MUTE)],
)
def test_such_a_book_is_built_anew_by_subscribing_again(act: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = manager("alpaca_crypto", "alpaca_crypto", credential=KEY)
    (feed,) = made.acquire(made.venue.channel("book"), ["BTC/USD"])
    renewed: list[str] = []
    monkeypatch.setattr(made.links[0], "renew", renewed.append)
    act(made, feed)
    assert renewed == ["BTC/USD@orderbooks"]


def test_a_feed_that_stays_mute_when_the_one_that_was_called_for_speaks_is_called_for() -> None:
    made = manager()
    first, late = made.acquire(made.venue.channel("trades"), ["BTCUSDT", "ETHUSDT"])
    complaints, later = made._complaints, monotonic_ns() + 3_000_000_000
    made._act(first, Rung.ALERT, Verdict.MUTE)
    assert len(complaints.due(later)) == 1
    made._act(late, Rung.ALERT, Verdict.MUTE)
    made._act(late, Rung.RESUBSCRIBE, Verdict.MUTE)
    made._health.touch(first, 1, later + 1, 0)
    assert complaints.due(later + 1) == complaints.rest() == []
    made._act(late, Rung.RESUBSCRIBE, Verdict.MUTE)
    assert [call.reason for call in complaints.rest()] == ["trades of ETHUSDT: silent while the venue is not"]


class Port:
    """Keeps what a person is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def alert(self, source: str, title: str, message: str) -> None:
        self.told.append((source, title, message))


def test_books_that_stay_unsynchronised_are_one_call_that_names_each_once() -> None:
    port = Port()
    made = manager(alerts=port)
    first, second = made.acquire(made.venue.channel("book"), ["BTCUSDT", "ETHUSDT"])
    made._on_stuck_book(first, "HTTP 503")
    made._make_calls(made._complaints.rest())
    assert port.told == [("streaming", "binance needs a look", "book of BTCUSDT: cannot be synchronised: HTTP 503")], (
        "the feed is named once"
    )
    for feed in (first, second):
        made._health.touch(feed, 1, monotonic_ns(), 0)
        made._on_stuck_book(feed, "HTTP 503")
    made._make_calls(made._complaints.rest())
    (_, _, message) = port.told[1]
    assert message.startswith("2 feeds of connection public (book of BTCUSDT, book of ETHUSDT): cannot be")


@pytest.mark.parametrize(
    ("hit", "cause"),
    [
        (lambda made, feed: made._on_refused(feed, "public", Refusal(4, "no such stream")), "refused with code 4"),
        (lambda made, feed: made._act(feed, Rung.ALERT, Verdict.REFUSED), "the venue says that it has no such symbol"),
    ],
)
def test_a_second_symbol_that_is_refused_alike_is_called_for_once_too(hit: Any, cause: str) -> None:
    made = manager()
    first, second = made.acquire(made.venue.channel("trades"), ["BTCUSDT", "ETHUSDT"])
    complaints, later = made._complaints, monotonic_ns() + 3_000_000_000
    hit(made, first)
    assert len(complaints.due(later)) == 1
    for _ in range(2):
        hit(made, first)
        hit(made, second)
    assert complaints.due(later) == [], "not one call after the other"
    (call,) = complaints.due(later + 30_000_000_000)
    assert call.symbol == "ETHUSDT"
    assert cause in call.reason


def test_an_alert_port_that_raises_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Alerts:
        def alert(self, *_: str) -> None:
            raise OSError("no mail today")

    made = manager(alerts=Alerts())
    told: list[Any] = []
    made._intake.dispatcher.observe_status(told.append)
    made.alert("trades", "BTCUSDT", "it is mute")
    assert [event.reason for event in told] == ["it is mute"]
    assert "the alert port raised OSError('no mail today') on: it is mute" in caplog.messages
