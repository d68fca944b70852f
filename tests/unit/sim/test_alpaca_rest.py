"""Historical calls by a plain aiohttp client: rows agree with what was streamed, pages, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tradewire.sim import alpaca_messages as messages
from tradewire.sim.alpaca_accounts import Accounts
from tradewire.sim.alpaca_feed import AlpacaFeed
from tradewire.sim.alpaca_rest import AlpacaRestFace, refusal_body
from tradewire.sim.chaos import Chaos
from tradewire.sim.faults import Refusal
from tradewire.sim.instruments import alpaca_instrument

START = 1_791_382_980_000  # 2026-10-07, a full minute
KEYS = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s"}

Get = Callable[..., Awaitable[tuple[int, Any, Any]]]


@pytest.fixture(scope="module")
def feed() -> AlpacaFeed:
    feed = AlpacaFeed(tuple(map(alpaca_instrument, ("AAPL", "MSFT", "BTC/USD"))), seed=1, now_ms=START)
    for step in range(1, 1_301):
        feed.advance(START + 100 * step, 4)
    return feed


@pytest.fixture
def chaos() -> Chaos:
    return Chaos()


@pytest.fixture
async def get(feed: AlpacaFeed, chaos: Chaos) -> AsyncIterator[Get]:
    face = AlpacaRestFace(feed, Accounts({"k": "s"}, "basic"), now_ms=lambda: feed.market.now_ms, chaos=chaos)
    async with TestClient(TestServer(face.application())) as client:

        async def call(path: str, headers: dict[str, str] = KEYS, **query: str) -> tuple[int, Any, Any]:
            async with client.get(path, headers=headers, params=query) as response:
                return response.status, response.headers, await response.json()

        yield call


def _told(feed: AlpacaFeed, symbol: str, start_ns: int = 0, end_ns: int = 1 << 62) -> list[dict[str, Any]]:
    rows = []
    for item in feed.tapes[symbol].prints:
        if not start_ns <= item.ns <= end_ns:
            continue
        message = messages.trade(alpaca_instrument(symbol), item)
        fields = {key: value for key, value in message.items() if key not in "TS"}
        rows.append(fields | {"t": messages.timestamp_text(item.ns)} | ({"u": item.update} if item.update else {}))
    return rows


async def test_trades_of_one_symbol(get: Get, feed: AlpacaFeed) -> None:
    status, headers, body = await get("/v2/stocks/AAPL/trades", limit="10000")
    assert (status, body["symbol"], body["next_page_token"]) == (200, "AAPL", None)
    assert body["trades"] == _told(feed, "AAPL")
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("200", "199")


async def test_after_what_a_client_has(get: Get, feed: AlpacaFeed) -> None:
    told = _told(feed, "AAPL")
    body = (await get("/v2/stocks/trades", symbols="AAPL", start=told[40]["t"], end=told[60]["t"]))[2]
    assert body["trades"]["AAPL"] == told[40:61]


async def test_times_with_zones_and_dates(get: Get, feed: AlpacaFeed) -> None:
    day = messages.timestamp_text(START * 1_000_000)[:10]
    assert (await get("/v2/stocks/AAPL/trades", start=day, limit="1"))[2]["trades"] == _told(feed, "AAPL")[:1]
    start_ns = (START + 10_000) * 1_000_000
    moment = messages.timestamp_text(start_ns + 3_600_000_000_000).replace("Z", "+01:00")
    rows = (await get("/v2/stocks/AAPL/trades", start=moment, limit="1"))[2]["trades"]
    assert rows == _told(feed, "AAPL", start_ns)[:1]


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", ["7", "1000"])
async def test_pages_hold_everything_once(get: Get, feed: AlpacaFeed, sort: str, limit: str) -> None:
    got: dict[str, list[Any]] = {}
    token: str | None = ""
    end_ns = (START + 6_000) * 1_000_000
    query = {"symbols": "MSFT,AAPL", "sort": sort, "limit": limit, "end": messages.timestamp_text(end_ns)}
    pages = 0
    while token is not None:
        body = (await get("/v2/stocks/trades", **query, **({"page_token": token} if token else {})))[2]
        for symbol, rows in body["trades"].items():
            got.setdefault(symbol, []).extend(rows)
        assert sum(map(len, body["trades"].values())) <= int(limit)
        token, pages = body["next_page_token"], pages + 1
    assert list(got) == ["AAPL", "MSFT"]
    for symbol, rows in got.items():
        wanted = _told(feed, symbol, end_ns=end_ns)
        assert rows == (wanted if sort == "asc" else wanted[::-1])
    assert (pages > 1) == (limit == "7")


async def test_quotes_and_bars(get: Get, feed: AlpacaFeed) -> None:
    quotes = (await get("/v2/stocks/AAPL/quotes", limit="10000"))[2]["quotes"]
    assert len(quotes) == len(feed.tapes["AAPL"].tops)
    assert list(quotes[0]) == ["bx", "bp", "bs", "ax", "ap", "as", "t", "c", "z"]
    bars = (await get("/v2/stocks/bars", symbols="AAPL,MSFT", timeframe="1Min"))[2]["bars"]
    assert [bar["t"] for bar in bars["AAPL"]] == [
        messages.timestamp_text((START + minute * 60_000) * 1_000_000) for minute in (0, 1)
    ]
    later = (await get("/v2/stocks/AAPL/bars", timeframe="1T", start=bars["AAPL"][1]["t"]))[2]["bars"]
    assert later == bars["AAPL"][1:]


async def test_latest_and_snapshots(get: Get, feed: AlpacaFeed) -> None:
    newest = _told(feed, "AAPL")[-1]
    assert (await get("/v2/stocks/AAPL/trades/latest"))[2] == {"symbol": "AAPL", "trade": newest}
    body = (await get("/v2/stocks/trades/latest", symbols="AAPL,MARS"))[2]
    assert body == {"trades": {"AAPL": newest}}
    overview = (await get("/v2/stocks/AAPL/snapshot"))[2]
    assert (overview["symbol"], overview["latestTrade"], overview["prevDailyBar"]) == ("AAPL", newest, None)
    assert overview["dailyBar"]["v"] > overview["minuteBar"]["v"] > 0
    assert set((await get("/v2/stocks/snapshots", symbols="AAPL,MSFT"))[2]) == {"AAPL", "MSFT"}
    assert (await get("/v2/stocks/AAPL/bars/latest"))[2]["bar"]["t"] == messages.timestamp_text(
        (START + 60_000) * 10**6
    )


async def test_crypto_needs_no_key(get: Get, feed: AlpacaFeed) -> None:
    root = "/v1beta3/crypto/us"
    trades = (await get(f"{root}/trades", {}, symbols="BTC/USD", limit="10000"))[2]["trades"]["BTC/USD"]
    assert trades == _told(feed, "BTC/USD")
    book = (await get(f"{root}/latest/orderbooks", {}, symbols="BTC/USD"))[2]["orderbooks"]["BTC/USD"]
    assert list(book) == ["t", "b", "a"]
    assert "BTC/USD" in (await get(f"{root}/snapshots", {}, symbols="BTC/USD"))[2]["snapshots"]
    assert (await get(f"{root}/trades", {**KEYS, "APCA-API-SECRET-KEY": "x"}, symbols="BTC/USD"))[0] == 403


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({}, 401, "unauthorized."),
        ({"APCA-API-KEY-ID": "k"}, 401, "unauthorized."),
        ({**KEYS, "APCA-API-SECRET-KEY": "x"}, 403, "forbidden."),
    ],
)
async def test_credentials(get: Get, headers: dict[str, str], status: int, message: str) -> None:
    got, _, body = await get("/v2/stocks/AAPL/trades", headers)
    assert (got, body) == (status, {"message": message})


async def test_expired_credentials(get: Get, chaos: Chaos) -> None:
    fault = chaos.expire_auth(1)
    assert [(await get("/v2/stocks/AAPL/trades"))[0] for _ in range(2)] == [403, 200]
    assert not fault.is_active


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/stocks/trades", {}),
        ("/v2/stocks/trades", {"symbols": "aapl"}),
        ("/v2/stocks/trades", {"symbols": "BTC/USD"}),
        ("/v1beta3/crypto/us/trades", {"symbols": "AAPL"}),
        ("/v2/stocks/AAPL/trades", {"limit": "0"}),
        ("/v2/stocks/AAPL/trades", {"limit": "10001"}),
        ("/v2/stocks/AAPL/trades", {"limit": "1" * 5_000}),
        ("/v2/stocks/AAPL/trades", {"sort": "up"}),
        ("/v2/stocks/AAPL/trades", {"start": "yesterday"}),
        ("/v2/stocks/AAPL/trades", {"start": "2026-13-01"}),
        ("/v2/stocks/AAPL/trades", {"start": "2026-10-08", "end": "2026-10-07"}),
        ("/v2/stocks/AAPL/trades", {"page_token": "%%%"}),
        ("/v2/stocks/AAPL/trades", {"page_token": "eHh4"}),
        ("/v2/stocks/AAPL/bars", {}),
        ("/v2/stocks/AAPL/bars", {"timeframe": "7Min"}),
    ],
)
async def test_refusals(get: Get, path: str, query: dict[str, str]) -> None:
    status, _, body = await get(path, **query)
    assert status == 400
    assert body["message"]


async def test_unknown_symbols_have_no_data(get: Get) -> None:
    assert (await get("/v2/stocks/MARS/trades"))[2] == {"trades": None, "symbol": "MARS", "next_page_token": None}
    assert (await get("/v2/stocks/MARS/trades/latest"))[0] == 404
    assert (await get("/v2/stocks/MARS/snapshot"))[0] == 404


async def test_calls_a_minute(get: Get) -> None:
    statuses = [(await get("/v2/stocks/AAPL/trades", limit="1"))[0] for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    status, headers, body = await get("/v2/stocks/AAPL/trades")
    assert (status, headers["X-RateLimit-Remaining"], body) == (429, "0", {"message": "too many requests."})
    assert int(headers["X-RateLimit-Reset"]) == (START + 180_000) // 1_000
    assert (await get("/v1beta3/crypto/us/trades", {}, symbols="BTC/USD"))[0] == 200


def test_bodies_of_refusals() -> None:
    assert refusal_body(Refusal(429)) == '{"message":"too many requests."}'
    assert refusal_body(Refusal(500)) == '{"message":"internal server error"}'
