"""What is read from a gateway for other programs: names, units, and a bounded number of series."""

from __future__ import annotations

import ast
import math
import time
from pathlib import Path
from typing import Any

import pytest

from tradewire import streaming
from tradewire.core import Quote, Trade
from tradewire.monitoring.families import Family, read_gateway
from tradewire.streaming import FeedState, StreamingGateway
from tradewire.streaming.dispatch import CONSUMERS
from tradewire.streaming.queues import EVENTS
from tradewire.telemetry import Counters

#: Label names are a promise to dashboards: a new metric is added here, an old one stays as it is.
NAMES = {
    "tradewire_active_connections": ("provider",),
    "tradewire_alerts": (),
    "tradewire_backfill_errors": ("provider",),
    "tradewire_backfill_repeats": ("provider",),
    "tradewire_backfilled_trades": ("provider",),
    "tradewire_bad_message_storms": ("provider",),
    "tradewire_notices": ("provider",),
    "tradewire_notices_lost": ("provider",),
    "tradewire_batches": ("provider",),
    "tradewire_book_gaps": ("provider",),
    "tradewire_book_resyncs": ("provider",),
    "tradewire_book_restarts": ("provider",),
    "tradewire_breaker_state": ("provider", "state"),
    "tradewire_bytes": ("provider",),
    "tradewire_callback_errors": (),
    "tradewire_callback_latency_seconds": (),
    "tradewire_callback_slow": (),
    "tradewire_clock_offset_seconds": ("provider",),
    "tradewire_clock_errors": ("provider",),
    "tradewire_clock_rtt_seconds": ("provider",),
    "tradewire_config_applied_timestamp_seconds": (),
    "tradewire_config_reloads": ("result",),
    "tradewire_connection_latency_seconds": ("provider",),
    "tradewire_consumers": ("consumer",),
    "tradewire_decode_errors": ("provider",),
    "tradewire_drop_ratio": ("provider",),
    "tradewire_duplicates": ("provider",),
    "tradewire_evidence": ("provider", "verdict"),
    "tradewire_fallback_active": ("provider",),
    "tradewire_feed_incidents": ("provider", "channel", "incident"),
    "tradewire_feed_state": ("provider", "channel", "state"),
    "tradewire_freshness_seconds": ("provider", "channel"),
    "tradewire_latency_negative": ("provider",),
    "tradewire_latency_seconds": ("provider", "hop"),
    "tradewire_messages": ("provider", "kind"),
    "tradewire_messages_late": ("provider",),
    "tradewire_messages_missing": ("provider",),
    "tradewire_messages_not_json": ("provider",),
    "tradewire_paused_seconds": ("provider",),
    "tradewire_protocol_errors": ("provider", "code"),
    "tradewire_queue_conflated": ("consumer", "event"),
    "tradewire_queue_depth": ("consumer",),
    "tradewire_queue_depth_max": ("consumer",),
    "tradewire_queue_dropped": ("consumer", "event"),
    "tradewire_rate_limit_closed_seconds": ("provider",),
    "tradewire_rate_limit_granted": ("provider",),
    "tradewire_rate_limit_refusals": ("provider", "status"),
    "tradewire_rate_limit_turned_away": ("provider",),
    "tradewire_rate_limit_waiting": ("provider",),
    "tradewire_rate_limit_waits": ("provider",),
    "tradewire_reconnects": ("provider",),
    "tradewire_remedies": ("provider", "remedy"),
    "tradewire_rotations": ("provider",),
    "tradewire_rotations_abandoned": ("provider",),
    "tradewire_sequence_incidents": ("provider", "incident"),
    "tradewire_sequence_skipped": ("provider",),
    "tradewire_snapshot_errors": ("provider",),
    "tradewire_socket_reads": ("provider",),
    "tradewire_subscriptions_refused": ("provider",),
    "tradewire_threshold_exceeded": ("provider", "check"),
    "tradewire_time_jumps": ("provider",),
}
#: What `streaming` counts and no metric tells, and why.
UNTOLD = {
    "messages": "the sum of `tradewire_messages`, and what is injected",
    "messages.injected": "REST answers are no traffic of a stream; their kinds are counted",
    "snapshots": "those that helped are tradewire_book_resyncs, the others tradewire_snapshot_errors",
    "snapshot_errors": "the sum of those by symbol, of which the metric is made",
    "book_": "what a book does with single deltas while it is built; breaks are tradewire_book_gaps",
}
HEAD = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}


def read(gateway: StreamingGateway, now_ns: int = 0) -> dict[str, Family]:
    return {family.name: family for family in read_gateway(gateway, now_ns)}


def value(family: Family, *labels: str) -> float:
    (found,) = [sample.value for sample in family.samples if sample.labels == labels and not sample.suffix]
    return found


def test_names_and_labels_are_fixed() -> None:
    found = read_gateway(StreamingGateway(), 0)
    assert {family.name: family.labels for family in found} == NAMES
    assert len({family.name for family in found}) == len(found)
    for family in found:
        assert all(len(sample.labels) == len(family.labels) for sample in family.samples), family.name


def test_three_providers_with_200_symbols_have_few_series(tmp_path: Path) -> None:
    symbols = ", ".join(f"C{number}USDT" for number in range(200))
    providers = "\n".join(
        f"    - {{name: {name}, venue: {venue}, subscriptions: [trades, quotes, book, bars_1m, bars_5m, ticker]}}"
        for name, venue in (("a", "binance"), ("b", "binance_spot"), ("c", "binance"))
    )
    path = tmp_path / "streaming.yaml"
    path.write_text(f"streaming:\n  symbols: [{symbols}]\n  providers:\n{providers}\n")
    gateway = StreamingGateway(path)
    assert len(gateway.feeds()) == 3 * 6 * 200
    for feed in gateway.feeds():
        feed.state = FeedState.LIVE
        gateway.managers["a"].counters.add(f"snapshot_errors.{feed.symbol}")
    found = read(gateway)
    samples = [sample for family in found.values() for sample in family.samples]
    assert len(samples) < 1_000
    assert not any("USDT" in label for sample in samples for label in sample.labels)
    assert value(found["tradewire_feed_state"], "b", "bars_5m", "live") == 200
    assert value(found["tradewire_snapshot_errors"], "a") == 3600


def test_counters_are_those_of_each_provider() -> None:
    gateway = StreamingGateway()
    counters = gateway.managers["binance"].counters
    counters.add_all({"trade": 97, "bar": 403, "injected": 5}, "messages.")
    counters.add_all(
        {"messages": 500, "bytes": 1_000, "messages_missing": 5, "messages_late": 2, "sequence_gap": 2, "reconnects": 4}
    )
    counters.add_all({"evidence.mute": 6, "remedies.reconnect": 7, "protocol_errors.1009": 8})
    found = read(gateway)
    assert value(found["tradewire_messages"], "binance", "trade") == 97
    assert value(found["tradewire_messages"], "binance", "quote") == 0
    assert not [sample for sample in found["tradewire_messages"].samples if "injected" in sample.labels]
    assert value(found["tradewire_bytes"], "binance") == 1_000
    assert value(found["tradewire_drop_ratio"], "binance") == 0.03
    assert value(found["tradewire_sequence_incidents"], "binance", "gap") == 2
    assert value(found["tradewire_evidence"], "binance", "mute") == 6
    assert value(found["tradewire_remedies"], "binance", "reconnect") == 7
    assert value(found["tradewire_protocol_errors"], "binance", "1009") == 8
    assert value(found["tradewire_reconnects"], "binance") == 4


def counted() -> set[str]:
    """The names that `streaming` counts; of composed ones what is in front."""
    names = set()
    for path in Path(streaming.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add"):
                continue
            if not ast.unparse(node.func.value).endswith("counters"):
                continue
            name = node.args[0]
            names.add(ast.literal_eval(name.values[0] if isinstance(name, ast.JoinedStr) else name))
    return names


def test_whatever_is_counted_is_told_or_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    one, several = Counters.__getitem__, Counters.group

    def noted(counters: Counters, name: str) -> int:
        asked.add(name)
        return one(counters, name)

    def noted_group(counters: Counters, prefix: str) -> dict[str, int]:
        asked.add(prefix)
        return several(counters, prefix)

    monkeypatch.setattr(Counters, "__getitem__", noted)
    monkeypatch.setattr(Counters, "group", noted_group)
    read(StreamingGateway(symbols=["BTCUSDT"], channels=["trades"]))
    names = counted()
    assert len(names) > 20
    composed = tuple(name for name in names if name.endswith((".", "_")))
    told = {name for name in names if name in asked or (name in composed and any(a.startswith(name) for a in asked))}
    # Counters that are told begin with it as well.
    told.discard("book_")
    assert names - told == UNTOLD.keys()


def test_alerts_to_a_port_of_ones_own_are_counted_too() -> None:
    class Port:
        def alert(self, source: str, title: str, message: str) -> None:
            raise RuntimeError("broken")

    gateway = StreamingGateway(alerts=Port())
    gateway.managers["binance"].alert("", "", "look")
    (sample,) = read(gateway)["tradewire_alerts"].samples
    assert sample.value == 1


async def test_what_became_of_changed_configurations(tmp_path: Path, eventually: Any) -> None:
    path = tmp_path / "streaming.yaml"
    text = "streaming: {buffer_size: 10, providers: [{name: binance, subscriptions: [trades], symbols: [BTCUSDT]}]}"
    path.write_text(text)
    before_s = time.time()
    gateway = StreamingGateway(path, hot_reload=True)

    def applied_s() -> float:
        return value(read(gateway)["tradewire_config_applied_timestamp_seconds"])

    since_s = applied_s()
    assert before_s <= since_s <= time.time()
    assert value(read(StreamingGateway())["tradewire_config_applied_timestamp_seconds"]) == 0
    assert gateway._configured is not None
    await gateway._configured.start(gateway._apply)
    for changed, applied, refused in (("9", 1, 0), ("9, bufer_size: 9", 1, 1), ("8", 2, 1)):
        path.write_text(text.replace("10", changed))
        await eventually(lambda: sum(gateway.counters.group("reloads.").values()) == applied + refused)  # noqa: B023
        reloads = read(gateway)["tradewire_config_reloads"]
        assert (value(reloads, "applied"), value(reloads, "refused")) == (applied, refused)
    assert since_s < applied_s() <= time.time()
    await gateway._configured.stop()


def test_pauses_are_told_in_seconds() -> None:
    gateway = StreamingGateway()
    gateway.managers["binance"].counters.add("paused_ns", 1_500_000_000)
    assert value(read(gateway)["tradewire_paused_seconds"], "binance") == 1.5


async def test_a_provider_that_another_one_stands_in_for_is_1(tmp_path: Path) -> None:
    path = tmp_path / "streaming.yaml"
    path.write_text(
        "streaming: {symbols: [BTCUSDT], providers: [{name: binance, subscriptions: [trades], fallback: spot}, "
        "{name: spot, venue: binance_spot, standby: true}]}"
    )
    gateway = StreamingGateway(path)
    assert value(read(gateway)["tradewire_fallback_active"], "binance") == 0
    gateway.managers["binance"]._trouble("it is mute")
    found = read(gateway)["tradewire_fallback_active"]
    assert (value(found, "binance"), value(found, "spot")) == (1, 0)
    await gateway.stop()


@pytest.mark.parametrize("state", ["live", "stale", "down", "gap", "syncing"])
def test_freshness_is_that_of_the_feed_that_is_silent_for_longest(state: str) -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT", "ETHUSDT"], channels=["quotes"])
    for feed, age_s, its in zip(gateway.feeds(), (1, 50), ("live", state), strict=True):
        feed.heard_ns, feed.state = (100 - age_s) * 10**9, FeedState(its)
        # A reconnect begins to wait anew, and has heard nothing yet.
        feed.last_ns = 100 * 10**9
    found = read(gateway, 100 * 10**9)["tradewire_freshness_seconds"]
    assert [(sample.labels, sample.value) for sample in found.samples] == [(("binance", "quotes"), 50.0)]


@pytest.mark.parametrize("change", [{"stale_after_ns": None}, {"refused": True}, {"unheard": True}], ids=str)
def test_freshness_leaves_out_whom_nobody_expects_to_speak(change: dict[str, Any]) -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT", "ETHUSDT"], channels=["quotes"])
    loud, silent = gateway.feeds()
    loud.heard_ns, silent.heard_ns = 99 * 10**9, 10**9
    for name, is_so in change.items():
        setattr(silent, name, is_so)
    found = read(gateway, 100 * 10**9)["tradewire_freshness_seconds"]
    assert value(found, "binance", "quotes") == 1.0
    for name, is_so in change.items():
        setattr(loud, name, is_so)
    assert read(gateway, 100 * 10**9)["tradewire_freshness_seconds"].samples == []


def test_feeds_are_counted_by_state() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT", "ETHUSDT", "SOLUSDT"], channels=["trades"])
    for feed, state in zip(gateway.feeds(), ("live", "live", "stale"), strict=True):
        feed.state = FeedState(state)
    found = read(gateway)
    assert value(found["tradewire_feed_state"], "binance", "trades", "live") == 2
    assert value(found["tradewire_feed_state"], "binance", "trades", "stale") == 1
    assert value(found["tradewire_feed_state"], "binance", "trades", "gap") == 0


def test_latencies_are_summaries_in_seconds() -> None:
    gateway = StreamingGateway()
    manager = gateway.managers["binance"]
    for milliseconds in range(1, 101):
        manager.latency.venue.record(milliseconds * 1_000_000)
    manager.latency.venue.record(-5)
    manager.connecting.record(250_000_000)
    found = read(gateway)
    venue = [sample for sample in found["tradewire_latency_seconds"].samples if sample.labels[1] == "venue"]
    assert {sample.quantile: sample.value for sample in venue if sample.quantile} == pytest.approx(
        {0.5: 0.05, 0.99: 0.099, 0.999: 0.1}, rel=2e-3
    )
    assert {sample.suffix: sample.value for sample in venue if sample.suffix} == pytest.approx(
        {"_count": 100, "_sum": 5.05}, rel=2e-3
    )
    assert value(found["tradewire_latency_negative"], "binance") == 1
    opening = found["tradewire_connection_latency_seconds"].samples
    assert opening[0].value == pytest.approx(0.25, rel=2e-3)
    callbacks = found["tradewire_callback_latency_seconds"].samples
    assert math.isnan(callbacks[0].value), "of nothing there is no quantile"


def test_queues_by_sort_of_consumer_and_losses_outlive_the_consumer() -> None:
    gateway = StreamingGateway(queue_capacity=2)
    events = gateway.events()
    trade: Any = Trade(price=1.0, quantity=2.0, side="buy", trade_id=1, **HEAD)
    quote: Any = Quote(bid_price=1.0, bid_quantity=2.0, ask_price=3.0, ask_quantity=4.0, **HEAD)
    gateway._dispatcher.publish([trade, trade, trade, quote, quote], 0)
    found = read(gateway)
    assert value(found["tradewire_queue_depth"], "events") == 3
    assert value(found["tradewire_queue_depth_max"], "events") == 3
    assert value(found["tradewire_consumers"], "events") == 1
    dropped, conflated = found["tradewire_queue_dropped"], found["tradewire_queue_conflated"]
    assert (value(dropped, "events", "trade"), value(conflated, "events", "quote")) == (1, 1)
    assert sum(sample.value for sample in (*dropped.samples, *conflated.samples)) == 2
    expected = {(consumer, event) for consumer in CONSUMERS for event in EVENTS}
    assert {sample.labels for sample in dropped.samples} == expected, "the same from the start"
    events.close()
    found = read(gateway)
    assert value(found["tradewire_consumers"], "events") == 0
    assert value(found["tradewire_queue_dropped"], "events", "trade") == 1, "a counter never falls"


def test_what_callbacks_did_wrong_outlives_them() -> None:
    gateway = StreamingGateway()
    first = gateway.subscribe_to_trades(["BTCUSDT"], lambda _: None)
    gateway.subscribe_to_quotes(["BTCUSDT"], lambda _: None)
    for runner, count in zip(gateway._dispatcher.runners, (2, 3), strict=True):
        runner.stats.errors, runner.stats.slow = count, 10 * count
    for _ in range(2):
        found = read(gateway)
        (raised,), (slow,) = found["tradewire_callback_errors"].samples, found["tradewire_callback_slow"].samples
        assert (raised.value, slow.value) == (5, 50)
        first.close()
    assert len(gateway._dispatcher.runners) == 1


def test_what_is_beyond_its_threshold_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamingGateway, "failing", property(lambda _: {("binance", "latency"), ("", "queue")}))
    found = read(StreamingGateway())["tradewire_threshold_exceeded"]
    assert value(found, "binance", "latency") == 1
    assert value(found, "binance", "freshness") == 0
    assert value(found, "", "queue") == 1
    assert value(found, "", "latency") == 0
