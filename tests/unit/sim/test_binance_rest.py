"""HTTP calls by a plain aiohttp client: replies, weights, refusals."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tradewire.sim.binance_feed import Feed
from tradewire.sim.binance_rest import RestFace
from tradewire.sim.instruments import instrument

Get = Callable[[str], Awaitable[tuple[int, Any, Any]]]


@pytest.fixture
def feed() -> Feed:
    feed = Feed((instrument("BTCUSDT"), instrument("币安人生USDT")), seed=1, now_ms=time.time_ns() // 1_000_000)
    feed.advance(feed.market.now_ms + 1, 500)
    return feed


@pytest.fixture
def face(feed: Feed) -> RestFace:
    return RestFace(feed)


@pytest.fixture
async def get(face: RestFace) -> AsyncIterator[Get]:
    async with TestClient(TestServer(face.application())) as client:

        async def call(path: str) -> tuple[int, Any, Any]:
            async with client.get(path) as response:
                return response.status, response.headers, await response.json()

        yield call


async def test_ping_time_and_listing(get: Get) -> None:
    assert (await get("/fapi/v1/ping"))[2] == {}
    before = time.time_ns() // 1_000_000
    assert before <= (await get("/fapi/v1/time"))[2]["serverTime"] <= time.time_ns() // 1_000_000
    _, headers, info = await get("/fapi/v1/exchangeInfo")
    assert [entry["symbol"] for entry in info["symbols"]] == ["BTCUSDT", "币安人生USDT"]
    assert info["serverTime"] >= before
    assert headers["Content-Encoding"] in ("gzip", "deflate")


@pytest.mark.parametrize("limit", [5, 10, 20, 50, 100, 500, 1_000])
async def test_depth_is_the_book(get: Get, feed: Feed, limit: int) -> None:
    pit = feed.market.pits["BTCUSDT"]
    _, _, book = await get(f"/fapi/v1/depth?symbol=btcusdt&limit={limit}")
    assert book["lastUpdateId"] == pit.update_id
    assert len(book["bids"]) == min(limit, len(pit.book.bids))
    assert float(book["bids"][0][0]) == pytest.approx(pit.bid * 0.1)
    prices = [float(price) for price, _ in book["asks"]]
    assert prices == sorted(prices)


async def test_trades_and_bars(get: Get, feed: Feed) -> None:
    history = feed.market.pits["BTCUSDT"].history
    _, _, trades = await get("/fapi/v1/trades?symbol=BTCUSDT&limit=7")
    assert [row["id"] for row in trades] == [trade.trade_id for trade in history.trades][-7:]
    history.take_agg_trades()
    _, _, aggregates = await get("/fapi/v1/aggTrades?symbol=BTCUSDT&limit=3")
    assert [row["a"] for row in aggregates] == [item.agg_id for item in history.agg_trades][-3:]
    _, _, later = await get(f"/fapi/v1/aggTrades?symbol=BTCUSDT&limit=2&fromId={aggregates[0]['a']}")
    assert later == aggregates[:2]
    _, _, bars = await get("/fapi/v1/klines?symbol=BTCUSDT&interval=1d&limit=5")
    assert len(bars) in (1, 2)
    assert float(bars[-1][4]) == pytest.approx(history.last_price * 0.1)
    _, _, none = await get("/fapi/v1/klines?symbol=BTCUSDT&interval=1m&endTime=5")
    assert none == []


async def test_from_the_beginning_is_not_without_a_start(get: Get, feed: Feed) -> None:
    history = feed.market.pits["BTCUSDT"].history
    history.take_agg_trades()
    known = [item.agg_id for item in history.agg_trades]
    assert len(known) > 3
    for start in ("fromId=0", "startTime=0"):
        status, _, first = await get(f"/fapi/v1/aggTrades?symbol=BTCUSDT&limit=3&{start}")
        assert (status, [row["a"] for row in first]) == (200, known[:3])
    history.roll(feed.market.now_ms + 5 * 60_000)
    path = "/fapi/v1/klines?symbol=BTCUSDT&interval=1m"
    _, _, bars = await get(path)
    assert len(bars) > 4
    assert (await get(path + "&limit=2&startTime=0"))[2] == bars[:2]
    assert (await get(path + "&limit=2"))[2] == bars[-2:]
    assert (await get(path + "&endTime=0"))[2] == []


@pytest.mark.parametrize(
    "path", ["v1/premiumIndex", "v1/ticker/24hr", "v1/ticker/bookTicker", "v1/ticker/price", "v2/ticker/price"]
)
async def test_one_symbol_or_all(get: Get, path: str) -> None:
    _, _, one = await get(f"/fapi/{path}?symbol=币安人生USDT")
    _, _, everything = await get(f"/fapi/{path}")
    assert one["symbol"] == "币安人生USDT"
    assert [row["symbol"] for row in everything] == ["BTCUSDT", "币安人生USDT"]


@pytest.mark.parametrize(
    ("path", "weight"),
    [
        ("v1/ping", 1),
        ("v1/exchangeInfo", 1),
        ("v1/depth?symbol=BTCUSDT", 1),
        ("v1/depth?symbol=BTCUSDT&limit=50", 2),
        ("v1/depth?symbol=BTCUSDT&limit=100", 5),
        ("v1/depth?symbol=BTCUSDT&limit=500", 10),
        ("v1/depth?symbol=BTCUSDT&limit=1000", 20),
        ("v1/trades?symbol=BTCUSDT", 5),
        ("v1/aggTrades?symbol=BTCUSDT", 20),
        ("v1/klines?symbol=BTCUSDT&interval=1m", 5),
        ("v1/klines?symbol=BTCUSDT&interval=1m&limit=100", 1),
        ("v1/klines?symbol=BTCUSDT&interval=1m&limit=500", 2),
        ("v1/klines?symbol=BTCUSDT&interval=1m&limit=1500", 10),
        ("v1/ticker/24hr", 40),
        ("v1/ticker/24hr?symbol=BTCUSDT", 1),
        ("v1/ticker/bookTicker?symbol=BTCUSDT", 2),
        ("v1/premiumIndex", 10),
    ],
)
async def test_weights(get: Get, path: str, weight: int) -> None:
    _, headers, _ = await get(f"/fapi/{path}")
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) == weight


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("depth", -1102),
        ("depth?symbol=", -1102),
        ("depth?symbol=NOPE", -1121),
        ("depth?symbol=BTCUSDT&limit=7", -4021),
        ("depth?symbol=BTCUSDT&limit=x", -4021),
        ("trades?symbol=BTCUSDT&limit=1001", -1130),
        ("trades?symbol=BTCUSDT&limit=-1", -1130),
        ("klines?symbol=BTCUSDT", -1102),
        ("klines?symbol=BTCUSDT&interval=1s", -1120),
        ("klines?symbol=BTCUSDT&interval=1m&limit=1501", -1130),
        ("klines?symbol=BTCUSDT&interval=1m&startTime=9&endTime=5", -1023),
        ("aggTrades?symbol=BTCUSDT&startTime=9&endTime=5", -1023),
        ("ticker/24hr?symbol=NOPE", -1121),
    ],
)
async def test_refusals_have_the_venues_code_and_cost_weight(get: Get, path: str, code: int) -> None:
    status, headers, body = await get(f"/fapi/v1/{path}")
    assert (status, body["code"]) == (400, code)
    assert body["msg"]
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) > 0


async def test_limit_answers_429_until_the_minute_ends(get: Get, face: RestFace) -> None:
    now_ms = 1_791_382_992_488  # 12.488 s into its minute
    face.now_ms = lambda: now_ms
    face.weight_limit = 40
    assert (await get("/fapi/v1/ticker/24hr"))[0] == 200
    status, headers, body = await get("/fapi/v1/ping")
    assert (status, body["code"]) == (429, -1003)
    assert headers["Retry-After"] == "48"
    assert headers["X-MBX-USED-WEIGHT-1M"] == "41"
    now_ms += 48_000
    status, headers, _ = await get("/fapi/v1/ping")
    assert (status, headers["X-MBX-USED-WEIGHT-1M"]) == (200, "1")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("trades?symbol=BTCUSDT&limit=", -1130),
        ("aggTrades?symbol=BTCUSDT&fromId=", -1130),
        ("klines?symbol=BTCUSDT&interval=1m&limit=", -1130),
        ("klines?symbol=BTCUSDT&interval=1m&startTime=", -1130),
        ("depth?symbol=BTCUSDT&limit=", -4021),
    ],
)
async def test_thousands_of_digits_are_refused_as_the_venue_does(get: Get, path: str, code: int) -> None:
    status, _, body = await get(f"/fapi/v1/{path}{'1' * 5_000}")
    assert (status, body["code"]) == (400, code)
