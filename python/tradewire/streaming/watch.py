"""Watches a gateway from aside: keeps its incidents, checks its thresholds. Heals nothing: `remedies.py` does."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .events import FeedState
from .incidents import Incident, IncidentKind, Incidents
from .thresholds import Check, Consumers, Finding, Level, Limits, Reading, Thresholds

if TYPE_CHECKING:
    from tradewire.config.schema import StreamingHealthConfig
    from tradewire.core.protocols import HistogramProtocol
    from tradewire.telemetry.alerts import LogAlerts

    from .dispatch import Dispatcher
    from .manager import WebSocketManager

__all__ = ["Watch", "values_above"]

_logger = logging.getLogger("tradewire.streaming")

_UNFRESH = frozenset({FeedState.STALE, FeedState.GAP, FeedState.DOWN})


def values_above(histogram: HistogramProtocol, limit: int) -> int:
    """How many values are above a limit, to the precision of the buckets. Bisects on percentiles: 50 look-ups."""
    low, high = 0.0, 100.0
    if not histogram.count or histogram.percentile(high) <= limit:
        return 0
    for _ in range(50):
        middle = (low + high) / 2
        if histogram.percentile(middle) <= limit:
            low = middle
        else:
            high = middle
    if histogram.percentile(low) > limit:
        return histogram.count
    return round(histogram.count * (1 - low / 100))


class Watch:
    """What looks at a gateway from aside. The event loop owns it.

    Args:
        managers: by provider; the gateway adds to it.
        dispatcher: whose status events and queues are watched.
        alerts: follows `streaming_health.alerts`.
        handed: how long events took from their batch to callbacks and `events()`.

    Attributes:
        incidents: what went wrong.
    """

    def __init__(
        self,
        managers: Mapping[str, WebSocketManager],
        dispatcher: Dispatcher,
        alerts: LogAlerts,
        handed: HistogramProtocol,
    ) -> None:
        self._managers = managers
        self._dispatcher = dispatcher
        self._alerts = alerts
        self._handed = handed
        self._thresholds: Thresholds | None = None
        self._interval_ns = 0
        self._due_ns = 0
        self.incidents = Incidents()
        dispatcher.observe_status(self.incidents.observe)

    @property
    def failing(self) -> set[tuple[str, Check]]:
        """(provider, check) of what is beyond its threshold now."""
        return self._thresholds.failing if self._thresholds is not None else set()

    def configure(self, health: StreamingHealthConfig | None) -> None:
        """Takes the section `streaming_health` over; None, or `monitoring.enabled: false`: no thresholds."""
        if health is None:
            return
        alerts, monitoring, thresholds = health.alerts, health.monitoring, health.thresholds
        self._alerts.channels = frozenset(alerts.channels) if alerts.enabled else frozenset()
        if not monitoring.enabled:
            self._thresholds = None
            return
        limits = Limits(
            int(thresholds.max_latency_ms * 1e6),
            thresholds.min_throughput_msg_per_sec,
            thresholds.max_queue_depth,
            alerts.escalation_threshold,
        )
        if self._thresholds is None:
            self._thresholds = Thresholds(limits)
        elif self._thresholds.limits != limits:
            # What a limit was exceeded by says nothing about another limit.
            self._thresholds = Thresholds(limits)
        self._interval_ns = int(monitoring.check_interval * 1e9)

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Checks, when it is time to; called a few times a second.

        Args:
            now_ns: monotonic.
            wall_ns: for incidents.
        """
        if self._thresholds is None or now_ns < self._due_ns:
            return
        self._due_ns = now_ns + self._interval_ns
        limit_ns = self._thresholds.limits.max_latency_ns
        readings = [_reading(manager, limit_ns) for manager in self._managers.values()]
        deepest = max((backlog.deepest for backlog in self._dispatcher.backlogs().values()), default=0)
        consumers = Consumers(deepest, self._handed.count, values_above(self._handed, limit_ns))
        for finding in self._thresholds.check(readings, consumers, now_ns):
            self._say(finding, wall_ns)

    def _say(self, finding: Finding, wall_ns: int) -> None:
        who = finding.provider or "consumers"
        if finding.level is Level.ERROR:
            # Of the gateway itself, the first provider speaks: an alert belongs to a venue.
            manager = self._managers.get(finding.provider) or next(iter(self._managers.values()))
            manager.alert("", "", f"{who}: {finding.text}")
            return
        kind = IncidentKind.WARNING
        if finding.level is Level.RECOVERED:
            kind = IncidentKind.RECOVERED
            _logger.info("%s: %s", who, finding.text)
        else:
            _logger.warning("%s: %s: %s", who, finding.check, finding.text)
        self.incidents.add(Incident(wall_ns, kind, finding.provider, "", "", finding.text))


def _reading(manager: WebSocketManager, limit_ns: int) -> Reading:
    feeds = [] if manager.settings.standby else manager.feeds()
    venue = manager.latency.venue
    return Reading(
        manager.name,
        manager.counters["messages"],
        venue.count,
        values_above(venue, limit_ns),
        len(feeds),
        sum(feed.state in _UNFRESH for feed in feeds),
    )
