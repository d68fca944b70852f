"""One provider's part of a gateway: what it has, and what it says. Its life is in test_gateway.py."""

from __future__ import annotations

from random import Random

from tradewire.core import Histogram, SymbolTable, Wanted
from tradewire.streaming.dispatch import Dispatcher
from tradewire.streaming.manager import ProviderSettings, WebSocketManager
from tradewire.streaming.queues import default_policies
from tradewire.telemetry import Counters
from tradewire.telemetry.alerts import LogAlerts
from tradewire.venues.registry import load


def manager(name: str = "binance") -> WebSocketManager:
    symbols = SymbolTable()
    dispatcher = Dispatcher(Wanted(symbols), Histogram(1, 10**12, 3), 10, 100, default_policies())
    settings = ProviderSettings(name, load("binance"))
    return WebSocketManager(settings, symbols, dispatcher, Random(1), LogAlerts(Counters()), lambda *_: None)


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


def test_connections_of_a_provider_with_its_own_name_say_it() -> None:
    for name, expected in (("binance", "public"), ("backup", "backup/public")):
        made = manager(name)
        made.acquire(made.venue.channel("trades"), ["BTCUSDT"])
        assert [link.name for link in made.links] == [expected]
