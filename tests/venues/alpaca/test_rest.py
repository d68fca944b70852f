"""Requests within the limit; the HTTP session is a script, and waiting is virtual."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import virtual_time
from scripted_http import Http, answer
from tradewire import Secret
from tradewire.core import Decoder, wall_ns
from tradewire.core.record import BACKFILL
from tradewire.errors import FeedConnectionError, MissingCredentialError, QueryError, UnsupportedError
from tradewire.transport.auth import Credential
from tradewire.transport.http import HttpClient, HttpResponse
from tradewire.transport.rate_limit import RateLimitManager
from tradewire.venues.alpaca.limits import LIMITS
from tradewire.venues.alpaca.rest import AlpacaRest
from tradewire.venues.alpaca.stream import CRYPTO, IEX, TEST, AlpacaMarketData
from tradewire.venues.base import LastTrade

SECOND = 1_000_000_000
KEY = Credential(Secret("PK1"), Secret("hush"))
TRADES = IEX.channel("trades")
#: 2023-04-06T11:54:26.8Z
NOON = 1_680_782_066_800_000_000
FIRST, LAST = LastTrade(628, NOON), LastTrade(700, NOON + 60 * SECOND)


def source(http: Http, venue: AlpacaMarketData = IEX) -> AlpacaRest:
    return AlpacaRest(
        http,  # type: ignore[arg-type]
        venue.urls,
        "http://venue",
        KEY,
        plan=venue.plan,
        limits=RateLimitManager({venue.name: LIMITS}, clock=virtual_time.now_ns, wall=lambda: 100 * SECOND),
    )


def row(trade_id: int, time: str, price: float = 162.92) -> dict[str, Any]:
    return {"t": time, "x": "K", "p": price, "s": 3, "c": ["@"], "i": trade_id, "z": "C"}


def page(*rows: dict[str, Any], following: str | None = None) -> HttpResponse:
    return answer(body={"trades": {"AAPL": list(rows)}, "next_page_token": following})


def seconds() -> float:
    return asyncio.get_running_loop().time()


async def test_missed_trades_come_page_by_page_without_the_two_that_are_known() -> None:
    http = Http(
        page(row(628, "2023-04-06T11:54:26.8Z"), row(628, "2023-04-06T11:54:26.8Z", 1.0) | {"i": 5}, following="two"),
        page(row(6, "2023-04-06T11:55:00Z"), row(700, "2023-04-06T11:55:26.8Z")),
    )
    payloads = await source(http).missed_trades(TRADES, "AAPL", FIRST, LAST)
    query = {
        "symbols": "AAPL",
        "start": "2023-04-06T11:54:26.8Z",
        "end": "2023-04-06T11:55:26.8Z",
        "limit": "10000",
        "sort": "asc",
        "feed": "iex",
    }
    url = "http://venue/v2/stocks/trades"
    assert http.asked == [(url, query), (url, query | {"page_token": "two"})]
    assert http.headers[0] == {"APCA-API-KEY-ID": "PK1", "APCA-API-SECRET-KEY": "hush"}
    decoder = Decoder(IEX.plan, symbols=["AAPL"])
    trades = [trade for each in payloads for trade in decoder.decode(each.payload, each.recv_ns, each.stream)]
    assert [(trade.symbol, trade.trade_id, trade.price) for trade in trades] == [("AAPL", 5, 1.0), ("AAPL", 6, 162.92)]
    assert all(trade.flags & BACKFILL for trade in trades)


async def test_missed_trades_of_crypto() -> None:
    missed = {"t": "2023-04-06T11:55:00.123456789Z", "p": 1.5, "s": 2, "i": 3447222699101865076, "tks": "S"}
    http = Http(answer(body={"trades": {"BTC/USD": [missed]}}))
    (payload,) = await source(http, CRYPTO).missed_trades(TRADES, "BTC/USD", FIRST, LAST)
    (trade,) = Decoder(CRYPTO.plan, symbols=["BTC/USD"]).decode(payload.payload, payload.recv_ns, payload.stream)
    assert (trade.trade_id, trade.side, trade.event_ns % SECOND) == (3447222699101865076, "sell", 123456789)
    ((url, query),) = http.asked
    assert url == "http://venue/v1beta3/crypto/us/trades"
    assert "feed" not in query


@pytest.mark.parametrize("body", [{"trades": {}}, {"trades": None}, {"trades": {"AAPL": []}, "next_page_token": ""}])
async def test_nothing_was_missed(body: Any) -> None:
    assert await source(Http(answer(body=body))).missed_trades(TRADES, "AAPL", FIRST, LAST) == []


async def test_a_page_that_names_itself_as_the_next_one_ends_the_question() -> None:
    http = Http(page(following="again"))
    assert await source(http).missed_trades(TRADES, "AAPL", FIRST, LAST) == []
    assert len(http.asked) == 2


async def test_the_last_trade() -> None:
    http = Http(answer(body={"trades": {"AAPL": row(628, "2023-04-06T11:54:26.8Z")}}))
    assert await source(http).last_trade(TRADES, "AAPL") == FIRST
    assert http.asked == [("http://venue/v2/stocks/trades/latest", {"symbols": "AAPL", "feed": "iex"})]
    crypto = Http(
        answer(body={"trades": {"BTC/USD": {"t": "2023-04-06T11:54:26.8Z", "p": 1, "s": 1, "i": 628, "tks": "B"}}})
    )
    assert await source(crypto, CRYPTO).last_trade(TRADES, "BTC/USD") == FIRST
    assert crypto.asked[0][0] == "http://venue/v1beta3/crypto/us/latest/trades"


@pytest.mark.parametrize("trades", [None, {}, {"AAPL": None}])
async def test_there_may_be_no_trade_yet(trades: Any) -> None:
    assert await source(Http(answer(body={"trades": trades}))).last_trade(TRADES, "AAPL") is None


@pytest.mark.parametrize(
    "body",
    [b"no json", b"[1]", b'{"trades":{"AAPL":7}}', b'{"trades":{"AAPL":{"i":1}}}', b'{"trades":{"AAPL":{"T":"q"}}}'],
)
async def test_a_last_trade_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        await source(Http(answer(body=body))).last_trade(TRADES, "AAPL")


@pytest.mark.parametrize("body", [b"", b'{"trades":{"AAPL":[1]}}', b'{"trades":{"AAPL":[{"i":1}]}}'])
async def test_missed_trades_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(QueryError, match="cannot be read"):
        await source(Http(answer(body=body))).missed_trades(TRADES, "AAPL", FIRST, LAST)


async def test_what_cannot_be_asked_for() -> None:
    http = Http(answer(body={}))
    with pytest.raises(UnsupportedError, match="channel must be trades, was 'quotes'"):
        await source(http).last_trade(IEX.channel("quotes"), "AAPL")
    with pytest.raises(UnsupportedError, match="alpaca_test has no trades by request"):
        await source(http, TEST).missed_trades(TRADES, "FAKEPACA", FIRST, LAST)
    with pytest.raises(UnsupportedError, match="in its streams"):
        await source(http, CRYPTO).snapshot("BTC/USD")
    with pytest.raises(UnsupportedError):
        await source(http).server_time_ns()
    assert http.asked == []


async def test_no_answer_and_refusals_are_query_errors() -> None:
    with pytest.raises(QueryError, match="no last trade of AAPL: cannot connect"):
        await source(Http(FeedConnectionError("cannot connect"))).last_trade(TRADES, "AAPL")
    with pytest.raises(QueryError, match=r"no trades of AAPL: HTTP 403 .*forbidden") as caught:
        await source(Http(answer(403, {"message": "forbidden."}))).missed_trades(TRADES, "AAPL", FIRST, LAST)
    assert "hush" not in str(caught.value)


async def test_without_a_key_nothing_is_asked() -> None:
    with pytest.raises(MissingCredentialError):
        IEX.rest(HttpClient())


@virtual_time.in_virtual_time
async def test_any_minute_stays_within_the_limit() -> None:
    start, asked = seconds(), []
    rest = source(Http(answer(body={"trades": {}})))

    async def fetch() -> None:
        await rest.last_trade(TRADES, "AAPL")
        asked.append(seconds() - start)

    await asyncio.gather(*(fetch() for _ in range(400)))
    for begin in asked:
        assert sum(begin <= at < begin + 60 for at in asked) <= 200


@virtual_time.in_virtual_time
async def test_a_refusal_closes_the_gate_until_the_venues_window_ends() -> None:
    reset = wall_ns() // SECOND + 7
    rest = source(Http(answer(status=429, x_ratelimit_reset=str(reset)), answer(body={"trades": {}})))
    start = seconds()
    with pytest.raises(QueryError, match="HTTP 429") as caught:
        await rest.last_trade(TRADES, "AAPL")
    assert caught.value.status == 429
    await rest.last_trade(TRADES, "AAPL")
    assert 6 <= seconds() - start <= 8


@virtual_time.in_virtual_time
async def test_requests_of_others_on_the_account_are_respected() -> None:
    rest = source(Http(answer(body={"trades": {}}, x_ratelimit_remaining="0"), answer(body={"trades": {}})))
    start = seconds()
    await rest.last_trade(TRADES, "AAPL")
    await rest.last_trade(TRADES, "AAPL")
    assert seconds() - start > 1
