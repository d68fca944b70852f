"""Who serves what, and what a stand-in takes over. Nothing is connected."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from made_batches import message
from tradewire import Secret
from tradewire.core import Callbacks, Histogram, SymbolTable, Wanted
from tradewire.core.record import Kind
from tradewire.streaming.dispatch import Dispatcher
from tradewire.streaming.manager import WebSocketManager
from tradewire.streaming.provider import ProviderSettings
from tradewire.streaming.queues import default_policies
from tradewire.streaming.shares import Shares
from tradewire.streaming.subscription import InlineRunner
from tradewire.telemetry import Counters
from tradewire.telemetry.alerts import LogAlerts
from tradewire.transport.auth import Credential
from tradewire.venues.registry import load

KEY = Credential(Secret("PK1"), Secret("hush"))


class Desk:
    def __init__(self, *providers: tuple[str, str]) -> None:
        symbols = SymbolTable()
        self.latency = Histogram(1, 10**12, 3)
        self.dispatcher = Dispatcher(Wanted(symbols), Callbacks(symbols), self.latency, 10, default_policies())
        self.managers: dict[str, WebSocketManager] = {}
        self.symbol = "BTC/USDT" if providers else "BTCUSDT"
        for name, venue in providers or (("main", "binance"), ("twin", "binance"), ("spot", "binance_spot")):
            settings = ProviderSettings(
                name, load(venue), credential=KEY, symbols=frozenset({self.symbol}), standby=name == "twin"
            )
            self.managers[name] = WebSocketManager(
                settings, symbols, self.dispatcher, Random(1), LogAlerts(Counters()), lambda *_: None
            )
        self.shares = Shares(self.managers, self.dispatcher)
        self.ended: list[Any] = []

    def subscribe(self, channel: str, runner: InlineRunner | None = None, provider: str | None = None) -> Any:
        shares = self.shares.of(channel, [self.symbol], provider)
        return self.shares.subscribe(shares, runner, self.ended.append)

    def runner(self) -> InlineRunner:
        return InlineRunner(lambda _: None, self.latency)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_every_provider_whose_configuration_has_the_symbol_serves_it_but_standbys(desk: Desk) -> None:
    assert [manager.name for manager, _, _ in desk.shares.of("trades", ["btc/usdt"], None)] == ["main", "spot"]
    assert [manager.name for manager, _, _ in desk.shares.of("mark_price", ["BTCUSDT"], None)] == ["main"]
    assert [manager.name for manager, _, _ in desk.shares.of("trades", ["SOLUSDT"], "twin")] == ["twin"]


def test_a_closed_subscription_leaves_nothing(desk: Desk) -> None:
    runner = desk.runner()
    subscription = desk.subscribe("trades", runner)
    assert desk.dispatcher.runners == [runner]
    subscription.close()
    assert desk.ended == [runner]
    assert desk.dispatcher.runners == []
    assert [manager.feeds() for manager in desk.managers.values()] == [[], [], []]


def test_a_twin_of_the_same_venue_takes_over_without_a_second_route(desk: Desk) -> None:
    desk.subscribe("trades", desk.runner(), "main")
    routes = dict(desk.dispatcher._routes)
    end = desk.shares.mirror(desk.managers["main"], desk.managers["twin"])
    assert [feed.symbol for feed in desk.managers["twin"].feeds()] == ["BTCUSDT"]
    assert desk.dispatcher._routes == routes
    main, twin = (desk.managers[name]._intake.twin for name in ("main", "twin"))
    assert main.given is twin.given
    assert (main.active, twin.active) == (True, True)
    settle = end()
    assert desk.managers["twin"].feeds() == []
    assert (main.active, twin.active) == (True, True), "what both have sent is on its way"
    settle()
    assert (main.active, twin.active) == (False, False)


def test_trades_without_numbers_are_forgotten_when_nothing_could_repeat_them() -> None:
    desk = Desk(("main", "alpaca_crypto"), ("twin", "alpaca_crypto"))
    main, twin = desk.managers["main"], desk.managers["twin"]
    desk.subscribe("trades", desk.runner(), "main")
    (feed,) = main.feeds()
    backfill = main._intake.backfill

    def trade(seq: int) -> Any:
        return message(Kind.TRADE, [(1.0, 1.0, seq)], symbol=feed.symbol_id, seq=seq, event_ns=seq)

    def is_known() -> bool:
        desk.shares.tick()
        given = main._intake.twin.given
        assert backfill.given is given is twin._intake.twin.given
        return given.has(feed, 7, 7)

    backfill.begin(feed)
    desk.dispatcher.deliver(trade(1), [], [], 0)
    for is_lost in (False, True):
        end = desk.shares.mirror(main, twin)
        twin._intake.twin.sift(trade(7))
        again = desk.shares.mirror(main, twin)
        assert is_known()
        settle, settle_again = end(), again()
        assert is_known(), "what both have sent is on its way"
        settle()
        assert is_known(), "another one stands in still"
        if is_lost:
            backfill.lost([feed])
        settle_again()
        assert is_known() is is_lost, "the back-fill would bring it again"
    main.release(feed)
    assert not is_known()


def test_another_venue_takes_over_with_routes_of_its_own(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    runner = desk.runner()
    subscription = desk.subscribe("trades", runner, "main")
    desk.subscribe("mark_price", None, "main")
    end = desk.shares.mirror(desk.managers["main"], desk.managers["spot"])
    assert len(desk.dispatcher._routes) == 2
    assert not any(manager._intake.twin.active for manager in desk.managers.values()), "other trades, other numbers"
    assert "spot cannot stand in: binance_spot has no channel 'mark_price'" in caplog.text
    end()
    assert len(desk.dispatcher._routes) == 1
    assert desk.dispatcher.runners == [runner], "the primary's route stays"
    subscription.close()


def test_a_provider_that_goes_takes_its_part_along(desk: Desk) -> None:
    subscription = desk.subscribe("trades", desk.runner())
    desk.shares.close_of(desk.managers["spot"])
    assert desk.managers["spot"].feeds() == []
    assert len(desk.managers["main"].feeds()) == 1
    subscription.close()
    assert desk.managers["main"].feeds() == []


def test_who_is_told_that_a_feed_is_gone_may_close_its_subscription(desk: Desk) -> None:
    subscription = desk.subscribe("trades", provider="spot")
    other = desk.subscribe("quotes", provider="spot")
    told: list[Any] = []

    def on_status(event: Any) -> None:
        told.append((event.channel, event.reason))
        subscription.close()
        other.close()

    desk.dispatcher.observe_status(on_status)
    desk.shares.close_of(desk.managers["spot"])
    assert told == [("trades", "no longer wanted"), ("quotes", "no longer wanted")]
    assert desk.managers["spot"].feeds() == []


def test_a_subscription_closed_meanwhile_is_closed_on_the_stand_in_too(desk: Desk) -> None:
    subscription = desk.subscribe("trades", desk.runner(), "main")
    end = desk.shares.mirror(desk.managers["main"], desk.managers["spot"])
    subscription.close()
    assert desk.dispatcher._routes == {}
    assert desk.dispatcher.runners == []
    assert desk.managers["spot"].feeds() == []
    end()


def test_a_subscription_begun_meanwhile_is_served_by_the_stand_in(desk: Desk) -> None:
    end = desk.shares.mirror(desk.managers["main"], desk.managers["spot"])
    subscription = desk.subscribe("trades", desk.runner(), "main")
    assert [feed.symbol for feed in desk.managers["spot"].feeds()] == ["BTCUSDT"]
    assert len(desk.dispatcher._routes) == 2
    end()
    assert desk.managers["spot"].feeds() == []
    assert len(desk.dispatcher._routes) == 1
    subscription.close()
    desk.subscribe("trades", desk.runner(), "main")
    assert desk.managers["spot"].feeds() == [], "it stands in no more"
