"""The adaptive limiter in virtual time: units, learning, and a venue that halves its limit."""

from __future__ import annotations

import asyncio

import pytest

import virtual_time
from tradewire.errors import RateLimitError
from tradewire.transport.adaptive_limit import AdaptiveRateLimiter


def limiter(default_rate: int = 600, burst_allowance: int = 1) -> AdaptiveRateLimiter:
    return AdaptiveRateLimiter(default_rate, burst_allowance, clock=virtual_time.now_ns)


def seconds() -> float:
    return asyncio.get_running_loop().time() - 1_000.0


@virtual_time.in_virtual_time
async def test_rates_are_per_minute_and_the_burst_goes_at_once() -> None:
    given = limiter(default_rate=100, burst_allowance=50)
    for _ in range(50):
        await given.acquire()
    assert seconds() == 0
    await given.acquire()
    assert seconds() == pytest.approx(0.6)
    for _ in range(49):
        await given.acquire()
    await given.acquire()
    assert seconds() == pytest.approx(60), "a hundred in any minute, the burst included"


@virtual_time.in_virtual_time
async def test_a_refusal_halves_the_rate_and_stops_until_retry_after() -> None:
    given = limiter()
    await given.acquire()
    given.observe(429, retry_after_s=7)
    assert given.current_rate == 300
    await given.acquire()
    assert seconds() == pytest.approx(7)
    await given.acquire()
    assert seconds() == pytest.approx(7.2)
    statistics = given.statistics()
    assert (statistics.refusals, statistics.bans, statistics.granted) == (1, 0, 3)


@pytest.mark.parametrize(
    ("status", "told_s", "closed_s"),
    [(418, None, 120), (418, 7, 7), (429, None, 0), (429, float("inf"), 259_200), (429, float("nan"), 0)],
)
@virtual_time.in_virtual_time
async def test_how_long_a_refusal_stops_everything(status: int, told_s: float | None, closed_s: float) -> None:
    given = limiter()
    given.observe(status, retry_after_s=told_s)
    assert given.statistics().closed_for_s == pytest.approx(closed_s)


@virtual_time.in_virtual_time
async def test_slow_answers_ease_the_rate() -> None:
    given = limiter()
    for latency_s in [0.1] * 10 + [1.0] * 10:
        given.observe(200, latency_s=latency_s)
    assert given.current_rate == 540


@virtual_time.in_virtual_time
async def test_converges_within_two_windows_when_the_venue_halves_its_limit() -> None:
    given = limiter(default_rate=1_200)
    minute, count, limit, refused, accepted = 0, 0, 1_200, [], []
    while seconds() < 12 * 60:
        await given.acquire()
        if seconds() >= 90:
            limit = 600
        if int(seconds() // 60) != minute:
            minute, count = int(seconds() // 60), 0
        count += 1
        if count > limit:
            refused.append(seconds())
            given.observe(429, retry_after_s=60 - seconds() % 60)
        else:
            accepted.append(seconds())
            given.observe(200)
    assert refused
    assert refused[0] >= 90
    after = [at for at in refused if at > refused[0] + 120]
    assert len(after) <= 2, "it probes now and then, once each"
    used = sum(at > refused[0] + 120 for at in accepted) / (12 * 60 - refused[0] - 120) * 60
    assert 0.6 * 600 <= used <= 600


@virtual_time.in_virtual_time
async def test_a_deadline() -> None:
    given = limiter()
    assert given.try_acquire() == 0
    assert given.try_acquire() == pytest.approx(0.1)
    with pytest.raises(RateLimitError, match=r"limits of adaptive within 0\.05 s"):
        await given.acquire(timeout_s=0.05)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"default_rate": 0}, "^default_rate must be at least 1, was 0$"),
        ({"default_rate": 10, "burst_allowance": 11}, r"burst_allowance must be 1\.\.default_rate \(10\), was 11"),
        ({"default_rate": 10, "lowest_rate": 0}, r"lowest_rate must be 1\.\.default_rate \(10\), was 0"),
    ],
)
def test_bad_settings(settings: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdaptiveRateLimiter(**settings)  # type: ignore[arg-type]
