"""Retries: jitter, deadline, the peer's own word, and a budget that a storm cannot pass."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.transport.policy.retry import RetryBudget, RetryPolicy, RetryRun, RetryStatistics

SECOND = 1_000_000_000


def run(seed: int = 1, budget: RetryBudget | None = None, **policy: int) -> RetryRun:
    return RetryRun(RetryPolicy(**policy), budget or RetryBudget(), Random(seed), 0)


@given(seed=st.integers(0, 2**32))
def test_full_jitter_doubles_up_to_the_cap(seed: int) -> None:
    attempts = run(seed, RetryBudget(reserve=50), attempts=40, base_ns=100, cap_ns=5_000)
    for retry in range(39):
        delay_ns = attempts.next_delay_ns(0)
        assert delay_ns is not None
        assert 0 <= delay_ns <= min(100 * 2**retry, 5_000)
    assert attempts.next_delay_ns(0) is None


def test_the_whole_range_is_used() -> None:
    delays = [run(seed, attempts=2, base_ns=1_000).next_delay_ns(0) or 0 for seed in range(2_000)]
    assert min(delays) < 10
    assert max(delays) > 990
    assert 450 < sum(delays) / len(delays) < 550


def test_attempts_are_counted_with_the_first() -> None:
    attempts = run(attempts=3)
    assert [attempts.next_delay_ns(0) is not None for _ in range(3)] == [True, True, False]
    assert run(attempts=1).next_delay_ns(0) is None


def test_no_attempt_starts_after_the_deadline() -> None:
    assert run(deadline_ns=SECOND).next_delay_ns(SECOND + 1) is None
    assert run(deadline_ns=SECOND).next_delay_ns(0, retry_after_ns=SECOND) == SECOND
    assert run(deadline_ns=SECOND).next_delay_ns(1, retry_after_ns=SECOND) is None


def test_retry_after_is_obeyed_exactly_even_beyond_the_cap() -> None:
    attempts = run(cap_ns=SECOND, deadline_ns=100 * SECOND)
    assert attempts.next_delay_ns(0, retry_after_ns=77 * SECOND) == 77 * SECOND


def test_what_is_not_done_costs_no_budget() -> None:
    budget = RetryBudget(reserve=1)
    assert run(budget=budget, deadline_ns=1).next_delay_ns(2) is None
    assert run(budget=budget).next_delay_ns(0) is not None


@pytest.mark.parametrize("reserve", [0, 10])
def test_when_everything_fails_the_extra_load_is_a_tenth(reserve: int) -> None:
    budget, calls, retries = RetryBudget(reserve=reserve), 10_000, 0
    for number in range(calls):
        attempts = run(number, budget, attempts=5)
        while attempts.next_delay_ns(0) is not None:
            retries += 1
    assert 0.09 * calls < retries <= 0.1 * calls


def test_savings_are_bounded() -> None:
    budget = RetryBudget(reserve=0, most=5)
    for _ in range(10_000):
        budget.earn()
    assert [budget.spend() for _ in range(6)] == [True] * 5 + [False]


def test_a_million_attempts_do_not_overflow() -> None:
    attempts = run(budget=RetryBudget(reserve=10, most=10), attempts=10**7)
    for number in (10, 1_000, 1_000_000):
        attempts.attempts = number
        delay_ns = attempts.next_delay_ns(0)
        assert delay_ns is not None
        assert 0 <= delay_ns <= 20 * SECOND


@pytest.mark.parametrize(
    "make",
    [
        lambda: RetryPolicy(attempts=0),
        lambda: RetryPolicy(base_ns=0),
        lambda: RetryBudget(ratio=2),
        lambda: RetryBudget(reserve=101),
    ],
)
def test_bad_settings(make: object) -> None:
    with pytest.raises(ValueError, match=r"must be"):
        make()  # type: ignore[operator]


def test_statistics() -> None:
    budget = RetryBudget(ratio=0.5, reserve=2)
    attempts = run(budget=budget, attempts=10)
    granted = sum(attempts.next_delay_ns(0) is not None for _ in range(4))
    assert granted == 2
    assert budget.statistics() == RetryStatistics(calls=1, retries=2, refused=2, left=0)
    for _ in range(4):
        budget.earn()
    assert budget.statistics().left == 1
