"""Both cores read the clocks that Python reads."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType

import pytest


@pytest.mark.parametrize(("name", "same"), [("monotonic_ns", time.monotonic_ns), ("wall_ns", time.time_ns)])
def test_it_is_pythons_clock(impl: ModuleType, name: str, same: Callable[[], int]) -> None:
    before = same()
    told = getattr(impl, name)()
    assert before <= told <= same()
    assert isinstance(told, int)
