"""When a stand-in comes and goes, on invented time. With sockets: tests/integration."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tradewire.core.record import Kind
from tradewire.streaming.events import FallbackChanged, FeedState
from tradewire.streaming.fallback import Fallbacks
from tradewire.streaming.health import Feed
from tradewire.venues.base import Channel

SECOND = 1_000_000_000


TRADES = Channel("trades", Kind.TRADE, 60 * SECOND)
LIQUIDATIONS = Channel("liquidations", Kind.LIQUIDATION, None)


def feed_of(channel: Channel, state: FeedState) -> Feed:
    feed = Feed(channel, "BTCUSDT", 0, channel.stale_after_ns, 0, 0)
    feed.state = state
    return feed


def manager(name: str, *states: FeedState) -> Any:
    feeds = [feed_of(TRADES, state) for state in states]
    return SimpleNamespace(name=name, venue=SimpleNamespace(name="binance"), feeds=lambda: feeds)


class Gateway:
    def __init__(self) -> None:
        self.emitted: list[FallbackChanged] = []
        self.mirrored: list[str] = []
        self.fallbacks = Fallbacks(self.mirror, self.emitted.append)

    def mirror(self, primary: Any, standin: Any) -> Any:
        self.mirrored.append(f"{primary.name} on {standin.name}")

        def close() -> Any:
            self.mirrored.append("closed")
            return lambda: self.mirrored.append("settled")

        return close


def test_a_stand_in_comes_once() -> None:
    gateway, primary, standin = Gateway(), manager("main", FeedState.DOWN), manager("spare")
    for _ in range(2):
        gateway.fallbacks.begin(primary, standin, "refused", 7)
    assert gateway.mirrored == ["main on spare"]
    assert gateway.fallbacks.active == {"main": "spare"}
    assert gateway.emitted == [FallbackChanged("binance", "main", "spare", True, "refused", 7)]


def test_it_goes_when_every_feed_was_back_for_a_while() -> None:
    gateway, primary = Gateway(), manager("main", FeedState.LIVE, FeedState.DOWN)
    gateway.fallbacks.begin(primary, manager("spare"), "refused", 0)
    for second in range(1, 20):
        gateway.fallbacks.tick(second * SECOND, 0)
    assert gateway.fallbacks.active
    primary.feeds()[1].state = FeedState.LIVE
    gateway.fallbacks.tick(20 * SECOND, 0)
    primary.feeds()[0].state = FeedState.STALE
    gateway.fallbacks.tick(23 * SECOND, 0)
    primary.feeds()[0].state = FeedState.LIVE
    for second in range(24, 29):
        gateway.fallbacks.tick(second * SECOND, 0)
    assert gateway.fallbacks.active, "it was away in between"
    gateway.fallbacks.tick(29 * SECOND, 9)
    assert gateway.mirrored[-1] == "closed"
    assert gateway.emitted[-1] == FallbackChanged("binance", "main", "spare", False, "it is back", 9)
    assert gateway.fallbacks.active == {}
    gateway.fallbacks.tick(34 * SECOND - 1, 9)
    assert gateway.mirrored[-1] == "closed", "what it sent last may be on its way"
    gateway.fallbacks.tick(34 * SECOND, 9)
    assert gateway.mirrored[-2:] == ["closed", "settled"]


def test_a_connected_channel_that_is_silent_by_nature_does_not_keep_the_stand_in() -> None:
    gateway, primary = Gateway(), manager("main", FeedState.LIVE)
    sparse = feed_of(LIQUIDATIONS, FeedState.DOWN)
    primary.feeds().append(sparse)
    gateway.fallbacks.begin(primary, manager("spare"), "refused", 0)
    for second in range(1, 20):
        gateway.fallbacks.tick(second * SECOND, 0)
    assert gateway.fallbacks.active, "its connection is gone"
    sparse.state = FeedState.SYNCING
    for second in range(20, 26):
        gateway.fallbacks.tick(second * SECOND, 0)
    assert gateway.fallbacks.active == {}


def test_a_channel_that_should_speak_and_does_not_yet_keeps_the_stand_in() -> None:
    gateway, primary = Gateway(), manager("main", FeedState.LIVE, FeedState.SYNCING)
    gateway.fallbacks.begin(primary, manager("spare"), "refused", 0)
    for second in range(1, 20):
        gateway.fallbacks.tick(second * SECOND, 0)
    assert gateway.fallbacks.active


@pytest.mark.parametrize("state", [FeedState.DOWN, FeedState.STALE])
def test_what_the_provider_refuses_does_not_keep_the_stand_in(state: FeedState) -> None:
    gateway, primary = Gateway(), manager("main", FeedState.LIVE, state)
    primary.feeds()[1].refused = True
    gateway.fallbacks.begin(primary, manager("spare"), "lost", 0)
    for second in range(1, 6):
        gateway.fallbacks.tick(second * SECOND, 0)
    assert gateway.fallbacks.active
    gateway.fallbacks.tick(6 * SECOND, 0)
    assert gateway.fallbacks.active == {}


def test_a_provider_that_refuses_everything_is_not_back() -> None:
    gateway, primary = Gateway(), manager("main", FeedState.DOWN)
    primary.feeds()[0].refused = True
    gateway.fallbacks.begin(primary, manager("spare"), "lost", 0)
    for second in range(1, 20):
        gateway.fallbacks.tick(second * SECOND, 0)
    assert gateway.fallbacks.active


@pytest.mark.parametrize("gone", ["main", "spare"])
def test_a_provider_that_is_gone_neither_has_nor_is_a_stand_in(gone: str) -> None:
    gateway, primary = Gateway(), manager("main", FeedState.DOWN)
    gateway.fallbacks.begin(primary, manager("spare"), "refused", 0)
    gateway.fallbacks.forget("other", 8)
    assert gateway.fallbacks.active
    gateway.fallbacks.forget(gone, 9)
    assert gateway.fallbacks.active == {}
    assert gateway.mirrored[-2:] == ["closed", "settled"], "nothing can come of it any more"
    assert gateway.emitted[-1] == FallbackChanged("binance", "main", "spare", False, f"{gone} is gone", 9)
    gateway.fallbacks.begin(primary, manager("second"), "refused", 10)
    assert gateway.fallbacks.active == {"main": "second"}
