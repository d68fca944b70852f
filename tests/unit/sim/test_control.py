"""The control calls, by a plain HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tradewire.sim import BinanceSim


@pytest.fixture
async def sim() -> AsyncIterator[BinanceSim]:
    async with BinanceSim(rate=0, symbols=("BTCUSDT",)) as sim:
        yield sim


async def _ask(sim: BinanceSim, method: str, path: str = "", body: str = "") -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession(sim.rest_url) as session,
        session.request(method, "/sim/chaos" + path, data=body) as response,
    ):
        return response.status, await response.json()


async def test_a_fault_from_begin_to_end(sim: BinanceSim) -> None:
    shown = {"number": 1, "fault": "drop 2 book", "injected": 0, "active": True}
    assert await _ask(sim, "POST", body="drop 2 book") == (201, shown)
    assert await _ask(sim, "GET", "/1") == (200, shown)
    assert await _ask(sim, "GET") == (200, [shown])
    sim.chaos.faults[0].inject()
    assert await _ask(sim, "DELETE", "/1") == (200, {**shown, "injected": 1, "active": False})


async def test_clear(sim: BinanceSim) -> None:
    await _ask(sim, "POST", body="mute")
    await _ask(sim, "POST", body="skew 5ms")
    status, faults = await _ask(sim, "DELETE")
    assert (status, [fault["active"] for fault in faults]) == (200, [False, False])
    await _ask(sim, "POST", body="mute")
    assert await _ask(sim, "POST", body="clear") == (201, {})
    assert not sim.chaos.faults[-1].is_active


async def test_bad_lines_and_unknown_numbers(sim: BinanceSim) -> None:
    status, answer = await _ask(sim, "POST", body="explode")
    assert (status, answer["error"][:24]) == (400, "fault must be one of mut")
    for method in ("GET", "DELETE"):
        assert await _ask(sim, method, "/7") == (404, {"error": "there is no fault 7"})


async def test_control_is_never_refused(sim: BinanceSim) -> None:
    fault = sim.chaos.refuse_rest(503, for_s=60)
    assert (await _ask(sim, "GET"))[0] == 200
    assert fault.injected == 0
