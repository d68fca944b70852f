"""All quotas of a venue: all or nothing, the reserve, what the venue says, the gate; no window over its limit."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire.transport.policy.limiter import Limiter, Weights
from tradewire.transport.policy.quota import Quota

SECOND = 1_000_000_000
ONE: Weights = (("weight", 1),)


def quota(name: str = "weight", **changes: Any) -> Quota:
    return Quota(**{"name": name, "limit": 100, "per_s": 10, "margin": 0, "burst": 10, **changes})


def take(limiter: Limiter, weights: Weights, now_ns: int, *, reserve: bool = False) -> int:
    return limiter.try_take(weights, now_ns, now_ns, reserve=reserve)


def take_all(limiter: Limiter, weights: Weights, now_ns: int, *, reserve: bool = False) -> int:
    """How many pass at this moment."""
    passed = 0
    while not take(limiter, weights, now_ns, reserve=reserve):
        passed += 1
    return passed


def test_all_or_nothing_over_several_quotas() -> None:
    limiter = Limiter([quota(), quota("orders", limit=10, burst=2)])
    both: Weights = (("orders", 1), ("weight", 3))
    assert take_all(limiter, both, 0) == 2
    assert limiter.used("weight", 0) == 6, "what orders refused was not taken from weight"
    assert take_all(limiter, ONE, 0) == 4


def test_the_reserve_is_left_for_those_who_may_use_it() -> None:
    limiter = Limiter([quota(strict=True)])
    assert take_all(limiter, ONE, 0) == 80
    assert take_all(limiter, ONE, 0, reserve=True) == 20


def test_spreading_leaves_the_reserve_too() -> None:
    limiter = Limiter([quota()])
    passed = {True: 0, False: 0}
    for now_ns in range(0, 60 * SECOND, SECOND // 100):
        passed[False] += take_all(limiter, ONE, now_ns)
    for now_ns in range(60 * SECOND, 120 * SECOND, SECOND // 100):
        passed[True] += take_all(limiter, ONE, now_ns, reserve=True)
    assert 0.95 * 480 <= passed[False] <= 480 + 10
    assert 0.95 * 600 <= passed[True] <= 600 + 10


def test_a_strict_quota_may_go_at_once_and_then_waits_a_whole_window() -> None:
    limiter = Limiter([quota(limit=5, per_s=1, burst=None, strict=True, reserve=0)])
    assert take_all(limiter, ONE, 7) == 5
    assert take(limiter, ONE, 8) == 7 + SECOND
    assert take_all(limiter, ONE, 7 + SECOND) == 5


def test_a_late_timer_makes_up_for_it_but_not_in_a_burst() -> None:
    limiter = Limiter([quota(limit=60_000, per_s=60, burst=1, reserve=0)])
    passed, due_ns = 0, 0
    for now_ns in range(0, SECOND, 3_000_000):  # a wake-up every 3 ms for slots every 1 ms
        while due_ns <= now_ns:
            ready_ns = limiter.try_take(ONE, now_ns, due_ns, reserve=False)
            passed += not ready_ns
            due_ns = ready_ns or due_ns
    assert 970 <= passed <= 1_000
    late = SECOND + 90_000_000  # 90 ms late: 90 slots are due, and all fit into a tenth of a second
    assert limiter.try_take(ONE, late, due_ns, reserve=False) == 0


def test_the_venues_own_count_is_taken_over_when_it_is_higher() -> None:
    limiter = Limiter([quota(strict=True)])
    take_all(limiter, (("weight", 10),), 0)
    limiter.observe_used("weight", 50, SECOND)
    assert limiter.used("weight", SECOND) == 80
    limiter.observe_used("weight", 95, 2 * SECOND)
    assert limiter.used("weight", 2 * SECOND) == 95
    assert take(limiter, ONE, 3 * SECOND) == 10 * SECOND
    assert take_all(limiter, ONE, 3 * SECOND, reserve=True) == 5
    assert limiter.used("weight", 10 * SECOND) == 20
    assert limiter.used("weight", 12 * SECOND) == 5


def test_the_gate_stops_everything_and_never_opens_earlier() -> None:
    limiter = Limiter([quota()])
    limiter.close_until(500)
    limiter.close_until(400)
    assert take(limiter, ONE, 499, reserve=True) == 500
    assert limiter.lacking(ONE, 499, 499, 500, reserve=True) == {"weight"}
    assert take(limiter, ONE, 500) == 0


@pytest.mark.parametrize("strict", [True, False])
def test_looking_takes_nothing_and_sees_what_taking_would_find(strict: bool) -> None:
    limiter = Limiter([quota(limit=5, per_s=1, burst=None if strict else 5, strict=strict)])
    now_ns = 0
    while now_ns < 3 * SECOND:
        looked_ns = [limiter.ready_ns(ONE, now_ns, now_ns, reserve=False) for _ in range(2)]
        assert looked_ns[0] == looked_ns[1]
        assert bool(looked_ns[0]) is bool(take(limiter, ONE, now_ns))
        now_ns = looked_ns[0] or now_ns
    limiter.close_until(4 * SECOND)
    assert limiter.ready_ns(ONE, 3 * SECOND, 3 * SECOND, reserve=True) == 4 * SECOND


def test_lacking_names_only_the_reason() -> None:
    limiter = Limiter([quota(burst=1), quota("orders", limit=10, burst=1)])
    both: Weights = (("orders", 1), ("weight", 1))
    take_all(limiter, both, 0)
    ready_ns = take(limiter, both, 0)
    assert ready_ns == SECOND * 10 // 8
    assert limiter.lacking(both, 0, 0, ready_ns, reserve=False) == {"orders"}
    assert limiter.lacking(ONE, 0, 0, take(limiter, ONE, 0), reserve=False) == {"weight"}


def test_a_new_limit_keeps_what_was_used() -> None:
    limiter = Limiter([quota()])
    assert take_all(limiter, ONE, 0) == 10
    limiter.set_limit("weight", 50, 0)
    assert limiter.allowed("weight") == 50
    assert take_all(limiter, ONE, 0) == 0
    assert take_all(limiter, ONE, SECOND // 2) == 2, "half a second of four a second"
    passed = sum(take_all(limiter, ONE, now_ns) for now_ns in range(SECOND, 10 * SECOND, SECOND // 50))
    assert 0.9 * 40 - 12 <= passed <= 40 - 12


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((("nothing", 1),), "quota must be one of weight; was 'nothing'"),
        ((("weight", 11),), r"weight of weight must be 1\.\.10 \(the quota's burst\), was 11"),
        ((("weight", 0),), "was 0"),
    ],
)
def test_what_could_never_pass_is_an_error(weights: Weights, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Limiter([quota()]).check(weights, reserve=False)


@settings(max_examples=40, deadline=None)
@given(
    limit=st.integers(25, 400),
    per_ms=st.integers(50, 3_000),
    strict=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_any_window_stays_within_the_limit(limit: int, per_ms: int, strict: bool, seed: int) -> None:
    random = Random(seed)
    limiter = Limiter([quota(limit=limit, per_s=per_ms / 1_000, burst=None, strict=strict)])
    window_ns, now_ns, grants = per_ms * 1_000_000, 0, []
    for _ in range(600):
        now_ns += random.choice([0, 1_000, window_ns // 500, window_ns // 50, window_ns // 3])
        reserve = random.random() < 0.3
        if not take(limiter, ONE, now_ns, reserve=reserve):
            grants.append((now_ns, reserve))
    for start_ns, _ in grants:
        inside = [reserve for at_ns, reserve in grants if start_ns <= at_ns < start_ns + window_ns]
        assert len(inside) <= limit
        assert inside.count(False) <= int(limit * 0.8)
