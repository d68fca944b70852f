"""Alpaca as a stranger sees it: plain `websockets` and aiohttp clients following the protocol sheet."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tradewire.sim import AlpacaSim, SimProcess

KEYS = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}


@pytest.fixture
async def sim() -> AsyncIterator[AlpacaSim]:
    async with AlpacaSim(rate=1_000) as sim:
        yield sim


async def _until(client: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """All messages up to an array that holds this kind."""
    got: list[dict[str, Any]] = []
    async with asyncio.timeout(30):
        while not any(message["T"] == kind for message in got):
            data = await client.recv()
            got += json.loads(data) if isinstance(data, str) else msgspec.msgpack.decode(data)
    return got


async def test_a_gap_is_filled_over_rest(sim: AlpacaSim) -> None:
    """Trades of the stream and of the historical call are the same, id by id."""
    async with connect(sim.stream_url + "/v2/iex", proxy=None, additional_headers=KEYS) as client:
        await client.send('{"action":"subscribe","trades":["AAPL"]}')
        await _until(client, "subscription")
        trades = [message for message in await _until(client, "t") if message["T"] == "t"]
        fault = sim.chaos.mute("trades", "AAPL")
        await asyncio.wait_for(fault.wait_injected(5), 30)
        fault.stop()
        newest = sim.feed.tapes["AAPL"].prints[-1].trade_id
        while trades[-1]["i"] <= newest:
            trades += [message for message in await _until(client, "t") if message["T"] == "t"]
    query = {"start": trades[0]["t"], "end": trades[-1]["t"], "limit": "10000"}
    async with (
        aiohttp.ClientSession(sim.rest_url, headers=KEYS) as session,
        session.get("/v2/stocks/AAPL/trades", params=query) as response,
    ):
        rows = {row["i"]: row for row in (await response.json())["trades"]}
    assert len(rows) >= len(trades) + fault.injected
    for trade in trades:
        assert (rows[trade["i"]]["p"], rows[trade["i"]]["s"], rows[trade["i"]]["t"]) == (
            trade["p"],
            trade["s"],
            trade["t"],
        )


async def test_messagepack_and_the_minute(sim: AlpacaSim) -> None:
    headers = {**KEYS, "Content-Type": "application/msgpack"}
    async with connect(sim.stream_url + "/v2/test", proxy=None, additional_headers=headers) as client:
        await client.send(msgspec.msgpack.encode({"action": "subscribe", "bars": ["FAKEPACA"]}))
        await _until(client, "subscription")
        sim.chaos.skew(60_000)
        bars = [message for message in await _until(client, "b") if message["T"] == "b"]
        assert (bars[0]["S"], bars[0]["t"].second) == ("FAKEPACA", 0)


async def test_connection_limit_of_a_fault(sim: AlpacaSim) -> None:
    sim.chaos.connection_limit(2)
    urls = [sim.stream_url + "/v2/iex"] * 3
    last: list[Any] = []
    async with (
        connect(urls[0], proxy=None, additional_headers=KEYS) as one,
        connect(urls[1], proxy=None, additional_headers=KEYS) as two,
        connect(urls[2], proxy=None, additional_headers=KEYS) as three,
    ):
        for client in (one, two, three):
            await client.recv()
            last += json.loads(await client.recv())
    assert [message["T"] for message in last] == ["success", "success", "error"]
    assert last[2]["code"] == 406


async def test_refused_calls_tell_the_limit(sim: AlpacaSim) -> None:
    sim.chaos.refuse_rest(429, retry_after_s=5)
    async with (
        aiohttp.ClientSession(sim.rest_url, headers=KEYS) as session,
        session.get("/v2/stocks/AAPL/trades") as response,
    ):
        assert (response.status, response.headers["Retry-After"]) == (429, "5")
        assert (response.headers["X-RateLimit-Remaining"], await response.json()) == (
            "0",
            {"message": "too many requests."},
        )


async def test_restart(sim: AlpacaSim) -> None:
    async with connect(sim.stream_url + "/v2/iex", proxy=None, additional_headers=KEYS) as client:
        fault = sim.chaos.restart(0.0)
        with pytest.raises(ConnectionClosed):
            await _until(client, "never")
    await asyncio.wait_for(fault.wait_over(), 30)
    async with connect(sim.stream_url + "/v2/iex", proxy=None, additional_headers=KEYS) as client:
        await _until(client, "success")


async def test_in_a_process_of_its_own() -> None:
    with SimProcess("alpaca", symbols=("AAPL", "BTC/USD")) as sim:
        fault = sim.chaos.begin("drop 1 trades AAPL")
        async with connect(sim.stream_url + "/v2/sip", proxy=None, additional_headers=KEYS) as client:
            await client.send('{"action":"subscribe","trades":["*"]}')
            await _until(client, "t")
        assert fault.injected == 1
