"""The breaker's states, one rule a test, and against a reference on random histories."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from breaker_reference import Reference
from tradewire.transport.policy.breaker import BreakerState, BreakerStates


def states(**changes: int) -> BreakerStates:
    given = {
        "failure_threshold": 3,
        "reset_timeout_ns": 100,
        "half_open_max_requests": 2,
        "success_threshold": 3,
        "lease_ns": 50,
        **changes,
    }
    return BreakerStates(**given)


def opened(**changes: int) -> BreakerStates:
    breaker = states(**changes)
    breaker.open(0)
    return breaker


def test_only_consecutive_failures_open() -> None:
    breaker = states()
    for now_ns in range(10):
        breaker.failed(breaker.admit(now_ns), now_ns)
        breaker.failed(breaker.admit(now_ns), now_ns)
        breaker.succeeded(breaker.admit(now_ns), now_ns)
    assert breaker.state is BreakerState.CLOSED
    assert breaker.quiet
    for now_ns in range(3):
        assert breaker.state is BreakerState.CLOSED
        breaker.failed(breaker.admit(now_ns), now_ns)
    assert (breaker.state, breaker.closed_token, breaker.quiet) == (BreakerState.OPEN, 0, False)


def test_open_refuses_until_the_timeout_to_the_nanosecond() -> None:
    breaker = opened()
    assert (breaker.admit(99), breaker.retry_after_ns(60)) == (0, 40)
    assert breaker.admit(100)
    assert breaker.state is BreakerState.HALF_OPEN


def test_probes_are_limited_and_successes_in_total_close() -> None:
    breaker = opened()
    first, second = breaker.admit(100), breaker.admit(100)
    assert 0 not in (first, second)
    assert breaker.admit(110) == 0
    assert breaker.retry_after_ns(110) == 40
    breaker.succeeded(first, 120)
    breaker.succeeded(second, 120)
    assert breaker.state is BreakerState.HALF_OPEN
    breaker.succeeded(breaker.admit(121), 122)
    assert (breaker.state, breaker.quiet) == (BreakerState.CLOSED, True)


def test_one_failed_probe_opens_for_a_whole_timeout() -> None:
    breaker = opened()
    first, second = breaker.admit(100), breaker.admit(100)
    breaker.succeeded(first, 110)
    breaker.failed(second, 120)
    assert (breaker.state, breaker.admit(219), breaker.retry_after_ns(120)) == (BreakerState.OPEN, 0, 100)
    for now_ns in (220, 221):
        breaker.succeeded(breaker.admit(now_ns), now_ns)
    assert breaker.state is BreakerState.HALF_OPEN, "successes of the period before do not count"


def test_outcomes_of_an_earlier_state_change_nothing() -> None:
    breaker = states(failure_threshold=1, success_threshold=1)
    early = breaker.admit(0)
    breaker.failed(breaker.admit(0), 0)
    assert not breaker.succeeded(early, 10)
    assert not breaker.failed(early, 10)
    probe = breaker.admit(100)
    assert not breaker.succeeded(early, 101)
    assert breaker.state is BreakerState.HALF_OPEN
    breaker.succeeded(probe, 102)
    assert breaker.state is BreakerState.CLOSED
    assert not breaker.failed(early, 103)
    assert not breaker.failed(probe, 103)
    assert breaker.state is BreakerState.CLOSED


def test_an_abandoned_probe_loses_its_permit_with_its_lease() -> None:
    breaker = opened(half_open_max_requests=1, success_threshold=1)
    abandoned = breaker.admit(100)
    assert breaker.admit(149) == 0
    again = breaker.admit(150)
    assert again
    assert not breaker.failed(abandoned, 151)
    assert breaker.succeeded(again, 152)
    assert breaker.state is BreakerState.CLOSED


def test_an_outcome_after_the_lease_is_stale_also_when_nobody_took_the_permit() -> None:
    breaker = opened(success_threshold=1)
    probe = breaker.admit(100)
    assert not breaker.succeeded(probe, 150)
    assert breaker.state is BreakerState.HALF_OPEN


def test_a_released_probe_gives_its_permit_back() -> None:
    breaker = opened(half_open_max_requests=1)
    assert breaker.released(breaker.admit(100), 101)
    assert breaker.admit(102)


def test_a_clock_that_steps_back_leaves_it_open() -> None:
    breaker = states(failure_threshold=1)
    breaker.failed(breaker.admit(1_000), 1_000)
    assert breaker.admit(0) == 0
    assert breaker.admit(1_100)


class Machine(RuleBasedStateMachine):
    """Random admissions, outcomes (also twice and late) and time steps give what the reference gives."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = states()
        self.reference = Reference(3, 100, 2, 3, 50)
        self.now_ns = 0
        self.tokens: list[tuple[int, int]] = []

    @rule(by=st.sampled_from([0, 1, 49, 50, 51, 99, 100, 101]))
    def wait(self, by: int) -> None:
        self.now_ns += by

    @rule()
    def admit(self) -> None:
        token, expected = self.breaker.admit(self.now_ns), self.reference.admit(self.now_ns)
        assert bool(token) == (expected is not None)
        if expected is not None:
            self.tokens.append((token, expected))

    @rule(pick=st.integers(0, 5), how=st.sampled_from(["succeeded", "failed", "released"]))
    def report(self, pick: int, how: str) -> None:
        if not self.tokens:
            return
        token, expected = self.tokens[-1 - pick % len(self.tokens)]
        getattr(self.breaker, how)(token, self.now_ns)
        getattr(self.reference, how)(expected, self.now_ns)

    @invariant()
    def same(self) -> None:
        assert self.breaker.state == self.reference.state
        assert self.breaker.quiet == (self.reference.state == "closed" and not self.reference.failures)
        assert bool(self.breaker.closed_token) == (self.reference.state == "closed")


TestAgainstReference = pytest.mark.filterwarnings("default")(Machine.TestCase)
TestAgainstReference.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
