"""The rolling count against a list of all grants."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tradewire.transport.policy.rolling import RollingCount

steps = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 10)), max_size=200)


@given(limit=st.integers(10, 40), steps=steps)
def test_no_window_of_any_alignment_holds_more_than_the_limit(limit: int, steps: list[tuple[int, int]]) -> None:
    count, now_ns, grants = RollingCount(limit, 1_000), 0, []
    for wait_ns, weight in steps:
        now_ns += wait_ns
        expected = sum(one for at_ns, one in grants if at_ns > now_ns - 1_000)
        assert count.count(now_ns) == expected, "exact while entries are not merged"
        ready_ns = count.ready_ns(weight, now_ns)
        if not ready_ns:
            count.add(weight, now_ns)
            grants.append((now_ns, weight))
        else:
            assert now_ns < ready_ns <= now_ns + 1_000
            free = sum(one for at_ns, one in grants if at_ns > ready_ns - 1_000)
            assert free + weight <= limit
            before = sum(one for at_ns, one in grants if at_ns > ready_ns - 1 - 1_000)
            assert before + weight > limit, "no later than needed"
    for start_ns, _ in grants:
        assert sum(one for at_ns, one in grants if start_ns <= at_ns < start_ns + 1_000) <= limit


def test_memory_is_bounded_and_merging_lets_less_through() -> None:
    count = RollingCount(10**9, 1_000_000)
    for now_ns in range(0, 5_000_000, 10):
        count.add(1, now_ns)
    assert len(count._entries) <= 1_024 + 1
    assert 100_000 <= count.count(4_999_990) <= 100_000 * 1.002


def test_a_clock_that_steps_back_frees_nothing() -> None:
    count = RollingCount(2, 1_000)
    count.add(2, 5_000)
    assert count.ready_ns(1, 0) == 6_000
    assert count.ready_ns(1, 5_999) == 6_000
    assert count.ready_ns(1, 6_000) == 0
    count.add(1, 6_000)
    count.add(1, 3_000)
    assert count.count(6_500) == 2
    assert count.count(7_000) == 0


def test_more_than_the_limit_can_be_counted() -> None:
    count = RollingCount(5, 1_000)
    count.add(50, 0)
    assert count.ready_ns(1, 10) == 1_000
    assert count.ready_ns(6, 10) == 1_010, "never fits; asked again after a window"
