"""Connections of a provider without a server: names, number, whom they call. Their life is in test_gateway.py."""

from __future__ import annotations

import gc
import weakref
from random import Random
from typing import Any

import pytest

from frames import TEXT, frame
from tradewire.core import Callbacks, Histogram, SymbolTable, Wanted
from tradewire.streaming import StreamingGateway
from tradewire.streaming.connections import Connections
from tradewire.streaming.dispatch import Dispatcher
from tradewire.streaming.events import (
    ConnectionChanged,
    ConnectionState,
    FeedState,
    FeedStateChanged,
    GapDetected,
    SubscriptionRefused,
)
from tradewire.streaming.intake import Intake
from tradewire.streaming.link import Link
from tradewire.streaming.provider import ProviderSettings
from tradewire.streaming.provider_rest import ProviderRest
from tradewire.streaming.queues import default_policies
from tradewire.streaming.stream_requests import Refusal
from tradewire.venues.registry import load


class Desk:
    """Connections of one provider, and whom they called."""

    def __init__(self, name: str = "binance", **options: Any) -> None:
        symbols = SymbolTable()
        dispatcher = Dispatcher(Wanted(symbols), Callbacks(symbols), Histogram(1, 10**12, 3), 10, default_policies())
        self.settings = ProviderSettings(name, load("binance"), **options)
        intake = Intake(
            self.settings,
            symbols,
            dispatcher,
            lambda: pytest.fail("asked"),
            lambda _: None,
            Random(1),
            lambda *_: pytest.fail("a book"),
        )
        self.alerts: list[str] = []
        self.troubles: list[str] = []
        self.refused: list[Any] = []
        rest = ProviderRest(self.settings, lambda _: None, lambda _: None, intake.counters)
        self.connections = Connections(
            self.settings,
            symbols,
            intake,
            self.alerts.append,
            lambda *told: self.refused.append(told),
            self.troubles.append,
            Random(1),
            rest,
        )
        venue = self.settings.venue
        self.connections.roster.acquire_all(venue.channel("trades"), ["BTCUSDT"])

    def fail(self, attempt: int) -> None:
        link = self.connections.links[0]
        event = ConnectionChanged("binance", link.name, ConnectionState.RECONNECTING, "refused", attempt, 0, 1)
        self.connections.on_link(link, event)


def test_connections_of_a_provider_with_its_own_name_say_it() -> None:
    for name, expected in (("binance", "public"), ("backup", "backup/public")):
        assert [link.name for link in Desk(name).connections.links] == [expected]


def test_streams_beyond_a_connections_limit_go_to_a_second_one() -> None:
    gateway = StreamingGateway(symbols=[f"S{number}USDT" for number in range(1_030)], channels=["trades"])
    assert [(link.name, len(link)) for link in gateway.links] == [("public", 1024), ("public-2", 6)]


def test_what_is_refused_is_down_until_it_is_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    connections = desk.connections
    connections.roster.acquire_all(connections.settings.venue.channel("trades"), ["ETHUSDT"])
    refusals = {"ethusdt@trade": Refusal(2, "no such stream")}
    monkeypatch.setattr(Link, "refusal", lambda _, stream: refusals.get(stream))
    monkeypatch.setattr(Link, "grants", lambda _, stream: stream not in refusals)
    monkeypatch.setattr(Link, "stands_alone", lambda *_: False)
    connections.on_refused(SubscriptionRefused("binance", "public", ("ethusdt@trade",), 2, "no such stream", 1))
    one, other = connections.intake.health.feeds()
    assert (one.state, other.state) == (FeedState.SYNCING, FeedState.DOWN)
    assert (desk.refused, other.refused) == ([], False), "others of its message may be the reason"
    monkeypatch.setattr(Link, "stands_alone", lambda _, stream: stream == "ethusdt@trade")
    connections.look_for_refused()
    assert desk.refused == [(other, "public", (2, "no such stream"))]
    assert (one.refused, other.refused) == (False, True)
    refusals.clear()
    connections.look_for_refused()
    assert (other.state, other.refused) == (FeedState.SYNCING, False)


def test_refused_streams_are_counted_and_named_once_and_without_those_refused_beside_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    connections, counters = desk.connections, desk.connections.intake.counters
    connections.roster.acquire_all(connections.settings.venue.channel("trades"), ["ETHUSDT"])
    refusal = Refusal(2, "no such stream")
    refusals = {"btcusdt@trade": refusal, "ethusdt@trade": refusal}
    monkeypatch.setattr(Link, "refusal", lambda _, stream: refusals.get(stream))
    monkeypatch.setattr(Link, "stands_alone", lambda *_: False)
    connections.on_refused(SubscriptionRefused("binance", "public", tuple(refusals), *refusal, 1))
    assert counters["subscriptions_refused"] == 0
    del refusals["btcusdt@trade"]
    for sure in (True, False, True):
        monkeypatch.setattr(Link, "stands_alone", lambda *_, sure=sure: sure)
        connections.look_for_refused()
        assert counters["subscriptions_refused"] == 1
    refusals.clear()
    connections.look_for_refused()
    refusals["ethusdt@trade"] = refusal
    connections.look_for_refused()
    assert counters["subscriptions_refused"] == 2, "granted meanwhile"
    connections.on_refused(SubscriptionRefused("binance", "public", (), 3, "no session", 1))
    assert counters["subscriptions_refused"] == 3
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    said = "binance refused ethusdt@trade: no such stream (code 2)"
    assert errors == [said, said, "binance refused the session: no session (code 3)"]


def test_a_connection_that_is_given_up_has_no_live_peers_and_none_are_searched_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    connections, health = desk.connections, desk.connections.intake.health
    connections.roster.acquire_all(connections.settings.venue.channel("trades"), ["ETHUSDT"])
    mute, live = health.feeds()
    monkeypatch.setattr(Link, "is_held", True)
    assert not connections.has_live_peers(mute)
    health.touch(live, 1, 1, 1)
    assert connections.has_live_peers(mute)
    assert not connections.has_live_peers(live)
    monkeypatch.setattr(Link, "is_held", False)
    monkeypatch.setattr(connections.roster, "places", lambda: pytest.fail("searched"))
    assert not connections.has_live_peers(mute)


def test_an_end_for_good_calls_a_person_and_the_fallback() -> None:
    desk = Desk()
    desk.connections.on_fatal(desk.connections.links[0], "auth failed")
    assert desk.alerts == desk.troubles == ["public: auth failed"]


def test_too_many_unreadable_messages_are_a_gap_of_every_feed_and_call_a_person(frames: Any) -> None:
    desk = Desk(bad_messages_per_min=3)
    connections, intake = desk.connections, desk.connections.intake
    (link,) = connections.links
    told: list[Any] = []
    intake.dispatcher.observe_status(told.append)
    read = b"".join(frame(TEXT, payload) for payload in (b"[", b"{}]", frames.trade(1)))
    for storms, states in ((0, ["live"]), (1, ["live", "gap"])):
        result = intake.pipeline.reader().feed(read, 1)
        assert result.error_count == 2
        connections.on_read(link, result, len(read))
        assert intake.counters["bad_message_storms"] == storms
        assert [event.state for event in told if isinstance(event, FeedStateChanged)] == states
    assert sum(isinstance(event, GapDetected) for event in told) == 1
    assert desk.alerts == ["public: more than 3 unreadable messages in a minute"]
    assert intake.counters["messages.trade"] == 2, "what can be read is delivered"


def test_an_outage_is_told_once_and_the_next_one_again() -> None:
    desk = Desk(reconnect_attempts=2)
    said = "public: {} connection attempts in a row failed, the last one: refused"
    for attempt in (1, 2, 3, 4):
        desk.fail(attempt)
    assert desk.alerts == desk.troubles == [said.format(2)]
    for attempt in (1, 2, 3):
        desk.fail(attempt)
    assert desk.alerts == desk.troubles == [said.format(2)] * 2


def test_of_a_connection_that_was_replaced_nothing_is_kept() -> None:
    desk = Desk(reconnect_attempts=1)
    connections = desk.connections
    desk.fail(1)
    (old,) = connections.links
    connections.on_link(old, ConnectionChanged("binance", old.name, ConnectionState.CONNECTING, "", 0, 0, 1))
    connections._replace(old, connections._open_link(old.name, old.route, connections))
    kept = weakref.ref(old)
    del old
    gc.collect()
    assert kept() is None


def test_a_lost_connection_that_served_is_no_failed_attempt() -> None:
    desk = Desk(reconnect_attempts=1)
    desk.fail(0)
    assert desk.alerts == desk.troubles == []
    desk.fail(1)
    assert desk.alerts == desk.troubles == ["public: the connection attempt failed: refused"]
