"""Scoreboard row 9: the circuit breaker against its reference, contended, abandoned, stale, wall clock jumping."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from breaker_reference import Reference
from tradewire.errors import CircuitOpenError
from tradewire.transport.circuit_breaker import CircuitBreaker
from tradewire.transport.policy.breaker import BreakerState, BreakerStates

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = pytest.mark.timeout(600)
SECOND = 1_000_000_000


def test_against_the_reference(campaign: Campaign) -> None:
    operations, done, settings = campaign.size(20_000, 200_000), 0, 0
    random = campaign.random
    while done < operations:
        settings += 1
        threshold, probes, wanted = random.randint(1, 6), random.randint(1, 4), random.randint(1, 5)
        timeout_ns, lease_ns = random.randint(1, 200), random.randint(1, 200)
        breaker = BreakerStates(
            failure_threshold=threshold,
            reset_timeout_ns=timeout_ns,
            half_open_max_requests=probes,
            success_threshold=wanted,
            lease_ns=lease_ns,
        )
        reference = Reference(threshold, timeout_ns, probes, wanted, lease_ns)
        tokens: list[tuple[int, int]] = []
        now_ns = 0
        for _ in range(1_000):
            now_ns += random.choice([0, 0, 0, 1, lease_ns, timeout_ns, timeout_ns + lease_ns])
            if random.random() < 0.5 or not tokens:
                token, expected = breaker.admit(now_ns), reference.admit(now_ns)
                assert bool(token) == (expected is not None)
                if expected is not None:
                    tokens.append((token, expected))
            else:
                token, expected = tokens[-min(random.randint(1, 6), len(tokens))]
                how = random.choice(["succeeded", "failed", "failed", "released"])
                getattr(breaker, how)(token, now_ns)
                getattr(reference, how)(expected, now_ns)
            assert breaker.state == reference.state
            done += 1
    campaign.passed(9, done, f"0 divergences from the reference in {done:,} operations, {settings} settings")


def test_contended_half_open(campaign: Campaign) -> None:
    """64 threads ask at once; as many get through as there are permits."""
    threads, rounds, permits = 64, campaign.size(20, 1_000), 3
    now_ns = 0
    breaker = CircuitBreaker(
        "contended",
        failure_threshold=1,
        reset_timeout=1.0,
        half_open_max_requests=permits,
        success_threshold=10**9,
        clock=lambda: now_ns,
    )
    gate, admitted = threading.Barrier(threads + 1), []

    def run() -> None:
        for _ in range(rounds):
            gate.wait()
            with contextlib.suppress(CircuitOpenError):
                admitted.append(breaker.admit())
            gate.wait()

    workers = [threading.Thread(target=run) for _ in range(threads)]
    for worker in workers:
        worker.start()
    token, counts = breaker.admit(), []
    for _ in range(rounds):
        breaker.failed(token, OSError())
        now_ns += SECOND
        admitted.clear()
        gate.wait()
        gate.wait()
        counts.append(len(admitted))
        token = admitted[0] if admitted else token
    for worker in workers:
        worker.join()
    assert counts == [permits] * rounds
    campaign.passed(
        9, threads * rounds, f"{threads} threads, {rounds:,} rounds: {permits} of {permits} permits each time"
    )


def test_abandoned_probes_never_strand_it(campaign: Campaign) -> None:
    probes, now_ns = campaign.size(1_000, 10_000), 0
    breaker = BreakerStates(
        failure_threshold=1, reset_timeout_ns=10, half_open_max_requests=2, success_threshold=1, lease_ns=5
    )
    breaker.failed(breaker.admit(0), 0)
    now_ns = 10
    for _ in range(probes):
        assert breaker.admit(now_ns), "a permit is free again"
        now_ns += campaign.random.choice([3, 5, 6])
    token = breaker.admit(now_ns + 5)
    assert breaker.succeeded(token, now_ns + 6)
    assert breaker.state is BreakerState.CLOSED
    campaign.passed(9, probes, f"{probes:,} abandoned probes: 0 stuck")


def test_stale_outcomes_change_nothing(campaign: Campaign) -> None:
    outcomes = campaign.size(1_000, 10_000)
    breaker = BreakerStates(
        failure_threshold=1, reset_timeout_ns=10, half_open_max_requests=1, success_threshold=1, lease_ns=5
    )
    now_ns, stale = 0, []
    for _ in range(20):
        stale.append(breaker.admit(now_ns))
        breaker.failed(stale[-1], now_ns)
        now_ns += 10
        stale.append(breaker.admit(now_ns))
        breaker.succeeded(stale[-1], now_ns)
    for goal in ("closed", "open", "half_open"):
        if goal == "open":
            breaker.failed(breaker.admit(now_ns), now_ns)
        elif goal == "half_open":
            now_ns += 10
            assert breaker.admit(now_ns)
        before = (breaker.state, breaker.closed_token, breaker.quiet, breaker.consecutive_failures, breaker.successes)
        assert before[0] == goal
        for _ in range(outcomes // 3 + 1):
            how = campaign.random.choice([breaker.succeeded, breaker.failed, breaker.released])
            assert not how(campaign.random.choice(stale), now_ns)
        after = (breaker.state, breaker.closed_token, breaker.quiet, breaker.consecutive_failures, breaker.successes)
        assert after == before
    campaign.passed(9, outcomes, f"{outcomes:,} stale outcomes: 0 transitions")


def test_the_wall_clock_has_no_effect(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same history with and without the wall clock jumping by an hour gives the same answers."""
    operations = campaign.size(2_000, 20_000)
    seed = campaign.random.random()

    def history() -> list[Any]:
        random, seen = type(campaign.random)(seed), []
        now_ns = 0
        breaker = CircuitBreaker("wall", failure_threshold=2, reset_timeout=10.0, clock=lambda: now_ns)
        for _ in range(operations):
            now_ns += random.choice([0, SECOND, 10 * SECOND])
            wall["offset_s"] = campaign.random.choice([-3_600, 0, 3_600]) if jumps else 0
            try:
                token = breaker.admit()
            except CircuitOpenError as error:
                seen.append(error.retry_after_s)
                continue
            if random.random() < 0.6:
                breaker.failed(token, OSError())
            else:
                breaker.succeeded(token)
            seen.append(breaker.state)
        return seen

    wall = {"offset_s": 0}
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + wall["offset_s"])
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + wall["offset_s"] * SECOND)
    jumps = False
    steady = history()
    jumps = True
    assert history() == steady
    assert {"open", "closed"} <= set(steady)
    campaign.passed(9, operations, "wall clock +-1 h: 0 effect")
