"""The histogram on both cores: accuracy, coordinated omission, bulk recording, merging, odd input."""

from __future__ import annotations

import random
import threading
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire import core

NATIVE, PURE = core.load("native"), core.load("pure")
HOUR = 3_600_000_000_000
QUANTILES = [0.0, 25.0, 50.0, 90.0, 99.0, 99.9, 100.0]
MS = 1_000_000


def made(impl: ModuleType, values: Any = (), highest: int = HOUR, digits: int = 3) -> Any:
    histogram = impl.Histogram(1, highest, digits)
    histogram.record_many(np.array(values, np.int64))
    return histogram


def state(histogram: Any) -> tuple[Any, ...]:
    """Everything that can be seen of it."""
    return (
        histogram.count,
        histogram.min,
        histogram.max,
        histogram.mean,
        histogram.negative,
        histogram.overflow,
        histogram.percentiles(QUANTILES),
        (histogram.lowest, histogram.highest, histogram.digits),
    )


def test_the_snippet_of_the_readme(impl: ModuleType) -> None:
    histogram = impl.Histogram(lowest=1, highest=HOUR, digits=3)
    histogram.record(1234)
    histogram.record_many(np.array([5, 6], np.int64))
    assert histogram.percentile(99.9) == 1234
    assert impl.Histogram.decode(histogram.encode()).count == histogram.count == 3
    histogram.reset()
    assert state(histogram) == state(impl.Histogram(1, HOUR))


def test_an_empty_histogram_says_zero(impl: ModuleType) -> None:
    assert state(impl.Histogram(1, 10, 2)) == (0, 0, 0, 0.0, 0, 0, [0] * 7, (1, 10, 2))


def test_exact_for_small_values(impl: ModuleType) -> None:
    histogram = made(impl, range(1, 1001))
    assert (histogram.min, histogram.max, histogram.mean) == (1, 1000, 500.5)
    assert histogram.percentiles([0, 50, 99.9, 100]) == [1, 500, 999, 1000]


def test_out_of_range_values_are_counted_apart(impl: ModuleType) -> None:
    histogram = impl.Histogram(1, 1000)
    for value in (-1, -(2**63), 0, 1000, 1001, 2**63 - 1):
        histogram.record(value)
    histogram.record_many(np.array([-5, 5, 5000]))
    histogram.record_many(np.array([2**64 - 1, 2**63, 7], np.uint64))
    assert (histogram.count, histogram.negative, histogram.overflow) == (4, 3, 5)
    histogram.reset()
    assert (histogram.count, histogram.negative, histogram.overflow) == (0, 0, 0)


def test_a_stall_shows_only_when_corrected(impl: ModuleType) -> None:
    """The canonical scenario: 10,000 answers in 1 ms, then one stall of 100 s, sampled every 10 ms."""
    raw, corrected = impl.Histogram(1, HOUR), impl.Histogram(1, HOUR)
    for _ in range(10_000):
        raw.record(MS)
        corrected.record_corrected(MS, 10 * MS)
    raw.record(100_000 * MS)
    corrected.record_corrected(100_000 * MS, 10 * MS)
    assert raw.percentile(99.99) == pytest.approx(MS, rel=1e-3)
    assert corrected.count == 20_000
    assert corrected.percentile(50) == pytest.approx(MS, rel=1e-3)
    assert corrected.percentile(75) == pytest.approx(50_000 * MS, rel=2e-3)
    assert corrected.max == pytest.approx(100_000 * MS, rel=1e-3)


def test_the_largest_correction_is_as_quick_as_any(impl: ModuleType) -> None:
    histogram = impl.Histogram(1, 2**62 - 1, 1)
    for _ in range(6):
        histogram.record_corrected(2**63 - 1, 1)
    assert histogram.count <= 2**62
    assert histogram.overflow == 2**62, "the counters stop there"


def test_percentiles_are_within_the_precision(impl: ModuleType) -> None:
    seed = 14
    draw = random.Random(seed)
    shapes = [
        lambda: draw.lognormvariate(draw.uniform(5, 20), draw.uniform(0.1, 2)),
        lambda: draw.expovariate(1 / 10 ** draw.uniform(2, 10)),
        lambda: draw.uniform(0, 10 ** draw.uniform(1, 12)),
        lambda: 1000 * draw.paretovariate(1.1),
    ]
    for turn in range(1000 if impl.PROFILE != "pure" else 10):
        values = [min(int(shapes[turn % 4]()), HOUR) for _ in range(draw.randint(1, 500))]
        histogram = made(impl, values)
        values.sort()
        told = histogram.percentiles(QUANTILES)
        for quantile, value in zip(QUANTILES, told, strict=True):
            exact = values[max(-(-int(quantile * 10 * len(values)) // 1000), 1) - 1]
            assert exact <= value <= exact * 1.001, (seed, turn, quantile)
        assert told == [histogram.percentile(quantile) for quantile in QUANTILES]


@pytest.mark.parametrize("digits", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("lowest", [1, 2, 1000])
def test_the_precision_holds_for_all_digits(impl: ModuleType, digits: int, lowest: int) -> None:
    for value in (lowest, 10**6, 123_456_789, HOUR):
        histogram = impl.Histogram(lowest, HOUR, digits)
        histogram.record(value)
        assert value <= histogram.percentile(50) <= value + max(value / 10**digits, lowest)


def test_merging_adds_everything(impl: ModuleType) -> None:
    one, two = made(impl, [1, 50, 10**6, -3]), made(impl, [2, 10**9, 2**62])
    both = made(impl, [1, 50, 10**6, -3, 2, 10**9, 2**62])
    one.merge(two)
    assert state(one) == state(both)
    one.merge(one)
    assert one.count == 2 * both.count


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, 10), f"lowest must be 1..{2**51 - 1}, was 0"),
        ((2**51, 2**60), f"lowest must be 1..{2**51 - 1}, was {2**51}"),
        ((6, 11), f"highest must be 12..{2**62 - 1}, was 11"),
        ((1, 2**62), f"highest must be 2..{2**62 - 1}, was {2**62}"),
        ((1, 10, 0), "digits must be 1..5, was 0"),
        ((1, 10, 6), "digits must be 1..5, was 6"),
    ],
)
def test_ranges_that_make_no_sense(impl: ModuleType, arguments: tuple[int, ...], text: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        impl.Histogram(*arguments)
    assert str(caught.value) == text


def test_wrong_arguments(impl: ModuleType) -> None:
    histogram = impl.Histogram(1, 1000)
    integers = "-9223372036854775808..9223372036854775807"
    cases: list[tuple[Any, tuple[Any, ...], type[Exception], str]] = [
        (histogram.record, ("1",), TypeError, "value must be an integer, was str"),
        (histogram.record, (2**63,), ValueError, f"value must be {integers}, was {2**63}"),
        (histogram.record_corrected, (5, 0), ValueError, "expected_interval must be 1..9223372036854775807, was 0"),
        (histogram.percentile, (101,), ValueError, "percentile must be 0..100, was 101"),
        (histogram.percentile, (float("nan"),), ValueError, "percentile must be 0..100, was nan"),
        (histogram.percentiles, (["50"],), TypeError, "percentile must be a number, was str"),
        (histogram.record_many, ([1, 2],), TypeError, "values must be an array of int64 or uint64"),
        (histogram.record_many, (np.zeros(2),), TypeError, "values must be an array of int64 or uint64"),
        (histogram.record_many, (np.zeros(2, np.int32),), TypeError, "values must be an array of int64 or uint64"),
        (histogram.record_many, (np.zeros(2, ">i8"),), TypeError, "values must be an array of int64 or uint64"),
        (histogram.record_many, (b"12345678",), TypeError, "values must be an array of int64 or uint64"),
        (
            histogram.record_many,
            (np.zeros(4, np.int64)[::2],),
            ValueError,
            "values must be contiguous and of one dimension",
        ),
        (
            histogram.record_many,
            (np.zeros((2, 2), np.int64),),
            ValueError,
            "values must be contiguous and of one dimension",
        ),
        (histogram.merge, (5,), TypeError, "other must be a Histogram of the same core, was int"),
        (
            histogram.merge,
            (impl.Histogram(1, 1000, 2),),
            ValueError,
            "other must have the range 1..1000 with 3 digits, was 1..1000 with 2 digits",
        ),
    ]
    for call, arguments, error, text in cases:
        with pytest.raises(error) as caught:
            call(*arguments)
        assert str(caught.value) == text
    assert histogram.count == 0


def test_any_buffer_of_the_type_will_do(impl: ModuleType) -> None:
    histogram = impl.Histogram(1, 1000)
    values = np.arange(5)
    values.setflags(write=False)
    histogram.record_many(values)
    histogram.record_many(np.zeros(0, np.int64))
    odd = memoryview(bytearray(8 * 3 + 1))[1:].cast("q")
    odd[0], odd[1], odd[2] = 7, 8, 900
    histogram.record_many(odd)
    assert (histogram.count, histogram.max) == (8, 900)


values = st.lists(st.one_of(st.integers(0, 5000), st.integers(-(2**63), 2**63 - 1), st.integers(0, HOUR)), max_size=15)


@pytest.mark.any_core
@given(data=st.data(), digits=st.integers(1, 2), lowest=st.integers(1, 3000))
@settings(max_examples=50, deadline=None)
def test_both_cores_in_lock_step(data: st.DataObject, digits: int, lowest: int) -> None:
    pair = [core_.Histogram(lowest, HOUR // 1000, digits) for core_ in (NATIVE, PURE)]
    more = [core_.Histogram(lowest, HOUR // 1000, digits) for core_ in (NATIVE, PURE)]
    for value in data.draw(values):
        interval = data.draw(st.one_of(st.none(), st.integers(1, 2**40)))
        for histogram in pair:
            if interval is None:
                histogram.record(value)
            else:
                histogram.record_corrected(value, interval)
    array = np.array(data.draw(values), np.int64)
    for histogram, other in zip(pair, more, strict=True):
        other.record_many(array)
        histogram.merge(other)
    percentiles = data.draw(st.lists(st.floats(0, 100), max_size=10))
    assert state(pair[0]) == state(pair[1])
    assert pair[0].percentiles(percentiles) == pair[1].percentiles(percentiles)


def test_rotation_loses_nothing(impl: ModuleType) -> None:
    """Two writers, while a third thread swaps histograms and adds the full ones up."""
    each = 2_000 if impl.PROFILE == "pure" else 5_000_000
    array = np.arange(1000, dtype=np.int64)
    live = [impl.Histogram(1, 1000, 1)]
    locks = threading.Lock()
    total = impl.Histogram(1, 1000, 1)
    stop = threading.Event()

    def write() -> None:
        for _ in range(each // len(array)):
            with locks:
                live[-1].record_many(array)

    def rotate() -> None:
        while not stop.is_set():
            with locks:
                full = live.pop()
                live.append(impl.Histogram(1, 1000, 1))
            total.merge(full)

    writers = [threading.Thread(target=write) for _ in range(2)]
    rotator = threading.Thread(target=rotate)
    for thread in (*writers, rotator):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    rotator.join()
    total.merge(live[-1])
    assert total.count == 2 * each


def test_two_histograms_merged_into_each_other_do_not_block() -> None:
    one, two = made(NATIVE, [1]), made(NATIVE, [2])

    def work(into: Any, other: Any) -> None:
        for _ in range(20):
            into.merge(other)

    threads = [threading.Thread(target=work, args=pair) for pair in ((one, two), (two, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
        assert not thread.is_alive()
