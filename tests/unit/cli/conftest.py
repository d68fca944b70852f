"""Commands are run as people run them: in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tradewire.sim import SimProcess

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def tradewire() -> Run:
    def run(*words: str, timeout: float = 50) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tradewire", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout)

    return run


@pytest.fixture(scope="session")
def venue() -> Iterator[SimProcess]:
    with SimProcess(rate=200) as sim:
        yield sim
