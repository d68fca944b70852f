"""The adaptive rate: one rule a test, and convergence on a venue that cuts its limit."""

from __future__ import annotations

from tradewire.transport.policy.adaptive import AdaptiveRate

WINDOW = 1_000


def rate(highest: int = 1_000, lowest: int = 50) -> AdaptiveRate:
    given = AdaptiveRate(highest, lowest, WINDOW)
    given.advance(0, 0)
    return given


def grow(given: AdaptiveRate, windows: int, now_ns: int) -> int:
    for _ in range(windows):
        now_ns += WINDOW
        given.advance(now_ns, given.rate)
    return now_ns


def test_a_refusal_halves_and_many_at_once_are_one() -> None:
    given = rate()
    for now_ns in range(10):
        given.refused(now_ns)
    assert given.rate == 500


def test_never_below_the_lowest_nor_over_the_highest() -> None:
    given = rate()
    now_ns = 0
    for _ in range(20):
        given.refused(now_ns)
        now_ns += WINDOW
    assert given.rate == 50
    grow(given, 100, now_ns)
    assert given.rate == 1_000


def test_a_quiet_window_adds_a_step_but_only_when_the_rate_was_used() -> None:
    given = rate()
    given.refused(0)
    given.advance(WINDOW, 500)
    assert given.rate == 500, "the window of the refusal is not a quiet one"
    given.advance(2 * WINDOW, 249)
    assert given.rate == 500
    given.advance(3 * WINDOW, 250)
    assert given.rate == 550


def test_a_rate_that_held_is_not_forgotten() -> None:
    given = rate()
    given.refused(0)
    now_ns = grow(given, 2, 0)
    assert given.rate == 550
    given.refused(now_ns + 1)
    assert given.rate == 450, "just below 500, which held, not 275"


def test_growth_stops_below_what_was_refused_and_tries_again_later() -> None:
    given = rate()
    given.refused(0)
    now_ns = grow(given, 2, 0)
    given.refused(now_ns + 1)
    now_ns = grow(given, 8, now_ns + 1)
    assert given.rate == 495
    grow(given, 4, now_ns)
    assert given.rate > 550


def test_slow_answers_ease_the_rate_once_a_window() -> None:
    given = rate()
    for now_ns in range(20):
        given.answered(100, now_ns)
    for now_ns in range(20, 40):
        given.answered(1_000, now_ns)
    assert given.rate == 900


def test_a_peer_that_became_slower_for_good_is_taken_as_it_is() -> None:
    given = rate()
    given.answered(100, 0)
    for step in range(2_000):
        given.answered(1_000, step * 10)
    low = given.rate
    grow(given, 20, 20_000)
    assert low < 1_000
    assert given.rate == 1_000
