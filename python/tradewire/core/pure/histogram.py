"""HDR histogram: counts in log-linear buckets, after Gil Tene's HdrHistogram. Keeps no time.

Values are shifted right until `bits` significant bits are left. The first bucket has `2**bits` slots of the lowest
unit; every further one covers twice the range with half as many slots, as its lower half is the bucket before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, SupportsFloat, SupportsIndex

from . import histogram_encoding
from .argument import integer, real

__all__ = ["Histogram"]

_I64 = 2**63
_HIGHEST_LIMIT = 2**62 - 1
#: No count grows beyond this, so that the native core's sums stay within 64 bits.
_MOST = 2**62


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which value is counted where."""

    lowest: int
    highest: int
    digits: int
    unit_shift: int
    half_bits: int

    def __len__(self) -> int:
        buckets = 1
        while 1 << (self.half_bits + self.unit_shift + buckets) <= self.highest:
            buckets += 1
        return (buckets + 1) << self.half_bits

    def index(self, value: int) -> int:
        bucket = max((value >> (self.half_bits + self.unit_shift)).bit_length() - 1, 0)
        return (bucket << self.half_bits) + (value >> (bucket + self.unit_shift))

    def lowest_at(self, slot: int) -> int:
        bucket, half = slot >> self.half_bits, 1 << self.half_bits
        inside = slot if bucket == 0 else (slot & (half - 1)) + half
        return inside << (max(bucket - 1, 0) + self.unit_shift)

    def width_at(self, slot: int) -> int:
        return 1 << (max((slot >> self.half_bits) - 1, 0) + self.unit_shift)

    def highest_at(self, slot: int) -> int:
        return self.lowest_at(slot) + self.width_at(slot) - 1


def _layout(lowest: SupportsIndex, highest: SupportsIndex, digits: SupportsIndex) -> _Layout:
    digits = integer(digits, "digits", 1, 5)
    # One digit too many is needed at the bottom of a bucket, hence twice.
    bits = (2 * 10**digits - 1).bit_length()
    lowest = integer(lowest, "lowest", 1, 2 ** (62 - bits) - 1)
    highest = integer(highest, "highest", 2 * lowest, _HIGHEST_LIMIT)
    return _Layout(lowest, highest, digits, lowest.bit_length() - 1, bits - 1)


def _value(value: SupportsIndex) -> int:
    return integer(value, "value", -_I64, _I64 - 1)


def _percentile(percentile: SupportsFloat | SupportsIndex) -> float:
    return real(percentile, "percentile", 0.0, 100.0, "0..100")


class Histogram:
    """Counts of values `0..=highest`, each within `10**-digits` of itself."""

    __slots__ = ("_counts", "_layout", "_negative", "_overflow", "_total")

    def __init__(self, lowest: SupportsIndex, highest: SupportsIndex, digits: SupportsIndex = 3) -> None:
        self._layout = _layout(lowest, highest, digits)
        self.reset()

    def reset(self) -> None:
        self._counts = [0] * len(self._layout)
        self._total = self._negative = self._overflow = 0

    def record(self, value: SupportsIndex) -> None:
        self._add(_value(value), 1)

    def record_many(self, values: Any) -> None:
        try:
            view = memoryview(values)
        except TypeError:
            view = memoryview(b"")
        if view.format not in ("l", "q", "L", "Q") or view.itemsize != 8:
            raise TypeError("values must be an array of int64 or uint64")
        if view.ndim != 1 or not view.c_contiguous:
            raise ValueError("values must be contiguous and of one dimension")
        for value in view.tolist():
            self._add(value, 1)

    def record_corrected(self, value: SupportsIndex, expected_interval: SupportsIndex) -> None:
        hidden = _value(value)
        interval = integer(expected_interval, "expected_interval", 1, _I64 - 1)
        self._add(hidden, 1)
        hidden -= interval
        # Bucket by bucket: the cost is bounded by the number of buckets, not by value / interval.
        while hidden >= interval:
            layout = self._layout
            above = hidden > layout.highest
            floor = layout.highest + 1 if above else layout.lowest_at(layout.index(hidden))
            times = (hidden - max(interval, floor)) // interval + 1
            self._add(hidden, times)
            hidden -= times * interval

    def percentile(self, percentile: SupportsFloat | SupportsIndex) -> int:
        return self._at(_percentile(percentile))

    def percentiles(self, percentiles: Iterable[SupportsFloat | SupportsIndex]) -> list[int]:
        return [self._at(number) for number in [_percentile(item) for item in percentiles]]

    def merge(self, other: Histogram) -> None:
        if not isinstance(other, Histogram):
            raise TypeError(f"other must be a Histogram of the same core, was {type(other).__name__}")
        if self._layout != other._layout:
            raise ValueError(f"other must have the range {self._range()}, was {other._range()}")
        for slot, more in list(other._used()):
            more = min(more, max(_MOST - self._total, 0))
            self._counts[slot] += more
            self._total += more
        self._negative = min(self._negative + other._negative, _MOST)
        self._overflow = min(self._overflow + other._overflow, _MOST)

    def encode(self) -> str:
        layout = self._layout
        last = max((slot for slot, _ in self._used()), default=0)
        return histogram_encoding.encode(layout.lowest, layout.highest, layout.digits, self._counts[: last + 1])

    @classmethod
    def decode(cls, encoded: str) -> Histogram:
        if not isinstance(encoded, str):
            raise TypeError(f"encoded must be a string, was {type(encoded).__name__}")
        made: list[Histogram] = []

        def slots(lowest: int, highest: int, digits: int) -> int:
            made.append(cls(lowest, highest, digits))
            return len(made[0]._counts)

        counts = histogram_encoding.decode(encoded, slots, _MOST)
        made[0]._counts[: len(counts)] = counts
        made[0]._total = sum(counts)
        return made[0]

    @property
    def count(self) -> int:
        return self._total

    @property
    def min(self) -> int:
        return next((self._layout.lowest_at(slot) for slot, _ in self._used()), 0)

    @property
    def max(self) -> int:
        last = max((slot for slot, _ in self._used()), default=None)
        return 0 if last is None else self._layout.highest_at(last)

    @property
    def mean(self) -> float:
        if not self._total:
            return 0.0
        layout = self._layout
        total = sum(count * (layout.lowest_at(slot) + layout.width_at(slot) // 2) for slot, count in self._used())
        return float(total) / float(self._total)

    @property
    def negative(self) -> int:
        return self._negative

    @property
    def overflow(self) -> int:
        return self._overflow

    @property
    def lowest(self) -> int:
        return self._layout.lowest

    @property
    def highest(self) -> int:
        return self._layout.highest

    @property
    def digits(self) -> int:
        return self._layout.digits

    def _add(self, value: int, times: int) -> None:
        if value < 0:
            self._negative = min(self._negative + times, _MOST)
        elif value > self._layout.highest:
            self._overflow = min(self._overflow + times, _MOST)
        else:
            times = min(times, max(_MOST - self._total, 0))
            self._counts[self._layout.index(value)] += times
            self._total += times

    def _at(self, percentile: float) -> int:
        # The smallest value that has at least that share of the values at or below it. As in the Java original the
        # percentile is taken one float lower, so that 99.9 % of 1,000 values is 999 of them.
        share = max(math.nextafter(percentile, -math.inf), 0.0) * self._total / 100.0
        rank = min(max(math.ceil(share), 1), self._total)
        seen = 0
        for slot, count in self._used():
            seen += count
            if seen >= rank:
                return self._layout.highest_at(slot)
        return 0

    def _used(self) -> Iterator[tuple[int, int]]:
        return ((slot, count) for slot, count in enumerate(self._counts) if count)

    def _range(self) -> str:
        return f"{self.lowest}..{self.highest} with {self.digits} digits"
