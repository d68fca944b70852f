"""Shared by the Python benchmarks: the two cores, the peers' messages, pinning, and one way to measure."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tradewire import core

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

#: Seconds per sample and samples per benchmark; the pure core is never asked for speed.
SAMPLE_S = {"native": 0.05, "pure": 0.02, "peer": 0.05}
SAMPLES = {"native": 15, "pure": 5, "peer": 15}

Measure = Callable[[Callable[[], object], int], None]


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    if core.BUILD["profile"] == "debug":
        pytest.exit("a debug build of the core measures nothing: run `make build`", returncode=2)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})


@pytest.fixture(params=["native", "pure"], scope="session")
def impl(request: pytest.FixtureRequest) -> ModuleType:
    return core.load(request.param)


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


@pytest.fixture
def measure(request: pytest.FixtureRequest, impl: ModuleType) -> Measure:
    return measure_as(request, impl.__name__.rsplit(".", 1)[-1].removeprefix("_"))


@pytest.fixture
def measure_peer(request: pytest.FixtureRequest) -> Measure:
    return measure_as(request, "peer")
