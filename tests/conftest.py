"""Shared by all tests: the core under test in the header, and a fixture that runs a test on both cores."""

from __future__ import annotations

from types import ModuleType

import pytest

import recordings
from tradewire import core


def pytest_report_header() -> list[str]:
    return [f"tradewire core: {core.IMPLEMENTATION} {core.BUILD}", recordings.header()]


@pytest.fixture(params=["native", "pure"], scope="session")
def impl(request: pytest.FixtureRequest) -> ModuleType:
    """One core module; parity tests run once on each."""
    return core.load(request.param)
