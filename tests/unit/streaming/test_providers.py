"""Providers of a gateway as plans come: added, changed, removed. What configurations say is in test_configured.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tradewire import Secret
from tradewire.streaming import FeedStateChanged, StreamingGateway
from tradewire.streaming.events import FeedState
from tradewire.streaming.plan import GatewayPlan
from tradewire.streaming.provider import ProviderSettings
from tradewire.transport.auth import Credential
from tradewire.venues.registry import load

BINANCE = ProviderSettings("binance", load("binance"), symbols=frozenset({"BTCUSDT"}))
SPOT = ProviderSettings("spot", load("binance_spot"), symbols=frozenset({"ETHUSDT"}))


def plan_of(*providers: ProviderSettings, trades: dict[str, tuple[str, ...]]) -> GatewayPlan:
    subscriptions = tuple((name, "trades", symbols) for name, symbols in trades.items())
    return GatewayPlan({settings.name: settings for settings in providers}, subscriptions, 10)


def feeds_of(gateway: StreamingGateway) -> list[tuple[str, str]]:
    return [(feed.channel.name, feed.symbol) for feed in gateway.feeds()]


def applied(gateway: StreamingGateway, plan: GatewayPlan) -> list[tuple[str, str]]:
    gateway._providers.apply(plan, gateway.subscribe)
    return feeds_of(gateway)


def test_providers_come_and_go_with_their_subscriptions() -> None:
    gateway = StreamingGateway()
    own = gateway.managers["binance"].settings
    first = plan_of(own, SPOT, trades={"binance": ("BTCUSDT",), "spot": ("ETHUSDT",)})
    assert applied(gateway, first) == [("trades", "BTCUSDT"), ("trades", "ETHUSDT")]
    assert gateway.subscriptions == {("binance", "trades"): ("BTCUSDT",), ("spot", "trades"): ("ETHUSDT",)}
    assert applied(gateway, plan_of(own, trades={"binance": ("BTCUSDT",)})) == [("trades", "BTCUSDT")]
    assert list(gateway.managers) == ["binance"]


def test_who_is_told_that_a_provider_s_feeds_are_gone_may_close_and_subscribe() -> None:
    gateway = StreamingGateway()
    own = gateway.managers["binance"].settings
    applied(gateway, plan_of(own, SPOT, trades={"spot": ("ETHUSDT", "SOLUSDT")}))
    mine = gateway.subscribe("trades", ["SOLUSDT", "ETHUSDT"], provider="spot")
    told: list[tuple[str, FeedState, str]] = []

    def on_status(event: FeedStateChanged) -> None:
        told.append((event.symbol, event.state, event.reason))
        mine.close()
        gateway.subscribe("quotes", ["BTCUSDT"])

    gateway.on_status(on_status)
    assert set(applied(gateway, plan_of(own, trades={}))) == {("quotes", "BTCUSDT")}
    assert sorted(told) == [(symbol, FeedState.DOWN, "no longer wanted") for symbol in ("ETHUSDT", "SOLUSDT")]


def test_what_a_plan_does_not_change_keeps_its_feed_and_connection() -> None:
    gateway = StreamingGateway()
    own = gateway.managers["binance"].settings
    applied(gateway, plan_of(own, trades={"binance": ("BTCUSDT",)}))
    kept, links = gateway.feeds()[0], gateway.links
    changed = replace(own, reconnect_attempts=9)
    assert applied(gateway, plan_of(changed, trades={"binance": ("BTCUSDT", "ETHUSDT")})) == [
        ("trades", "BTCUSDT"),
        ("trades", "ETHUSDT"),
    ]
    assert gateway.feeds()[0] is kept
    assert gateway.links == links
    assert gateway.managers["binance"].settings.reconnect_attempts == 9


async def test_trouble_brings_in_the_fallback_that_the_plan_names() -> None:
    gateway = StreamingGateway()
    own = replace(gateway.managers["binance"].settings, fallback="spot")
    applied(gateway, plan_of(own, replace(SPOT, standby=True), trades={"binance": ("BTCUSDT",)}))
    told: list[Any] = []
    gateway.on_status(told.append)
    gateway.managers["binance"]._trouble("it is mute")
    assert [(event.fallback, event.active, event.reason) for event in told] == [("spot", True, "it is mute")]
    assert feeds_of(gateway) == [("trades", "BTCUSDT"), ("trades", "BTCUSDT")]
    await gateway.stop()


async def test_what_a_fallback_gave_is_forgotten_some_time_after_it_was_let_go() -> None:
    gateway = StreamingGateway()
    crypto = load("alpaca_crypto")
    key = Credential(Secret("PK1"), Secret("hush"))
    own = ProviderSettings("crypto", crypto, credential=key, symbols=frozenset({"BTC/USD"}), fallback="spare")
    applied(gateway, plan_of(own, replace(own, name="spare", standby=True), trades={"crypto": ("BTC/USD",)}))
    providers, main = gateway._providers, gateway.managers["crypto"]
    (feed,) = main.feeds()
    main._trouble("it is mute")
    given = main._intake.twin.given
    given.add(feed, 7, 70)
    main._health.touch(feed, 1, 1, 1)
    known = []
    for second in range(1, 20):
        providers.tick(second * 1_000_000_000, 1)
        known.append(given.has(feed, 7, 70))
    assert known == [True] * 10 + [False] * 9, "5 s to be sure that it is back, 5 s for what is on its way"
    await gateway.stop()
