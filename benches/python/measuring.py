"""One way to measure: samples of many iterations, garbage collector off. Not a benchmark itself."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import pytest

#: Seconds per sample and samples per benchmark; the pure core is never asked for speed.
SAMPLE_S = {"native": 0.05, "pure": 0.02, "peer": 0.05, "python": 0.05}
SAMPLES = {"native": 15, "pure": 5, "peer": 15, "python": 15}

Measure = Callable[[Callable[[], object], int], None]


def measure_as(request: pytest.FixtureRequest, kind: str) -> Measure:
    """A function (work, operations) that measures `work`, which does that many operations a call."""
    benchmark = request.getfixturevalue("benchmark")

    def measure(work: Callable[[], object], operations: int) -> None:
        start = time.perf_counter()
        work()
        once = max(time.perf_counter() - start, 1e-7)
        iterations = max(1, int(SAMPLE_S[kind] / once))
        benchmark.extra_info.update(implementation=kind, operations=operations)
        gc.disable()
        try:
            benchmark.pedantic(work, rounds=SAMPLES[kind], iterations=iterations, warmup_rounds=1)
        finally:
            gc.enable()

    return measure
