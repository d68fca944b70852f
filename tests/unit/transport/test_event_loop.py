"""The loop that runs."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tradewire.transport.event_loop import loop_factory, run


async def _loop_module() -> str:
    return type(asyncio.get_running_loop()).__module__


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run there")
def test_uvloop_is_used_where_installed() -> None:
    assert run(_loop_module()).startswith("uvloop")


def test_asyncio_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is asyncio.new_event_loop
    assert run(_loop_module()).startswith("asyncio")
