"""Token buckets in GCRA form, alone or several at once. Decides only; waiting and queueing are the caller's.

One unit of weight is worth `interval_ns`, 1e9 / rate rounded up to whole nanoseconds, so rounding can only let less
through, never more. The state is the time at which the bucket will be full again (the "theoretical arrival time" of
ITU-T I.371, Annex A). As it never moves back, a clock that steps back refunds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from threading import Lock
from typing import SupportsFloat, SupportsIndex

from .argument import integer, now, real

__all__ = ["BucketSet", "TokenBucket"]

_HIGHEST_BURST = 2**31
_LONGEST_REFILL_NS = 2**62
_MOST_BUCKETS = 16


class TokenBucket:
    """At most `burst + rate_per_s * T` weight in any window T."""

    __slots__ = ("_burst", "_full_at_ns", "_interval_ns", "_lock", "_rate_per_s", "_refill_ns")

    def __init__(self, rate_per_s: SupportsFloat | SupportsIndex, burst: SupportsIndex) -> None:
        self._rate_per_s = real(rate_per_s, "rate_per_s", 1e-6, 1e9, "1e-6..1e9")
        numerator, denominator = self._rate_per_s.as_integer_ratio()
        self._interval_ns = -(-1_000_000_000 * denominator // numerator)
        self._burst = integer(burst, "burst", 1, min(_HIGHEST_BURST, _LONGEST_REFILL_NS // self._interval_ns))
        self._refill_ns = self._burst * self._interval_ns
        self._full_at_ns = 0
        self._lock = Lock()

    def try_acquire(self, weight: SupportsIndex = 1, now_ns: SupportsIndex | None = None) -> int:
        weight = integer(weight, "weight", 1, self._burst)
        now_ns = now(now_ns)
        with self._lock:
            wait_ns = self._wait_ns(weight, now_ns)
            if not wait_ns:
                self._take(weight, now_ns)
            return wait_ns

    def available(self, now_ns: SupportsIndex | None = None) -> int:
        missing_ns = max(self._full_at_ns - now(now_ns), 0)
        return max(self._refill_ns - missing_ns, 0) // self._interval_ns

    @property
    def rate_per_s(self) -> float:
        return self._rate_per_s

    @property
    def burst(self) -> int:
        return self._burst

    def _wait_ns(self, weight: int, now_ns: int) -> int:
        full_at_ns = max(self._full_at_ns, now_ns) + weight * self._interval_ns
        return max(full_at_ns - now_ns - self._refill_ns, 0)

    def _take(self, weight: int, now_ns: int) -> None:
        self._full_at_ns = max(self._full_at_ns, now_ns) + weight * self._interval_ns


class BucketSet:
    """Several buckets taken all or nothing."""

    __slots__ = ("_buckets",)

    def __init__(self, buckets: Iterable[TokenBucket]) -> None:
        given = []
        for bucket in buckets:
            if not isinstance(bucket, TokenBucket):
                raise TypeError(f"buckets must hold TokenBucket objects, was {type(bucket).__name__}")
            given.append(bucket)
        if not 1 <= len(given) <= _MOST_BUCKETS:
            raise ValueError(f"buckets must hold 1..{_MOST_BUCKETS} buckets, was {len(given)}")
        if len({id(bucket) for bucket in given}) < len(given):
            raise ValueError("buckets must be distinct, one was given twice")
        self._buckets = given

    def try_acquire(self, weights: Iterable[SupportsIndex], now_ns: SupportsIndex | None = None) -> int:
        given = list(weights)
        if len(given) != len(self._buckets):
            raise ValueError(f"weights must hold {len(self._buckets)} numbers, was {len(given)}")
        pairs = list(zip(self._buckets, given, strict=True))
        asked = [(bucket, integer(weight, "weight", 0, bucket._burst)) for bucket, weight in pairs]
        asked = [(bucket, weight) for bucket, weight in asked if weight]
        now_ns = now(now_ns)
        with ExitStack() as held:
            # Always in the same order, so that two sets cannot wait for each other in a circle.
            for bucket in sorted((bucket for bucket, _ in asked), key=id):
                held.enter_context(bucket._lock)
            wait_ns = max((bucket._wait_ns(weight, now_ns) for bucket, weight in asked), default=0)
            if not wait_ns:
                for bucket, weight in asked:
                    bucket._take(weight, now_ns)
            return wait_ns
