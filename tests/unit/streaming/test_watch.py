"""The watch over a whole gateway: from configuration to warnings, alerts and incidents. Time is an argument."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from tradewire.core import Histogram, Trade, monotonic_ns
from tradewire.core.record import MORE, RECORD, Kind
from tradewire.streaming import FeedAlert, FeedState, StreamingGateway
from tradewire.streaming.watch import values_above

S = 1_000_000_000
ONE = """
streaming:
  symbols: [BTCUSDT]
  providers: [{name: binance, subscriptions: [trades]}]
  buffer_size: 100
streaming_health:
"""
TRADE: Any = Trade(
    venue="binance", symbol="BTCUSDT", event_ns=0, recv_ns=0, seq=1, price=1.0, quantity=2.0, side="buy", trade_id=1
)


def gateway_of(tmp_path: Path, health: str, **options: Any) -> StreamingGateway:
    path = tmp_path / "streaming.yaml"
    path.write_text(ONE + health)
    return StreamingGateway(path, **options)


@pytest.mark.parametrize("seed", range(5))
def test_values_above_a_limit_are_counted_to_the_bucket(seed: int) -> None:
    random = Random(seed)
    histogram = Histogram(1, 3_600 * S, 3)
    values = [int(10 ** random.uniform(3, 10)) for _ in range(1_000)]
    for value in values:
        histogram.record(value)
    for limit in (1, 10**5, 10**8, 10**11):
        least, most = (sum(value > limit * factor for value in values) for factor in (1.002, 0.998))
        assert least <= values_above(histogram, limit) <= most
    assert values_above(Histogram(1, S, 3), 5) == 0


def test_limits_of_the_file_are_checked_and_escalate(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, str, str]] = []

    class Port:
        def alert(self, source: str, title: str, message: str) -> None:
            told.append((source, title, message))

    gateway = gateway_of(
        tmp_path,
        "  monitoring: {check_interval: 5}\n"
        "  thresholds: {max_latency_ms: 100, max_queue_depth: 2}\n"
        "  alerts: {escalation_threshold: 2}\n",
        alerts=Port(),
    )
    events = gateway.events()
    gateway._dispatcher.publish([TRADE] * 3, 0)
    (feed,) = gateway.feeds()
    feed.state = FeedState.STALE
    gateway._watch.tick(0, 1)
    venue = gateway.managers["binance"].latency.venue
    for _ in range(10):
        venue.record(200_000_000)
    assert [incident.text for incident in gateway.incidents()] == [
        "3 events wait in one queue, more than 2",
        "1 of 1 feeds are silent, broken or down",
    ]
    gateway._watch.tick(4 * S, 2)
    assert len(gateway.incidents()) == 2, "not yet time for the next check"
    gateway._watch.tick(5 * S, 3)
    assert gateway.failing == {("", "queue"), ("binance", "freshness"), ("binance", "latency")}
    assert [message for _, _, message in told] == [
        "consumers: 3 events wait in one queue, more than 2",
        "binance: 1 of 1 feeds are silent, broken or down",
    ]
    assert {incident.kind for incident in gateway.incidents()[2:]} == {"alert", "warning"}
    assert events.queue.pop()[0] is TRADE
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 3
    feed.state = FeedState.LIVE
    events.close()
    gateway._watch.tick(10 * S, 4)
    assert [incident.kind for incident in gateway.incidents()[-2:]] == ["recovered", "recovered"]


async def test_a_consumer_that_gets_its_events_late_is_told(tmp_path: Path) -> None:
    gateway = gateway_of(tmp_path, "  thresholds: {max_latency_ms: 100}\n")
    events = gateway.events()
    gateway._watch.tick(0, 1)
    gateway._dispatcher.publish([TRADE], monotonic_ns() - S)
    assert await anext(events) is TRADE
    gateway._watch.tick(5 * S, 2)
    assert gateway.failing == {("", "latency")}
    gateway._watch.tick(10 * S, 3)
    assert gateway.failing == set()
    events.close()


def test_batches_count_by_their_messages(tmp_path: Path) -> None:
    gateway = gateway_of(tmp_path, "  thresholds: {max_queue_depth: 2}\n")
    batches = gateway.batches()
    bar = np.zeros(2, RECORD)
    bar["kind"], bar["flags"] = Kind.BAR, (MORE, 0)
    for at, failing in enumerate([set(), set(), {("", "queue")}]):
        gateway._dispatcher.deliver(bar, [], [], 0)
        gateway._watch.tick(at * 5 * S, 1)
        assert gateway.failing == failing
    batches.close()


def test_an_alert_is_a_typed_event(tmp_path: Path) -> None:
    gateway = gateway_of(tmp_path, "  alerts: {escalation_threshold: 1}\n")
    seen: list[Any] = []
    gateway.on_status(seen.append)
    gateway.feeds()[0].state = FeedState.DOWN
    gateway._watch.tick(0, 1)
    assert [(type(event), event.reason) for event in seen] == [
        (FeedAlert, "binance: 1 of 1 feeds are silent, broken or down")
    ]


@pytest.mark.parametrize(
    ("alerts", "logged", "counted"),
    [
        ("{}", True, 1),
        ("{channels: [log]}", True, 0),
        ("{channels: [metrics]}", False, 1),
        ("{channels: []}", False, 0),
        ("{enabled: false}", False, 0),
    ],
)
def test_alerts_go_where_the_file_says(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, alerts: str, logged: bool, counted: int
) -> None:
    gateway = gateway_of(tmp_path, f"  alerts: {alerts}\n")
    gateway.managers["binance"].alert("", "", "fire")
    assert any("fire" in record.getMessage() for record in caplog.records) is logged
    assert gateway.counters["alerts"] == counted


@pytest.mark.parametrize("health", ["  monitoring: {enabled: false}\n", None])
def test_nothing_is_checked_where_nobody_asked(tmp_path: Path, health: str | None) -> None:
    gateway = gateway_of(tmp_path, health) if health else StreamingGateway(symbols=["BTCUSDT"], channels=["trades"])
    gateway.feeds()[0].state = FeedState.STALE
    gateway._watch.tick(0, 1)
    assert gateway.incidents() == []
    assert gateway.failing == set()


def test_a_reload_changes_limits_and_switches_the_watch_off(tmp_path: Path) -> None:
    gateway = gateway_of(tmp_path, "  thresholds: {max_queue_depth: 2}\n")
    events = gateway.events()
    gateway._dispatcher.publish([TRADE] * 3, 0)
    gateway._watch.tick(0, 1)
    assert gateway.failing == {("", "queue")}
    gateway._apply(gateway_of(tmp_path, "  thresholds: {max_queue_depth: 3}\n")._configured.plan)  # type: ignore[union-attr]
    gateway._watch.tick(5 * S, 1)
    assert gateway.failing == set()
    gateway._apply(gateway_of(tmp_path, "  monitoring: {enabled: false}\n")._configured.plan)  # type: ignore[union-attr]
    gateway._dispatcher.publish([TRADE] * 3, 0)
    gateway._watch.tick(10 * S, 1)
    assert gateway.failing == set()
    events.close()


def test_a_standby_provider_is_not_judged(tmp_path: Path) -> None:
    text = """
streaming:
  symbols: [BTCUSDT]
  providers:
    - {name: binance, subscriptions: [trades], fallback: spare}
    - {name: spare, venue: binance, standby: true}
streaming_health:
  thresholds: {min_throughput_msg_per_sec: 1}
"""
    path = tmp_path / "streaming.yaml"
    path.write_text(text)
    gateway = StreamingGateway(path)
    gateway._watch.tick(0, 1)
    gateway._watch.tick(5 * S, 1)
    assert gateway.failing == {("binance", "throughput")}


def test_the_health_server_is_answered_with_a_hint(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    gateway_of(tmp_path, "  api: {enabled: true}\n")
    (record,) = [record for record in caplog.records if "streaming_health.api" in record.getMessage()]
    assert record.levelno == logging.WARNING
    assert "--metrics-port" in record.getMessage()
    assert "\n" not in record.getMessage()


async def test_it_runs_with_the_gateway(tmp_path: Path, eventually: Any) -> None:
    path = tmp_path / "streaming.yaml"
    path.write_text(
        "streaming:\n  symbols: [BTCUSDT]\n  providers:\n"
        "    - {name: binance, subscriptions: [trades], websocket_url: 'ws://127.0.0.1:9', rest_url: 'http://127.0.0.1:9'}\n"
        "streaming_health: {monitoring: {check_interval: 0.1}, alerts: {escalation_threshold: 2}}\n"
    )
    gateway = StreamingGateway(path)
    async with gateway:
        await eventually(lambda: any(incident.kind == "alert" for incident in gateway.incidents()))
    assert gateway.export_incidents(tmp_path / "incidents.jsonl") == len(gateway.incidents())
    kinds = {incident.kind for incident in gateway.incidents()}
    assert {"reconnecting", "warning", "alert"} <= kinds
