"""The venue as a whole: starting, pacing, stopping."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
import pytest

from tradewire.sim import BinanceSim


async def test_starts_answers_and_stops() -> None:
    async with BinanceSim() as sim, aiohttp.ClientSession() as session:
        async with session.get(sim.rest_url + "/fapi/v1/ping") as response:
            assert response.status == 200
        url = sim.rest_url
    with pytest.raises(aiohttp.ClientConnectorError):
        async with aiohttp.ClientSession() as session, session.get(url + "/fapi/v1/ping"):
            pass


async def test_streams_are_on_the_next_port() -> None:
    for port in range(20_000, 30_000, 7):  # two neighbours that are free
        try:
            async with BinanceSim(port=port) as sim:
                assert sim.rest_url.endswith(f":{port}")
                assert sim.stream_url.endswith(f":{port + 1}")
                return
        except OSError:
            continue
    pytest.fail("no two free neighbouring ports")


def test_the_last_port_has_no_next_one() -> None:
    with pytest.raises(ValueError, match=r"port must be 0\.\.65534, because streams are on the next one, was 65535"):
        BinanceSim(port=65_535)


async def test_taken_port_is_an_os_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="address already in use"):
            await BinanceSim(port=taken.getsockname()[1]).start()


async def test_makes_as_many_messages_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pacing is by elapsed time: whatever the machine does, no message is made early, and none is lost unsaid."""
    clock = asyncio.get_running_loop().time
    rate = 20_000.0
    before_s = clock()
    sim = BinanceSim(rate=rate)
    advance, enough = sim.feed.advance, asyncio.Event()
    made: list[tuple[float, int]] = []

    def watched(now_ms: int, count: int) -> None:
        advance(now_ms, count)
        made.append((clock() - before_s, sim.feed.market.messages))
        if sim.feed.market.messages >= 2_000:
            enough.set()

    monkeypatch.setattr(sim.feed, "advance", watched)
    async with sim:
        await enough.wait()
    assert all(messages <= rate * elapsed_s + 50 for elapsed_s, messages in made)  # one sweep may pass the mark


async def test_resting_market_makes_nothing() -> None:
    async with BinanceSim(rate=0) as sim, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(sim.rest_url + "/fapi/v1/time") as response:
                await response.json()
        assert sim.feed.market.messages == 0


async def test_market_that_breaks_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = BinanceSim()

    def broken(now_ms: int, count: int) -> None:
        raise RuntimeError("out of orders")

    monkeypatch.setattr(sim.feed, "advance", broken)
    await sim.start()
    with pytest.raises(RuntimeError, match="out of orders"):
        await sim.wait()
    with pytest.raises(RuntimeError, match="out of orders"):
        await sim.stop()


@pytest.mark.parametrize("rate", [-1.0, 1e9, float("nan")])
def test_rate_has_a_range(rate: float) -> None:
    with pytest.raises(ValueError, match=r"rate must be 0\.\.1000000"):
        BinanceSim(rate=rate)
