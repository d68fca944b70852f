"""Which of a few links to one service gets the next request, and which link gets none for a while. Decides only.

Not for choosing between venues or between many hosts: with 2 to 20 links there are no statistics to lean on, so it
looks at consecutive failures, latency relative to the best link, and the age of the last sign of life.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

__all__ = ["LinkHealth", "Router", "RoutingRules"]

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """Thresholds. Ejection follows Envoy's outlier detection, with counts instead of its success-rate statistics.

    Attributes:
        eject_after: failures in a row.
        eject_ns: length of the first ejection; the n-th lasts n times as long.
        eject_cap_ns: no ejection is longer.
        forgive_ns: so long in service, and one ejection is forgotten.
        ramp_ns: probation after an ejection: the share of requests grows from `ramp_floor` to the whole.
        ramp_floor: 0..1.
        slow_factor: a link this many times slower than the best is slow.
        slow_sweeps: sweeps in a row that find it slow eject it.
        slow_samples: requests between two sweeps without which a sweep does not count.
        smoothing: weight of the newest latency in the average.
        stale_ns: no sign of life for longer than this lowers the score.
    """

    eject_after: int = 5
    eject_ns: int = 30 * _SECOND
    eject_cap_ns: int = 300 * _SECOND
    forgive_ns: int = 60 * _SECOND
    ramp_ns: int = 30 * _SECOND
    ramp_floor: float = 0.1
    slow_factor: float = 5.0
    slow_sweeps: int = 3
    slow_samples: int = 10
    smoothing: float = 0.1
    stale_ns: int = 60 * _SECOND


class LinkHealth:
    """What is known about one link; `Router` writes it.

    Attributes:
        latency_ns: average of successful requests, exponentially weighted; 0.0 before the first.
        samples: successful requests.
        consecutive_failures: since the last success or ejection.
        alive_ns: last sign of life.
        in_service: False while it is known to be broken; it then serves only when all others are as bad.
        ejected_until_ns: gets no requests before.
        probation_until_ns: full share only from then on; a failure before ejects at once.
        ejections: not yet forgotten.
    """

    __slots__ = (
        "alive_ns",
        "consecutive_failures",
        "ejected_until_ns",
        "ejections",
        "in_service",
        "latency_ns",
        "probation_until_ns",
        "samples",
        "slow_in_a_row",
        "swept_samples",
    )

    def __init__(self) -> None:
        self.latency_ns = 0.0
        self.samples = 0
        self.consecutive_failures = 0
        self.alive_ns = 0
        self.in_service = False
        self.ejected_until_ns = 0
        self.probation_until_ns = 0
        self.ejections = 0
        self.slow_in_a_row = 0
        self.swept_samples = 0


L = TypeVar("L", bound=LinkHealth)


class Router(Generic[L]):
    """Health scores, choice and ejection for the links of one pool. Times are monotonic nanoseconds.

    The last healthy link is never ejected. When no link is healthy, health is ignored and all links get requests: a
    wrong verdict about everybody must not stop the traffic.
    """

    def __init__(self, random: Random, rules: RoutingRules | None = None) -> None:
        self.rules = rules or RoutingRules()
        self._random = random.random
        self._links: list[L] = []
        self._best_ns = 0.0

    def enter(self, link: L, now_ns: int, *, probation: bool = False) -> None:
        """Puts a link with a fresh connection into service; its ejection, if any, goes on."""
        if link not in self._links:
            self._links.append(link)
        link.in_service = True
        link.consecutive_failures = 0
        link.latency_ns = 0.0
        link.samples = link.swept_samples = link.slow_in_a_row = 0
        link.alive_ns = now_ns
        if probation:
            link.probation_until_ns = max(now_ns, link.ejected_until_ns) + self.rules.ramp_ns

    def leave(self, link: L) -> None:
        """Forgets a link."""
        link.in_service = False
        if link in self._links:
            self._links.remove(link)

    def score(self, link: L, now_ns: int) -> float:
        """1.0: as good as any; 0.0: gets nothing."""
        if not link.in_service or now_ns < link.ejected_until_ns:
            return 0.0
        score = 1.0 / (1 + link.consecutive_failures)
        # Within twice the best is noise: links that close share evenly.
        if link.latency_ns > 2 * self._best_ns > 0:
            score *= 2 * self._best_ns / link.latency_ns
        silent_ns = now_ns - link.alive_ns
        if silent_ns > self.rules.stale_ns:
            score *= self.rules.stale_ns / silent_ns
        if now_ns < link.probation_until_ns:
            left = (link.probation_until_ns - now_ns) / self.rules.ramp_ns
            score *= 1.0 - (1.0 - self.rules.ramp_floor) * min(left, 1.0)
        return score

    def choose(self, idle: Sequence[L], now_ns: int) -> L | None:
        """One of the idle links, each in proportion to its score; None: better wait for a busy one.

        Constant time while links are healthy: a random one is taken with the probability of its score.
        """
        count = len(idle)
        if not count:
            return None
        for _ in range(3):
            link = idle[int(self._random() * count)]
            score = self.score(link, now_ns)
            if score >= 1.0 or (score > 0.0 and self._random() < score):
                return link
        best = max(idle, key=lambda link: self.score(link, now_ns))
        if self._healthy(best, now_ns):
            return best
        if not any(self._healthy(link, now_ns) for link in self._links):
            return idle[int(self._random() * count)]
        return best if self.score(best, now_ns) > 0.0 else None

    def succeeded(self, link: L, latency_ns: int, now_ns: int) -> None:
        """A request was served."""
        link.consecutive_failures = 0
        link.alive_ns = now_ns
        link.samples += 1
        if link.samples == 1:
            link.latency_ns = float(latency_ns)
        else:
            link.latency_ns += (latency_ns - link.latency_ns) * self.rules.smoothing
        if not 0 < self._best_ns <= link.latency_ns:
            self._best_ns = link.latency_ns
        if now_ns < link.ejected_until_ns:
            # It was asked because all were bad, and it serves: the proof ends the ejection.
            link.ejected_until_ns = now_ns
            link.probation_until_ns = now_ns + self.rules.ramp_ns

    def seen_alive(self, link: L, now_ns: int) -> None:
        """An answer that says nothing about serving requests: a pong, a refusal."""
        link.alive_ns = now_ns

    def failed(self, link: L, now_ns: int) -> bool:
        """A request failed. True: the link is ejected by that."""
        if now_ns < link.ejected_until_ns:
            return False
        link.consecutive_failures += 1
        limit = 1 if now_ns < link.probation_until_ns else self.rules.eject_after
        return link.consecutive_failures >= limit and self._eject(link, now_ns)

    def broken(self, link: L) -> None:
        """The connection is known to be gone; `enter` brings the link back with a new one."""
        link.in_service = False

    def sweep(self, now_ns: int) -> list[L]:
        """Looks at all latencies, about once per health check; returns links ejected for being slow."""
        measured = [link.latency_ns for link in self._links if link.samples and self._healthy(link, now_ns)]
        self._best_ns = min(measured, default=0.0)
        ejected = []
        for link in self._links:
            if link.samples - link.swept_samples < self.rules.slow_samples:
                continue
            link.swept_samples = link.samples
            slow = link.latency_ns > self.rules.slow_factor * self._best_ns > 0
            link.slow_in_a_row = link.slow_in_a_row + 1 if slow else 0
            if link.slow_in_a_row >= self.rules.slow_sweeps and self._eject(link, now_ns):
                ejected.append(link)
        return ejected

    def _healthy(self, link: L, now_ns: int) -> bool:
        return (
            link.in_service and now_ns >= link.ejected_until_ns and link.consecutive_failures < self.rules.eject_after
        )

    def _eject(self, link: L, now_ns: int) -> bool:
        if not any(other is not link and self._healthy(other, now_ns) for other in self._links):
            return False
        served_ns = max(0, now_ns - link.ejected_until_ns)
        link.ejections = max(0, link.ejections - served_ns // self.rules.forgive_ns) + 1
        link.ejected_until_ns = now_ns + min(self.rules.eject_ns * link.ejections, self.rules.eject_cap_ns)
        link.probation_until_ns = link.ejected_until_ns + self.rules.ramp_ns
        link.consecutive_failures = 0
        link.slow_in_a_row = 0
        return True
