"""Spot as a stranger sees it: plain `websockets` and aiohttp clients following the protocol sheet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tradewire.sim import BinanceSpotSim


@pytest.fixture
async def sim() -> AsyncIterator[BinanceSpotSim]:
    async with BinanceSpotSim(rate=1_000, symbols=("BTCUSDT",)) as sim:
        yield sim


async def test_book_by_the_steps_of_the_sheet(sim: BinanceSpotSim) -> None:
    """Section 12, Spot: buffer, snapshot, drop what is older, then every message continues the one before."""
    async with connect(sim.stream_url + "/ws/btcusdt@depth@100ms", proxy=None) as client, asyncio.timeout(40):
        first = json.loads(await client.recv())
        snapshot: dict[str, Any] = {"lastUpdateId": -1}
        async with aiohttp.ClientSession(sim.rest_url) as session:
            while snapshot["lastUpdateId"] < first["U"]:
                async with session.get("/api/v3/depth?symbol=BTCUSDT&limit=5000") as response:
                    snapshot = await response.json()
        book_id, applied, update = snapshot["lastUpdateId"], 0, first
        while applied < 5:
            if update["u"] > book_id:
                assert update["U"] <= book_id + 1
                book_id, applied = update["u"], applied + 1
            update = json.loads(await client.recv())


async def test_one_endpoint_for_everything(sim: BinanceSpotSim) -> None:
    async with connect(sim.stream_url + "/stream", proxy=None) as client, asyncio.timeout(30):
        params = ["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@aggTrade"]
        await client.send(json.dumps({"method": "SUBSCRIBE", "params": params, "id": "one"}))
        assert json.loads(await client.recv()) == {"result": None, "id": "one"}
        await client.send('{"method":"LIST_SUBSCRIPTIONS","id":null}')
        seen: set[str] = set()
        while len(seen) < 4:
            message = json.loads(await client.recv())
            seen.add(message.get("stream", "reply"))
            if "result" in message:
                assert message["result"] == params
        assert seen == {*params, "reply"}


async def test_goodbye_has_its_own_words(sim: BinanceSpotSim) -> None:
    async with connect(sim.stream_url + "/stream?streams=btcusdt@ticker", proxy=None) as client, asyncio.timeout(30):
        sim.chaos.restart(0.0)
        message: dict[str, Any] = {}
        while message.get("stream") != "!serverShutdown":
            message = json.loads(await client.recv())
        assert message["data"]["e"] == "serverShutdown"
        with pytest.raises(ConnectionClosed):
            await client.recv()


async def test_times_in_microseconds(sim: BinanceSpotSim) -> None:
    target = "/stream?streams=btcusdt@trade&timeUnit=MICROSECOND"
    async with connect(sim.stream_url + target, proxy=None) as client, asyncio.timeout(30):
        message = json.loads(await client.recv())
        assert abs(message["data"]["T"] // 1_000 - sim.now_ms()) < 60_000
        assert message["data"]["t"] < 10**11


async def test_faults_know_the_neutral_channels(sim: BinanceSpotSim) -> None:
    async with connect(sim.stream_url + "/ws/btcusdt@trade", proxy=None):
        await asyncio.wait_for(sim.chaos.mute("trades", "BTC/USDT").wait_injected(3), 30)
