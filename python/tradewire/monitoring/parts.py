"""The metrics of what a program uses beside a gateway: pools, breakers, limits, retries, clients. Knows no exporter.

Each part is told apart by the name its owner gave it, never by an address or a key: the number of series depends on
how many parts there are, on the venues and quotas of a `RateLimitManager` and on the methods of a client.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from tradewire.telemetry import OperationLatency
from tradewire.transport.adaptive_limit import AdaptiveRateLimiter
from tradewire.transport.circuit_breaker import CircuitBreaker
from tradewire.transport.connection_pool import ConnectionPool
from tradewire.transport.policy.breaker import BreakerState
from tradewire.transport.policy.retry import RetryBudget
from tradewire.transport.rate_limit import RateLimitManager, RateLimitStatistics
from tradewire.transport.retrying import Retrying

from .families import Family

__all__ = ["Part", "checked", "read_parts"]

#: What has metrics of its own.
Part: TypeAlias = (
    ConnectionPool[Any]
    | CircuitBreaker
    | RateLimitManager
    | AdaptiveRateLimiter
    | RetryBudget
    | Retrying
    | OperationLatency
)

_KINDS = (
    ConnectionPool,
    CircuitBreaker,
    RateLimitManager,
    AdaptiveRateLimiter,
    RetryBudget,
    Retrying,
    OperationLatency,
)
#: Without the characters of addresses, so that none gets into a label with its key.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. -]{0,63}")
_P = TypeVar("_P")

#: (metric without `tradewire_pool_`, key of `get_pool_stats`, sort, in words)
_POOL: tuple[tuple[str, str, Literal["counter", "gauge"], str], ...] = (
    ("connections", "total_connections", "gauge", "Connections of a pool that are open."),
    ("connections_idle", "idle_connections", "gauge", "Connections of a pool that nobody uses."),
    ("connections_busy", "busy_connections", "gauge", "Connections of a pool in use by a call."),
    ("connections_ejected", "ejected_connections", "gauge", "Connections of a pool that get no calls for a while."),
    ("waiting", "waiting", "gauge", "Calls waiting for a connection."),
    ("health_ratio", "average_health_score", "gauge", "Average health of the open connections, 0 to 1."),
    ("requests", "total_requests", "counter", "Calls made, whatever came of them."),
    ("failed_requests", "failed_requests", "counter", "Calls that failed and speak against their connection."),
    ("no_connection", "no_connection", "counter", "Calls not made: no connection was free in time."),
    ("ejections", "ejections", "counter", "Connections ejected for failing or for being slow."),
    ("replacements", "replacements", "counter", "Clients replaced by new ones."),
    ("connects", "connects", "counter", "Clients connected."),
    ("failed_connects", "failed_connects", "counter", "Attempts to connect a client that failed."),
    ("failed_pings", "failed_pings", "counter", "Pings of a client that failed."),
    ("errors_unreported", "errors_unreported", "counter", "Errors that the error handler was too slow for."),
)


def checked(parts: Mapping[str, Part]) -> dict[str, Part]:
    """A copy, when every name can be a label and every part has metrics.

    Raises:
        TypeError: something that has none.
        ValueError: a name that is no name.
    """
    for name, part in parts.items():
        if not _NAME.fullmatch(name):
            raise ValueError(
                "the name of a part must be 1..64 letters, digits, spaces or _ . - and is shown to whoever reads the "
                f"metrics; was one of {len(name)} characters"
            )
        if not isinstance(part, _KINDS):
            kinds = ", ".join(kind.__name__ for kind in _KINDS)
            raise TypeError(f"part {name} must be one of {kinds}; was {type(part).__name__}")
    return dict(parts)


def read_parts(parts: Mapping[str, Part]) -> list[Family]:
    """All metrics of all parts; families without a part are there, and empty. On the parts' event loop.

    Args:
        parts: by name.
    """
    budgets = {name: part for name, part in parts.items() if isinstance(part, RetryBudget | Retrying)}
    return [
        *_pools(_only(parts, ConnectionPool)),
        *_breakers(_only(parts, CircuitBreaker)),
        *_limiters(parts),
        *_budgets(budgets),
        *_clients(_only(parts, OperationLatency)),
    ]


def _only(parts: Mapping[str, Part], kind: type[_P]) -> dict[str, _P]:
    return {name: part for name, part in parts.items() if isinstance(part, kind)}


def _pools(pools: Mapping[str, ConnectionPool[Any]]) -> Iterator[Family]:
    label = ("pool",)
    now = {name: pool.get_pool_stats() for name, pool in pools.items()}
    for metric, key, sort, doc in _POOL:
        family = Family(f"tradewire_pool_{metric}", doc, sort, label)
        for name, statistics in now.items():
            family.add(name, value=statistics[key])
        yield family
    most = Family("tradewire_pool_connections_max", "Connections that a pool may open.", "gauge", label)
    latency = Family(
        "tradewire_pool_latency_seconds",
        "Latency of calls, smoothed for each connection; the average of the open ones.",
        "gauge",
        label,
    )
    for name, statistics in now.items():
        most.add(name, value=pools[name].settings.max_connections)
        latency.add(name, value=statistics["average_latency_ms"] / 1_000)
    yield from (most, latency)


def _breakers(breakers: Mapping[str, CircuitBreaker]) -> Iterator[Family]:
    label = ("breaker",)
    states = Family(
        "tradewire_circuit_breaker_state", "1 for the state a circuit breaker is in.", "gauge", ("breaker", "state")
    )
    in_a_row = Family(
        "tradewire_circuit_breaker_consecutive_failures",
        "Failures in a row; open: those it opened with.",
        "gauge",
        label,
    )
    until = Family(
        "tradewire_circuit_breaker_retry_after_seconds",
        "Until asking again is worth it; 0: calls go through.",
        "gauge",
        label,
    )
    failures = Family("tradewire_circuit_breaker_failures", "Calls that failed.", "counter", label)
    refused = Family("tradewire_circuit_breaker_refused", "Calls not made because it was open.", "counter", label)
    opened = Family("tradewire_circuit_breaker_opened", "How often it opened.", "counter", label)
    stale = Family("tradewire_circuit_breaker_stale", "Outcomes that came too late to count.", "counter", label)
    for name, breaker in breakers.items():
        now = breaker.snapshot()
        for state in BreakerState:
            states.add(name, state, value=now.state is state)
        in_a_row.add(name, value=now.consecutive_failures)
        until.add(name, value=now.retry_after_s)
        failures.add(name, value=now.failures)
        refused.add(name, value=now.refused)
        opened.add(name, value=now.opened)
        stale.add(name, value=now.stale)
    yield from (states, in_a_row, until, failures, refused, opened, stale)


def _limiters(parts: Mapping[str, Part]) -> Iterator[Family]:
    label = ("limiter", "venue")
    used = Family("tradewire_limiter_used", "Weight in the window that ends now.", "gauge", (*label, "quota"))
    allowed = Family("tradewire_limiter_allowed", "Weight that fits into a window.", "gauge", (*label, "quota"))
    waiting = Family("tradewire_limiter_waiting", "Requests in line.", "gauge", label)
    granted = Family("tradewire_limiter_granted", "Requests let through.", "counter", label)
    waited = Family("tradewire_limiter_waited", "Requests let through that had to wait.", "counter", label)
    late = Family("tradewire_limiter_timed_out", "Requests refused: their time ran out.", "counter", label)
    full = Family("tradewire_limiter_turned_away", "Requests refused: the line was full.", "counter", label)
    refusals = Family(
        "tradewire_limiter_refusals", "Answers that said a limit was passed (429) or the address is banned (418).",
        "counter", (*label, "status"),
    )  # fmt: skip
    closed = Family("tradewire_limiter_closed_seconds", "Until anything is let through; 0: open.", "gauge", label)
    for name, venue, now in _limits(parts):
        for quota, use in now.quotas.items():
            used.add(name, venue, quota, value=use.used)
            allowed.add(name, venue, quota, value=use.allowed)
        waiting.add(name, venue, value=now.waiting)
        granted.add(name, venue, value=now.granted)
        waited.add(name, venue, value=now.waited)
        late.add(name, venue, value=now.timed_out)
        full.add(name, venue, value=now.turned_away)
        refusals.add(name, venue, "429", value=now.refusals)
        refusals.add(name, venue, "418", value=now.bans)
        closed.add(name, venue, value=now.closed_for_s)
    yield from (used, allowed, waiting, granted, waited, late, full, refusals, closed)


def _limits(parts: Mapping[str, Part]) -> Iterator[tuple[str, str, RateLimitStatistics]]:
    """Name, venue ("" for an adaptive limiter, which knows none) and statistics."""
    for name, manager in _only(parts, RateLimitManager).items():
        for venue in manager.venues:
            yield name, venue, manager.statistics(venue)
    for name, limiter in _only(parts, AdaptiveRateLimiter).items():
        yield name, "", limiter.statistics()


def _budgets(budgets: Mapping[str, RetryBudget | Retrying]) -> Iterator[Family]:
    label = ("budget",)
    calls = Family("tradewire_retry_calls", "Calls made for the first time.", "counter", label)
    retries = Family("tradewire_retries", "Calls repeated.", "counter", label)
    refused = Family("tradewire_retries_refused", "Calls not repeated: the budget was used up.", "counter", label)
    left = Family("tradewire_retries_left", "Retries that the budget has left.", "gauge", label)
    for name, budget in budgets.items():
        now = budget.statistics()
        calls.add(name, value=now.calls)
        retries.add(name, value=now.retries)
        refused.add(name, value=now.refused)
        left.add(name, value=now.left)
    yield from (calls, retries, refused, left)


def _clients(clients: Mapping[str, OperationLatency]) -> Iterator[Family]:
    label = ("client", "operation")
    took = Family("tradewire_operation_seconds", "Time of the calls of a client, failed ones too.", "summary", label)
    failures = Family("tradewire_operation_failures", "Calls of a client that failed.", "counter", label)
    for name, calls in clients.items():
        for operation in calls.operations:
            histogram = calls.histogram(operation)
            if histogram is not None:
                took.summarise(name, operation, histogram=histogram)
            failures.add(name, operation, value=calls.failures(operation))
    yield from (took, failures)
