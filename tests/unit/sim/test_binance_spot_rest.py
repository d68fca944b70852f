"""Spot's HTTP calls by a plain aiohttp client: replies, weights, refusals."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tradewire.sim.binance_spot_feed import SpotFeed
from tradewire.sim.binance_spot_rest import SpotRestFace
from tradewire.sim.instruments import spot_instrument

Get = Callable[..., Awaitable[tuple[int, Any, Any]]]


@pytest.fixture
def feed() -> SpotFeed:
    instruments = (spot_instrument("BTCUSDT"), spot_instrument("ETHUSDT"))
    feed = SpotFeed(instruments, seed=1, now_ms=time.time_ns() // 1_000_000)
    feed.advance(feed.market.now_ms + 1, 500)
    feed.advance(feed.market.now_ms + 200, 100)
    return feed


@pytest.fixture
async def get(feed: SpotFeed) -> AsyncIterator[Get]:
    async with TestClient(TestServer(SpotRestFace(feed).application())) as client:

        async def call(path: str, **headers: str) -> tuple[int, Any, Any]:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            async with client.get(f"/api/v3/{path}", headers=named) as response:
                return response.status, response.headers, await response.json()

        yield call


@pytest.mark.parametrize(
    ("path", "weight"),
    [
        ("ping", 1),
        ("time", 1),
        ("exchangeInfo", 20),
        ("depth?symbol=BTCUSDT", 5),
        ("depth?symbol=BTCUSDT&limit=500", 25),
        ("depth?symbol=BTCUSDT&limit=1000", 50),
        ("depth?symbol=BTCUSDT&limit=5000", 250),
        ("trades?symbol=BTCUSDT", 25),
        ("aggTrades?symbol=BTCUSDT", 4),
        ("klines?symbol=BTCUSDT&interval=1m", 2),
        ("ticker/24hr?symbol=BTCUSDT", 2),
        ("ticker/24hr", 80),
        ("ticker/price", 4),
        ("ticker/bookTicker?symbol=BTCUSDT", 2),
    ],
)
async def test_weights(get: Get, path: str, weight: int) -> None:
    status, headers, _ = await get(path)
    assert (status, headers["X-MBX-USED-WEIGHT-1M"], headers["X-MBX-USED-WEIGHT"]) == (200, str(weight), str(weight))


async def test_listing(get: Get) -> None:
    info = (await get("exchangeInfo"))[2]
    assert [row["symbol"] for row in info["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert info["symbols"][0]["filters"][0]["tickSize"] == "0.10000000"
    assert [row["symbol"] for row in (await get("exchangeInfo?symbol=ETHUSDT"))[2]["symbols"]] == ["ETHUSDT"]
    assert len((await get('exchangeInfo?symbols=["ETHUSDT","BTCUSDT"]'))[2]["symbols"]) == 2


async def test_depth(get: Get, feed: SpotFeed) -> None:
    book = (await get("depth?symbol=BTCUSDT&limit=7"))[2]
    assert (len(book["bids"]), len(book["asks"])) == (7, 7)
    assert book["lastUpdateId"] == feed.market.pits["BTCUSDT"].update_id
    assert len((await get("depth?symbol=BTCUSDT&limit=9999"))[2]["bids"]) > 400


async def test_rows(get: Get, feed: SpotFeed) -> None:
    pit = feed.market.pits["BTCUSDT"]
    trades = (await get("trades?symbol=BTCUSDT&limit=5"))[2]
    assert [row["id"] for row in trades] == [trade.trade_id for trade in pit.history.trades][-5:]
    first = pit.history.agg_trades[3].agg_id
    aggs = (await get(f"aggTrades?symbol=BTCUSDT&fromId={first}&limit=4"))[2]
    assert [row["a"] for row in aggs] == list(range(first, first + 4))
    assert len((await get("klines?symbol=BTCUSDT&interval=1m"))[2][0]) == 12
    assert [row["symbol"] for row in (await get('ticker/price?symbols=["ETHUSDT"]'))[2]] == ["ETHUSDT"]
    assert (await get("ticker/bookTicker?symbol=BTCUSDT"))[2]["symbol"] == "BTCUSDT"
    assert (await get("ticker/24hr?symbol=BTCUSDT"))[2]["count"] == len(pit.history.trades)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("depth", -1102),
        ("depth?symbol=MARS", -1121),
        ("depth?symbol=BTCUSDT&limit=0", -1130),
        ("klines?symbol=BTCUSDT", -1102),
        ("klines?symbol=BTCUSDT&interval=7m", -1120),
        ("klines?symbol=BTCUSDT&interval=1m&limit=1001", -1130),
        ("exchangeInfo?symbols=BTCUSDT", -1100),
        ("ticker/price?symbols=[]", -1100),
        ("aggTrades?symbol=BTCUSDT&startTime=2&endTime=1", -1023),
        ("aggTrades?symbol=BTCUSDT&startTime=0&endTime=3600001", -1127),
    ],
)
async def test_refusals(get: Get, path: str, code: int) -> None:
    status, _, body = await get(path)
    assert (status, body["code"]) == (400, code)


async def test_times_in_microseconds(get: Get) -> None:
    async def both(path: str) -> tuple[Any, Any]:
        return (await get(path))[2], (await get(path, X_MBX_TIME_UNIT="MICROSECOND"))[2]

    plain, fine = await both("trades?symbol=BTCUSDT&limit=1")
    assert fine == [{**plain[0], "time": plain[0]["time"] * 1_000}]
    plain, fine = await both("aggTrades?symbol=BTCUSDT&limit=1")
    assert fine == [{**plain[0], "T": plain[0]["T"] * 1_000}]
    plain, fine = await both("klines?symbol=BTCUSDT&interval=1m&limit=1")
    assert (fine[0][0], fine[0][6]) == (plain[0][0] * 1_000, plain[0][6] * 1_000 + 999)
    assert fine[0][7:] == plain[0][7:]
    assert (await both("time"))[1]["serverTime"] > 10**15
    assert (await both("depth?symbol=BTCUSDT&limit=5"))[0] == (await both("depth?symbol=BTCUSDT&limit=5"))[1]
