"""Requests within the weight limit; the HTTP session is a script, and waiting is virtual."""

from __future__ import annotations

import asyncio

import pytest

import virtual_time
from scripted_http import Http, answer
from tradewire.core import Decoder, wall_ns
from tradewire.core.record import BACKFILL
from tradewire.errors import FeedConnectionError, QueryError, UnsupportedError, VenueRejectedError
from tradewire.transport.rate_limit import RateLimitManager
from tradewire.venues.base import LastTrade
from tradewire.venues.binance.limits import USDM_COSTS, USDM_LIMITS
from tradewire.venues.binance.rest import BinanceRest
from tradewire.venues.binance.stream import SPOT, USDM

SECOND = 1_000_000_000
SNAPSHOT = answer(body=b'{"lastUpdateId":1}')


def source(http: Http) -> BinanceRest:
    return BinanceRest(
        http,  # type: ignore[arg-type]
        "http://venue/fapi/v1",
        depth=1000,
        costs=USDM_COSTS,
        limits=RateLimitManager({"binance": USDM_LIMITS}, clock=virtual_time.now_ns, wall=lambda: 100 * SECOND),
        venue="binance",
    )


def seconds() -> float:
    return asyncio.get_running_loop().time()


async def test_a_snapshot_names_its_stream() -> None:
    http = Http(SNAPSHOT)
    snapshot = await source(http).snapshot("BTCUSDT")
    assert http.asked == [("http://venue/fapi/v1/depth", {"limit": "1000", "symbol": "BTCUSDT"})]
    assert (snapshot.payload, snapshot.recv_ns, snapshot.stream) == (b'{"lastUpdateId":1}', 42, "btcusdt@depth")


@virtual_time.in_virtual_time
async def test_any_minute_stays_within_the_weight_that_data_may_use() -> None:
    start, asked = seconds(), []
    rest = source(Http(SNAPSHOT))

    async def fetch() -> None:
        await rest.snapshot("BTCUSDT")
        asked.append(seconds() - start)

    await asyncio.gather(*(fetch() for _ in range(300)))
    assert sum(at == 0 for at in asked) * 20 == 480, "books of many symbols start at once"
    for begin in asked:
        assert sum(begin <= at < begin + 60 for at in asked) * 20 <= 2400 * 0.8
    assert 300 * 20 / max(asked) > 0.9 * 2400 * 0.8 / 60


async def test_no_answer_is_a_snapshot_error() -> None:
    with pytest.raises(QueryError, match="no book snapshot of BTCUSDT: cannot connect"):
        await source(Http(FeedConnectionError("cannot connect"))).snapshot("BTCUSDT")


async def test_a_refusal_says_status_and_text() -> None:
    http = Http(answer(400, b'{"code":-1121,"msg":"Invalid symbol."}'))
    with pytest.raises(QueryError, match=r"HTTP 400.*Invalid symbol"):
        await source(http).snapshot("XUSDT")


@pytest.mark.parametrize("status", [418, 429])
@virtual_time.in_virtual_time
async def test_too_many_requests_closes_the_gate_until_retry_after(status: int) -> None:
    start = seconds()
    rest = source(Http(answer(status, b"", retry_after="120"), SNAPSHOT))
    with pytest.raises(QueryError):
        await rest.snapshot("BTCUSDT")
    await rest.snapshot("ETHUSDT")
    assert seconds() - start == pytest.approx(120)


@virtual_time.in_virtual_time
async def test_without_retry_after_the_gate_opens_with_the_next_utc_minute() -> None:
    start = seconds()
    rest = source(Http(answer(429, b""), SNAPSHOT))
    with pytest.raises(QueryError):
        await rest.snapshot("BTCUSDT")
    await rest.snapshot("BTCUSDT")
    assert seconds() - start == pytest.approx(20), "the wall clock said 100 s"


@virtual_time.in_virtual_time
async def test_a_ban_lasts_as_long_as_its_text_says() -> None:
    ends_ms = wall_ns() // 1_000_000 + 200_000
    body = b'{"code":-1003,"msg":"Way too many requests; IP(1.2.3.4) banned until %d. Please ..."}' % ends_ms
    start = seconds()
    rest = source(Http(answer(418, body), SNAPSHOT))
    with pytest.raises(QueryError):
        await rest.snapshot("BTCUSDT")
    await rest.snapshot("BTCUSDT")
    # Timers count in milliseconds.
    assert 190 < seconds() - start <= 200.01


@virtual_time.in_virtual_time
async def test_weight_that_others_used_on_the_address_is_respected() -> None:
    rest = source(Http(answer(x_mbx_used_weight_1m="1900"), SNAPSHOT))
    start = seconds()
    await rest.snapshot("BTCUSDT")
    await rest.snapshot("BTCUSDT")
    assert seconds() - start == pytest.approx(60)


TRADES, AGG_TRADES = USDM.channel("trades"), USDM.channel("agg_trades")


async def test_missed_aggregate_trades_come_in_pages() -> None:
    http = Http(answer(body=b"[]"))
    pages = await source(http).missed_trades(AGG_TRADES, "BTCUSDT", LastTrade(10, 0), LastTrade(1_500, 0))
    assert [query for _, query in http.asked] == [
        {"fromId": "11", "limit": "1000", "symbol": "BTCUSDT"},
        {"fromId": "1011", "limit": "489", "symbol": "BTCUSDT"},
    ]
    assert {page.stream for page in pages} == {"btcusdt@aggTrade"}


async def test_the_last_trade_of_either_kind() -> None:
    agg = Http(answer(body=b'[{"a":7,"p":"1","q":"1","f":1,"l":1,"T":5,"m":true}]'))
    assert await source(agg).last_trade(AGG_TRADES, "BTCUSDT") == LastTrade(7, 5_000_000)
    single = Http(answer(body=b'[{"id":8,"price":"1","qty":"1","time":6,"isBuyerMaker":true}]'))
    assert await source(single).last_trade(TRADES, "BTCUSDT") == LastTrade(8, 6_000_000)
    assert single.asked[0][0] == "http://venue/fapi/v1/trades"
    assert await source(Http(answer(body=b"[]"))).last_trade(TRADES, "BTCUSDT") is None
    with pytest.raises(UnsupportedError, match="channel must be trades or agg_trades, was 'quotes'"):
        await source(agg).last_trade(USDM.channel("quotes"), "BTCUSDT")


async def test_a_symbol_that_it_does_not_have_is_said_of_the_last_trade() -> None:
    unknown = answer(400, body=b'{"code":-1121,"msg":"Invalid symbol."}')
    with pytest.raises(VenueRejectedError, match="Invalid symbol"):
        await source(Http(unknown)).last_trade(TRADES, "BTCUSTD")
    with pytest.raises(QueryError, match=r"no trades of BTCUSTD: .*parameter"):
        await source(Http(answer(400, body=b'{"code":-1102,"msg":"parameter"}'))).last_trade(TRADES, "BTCUSTD")


@pytest.mark.parametrize("body", [b"no json", b"[1]", b'[{"id":"x","time":1}]'])
async def test_a_last_trade_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(QueryError):
        await source(Http(answer(body=body))).last_trade(TRADES, "BTCUSDT")


async def test_the_server_time() -> None:
    rest = source(Http(answer(body=b'{"serverTime":1791382991286}')))
    assert await rest.server_time_ns() == 1_791_382_991_286_000_000
    with pytest.raises(QueryError, match="server time"):
        await source(Http(answer(body=b"{}"))).server_time_ns()


@pytest.mark.parametrize(
    ("stream", "body", "trade_id", "side"),
    [
        ("btcusdt@aggTrade", b'[{"a":7,"p":"2.5","q":"3","nq":"3","f":1,"l":1,"T":5,"m":true}]', 7, "sell"),
        ("btcusdt@trade", b'[{"id":8,"price":"2.5","qty":"3","quoteQty":"1","time":5,"isBuyerMaker":false}]', 8, "buy"),
    ],
)
def test_missed_trades_are_marked(stream: str, body: bytes, trade_id: int, side: str) -> None:
    for plan in (USDM.plan, SPOT.plan):
        (trade,) = Decoder(plan, symbols=["BTCUSDT"]).decode(body, 9, stream)
        assert (trade.symbol, trade.price, trade.quantity, trade.trade_id) == ("BTCUSDT", 2.5, 3.0, trade_id)
        assert (trade.side, trade.seq, trade.event_ns) == (side, trade_id, 5_000_000)
        assert trade.flags & BACKFILL
