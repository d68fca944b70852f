"""The limiter on both cores: never over burst + rate * window, exact waits, sets taken all or nothing."""

from __future__ import annotations

import random
import threading
from fractions import Fraction
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire import core

NATIVE, PURE = core.load("native"), core.load("pure")
SECOND = 1_000_000_000
LATEST = 2**62 - 1

rates = st.one_of(
    st.floats(1e-6, 1e9),
    st.sampled_from([1e-6, 0.1, 1 / 3, 3.0, 20.0, 2400 / 60, 1e6, 7e8, 1e9]),
    st.integers(1, 10**9),
)


def test_a_full_bucket_grants_its_burst_and_says_how_long_to_wait(impl: ModuleType) -> None:
    bucket = impl.TokenBucket(20, 40)
    assert (bucket.rate_per_s, bucket.burst, bucket.available(0)) == (20.0, 40, 40)
    assert bucket.try_acquire(40, 0) == 0
    assert bucket.try_acquire(5, 0) == 5 * SECOND // 20
    assert bucket.try_acquire(5, SECOND // 4 - 1) == 1
    assert bucket.try_acquire(5, SECOND // 4) == 0
    assert bucket.available(SECOND) == 15


def test_intervals_are_rounded_up(impl: ModuleType) -> None:
    bucket = impl.TokenBucket(3, 1)
    assert bucket.try_acquire(1, 0) == 0
    assert bucket.try_acquire(1, 0) == 333_333_334


def test_weight_is_one_unless_said(impl: ModuleType) -> None:
    bucket = impl.TokenBucket(1e-6, 2)
    assert bucket.try_acquire(now_ns=0) == 0
    assert bucket.available(now_ns=0) == 1
    assert bucket.try_acquire(weight=1, now_ns=0) == 0
    assert bucket.try_acquire(now_ns=0) > 0


def test_without_a_time_the_monotonic_clock_is_read(impl: ModuleType) -> None:
    bucket = impl.TokenBucket(1e-3, 3)
    assert bucket.try_acquire(3) == 0
    told = bucket.try_acquire(1)
    assert 0 < told <= 1000 * SECOND
    # Far ahead of the native clock's reading, the same bucket is full again.
    assert bucket.available(impl.monotonic_ns() + 3000 * SECOND) == 3
    assert bucket.available() == 0


def test_a_clock_that_steps_back_refunds_nothing(impl: ModuleType) -> None:
    bucket = impl.TokenBucket(10, 5)
    assert bucket.try_acquire(5, SECOND) == 0
    assert bucket.try_acquire(1, 0) == SECOND + SECOND // 10
    assert bucket.available(0) == 0
    assert bucket.try_acquire(1, SECOND) == SECOND // 10
    assert bucket.try_acquire(1, SECOND + SECOND // 10) == 0


@pytest.mark.parametrize(
    ("weight", "now_ns", "error", "text"),
    [
        (0, 0, ValueError, "weight must be 1..40, was 0"),
        (41, 0, ValueError, "weight must be 1..40, was 41"),
        (10**30, 0, ValueError, f"weight must be 1..40, was {10**30}"),
        (None, 0, TypeError, "weight must be an integer, was NoneType"),
        (1.0, 0, TypeError, "weight must be an integer, was float"),
        (1, -1, ValueError, f"now_ns must be 0..{LATEST}, was -1"),
        (1, 2**62, ValueError, f"now_ns must be 0..{LATEST}, was {2**62}"),
        (1, "0", TypeError, "now_ns must be an integer, was str"),
    ],
)
def test_wrong_arguments(impl: ModuleType, weight: Any, now_ns: Any, error: type[Exception], text: str) -> None:
    bucket = impl.TokenBucket(20, 40)
    with pytest.raises(error) as caught:
        bucket.try_acquire(weight, now_ns)
    assert str(caught.value) == text
    assert bucket.available(0) == 40


def test_bursts_that_would_never_refill_are_refused(impl: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"burst must be 1\.\.4611, was 4612"):
        impl.TokenBucket(1e-6, 4612)
    bucket = impl.TokenBucket(1e-6, 4611)
    assert bucket.try_acquire(4611, LATEST) == 0
    assert bucket.try_acquire(4611, 0) > LATEST
    assert bucket.available(0) == 0


def test_a_set_takes_all_or_nothing(impl: ModuleType) -> None:
    fast, slow = impl.TokenBucket(10, 10), impl.TokenBucket(1, 2)
    both = impl.BucketSet([fast, slow])
    assert both.try_acquire([3, 2], 0) == 0
    assert both.try_acquire((3, 1), 0) == SECOND
    assert (fast.available(0), slow.available(0)) == (7, 0)
    assert both.try_acquire([7, 0], now_ns=0) == 0
    assert both.try_acquire([10, 1], 0) == SECOND, "the longest of the waits"
    assert both.try_acquire([0, 0], 0) == 0
    assert both.try_acquire([1, 0]) == 0, "by the monotonic clock"


def test_sets_that_make_no_sense(impl: ModuleType) -> None:
    bucket, other = impl.TokenBucket(1, 1), impl.TokenBucket(1, 5)
    cases: list[tuple[Any, type[Exception], str]] = [
        ([], ValueError, "buckets must hold 1..16 buckets, was 0"),
        ([impl.TokenBucket(1, 1) for _ in range(17)], ValueError, "buckets must hold 1..16 buckets, was 17"),
        ([bucket, other, bucket], ValueError, "buckets must be distinct, one was given twice"),
        ([bucket, 5], TypeError, "buckets must hold TokenBucket objects, was int"),
        (5, TypeError, "'int' object is not iterable"),
    ]
    for buckets, error, text in cases:
        with pytest.raises(error) as caught:
            impl.BucketSet(buckets)
        assert str(caught.value) == text
    both = impl.BucketSet([bucket, other])
    asks: list[tuple[Any, type[Exception], str]] = [
        ([1], ValueError, "weights must hold 2 numbers, was 1"),
        ([1, 6], ValueError, "weight must be 0..5, was 6"),
        ([1, -1], ValueError, "weight must be 0..5, was -1"),
        ([1, "1"], TypeError, "weight must be an integer, was str"),
    ]
    for weights, error, text in asks:
        with pytest.raises(error) as caught:
            both.try_acquire(weights, 0)
        assert str(caught.value) == text
    assert bucket.available(0) == 1


def over_limit(grants: list[tuple[int, int]], rate: Fraction, burst: int) -> bool:
    """Whether more than burst + rate * window passed between any two grants, in exact arithmetic."""
    for first, (start, _) in enumerate(grants):
        passed = 0
        for now, weight in grants[first:]:
            passed += weight
            if passed > burst + rate * (now - start) / SECOND:
                return True
    return False


steps = st.tuples(st.floats(0, 3), st.integers(1, 50), st.booleans())


@pytest.mark.any_core
@given(rate=rates, burst=st.integers(1, 50), asks=st.lists(steps, max_size=60), start=st.integers(0, 2**60))
def test_never_over_the_limit_and_in_lock_step(
    rate: float, burst: int, asks: list[tuple[float, int, bool]], start: int
) -> None:
    native, pure = NATIVE.TokenBucket(rate, burst), PURE.TokenBucket(rate, burst)
    now, grants = start, []
    for share, weight, patient in asks:
        # In units of the interval, so that slow and fast limits meet the interesting moments alike.
        now += int(share * SECOND / rate)
        weight = min(weight, burst)
        assert native.available(now) == pure.available(now)
        wait = native.try_acquire(weight, now)
        assert wait == pure.try_acquire(weight, now)
        if wait and patient:
            now += wait
            for bucket in (native, pure):
                assert bucket.try_acquire(weight, now - 1) == 1
                assert bucket.try_acquire(weight, now) == 0
            wait = 0
        if not wait:
            grants.append((now, weight))
    assert not over_limit(grants, Fraction(rate), burst)


@given(data=st.data())
def test_clocks_that_jump_are_answered_alike(data: st.DataObject) -> None:
    rate, burst = data.draw(rates), data.draw(st.integers(1, 100))
    native, pure = NATIVE.TokenBucket(rate, burst), PURE.TokenBucket(rate, burst)
    for now in data.draw(st.lists(st.integers(0, LATEST), max_size=30)):
        weight = data.draw(st.integers(1, burst))
        assert native.try_acquire(weight, now) == pure.try_acquire(weight, now)
        assert native.available(now) == pure.available(now)


@pytest.mark.any_core
@given(data=st.data())
@settings(max_examples=50)
def test_sets_in_lock_step(data: st.DataObject) -> None:
    limits = data.draw(st.lists(st.tuples(rates, st.integers(1, 20)), min_size=2, max_size=4))
    native = [NATIVE.TokenBucket(*limit) for limit in limits]
    pure = [PURE.TokenBucket(*limit) for limit in limits]
    # Two sets that share their buckets but for one at each end.
    sets = [
        (NATIVE.BucketSet(native[:-1]), PURE.BucketSet(pure[:-1])),
        (NATIVE.BucketSet(native[1:]), PURE.BucketSet(pure[1:])),
    ]
    bursts = [[burst for _, burst in limits[:-1]], [burst for _, burst in limits[1:]]]
    now = 0
    for step in data.draw(st.lists(st.integers(0, 3 * SECOND), max_size=30)):
        now += step
        which = data.draw(st.integers(0, 1))
        weights = [data.draw(st.integers(0, burst)) for burst in bursts[which]]
        before = [bucket.available(now) for bucket in native]
        wait = sets[which][0].try_acquire(weights, now)
        assert wait == sets[which][1].try_acquire(weights, now)
        after = [bucket.available(now) for bucket in native]
        assert after == [bucket.available(now) for bucket in pure]
        if wait:
            assert before == after, "nothing taken anywhere"


def test_saturated_limits_are_used_up(impl: ModuleType) -> None:
    """A caller that always waits as told, under many random limits: never over, and hardly ever under."""
    seed = 20
    draw = random.Random(seed)
    for _ in range(20 if impl.PROFILE == "pure" else 200):
        rate, burst = 10 ** draw.uniform(-1, 6), draw.randint(1, 100)
        bucket = impl.TokenBucket(rate, burst)
        now, passed = 0, 0
        for _ in range(1000):
            weight = draw.randint(1, burst)
            wait = bucket.try_acquire(weight, now)
            if wait:
                now += wait
                assert bucket.try_acquire(weight, now) == 0, seed
            passed += weight
        allowed = burst + Fraction(rate) * now / SECOND
        assert 0.99 * allowed <= passed + burst, seed
        assert passed <= allowed, seed


def test_threads_share_buckets_between_sets(impl: ModuleType) -> None:
    burst = 600 if impl.PROFILE == "pure" else 6000
    buckets = [impl.TokenBucket(1e-3, burst) for _ in range(3)]
    pairs = [(0, 1), (1, 2), (2, 0)]
    taken = [0] * len(pairs)
    ready = threading.Barrier(len(pairs))

    def work(which: int) -> None:
        both = impl.BucketSet([buckets[at] for at in pairs[which]])
        ready.wait()
        taken[which] = sum(both.try_acquire((1, 1), 0) == 0 for _ in range(burst))

    threads = [threading.Thread(target=work, args=(which,)) for which in range(len(pairs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for at, bucket in enumerate(buckets):
        used = sum(count for pair, count in zip(pairs, taken, strict=True) if at in pair)
        assert bucket.available(0) == burst - used
    assert any(bucket.available(0) == 0 for bucket in buckets)


def test_it_starts_full_at_any_time(impl: ModuleType) -> None:
    for now in (0, SECOND, LATEST):
        assert impl.TokenBucket(5, 7).available(now) == 7
