"""Shared by all tests: the core under test in the header, both cores as a fixture, waiting, and campaigns."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import recordings
from campaign import Campaign
from tradewire import core
from waiting import until

TESTS = Path(__file__).resolve().parent
#: What is in them never runs code of the core, or starts processes that choose their own.
ANY_CORE = (TESTS / "architecture", TESTS / "docs", TESTS / "unit" / "sim")


def pytest_configure() -> None:
    # Shells start what runs in the background with SIGINT ignored; tests interrupt themselves and their children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # No test asks for the keys of whoever runs it.
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"


# Before pytest itself looks at the marks.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(folder in item.path.parents for folder in ANY_CORE):
            item.add_marker("any_core")


def pytest_report_header() -> list[str]:
    return [f"tradewire core: {core.IMPLEMENTATION} {core.BUILD}", recordings.header()]


#: Under a core named by TRADEWIRE_CORE that one alone: `make test` has a session for each.
CORES = {"native": ["native"], "pure": ["pure"]}.get(os.environ.get("TRADEWIRE_CORE", ""), ["native", "pure"])


@pytest.fixture(params=CORES, scope="session")
def impl(request: pytest.FixtureRequest) -> ModuleType:
    """One core module; parity tests run once on each."""
    return core.load(request.param)


@pytest.fixture
def eventually() -> Callable[..., Awaitable[None]]:
    """`await eventually(lambda: condition)`: lets the loop run until the condition holds. Instead of sleeping."""
    return until


@pytest.fixture
def campaign(request: pytest.FixtureRequest) -> Iterator[Campaign]:
    """The seed and the size of a run with random trials, and where it reports its figure."""
    run = Campaign(request.node.name)
    print(f"campaign seed {run.seed}")  # noqa: T201 - shown when the test fails
    yield run
    run.report()
