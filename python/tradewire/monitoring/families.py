"""The metrics of a gateway as plain data: names, units, labels, samples. Knows no exporter (`prometheus.py`).

Names follow Prometheus: `tradewire_`, the unit in full (`_seconds`, `_bytes`), `_total` for what only grows. No label
holds a symbol, a price or an account: the number of series depends on providers and channels alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tradewire.core.record import Kind
from tradewire.streaming.dispatch import CONSUMERS
from tradewire.streaming.events import ConnectionState, FeedState
from tradewire.streaming.evidence import Verdict
from tradewire.streaming.ladder import Rung
from tradewire.streaming.queues import EVENTS
from tradewire.streaming.thresholds import Check
from tradewire.transport.policy.breaker import BreakerState

if TYPE_CHECKING:
    from tradewire.core.protocols import HistogramProtocol
    from tradewire.streaming import StreamingGateway, WebSocketManager
    from tradewire.telemetry import Counters

__all__ = ["Family", "Sample", "read_gateway"]

_QUANTILES = (0.5, 0.99, 0.999)
#: A level is a part of a message; "raw" are those of custom providers that nobody reads.
_KINDS = (*(kind.name.lower() for kind in Kind if kind is not Kind.LEVEL), "raw")
_RELOADS = ("applied", "refused")
_GAPS = ("gap", "duplicate", "reordered")
#: What a frame reader ends a connection with: protocol, text, fragments, size.
_CLOSE_CODES = ("1002", "1007", "1008", "1009")


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one moment.

    Attributes:
        labels: values in the order of the family's label names.
        value: now.
        suffix: `_count` or `_sum` of a summary.
        quantile: of a summary; None: not one.
    """

    labels: tuple[str, ...]
    value: float
    suffix: str = ""
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: without `_total`.
        doc: in words.
        sort: of metric.
        labels: names, always the same.
        samples: its series.
    """

    name: str
    doc: str
    sort: Literal["counter", "gauge", "summary"]
    labels: tuple[str, ...]
    samples: list[Sample] = field(default_factory=list)

    def add(self, *labels: str, value: float) -> None:
        """Adds a series."""
        self.samples.append(Sample(labels, value))

    def summarise(self, *labels: str, histogram: HistogramProtocol) -> None:
        """Adds the quantiles, sum and count of a histogram of nanoseconds, in seconds."""
        count = histogram.count
        values = histogram.percentiles([100 * quantile for quantile in _QUANTILES])
        for quantile, value_ns in zip(_QUANTILES, values, strict=True):
            # Of nothing there is no quantile: NaN, as Prometheus' own clients say it.
            self.samples.append(Sample(labels, value_ns / 1e9 if count else float("nan"), quantile=quantile))
        self.samples.append(Sample(labels, count, "_count"))
        self.samples.append(Sample(labels, histogram.mean * count / 1e9, "_sum"))


def read_gateway(gateway: StreamingGateway, now_ns: int) -> list[Family]:
    """Everything about a gateway. Called on its event loop, or while none runs.

    Args:
        gateway: started or not.
        now_ns: monotonic.
    """
    managers = gateway.managers
    readers = (_traffic, _losses, _connections, _healing, _limits, _latency)
    found = [family for reader in readers for family in reader(managers)]
    return [*found, *_feeds(managers, now_ns), *_consumers(gateway), *_gateway(gateway)]


def _counted(
    managers: Mapping[str, WebSocketManager], name: str, doc: str, label: str, prefix: str, values: tuple[str, ...]
) -> Family:
    """A counter with a second label, from the counters `prefix` and one of `values`."""
    family = Family(name, doc, "counter", ("provider", label))
    for provider, manager in managers.items():
        for value in values:
            family.add(provider, value, value=manager.counters[prefix + value])
    return family


def _total(managers: Mapping[str, WebSocketManager], name: str, doc: str, counter: str) -> Family:
    family = Family(name, doc, "counter", ("provider",))
    for provider, manager in managers.items():
        family.add(provider, value=manager.counters[counter])
    return family


def _traffic(managers: Mapping[str, WebSocketManager]) -> Iterator[Family]:
    yield _counted(managers, "tradewire_messages", "Messages decoded.", "kind", "messages.", _KINDS)
    yield _total(managers, "tradewire_bytes", "Bytes read from streaming connections.", "bytes")
    yield _total(managers, "tradewire_socket_reads", "Reads of streaming connections.", "reads")
    yield _total(managers, "tradewire_batches", "Batches that messages were handed on in.", "batches")
    paused = Family(
        "tradewire_paused_seconds",
        "Time for which streaming connections were not read, because what had come was still to be handed on.",
        "counter",
        ("provider",),
    )
    for provider, manager in managers.items():
        paused.add(provider, value=manager.counters["paused_ns"] / 1e9)
    yield paused
    yield _total(managers, "tradewire_decode_errors", "Messages refused by the decoder.", "decode_errors")
    yield _total(
        managers, "tradewire_messages_not_json", "Messages of custom providers that are no JSON.", "messages_not_json"
    )
    yield _counted(
        managers,
        "tradewire_protocol_errors",
        "Connections ended because the venue broke the WebSocket protocol.",
        "code",
        "protocol_errors.",
        _CLOSE_CODES,
    )


def _losses(managers: Mapping[str, WebSocketManager]) -> Iterator[Family]:
    yield _total(managers, "tradewire_book_gaps", "Breaks in the sequence of a book.", "book_gaps")
    yield _total(managers, "tradewire_book_resyncs", "Books rebuilt from a snapshot after a break.", "resyncs")
    yield _counted(
        managers,
        "tradewire_sequence_incidents",
        "Numbered messages that came after a gap, twice or out of order.",
        "incident",
        "sequence_",
        _GAPS,
    )
    yield _total(
        managers, "tradewire_messages_missing", "Numbered messages that did not come in their turn.", "messages_missing"
    )
    yield _total(
        managers, "tradewire_messages_late", "Numbered messages that were missing, and came later.", "messages_late"
    )
    ratio = Family(
        "tradewire_drop_ratio", "Numbered messages that never came, of all numbered ones.", "gauge", ("provider",)
    )
    for provider, manager in managers.items():
        ratio.add(provider, value=manager.drop_rate)
    yield ratio
    by_channel = Family(
        "tradewire_feed_incidents",
        "Numbered messages that came after a gap, twice or out of order, by channel.",
        "counter",
        ("provider", "channel", "incident"),
    )
    for provider, manager in managers.items():
        for channel in dict.fromkeys(feed.channel.name for feed in manager.feeds()):
            for incident in _GAPS:
                by_channel.add(provider, channel, incident, value=manager.counters[f"sequence_{incident}.{channel}"])
    yield by_channel
    yield _total(managers, "tradewire_backfilled_trades", "Lost trades fetched by request.", "backfilled")
    yield _total(managers, "tradewire_backfill_errors", "Requests for lost trades that failed.", "backfill_errors")
    yield _total(
        managers,
        "tradewire_backfill_repeats",
        "Trades that came after their own back-fill, and were not delivered again.",
        "backfill_repeats",
    )
    yield _total(
        managers,
        "tradewire_sequence_skipped",
        "Numbers that were missing and for which, as a request showed, the venue has no message.",
        "sequence_skipped",
    )
    yield _total(
        managers,
        "tradewire_book_restarts",
        "Streams of books asked for again because their snapshot did not come.",
        "book_restarts",
    )
    yield _total(
        managers,
        "tradewire_time_jumps",
        "Messages whose venue time is more than an hour from their receipt.",
        "time_jumps",
    )
    failed = Family("tradewire_snapshot_errors", "Book snapshots that could not be had.", "counter", ("provider",))
    for provider, manager in managers.items():
        failed.add(provider, value=sum(manager.counters.group("snapshot_errors.").values()))
    yield failed


def _connections(managers: Mapping[str, WebSocketManager]) -> Iterator[Family]:
    active = Family("tradewire_active_connections", "Streaming connections that are open.", "gauge", ("provider",))
    breakers = Family(
        "tradewire_breaker_state", "Connections by the state of their circuit breaker.", "gauge", ("provider", "state")
    )
    opening = Family(
        "tradewire_connection_latency_seconds",
        "Time to open a streaming connection: TCP, TLS and handshake.",
        "summary",
        ("provider",),
    )
    for provider, manager in managers.items():
        links = manager.links
        active.add(provider, value=sum(link.state is ConnectionState.CONNECTED for link in links))
        for state in BreakerState:
            breakers.add(provider, state, value=sum(link.breaker_state is state for link in links))
        opening.summarise(provider, histogram=manager.connecting)
    yield active
    yield breakers
    yield opening
    yield _total(managers, "tradewire_reconnects", "Connections lost, and failed attempts to renew them.", "reconnects")
    yield _total(managers, "tradewire_rotations", "Connections renewed before the venue ended them.", "rotations")
    yield _total(
        managers,
        "tradewire_rotations_abandoned",
        "Renewals given up because the new connection did not serve in time.",
        "rotations_abandoned",
    )
    yield _total(
        managers,
        "tradewire_duplicates",
        "Messages that came twice: on a connection and its successor, or from a provider and its stand-in.",
        "duplicates",
    )
    yield _total(
        managers,
        "tradewire_subscriptions_refused",
        "Streams or sessions that a venue refused.",
        "subscriptions_refused",
    )


def _healing(managers: Mapping[str, WebSocketManager]) -> Iterator[Family]:
    yield _counted(
        managers, "tradewire_evidence", "Verdicts on silent feeds.", "verdict", "evidence.", tuple(map(str, Verdict))
    )
    yield _counted(
        managers, "tradewire_remedies", "Actions for silent feeds.", "remedy", "remedies.", tuple(map(str, Rung))
    )
    yield _total(
        managers,
        "tradewire_bad_message_storms",
        "Connections given up for too many unreadable messages.",
        "bad_message_storms",
    )
    yield _total(managers, "tradewire_notices", "Halts, price bands, trades taken back and the like.", "notices")
    yield _total(
        managers,
        "tradewire_notices_lost",
        "Payloads with halts, price bands and the like that could not be read, or were too many in one read.",
        "notices_lost",
    )


def _limits(managers: Mapping[str, WebSocketManager]) -> Iterator[Family]:
    granted = Family(
        "tradewire_rate_limit_granted",
        "Requests let through by a rate limit, of all providers that share it.",
        "counter",
        ("provider",),
    )
    full = Family(
        "tradewire_rate_limit_turned_away",
        "Requests refused: too many waited for a rate limit, of all providers that share it.",
        "counter",
        ("provider",),
    )
    waits = Family(
        "tradewire_rate_limit_waits",
        "Requests that waited for a rate limit, of all providers that share it.",
        "counter",
        ("provider",),
    )
    waiting = Family(
        "tradewire_rate_limit_waiting",
        "Requests waiting for a rate limit, of all providers that share it.",
        "gauge",
        ("provider",),
    )
    refused = Family(
        "tradewire_rate_limit_refusals", "Answers that said a limit was passed (429) or the address is banned (418).",
        "counter", ("provider", "status"),
    )  # fmt: skip
    closed = Family(
        "tradewire_rate_limit_closed_seconds", "Until the venue may be asked again.", "gauge", ("provider",)
    )
    for provider, manager in managers.items():
        limit = manager.rate_limit
        waits.add(provider, value=limit.waited if limit else 0)
        waiting.add(provider, value=limit.waiting if limit else 0)
        refused.add(provider, "429", value=limit.refusals if limit else 0)
        refused.add(provider, "418", value=limit.bans if limit else 0)
        granted.add(provider, value=limit.granted if limit else 0)
        full.add(provider, value=limit.turned_away if limit else 0)
        closed.add(provider, value=limit.closed_for_s if limit else 0)
    yield from (granted, waits, waiting, full, refused, closed)


def _latency(managers: Mapping[str, WebSocketManager]) -> Iterator[Family]:
    hops = Family(
        "tradewire_latency_seconds",
        "Time per hop of a message: venue to receipt (corrected by the clock offset), receipt to batch.",
        "summary",
        ("provider", "hop"),
    )
    negative = Family(
        "tradewire_latency_negative",
        "Messages whose venue time was later than their receipt: the clocks differ.",
        "counter",
        ("provider",),
    )
    offset = Family(
        "tradewire_clock_offset_seconds",
        "The venue's clock minus ours; 0 where it is not known.",
        "gauge",
        ("provider",),
    )
    trip = Family(
        "tradewire_clock_rtt_seconds", "Round trip behind the clock offset; 0: not known.", "gauge", ("provider",)
    )
    for provider, manager in managers.items():
        offset.add(provider, value=manager.clock.offset_ns / 1e9)
        trip.add(provider, value=manager.clock.rtt_ns / 1e9)
        hops.summarise(provider, "venue", histogram=manager.latency.venue)
        hops.summarise(provider, "queue", histogram=manager.latency.queue)
        negative.add(provider, value=manager.latency.venue.negative)
    yield from (hops, negative, offset, trip)
    yield _total(managers, "tradewire_clock_errors", "Requests for the venue's time that failed.", "clock_errors")


def _feeds(managers: Mapping[str, WebSocketManager], now_ns: int) -> Iterator[Family]:
    states = Family(
        "tradewire_feed_state",
        "Feeds (a channel of a symbol) in each state.",
        "gauge",
        ("provider", "channel", "state"),
    )
    age = Family(
        "tradewire_freshness_seconds",
        "Age of the last message of the feed that is silent for longest, in whatever state; left out are those that "
        "are refused, that have no threshold, and whose market is quiet as the venue says.",
        "gauge",
        ("provider", "channel"),
    )
    for provider, manager in managers.items():
        channels: dict[str, dict[FeedState, int]] = {}
        oldest: dict[str, int] = {}
        for feed in manager.feeds():
            name = feed.channel.name
            counts = channels.setdefault(name, dict.fromkeys(FeedState, 0))
            counts[feed.state] += 1
            if feed.stale_after_ns is not None and not (feed.refused or feed.unheard):
                oldest[name] = max(oldest.get(name, 0), now_ns - feed.heard_ns)
        for name, counts in channels.items():
            for state, count in counts.items():
                states.add(provider, name, state, value=count)
        for name, age_ns in oldest.items():
            age.add(provider, name, value=age_ns / 1e9)
    yield states
    yield age


def _consumers(gateway: StreamingGateway) -> Iterator[Family]:
    label = ("consumer",)
    count = Family("tradewire_consumers", "Consumers of each sort.", "gauge", label)
    waiting = Family("tradewire_queue_depth", "Events (messages of batches) waiting for consumers.", "gauge", label)
    deepest = Family("tradewire_queue_depth_max", "The same, in the fullest queue.", "gauge", label)
    sorts = ("consumer", "event")
    dropped = Family("tradewire_queue_dropped", "Events or messages lost by full queues.", "counter", sorts)
    conflated = Family("tradewire_queue_conflated", "Events replaced by a later one of their symbol.", "counter", sorts)
    backlogs = gateway.backlogs
    for name in CONSUMERS:
        backlog = backlogs[name]
        count.add(name, value=backlog.consumers)
        waiting.add(name, value=backlog.waiting)
        deepest.add(name, value=backlog.deepest)
        for event in EVENTS:
            dropped.add(name, event, value=backlog.dropped_by[event])
            conflated.add(name, event, value=backlog.conflated_by[event])
    yield from (count, waiting, deepest, dropped, conflated)
    latency = Family("tradewire_callback_latency_seconds", "Time from batch to callback.", "summary", ())
    latency.summarise(histogram=gateway.latency.callback)
    yield latency
    raised = Family("tradewire_callback_errors", "Calls of callbacks that raised.", "counter", ())
    slow = Family(
        "tradewire_callback_slow", "Calls of callbacks that held the event loop for more than 5 ms.", "counter", ()
    )
    errors, slow_calls = gateway.callback_faults
    raised.add(value=errors)
    slow.add(value=slow_calls)
    yield from (raised, slow)


def _gateway(gateway: StreamingGateway) -> Iterator[Family]:
    alerts = Family("tradewire_alerts", "Alerts raised.", "counter", ())
    counters: Counters = gateway.counters
    alerts.add(value=counters["alerts"])
    yield alerts
    reloads = Family(
        "tradewire_config_reloads", "Changed configurations, by what became of them.", "counter", ("result",)
    )
    for result in _RELOADS:
        reloads.add(result, value=counters[f"reloads.{result}"])
    yield reloads
    since = Family(
        "tradewire_config_applied_timestamp_seconds",
        "Since when the present configuration holds, in Unix time; 0: there is none.",
        "gauge",
        (),
    )
    since.add(value=gateway.configured_ns / 1e9)
    yield since
    replaced = Family(
        "tradewire_fallback_active", "Whether another provider stands in for this one: 1.", "gauge", ("provider",)
    )
    for provider in gateway.managers:
        replaced.add(provider, value=provider in gateway.fallbacks)
    yield replaced
    failing = Family(
        "tradewire_threshold_exceeded",
        "Whether a threshold of streaming_health does not hold: 1. Consumers have no provider.",
        "gauge",
        ("provider", "check"),
    )
    now = gateway.failing
    for provider in gateway.managers:
        for check in (Check.LATENCY, Check.THROUGHPUT, Check.FRESHNESS):
            failing.add(provider, check, value=(provider, str(check)) in now)
    for check in (Check.LATENCY, Check.QUEUE):
        failing.add("", check, value=("", str(check)) in now)
    yield failing
