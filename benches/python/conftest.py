"""Fixtures of the Python benchmarks: the two cores, pinning, and one way to measure."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tradewire import core

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "peers")]

from measuring import Measure, measure_as  # noqa: E402 - the path is set above


@pytest.fixture(scope="session", autouse=True)
def _quiet() -> None:
    if core.BUILD["profile"] == "debug":
        pytest.exit("a debug build of the core measures nothing: run `make build`", returncode=2)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})


@pytest.fixture(params=["native", "pure"], scope="session")
def impl(request: pytest.FixtureRequest) -> ModuleType:
    return core.load(request.param)


@pytest.fixture
def measure(request: pytest.FixtureRequest, impl: ModuleType) -> Measure:
    return measure_as(request, impl.__name__.rsplit(".", 1)[-1].removeprefix("_"))


@pytest.fixture
def measure_peer(request: pytest.FixtureRequest) -> Measure:
    return measure_as(request, "peer")
