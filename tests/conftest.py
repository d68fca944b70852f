"""Shared by all tests: the core under test in the header, and a fixture that runs a test on both cores."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
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


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """`await eventually(lambda: condition)`: lets the loop run until the condition holds. Instead of sleeping."""

    async def wait(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - any condition, not one of ours
                await asyncio.sleep(0.002)

    return wait
