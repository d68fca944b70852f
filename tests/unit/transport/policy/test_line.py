"""Who goes next: priorities, order within them, no blocking of those who need something else, late wake-ups."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tradewire.transport.policy.limiter import Limiter, Weights
from tradewire.transport.policy.line import Line, Place
from tradewire.transport.policy.quota import Priority, Quota

SECOND = 1_000_000_000
ONE: Weights = (("weight", 1),)
BOTH: Weights = (("orders", 1), ("weight", 1))


def quota(name: str = "weight", **changes: Any) -> Quota:
    return Quota(**{"name": name, "limit": 600, "per_s": 60, "margin": 0, "burst": 1, "reserve": 0.2, **changes})


def line(*quotas: Quota, max_waiting: int = 100_000) -> Line:
    return Line(Limiter(quotas or (quota(),)), max_waiting)


def run(given: Line, now_ns: int, until_ns: int) -> list[tuple[int, Any]]:
    """Wakes exactly when told; (time, ticket) of everything handed out."""
    out = []
    while now_ns and now_ns <= until_ns:
        granted, next_ns = given.hand_out(now_ns)
        out += [(now_ns, place.ticket) for place in granted]
        now_ns = next_ns
    return out


def test_first_come_first_served() -> None:
    given = line(quota(reserve=0))
    for ticket in range(5):
        given.join(Place(ONE, Priority.SUBMIT, ticket))
    assert run(given, 1, SECOND) == [(1 + ticket * SECOND // 10, ticket) for ticket in range(5)]
    assert given.hand_out(SECOND) == ([], 0)


def test_a_cancel_behind_ten_thousand_submits_waits_at_most_one_refill() -> None:
    given = line()
    for ticket in range(10_000):
        given.join(Place(ONE, Priority.SUBMIT, ticket))
    run(given, 1, 10 * SECOND)
    given.join(Place(ONE, Priority.CANCEL, "cancel"))
    at_ns, ticket = run(given, 10 * SECOND, 11 * SECOND)[0]
    assert ticket == "cancel"
    assert at_ns - 10 * SECOND <= SECOND // 10


def test_priorities_go_in_order() -> None:
    given = line()
    given.join(Place(ONE, Priority.SUBMIT, "first"))
    given.hand_out(1)
    for priority in reversed(Priority):
        given.join(Place(ONE, priority, priority.name))
    assert [ticket for _, ticket in run(given, 2, SECOND)] == ["CANCEL", "QUERY", "SUBMIT", "DATA"]


def test_who_waits_for_one_quota_does_not_stop_who_needs_another() -> None:
    given = line(quota(limit=6_000), quota("orders"))
    for ticket in range(20):
        given.join(Place(BOTH, Priority.SUBMIT, f"submit {ticket}"))
    for ticket in range(20):
        given.join(Place(ONE, Priority.DATA, f"data {ticket}"))
    out = [ticket for _, ticket in run(given, 1, SECOND // 2)]
    assert "data 19" in out
    assert "submit 19" not in out


def test_a_heavy_request_is_not_starved_by_light_ones_behind_it() -> None:
    given = line(quota(burst=10, reserve=0))
    assert given.try_take((("weight", 10),), Priority.SUBMIT, 1) == 0
    given.join(Place((("weight", 10),), Priority.SUBMIT, "heavy"))
    for ticket in range(20):
        given.join(Place(ONE, Priority.DATA, ticket))
    assert run(given, 1, 2 * SECOND)[0] == (1 + SECOND, "heavy")


def test_nobody_overtakes_the_line() -> None:
    given = line()
    assert given.try_take(ONE, Priority.SUBMIT, 1) == 0
    given.join(Place(ONE, Priority.SUBMIT, 1))
    _, next_ns = given.hand_out(2)
    assert given.try_take(ONE, Priority.SUBMIT, next_ns) > 0, "the one in line is due"
    assert given.try_take(ONE, Priority.DATA, next_ns) > 0
    assert given.try_take(ONE, Priority.CANCEL, next_ns) == 0


def test_one_who_leaves_is_skipped_and_leaves_once() -> None:
    given = line()
    places = [Place(ONE, Priority.SUBMIT, ticket) for ticket in range(3)]
    for place in places:
        given.join(place)
    assert given.leave(places[0])
    assert not given.leave(places[0])
    assert [ticket for _, ticket in run(given, 1, SECOND)] == [1, 2]
    assert not given.leave(places[1])
    assert given.waiting == 0


def test_a_full_line_says_so() -> None:
    given = line(max_waiting=1)
    assert not given.is_full
    given.join(Place(ONE, Priority.SUBMIT))
    assert given.is_full


def test_late_wake_ups_cost_no_throughput() -> None:
    given = line(quota(limit=60_000, reserve=0))
    for ticket in range(5_000):
        given.join(Place(ONE, Priority.SUBMIT, ticket))
    now_ns, handed = 1, 0
    while now_ns <= 2 * SECOND:
        granted, next_ns = given.hand_out(now_ns)
        handed += len(granted)
        now_ns = next_ns + 1_300_000
    assert 0.99 * 2_000 <= handed <= 2_001


@pytest.mark.parametrize("per_s", [100, 1_000, 10_000])
def test_an_event_loop_of_milliseconds_reaches_the_rate_within_every_tenth_of_a_second(per_s: int) -> None:
    given = line(quota(limit=per_s * 60, reserve=0))
    overshoot_ns = random.Random(10)
    handed: list[int] = []
    now_ns = 1
    while now_ns <= 10 * SECOND:
        while given.waiting < 100:
            given.join(Place(ONE, Priority.SUBMIT))
        granted, next_ns = given.hand_out(now_ns)
        handed += [now_ns] * len(granted)
        now_ns += -(-(next_ns - now_ns) // 1_000_000) * 1_000_000 + overshoot_ns.randrange(50_000, 300_000)
    assert 0.993 <= len(handed) / (10 * per_s) <= 1.001
    most = 1 + per_s // 10
    assert all(last_ns - first_ns > SECOND // 10 for first_ns, last_ns in zip(handed, handed[most:], strict=False)), (
        "burst + rate * 100 ms is the most"
    )


class Queueing(RuleBasedStateMachine):
    """Whatever joins, leaves and waits: order within a lane, nothing lost, no window over the limit."""

    def __init__(self) -> None:
        super().__init__()
        self.line = line(quota(limit=30, per_s=3, burst=3), quota("orders", limit=10, per_s=1, burst=None, strict=True))
        self.now_ns, self.next_ns = 1, 0
        self.waiting: list[Place] = []
        self.granted: list[tuple[int, Place]] = []

    def wake(self) -> None:
        granted, self.next_ns = self.line.hand_out(self.now_ns)
        for place in granted:
            lane = [one for one in self.waiting if (one.priority, one.weights) == (place.priority, place.weights)]
            assert lane[0] is place, "first come first served"
            self.waiting.remove(place)
            self.granted.append((self.now_ns, place))

    @rule(weights=st.sampled_from([ONE, BOTH]), priority=st.sampled_from(list(Priority)))
    def join(self, weights: Weights, priority: Priority) -> None:
        place = Place(weights, priority)
        self.waiting.append(place)
        self.line.join(place)
        self.wake()

    @rule(pick=st.integers(0, 10))
    def leave(self, pick: int) -> None:
        if self.waiting:
            assert self.line.leave(self.waiting.pop(pick % len(self.waiting)))
            self.wake()

    @rule(late_ns=st.sampled_from([0, 1_000_000, 150_000_000]))
    def wait_for_turn(self, late_ns: int) -> None:
        before, waiting = len(self.granted), bool(self.waiting)
        # A window may be free before the bucket is, for each of two quotas.
        for _ in range(4):
            self.now_ns = max(self.now_ns, self.next_ns) + late_ns
            self.wake()
            if len(self.granted) > before:
                break
        assert not waiting or len(self.granted) > before, "wake-ups that were asked for are not in vain"

    @invariant()
    def counts(self) -> None:
        assert self.line.waiting == len(self.waiting)
        assert bool(self.next_ns) == bool(self.waiting)

    @invariant()
    def bounds(self) -> None:
        for name, limit, window_ns in (("weight", 30, 3 * SECOND), ("orders", 10, SECOND)):
            for start_ns, _ in self.granted[-50:]:
                inside = [
                    place
                    for at_ns, place in self.granted
                    if start_ns <= at_ns < start_ns + window_ns and name in dict(place.weights)
                ]
                assert len(inside) <= limit
                assert sum(not place.priority.may_use_reserve for place in inside) <= int(limit * 0.8)


TestQueueing = Queueing.TestCase
TestQueueing.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
