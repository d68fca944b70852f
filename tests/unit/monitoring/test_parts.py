"""What is read from a program's own pools, breakers, limiters and budgets: names, units, labels, values."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire import (
    AdaptiveRateLimiter,
    CircuitBreaker,
    ConnectionPool,
    RateLimitManager,
    TradingAPIInterface,
    circuit_breaker,
)
from tradewire.errors import CircuitOpenError, FeedConnectionError, RateLimitError
from tradewire.model import Balance
from tradewire.monitoring.families import Family, read_gateway
from tradewire.monitoring.parts import Part, checked, read_parts
from tradewire.streaming import StreamingGateway
from tradewire.telemetry import OperationLatency
from tradewire.transport.policy.retry import RetryBudget, RetryPolicy
from tradewire.transport.rate_limit import Quota, VenueLimits
from tradewire.transport.retrying import Idempotent, Retrying

#: A promise to dashboards: a new metric is added here, an old one stays as it is.
NAMES = {
    "tradewire_circuit_breaker_consecutive_failures": ("breaker",),
    "tradewire_circuit_breaker_failures": ("breaker",),
    "tradewire_circuit_breaker_opened": ("breaker",),
    "tradewire_circuit_breaker_refused": ("breaker",),
    "tradewire_circuit_breaker_retry_after_seconds": ("breaker",),
    "tradewire_circuit_breaker_stale": ("breaker",),
    "tradewire_circuit_breaker_state": ("breaker", "state"),
    "tradewire_limiter_allowed": ("limiter", "venue", "quota"),
    "tradewire_limiter_closed_seconds": ("limiter", "venue"),
    "tradewire_limiter_granted": ("limiter", "venue"),
    "tradewire_limiter_refusals": ("limiter", "venue", "status"),
    "tradewire_limiter_timed_out": ("limiter", "venue"),
    "tradewire_limiter_turned_away": ("limiter", "venue"),
    "tradewire_limiter_used": ("limiter", "venue", "quota"),
    "tradewire_limiter_waited": ("limiter", "venue"),
    "tradewire_limiter_waiting": ("limiter", "venue"),
    "tradewire_operation_failures": ("client", "operation"),
    "tradewire_operation_seconds": ("client", "operation"),
    "tradewire_pool_connections": ("pool",),
    "tradewire_pool_connections_busy": ("pool",),
    "tradewire_pool_connections_ejected": ("pool",),
    "tradewire_pool_connections_idle": ("pool",),
    "tradewire_pool_connections_max": ("pool",),
    "tradewire_pool_connects": ("pool",),
    "tradewire_pool_ejections": ("pool",),
    "tradewire_pool_errors_unreported": ("pool",),
    "tradewire_pool_failed_connects": ("pool",),
    "tradewire_pool_failed_pings": ("pool",),
    "tradewire_pool_failed_requests": ("pool",),
    "tradewire_pool_health_ratio": ("pool",),
    "tradewire_pool_latency_seconds": ("pool",),
    "tradewire_pool_no_connection": ("pool",),
    "tradewire_pool_replacements": ("pool",),
    "tradewire_pool_requests": ("pool",),
    "tradewire_pool_waiting": ("pool",),
    "tradewire_retries": ("budget",),
    "tradewire_retries_left": ("budget",),
    "tradewire_retries_refused": ("budget",),
    "tradewire_retry_calls": ("budget",),
}
SECOND = 1_000_000_000


class Clock:
    def __init__(self) -> None:
        self.ns = 100 * SECOND

    def __call__(self) -> int:
        return self.ns


def read(**parts: Part) -> dict[tuple[str, ...], float]:
    """(metric without `tradewire_`, *labels) -> value."""
    return {
        (family.name.removeprefix("tradewire_"), *sample.labels): sample.value
        for family in read_parts(checked(parts))
        for sample in family.samples
    }


def test_names_and_labels_are_fixed() -> None:
    limits = RateLimitManager({"v": VenueLimits(quotas=(Quota(name="w", limit=10, per_s=1),))})
    parts: dict[str, Part] = {"p": ConnectionPool(api_class=object), "b": CircuitBreaker(), "m": limits}
    calls = OperationLatency()
    calls.record("ping", 1)
    parts |= {"a": AdaptiveRateLimiter(), "r": Retrying(), "s": RetryBudget(), "c": calls}
    for found in (read_parts({}), read_parts(parts)):
        assert {family.name: family.labels for family in found} == NAMES
        assert len(found) == len(NAMES)
    assert not NAMES.keys() & {family.name for family in read_gateway(StreamingGateway(), 0)}
    for family in found:
        assert family.samples, family.name
        assert all(len(sample.labels) == len(family.labels) for sample in family.samples), family.name
        series = {(sample.labels, sample.suffix, sample.quantile) for sample in family.samples}
        assert len(series) == len(family.samples), family.name


async def test_a_pool() -> None:
    clock = Clock()
    inside: dict[tuple[str, ...], float] = {}

    async def call(client: Any) -> None:
        clock.ns += SECOND // 4
        inside.update(read(desk=pool))

    async def fail(client: Any) -> None:
        raise FeedConnectionError("gone")

    async with ConnectionPool(api_class=object, min_connections=2, max_connections=7, clock=clock) as pool:
        await pool.execute_with_connection(call)
        with pytest.raises(FeedConnectionError):
            await pool.execute_with_connection(fail)
        found = read(desk=pool)
    assert (inside["pool_connections_busy", "desk"], inside["pool_connections_idle", "desk"]) == (1, 1)
    assert found["pool_connections", "desk"] == found["pool_connects", "desk"] == 2
    assert found["pool_connections_max", "desk"] == 7
    assert (found["pool_requests", "desk"], found["pool_failed_requests", "desk"]) == (2, 1)
    assert found["pool_latency_seconds", "desk"] == 0.25
    assert found["pool_health_ratio", "desk"] == 0.75, "one of two failed once"
    after = read(desk=pool)
    assert (after["pool_connections", "desk"], after["pool_requests", "desk"]) == (0, 2), "a counter never falls"


def test_a_breaker() -> None:
    clock = Clock()
    breaker = CircuitBreaker("another name", failure_threshold=2, reset_timeout=30.0, clock=clock)
    assert read(queries=breaker)["circuit_breaker_state", "queries", "closed"] == 1
    for _ in range(2):
        with pytest.raises(OSError, match="down"):
            breaker.call(_down)
    clock.ns += 10 * SECOND
    with pytest.raises(CircuitOpenError):
        breaker.call(_down)
    found = read(queries=breaker)
    assert [found["circuit_breaker_state", "queries", state] for state in ("closed", "open", "half_open")] == [0, 1, 0]
    assert found["circuit_breaker_retry_after_seconds", "queries"] == 20.0
    assert found["circuit_breaker_failures", "queries"] == 2
    assert found["circuit_breaker_consecutive_failures", "queries"] == 2
    assert found["circuit_breaker_refused", "queries"] == 1
    assert found["circuit_breaker_opened", "queries"] == 1


def test_the_breaker_of_a_decorated_function() -> None:
    ask: Any = circuit_breaker(name="ask")(_down)
    with pytest.raises(OSError, match="down"):
        ask()
    assert read(ask=ask.breaker)["circuit_breaker_failures", "ask"] == 1


def test_limits_of_every_venue() -> None:
    quotas = (
        Quota(name="weight", limit=100, per_s=60, burst=50, reserve=0.0, margin=0.0),
        Quota(name="orders", limit=5, per_s=1),
    )
    limits = RateLimitManager({"a": VenueLimits(quotas=quotas), "b": VenueLimits(quotas=quotas[:1])}, clock=Clock())
    assert limits.try_acquire("a/weight", 30) == 0
    limits.observe("b", 429, {"retry-after": "7"})
    limits.observe("b", 418, {"retry-after": "9"})
    found = read(known=limits)
    assert found["limiter_used", "known", "a", "weight"] == 30
    assert found["limiter_allowed", "known", "a", "weight"] == 100
    assert found["limiter_used", "known", "a", "orders"] == 0
    assert found["limiter_granted", "known", "a"] == 1
    assert (found["limiter_closed_seconds", "known", "a"], found["limiter_closed_seconds", "known", "b"]) == (0, 9.0)
    assert found["limiter_refusals", "known", "b", "429"] == found["limiter_refusals", "known", "b", "418"] == 1


async def test_those_who_wait() -> None:
    clock = Clock()
    quota = Quota(name="weight", limit=1, per_s=60, reserve=0.0, margin=0.0)
    limits = RateLimitManager({"a": VenueLimits(quotas=(quota,))}, clock=clock)
    await limits.acquire("a")
    with pytest.raises(RateLimitError, match="no room"):
        await limits.acquire("a", timeout_s=0)
    assert read(known=limits)["limiter_timed_out", "known", "a"] == 1


def test_an_adaptive_limiter_has_no_venue_and_its_rate_is_what_is_allowed() -> None:
    limiter = AdaptiveRateLimiter(default_rate=100, burst_allowance=10, clock=Clock())
    assert limiter.try_acquire(4) == 0
    assert read(other=limiter)["limiter_allowed", "other", "", "requests"] == 100
    limiter.observe(429, retry_after_s=3.0)
    found = read(other=limiter)
    assert found["limiter_used", "other", "", "requests"] == 4
    assert found["limiter_allowed", "other", "", "requests"] == limiter.current_rate == 50
    assert found["limiter_closed_seconds", "other", ""] == 3.0


async def test_retries_by_their_budget() -> None:
    budget = RetryBudget(reserve=1)
    retrying = Retrying(RetryPolicy(attempts=3, base_ns=1), budget)

    async def fail() -> None:
        raise FeedConnectionError("gone")

    with pytest.raises(FeedConnectionError):
        await retrying.run(Idempotent("GET", fail))
    for part in (budget, retrying):
        found = read(get=part)
        assert found["retry_calls", "get"] == 1
        assert found["retries", "get"] == 1
        assert found["retries_refused", "get"] == 1
        assert found["retries_left", "get"] == 0


async def test_the_calls_of_a_client() -> None:
    class Broker(TradingAPIInterface):
        async def get_balance(self) -> list[Balance]:
            raise OSError("down")

    broker = Broker()
    with pytest.raises(OSError, match="down"):
        await broker.get_balance()
    broker.latency.record("ping", 250_000_000)
    found = read(broker=broker.latency)
    assert found["operation_failures", "broker", "get_balance"] == 1
    assert found["operation_failures", "broker", "ping"] == 0
    families = {family.name: family for family in read_parts({"broker": broker.latency})}
    samples = families["tradewire_operation_seconds"].samples
    ping = {each.suffix or each.quantile: each.value for each in samples if each.labels == ("broker", "ping")}
    assert ping == pytest.approx({0.5: 0.25, 0.99: 0.25, 0.999: 0.25, "_count": 1, "_sum": 0.25}, rel=2e-3)


@pytest.mark.parametrize(
    "name", ["", "https://x/?key=canary", "canary/b", "canary" * 11, "ключ", " canary", "canary\n"]
)
def test_a_name_with_room_for_an_address_is_refused_and_not_repeated(name: str) -> None:
    with pytest.raises(ValueError, match=r"the name of a part must be 1\.\.64 letters") as caught:
        checked({name: CircuitBreaker()})
    assert "canary" not in str(caught.value)


def test_what_has_no_metrics_is_refused() -> None:
    parts: Any = {"desk": StreamingGateway()}
    with pytest.raises(
        TypeError, match=r"desk must be one of ConnectionPool, .*OperationLatency; was StreamingGateway"
    ):
        checked(parts)


def test_no_words_of_the_parts_are_labels() -> None:
    named: dict[str, Part] = {
        "a": ConnectionPool(api_class=object, name="canary"),
        "b": CircuitBreaker("canary"),
        "c": AdaptiveRateLimiter(name="canary"),
    }
    families: list[Family] = read_parts(named)
    assert not [sample for family in families for sample in family.samples if "canary" in sample.labels]


def _down() -> None:
    raise OSError("down")
