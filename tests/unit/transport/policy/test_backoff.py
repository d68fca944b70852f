"""Backoff: delays as stated, whatever the number of attempts."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tradewire.transport.policy.backoff import Backoff

SECOND = 1_000_000_000


@given(seed=st.integers(0, 2**32))
def test_delays_grow_by_factor_within_jitter(seed: int) -> None:
    backoff = Backoff(Random(seed))
    assert 0 <= backoff.next_delay_ns() <= SECOND // 2
    for attempt in range(30):
        ideal = min(SECOND * 1.6**attempt, 120 * SECOND)
        delay = backoff.next_delay_ns()
        assert ideal * 0.8 - 1 <= delay <= min(ideal * 1.2, 120 * SECOND)


def test_a_million_attempts_neither_overflow_nor_pass_the_cap() -> None:
    backoff = Backoff(Random(1))
    for _ in range(100_000):
        assert 0 <= backoff.next_delay_ns() <= 120 * SECOND
    assert backoff.attempts == 100_000


def test_reset_starts_over() -> None:
    backoff = Backoff(Random(1))
    for _ in range(10):
        backoff.next_delay_ns()
    backoff.reset()
    assert backoff.attempts == 0
    assert backoff.next_delay_ns() <= SECOND // 2


def test_many_clients_spread_over_the_first_half_second() -> None:
    delays = [Backoff(Random(seed)).next_delay_ns() for seed in range(10_000)]
    bins = [0] * 5
    for delay in delays:
        bins[min(delay // 100_000_000, 4)] += 1
    assert max(bins) < 1.2 * min(bins)
