"""Limiter, histogram and signer, one call at a time and in bulk."""

from __future__ import annotations

import hashlib
import hmac
import random
from types import ModuleType

import messages
import numpy as np
from measuring import Measure

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"  # noqa: S105 - the key of Binance's own docs
QUERY = "&".join("=".join(pair) for pair in messages.SIGN_PARAMS)
CALLS = 1_000
_random = random.Random(9)
VALUES = [min(3_600_000_000, int(_random.lognormvariate(10, 1.2))) for _ in range(4096)]


def test_try_acquire(impl: ModuleType, measure: Measure) -> None:
    try_acquire = impl.TokenBucket(1e9, 2**31 - 1).try_acquire
    assert try_acquire() == 0

    def work() -> None:
        for _ in range(CALLS):
            try_acquire()

    measure(work, CALLS)


def test_record(impl: ModuleType, measure: Measure) -> None:
    histogram = impl.Histogram(1, 3_600_000_000_000, 3)
    record = histogram.record

    def work() -> None:
        for value in VALUES:
            record(value)

    work()
    assert histogram.count == len(VALUES)
    exact = sorted(VALUES)[int(0.5 * len(VALUES))]
    assert abs(histogram.percentile(50) - exact) <= 0.01 * exact
    measure(work, len(VALUES))


def test_record_many(impl: ModuleType, measure: Measure) -> None:
    histogram = impl.Histogram(1, 3_600_000_000_000, 3)
    array = np.array(VALUES * (25 if impl.PROFILE != "pure" else 1), np.int64)
    measure(lambda: histogram.record_many(array), len(array))
    assert histogram.count % len(array) == 0


def test_percentile(impl: ModuleType, measure: Measure) -> None:
    """p99 right after a new record."""
    histogram = impl.Histogram(1, 3_600_000_000_000, 3)
    histogram.record_many(np.array(VALUES, np.int64))

    def work() -> None:
        for _ in range(10):
            histogram.record(1234)
            histogram.percentile(99.0)

    measure(work, 10)


def test_sign(impl: ModuleType, measure: Measure) -> None:
    sign = impl.Signer(SECRET).sign
    payload = QUERY.encode()
    assert sign(payload) == hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()

    def work() -> None:
        for _ in range(CALLS):
            sign(payload)

    measure(work, CALLS)


def test_sign_query(impl: ModuleType, measure: Measure) -> None:
    """Eleven parameters, the time stamp among them."""
    sign_query = impl.Signer(SECRET).sign_query
    pairs = [pair for pair in messages.SIGN_PARAMS if pair[0] != "timestamp"]
    expected = f"{QUERY}&signature={hmac.new(SECRET.encode(), QUERY.encode(), hashlib.sha256).hexdigest()}"
    assert sign_query(pairs, 1_732_000_000_123) == expected.encode()

    def work() -> None:
        for _ in range(CALLS):
            sign_query(pairs, 1_732_000_000_123)

    measure(work, CALLS)
