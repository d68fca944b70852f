"""Whether providers keep the limits of `streaming_health.thresholds`. Decides only; no I/O, no clock, no log lines.

Each check that fails is a warning; as many in a row as `escalation_threshold` says are an error, once, until all is
well again. Silence of single feeds is healed elsewhere (`health.py`, `remedies.py`): here it only counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "Consumers", "Finding", "Level", "Limits", "Reading", "Thresholds"]

_SECOND = 1_000_000_000
#: p99: more than this share of an interval's messages over the limit.
_SHARE = 0.01


class Check(StrEnum):
    """What is looked at."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    QUEUE = "queue"
    FRESHNESS = "freshness"


class Level(StrEnum):
    """How bad it is."""

    WARNING = "warning"
    ERROR = "error"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Limits:
    """What must hold.

    Attributes:
        max_latency_ns: 99 of 100 messages are not older when they are received, and 99 of 100 events reach callbacks
            and `events()` within it from their batch.
        min_messages_per_s: of a provider; None: not watched.
        max_queue_depth: events, or messages of batches, waiting in one consumer's queue.
        escalation: warnings in a row that make an error, 1 or more.
    """

    max_latency_ns: int
    min_messages_per_s: float | None
    max_queue_depth: int
    escalation: int


@dataclass(frozen=True, slots=True)
class Reading:
    """One provider at one moment; totals since the start but for `unfresh` and `feeds`.

    Attributes:
        provider: its name.
        messages: received.
        timed: messages whose age at receipt is known.
        late: of those, how many were older than the limit.
        feeds: that it shall serve; none: throughput is not asked of it.
        unfresh: of those, how many are stale, broken or down now.
    """

    provider: str
    messages: int
    timed: int
    late: int
    feeds: int
    unfresh: int


@dataclass(frozen=True, slots=True)
class Consumers:
    """All consumers of a gateway at one moment; totals since the start but for `deepest`.

    Attributes:
        deepest: events, or messages of batches, in the fullest queue.
        timed: events that reached callbacks and `events()`.
        late: of those, how many took longer from their batch than the limit.
    """

    deepest: int
    timed: int
    late: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say.

    Attributes:
        provider: whose; empty: the gateway's consumers.
        check: what was looked at.
        level: how bad it is.
        text: in words.
    """

    provider: str
    check: Check
    level: Level
    text: str


class Thresholds:
    """Remembers the last readings and how often each check failed in a row.

    Args:
        limits: what must hold.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._last: dict[str, tuple[Reading, int]] = {}
        self._last_consumers: Consumers | None = None
        self._failed: dict[tuple[str, Check], int] = {}

    @property
    def failing(self) -> set[tuple[str, Check]]:
        """(provider, check) of what fails now."""
        return set(self._failed)

    def check(self, readings: Iterable[Reading], consumers: Consumers, now_ns: int) -> list[Finding]:
        """Compares with the last call; first totals are only remembered.

        Args:
            readings: of each provider.
            consumers: of all together.
            now_ns: monotonic.

        Returns:
            Warnings until they are an error, the error, and its end.
        """
        limits = self.limits
        found: dict[tuple[str, Check], str | None] = {
            ("", Check.QUEUE): f"{consumers.deepest:,} events wait in one queue, more than {limits.max_queue_depth:,}"
            if consumers.deepest > limits.max_queue_depth
            else None
        }
        if self._last_consumers is not None:
            found[("", Check.LATENCY)] = self._latency(
                self._last_consumers, consumers, "events took more than {:g} ms from their batch to the consumer"
            )
        self._last_consumers = consumers
        for reading in readings:
            name = reading.provider
            found[(name, Check.FRESHNESS)] = (
                f"{reading.unfresh} of {reading.feeds} feeds are silent, broken or down" if reading.unfresh else None
            )
            previous, at_ns = self._last.get(name, (None, 0))
            if previous is not None and now_ns > at_ns:
                found[(name, Check.LATENCY)] = self._latency(
                    previous, reading, "messages were older than {:g} ms when received"
                )
                found[(name, Check.THROUGHPUT)] = self._throughput(previous, reading, (now_ns - at_ns) / _SECOND)
            self._last[name] = (reading, now_ns)
        # Of providers that a reload took away, nothing is left to say.
        self._last = {name: last for name, last in self._last.items() if any(name == key[0] for key in found)}
        self._failed = {key: count for key, count in self._failed.items() if key in found}
        return [finding for key, text in found.items() if (finding := self._judge(key[0], key[1], text)) is not None]

    def _latency(self, previous: Reading | Consumers, now: Reading | Consumers, words: str) -> str | None:
        timed, late = now.timed - previous.timed, now.late - previous.late
        if timed <= 0 or late <= timed * _SHARE:
            return None
        said = words.format(self.limits.max_latency_ns / 1e6)
        return f"{late / timed:.1%} of {timed:,} {said}, more than 1 %"

    def _throughput(self, previous: Reading, reading: Reading, seconds: float) -> str | None:
        least = self.limits.min_messages_per_s
        if least is None or not reading.feeds:
            return None
        rate = (reading.messages - previous.messages) / seconds
        return f"{rate:,.1f} messages a second, fewer than {least:g}" if rate < least else None

    def _judge(self, provider: str, check: Check, text: str | None) -> Finding | None:
        key = (provider, check)
        if text is None:
            count = self._failed.pop(key, 0)
            over = count >= self.limits.escalation
            return Finding(provider, check, Level.RECOVERED, f"{check} is well again") if over else None
        self._failed[key] = count = self._failed.get(key, 0) + 1
        if count > self.limits.escalation:
            return None
        return Finding(provider, check, Level.ERROR if count == self.limits.escalation else Level.WARNING, text)
