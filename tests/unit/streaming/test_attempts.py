"""What ended connections count as, and when the next attempt may be made; on invented time."""

from __future__ import annotations

from random import Random

import pytest

from tradewire.errors import FeedConnectionError
from tradewire.streaming.attempts import Attempts
from tradewire.transport.policy.breaker import BreakerState, BreakerStates

SECOND = 1_000_000_000
LOST = FeedConnectionError("reset")


class Gate:
    """Holds for as long as it was told."""

    def __init__(self) -> None:
        self.held = 0

    def hold(self, seconds: float) -> None:
        self.held = int(seconds * SECOND)

    def held_ns(self) -> int:
        return self.held


def breaker_states(*, failures: int = 1) -> BreakerStates:
    return BreakerStates(
        failure_threshold=failures,
        reset_timeout_ns=60 * SECOND,
        half_open_max_requests=1,
        success_threshold=1,
        lease_ns=3_600 * SECOND,
    )


def end(
    attempts: Attempts,
    now_ns: int = 0,
    *,
    error: Exception | None = LOST,
    served: bool = False,
    excused: bool = False,
    at_once: bool = False,
    away_s: float | None = None,
) -> tuple[int, str]:
    return attempts.ended(error, now_ns, served=served, excused=excused, at_once=at_once, away_s=away_s)


def test_failures_are_counted_and_waits_grow_until_one_serves(no_wait: Random) -> None:
    attempts = Attempts(no_wait, None, None)
    for number in (1, 2, 3):
        assert attempts.barred_ns(0) == 0
        assert end(attempts) == (0, "reset")
        assert (attempts.failures, attempts.backoff.attempts) == (number, number)
    attempts.served(0)
    assert (attempts.failures, attempts.backoff.attempts) == (0, 0)
    end(attempts, served=True)
    assert (attempts.failures, attempts.backoff.attempts) == (0, 1), "waited after, and no failure"
    assert end(attempts, error=None, excused=True)[1] == "dropped"
    assert (attempts.failures, attempts.backoff.attempts) == (0, 2)


def test_a_planned_end_is_not_waited_after() -> None:
    attempts = Attempts(Random(1), None, None)
    assert end(attempts, at_once=True) == (0, "reset")
    assert (attempts.failures, attempts.backoff.attempts) == (0, 0)


def test_failures_in_a_row_open_the_breaker_which_bars_attempts(no_wait: Random) -> None:
    attempts = Attempts(no_wait, breaker_states(failures=2), None)
    for waits_ns in (0, 60 * SECOND):
        assert attempts.barred_ns(0) == 0
        assert end(attempts)[0] == waits_ns
    assert attempts.barred_ns(SECOND) == 59 * SECOND
    assert attempts.barred_ns(60 * SECOND) == 0


@pytest.mark.parametrize("ours", [{"excused": True}, {"at_once": True}])
def test_what_we_give_up_ourselves_is_nothing_to_the_breaker(no_wait: Random, ours: dict[str, bool]) -> None:
    breaker = breaker_states()
    attempts = Attempts(no_wait, breaker, None)
    attempts.barred_ns(0)
    end(attempts, **ours)
    assert breaker.state is BreakerState.CLOSED
    breaker.open(0)
    for _ in range(3):
        assert attempts.barred_ns(60 * SECOND) == 0, "the probe gave its place back"
        assert breaker.state is BreakerState.HALF_OPEN
        end(attempts, 60 * SECOND, **ours)
    assert attempts.barred_ns(60 * SECOND) == 0
    end(attempts, 60 * SECOND)
    assert breaker.state is BreakerState.OPEN


def test_one_that_serves_closes_the_breaker_also_after_its_lease(no_wait: Random) -> None:
    breaker = breaker_states()
    attempts = Attempts(no_wait, breaker, None)
    breaker.open(0)
    assert attempts.barred_ns(60 * SECOND) == 0
    attempts.served(7_200 * SECOND)
    assert breaker.state is BreakerState.CLOSED
    end(attempts, 7_200 * SECOND, served=True)
    assert breaker.quiet


def test_the_venues_word_and_the_gate_are_waited_for(no_wait: Random) -> None:
    gate, breaker = Gate(), breaker_states()
    attempts = Attempts(no_wait, breaker, gate)
    banned = FeedConnectionError("HTTP 418", status=418)
    assert attempts.barred_ns(0) == 0
    assert end(attempts, error=banned, away_s=120.0) == (120 * SECOND, "HTTP 418")
    assert breaker.state is BreakerState.CLOSED, "a ban is the limiter's business"
    assert attempts.barred_ns(0) == 120 * SECOND
    gate.held = 1
    assert attempts.barred_ns(0) == 1_000_000, "never a busy loop"
    gate.held = 18 * SECOND
    assert end(attempts, excused=True) == (18 * SECOND, "reset; the venue asks to be left alone")
