"""Answers as they were recorded on the venue (sheet section 7), and damaged ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tradewire.core import Decoder
from tradewire.errors import QueryError
from tradewire.model import InstrumentStatus
from tradewire.venues.binance import answers
from tradewire.venues.binance.stream import SPOT, USDM

KLINE = (
    b'[[1791382920000,"83137.90","83155.70","83082.90","83084.90","102.437",1791382979999,"8514292.61220",4409,'
    b'"49.832","4141805.93340","0"]]'
)
MARK = (
    b'{"symbol":"BTCUSDT","markPrice":"83067.30000000","indexPrice":"83114.69956522","estimatedSettlePrice":'
    b'"83195.99445417","lastFundingRate":"0.00000078","interestRate":"0.00010000","nextFundingTime":1791388800000,'
    b'"time":1791382985000}'
)
TICKER = (
    b'{"symbol":"BTCUSDT","priceChange":"-2986.30","priceChangePercent":"-3.470","weightedAvgPrice":"84385.90",'
    b'"lastPrice":"83084.80","lastQty":"0.002","openPrice":"86071.10","highPrice":"86664.90","lowPrice":"82706.20",'
    b'"volume":"170391.423","quoteVolume":"14378633588.65","openTime":1791296520000,"closeTime":1791382979530,'
    b'"firstId":8150081128,"lastId":8153633360,"count":3540550%b}'
)
QUOTE = b'{"symbol":"BTCUSDT","bidPrice":"4.00","bidQty":"431.0","askPrice":"4.02","askQty":"9.0"%b}'


def decoded(body: bytes, market: Any = USDM, stream: str | None = None) -> list[Any]:
    return Decoder(answers.answer_plan(market.plan), symbols=["BTCUSDT"]).decode(body, 9, stream)


def test_bars() -> None:
    body = answers.named_bars(KLINE, "1m", 1_791_382_980_000)
    (bar,) = decoded(body, stream="btcusdt@kline")
    assert (bar.symbol, bar.open, bar.high, bar.low, bar.close) == ("BTCUSDT", 83137.9, 83155.7, 83082.9, 83084.9)
    assert (bar.volume, bar.quote_volume, bar.trades) == (102.437, 8514292.6122, 4409)
    assert (bar.start_ns, bar.interval, bar.closed) == (1_791_382_920_000_000_000, "1m", True)
    (still_open,) = decoded(answers.named_bars(KLINE, "1m", 1_791_382_979_999), stream="btcusdt@kline")
    assert still_open.closed is False
    assert decoded(answers.named_bars(b"[]", "1m", 0), stream="btcusdt@kline") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[[1,2]]", b'[[1,"1","1","1","1","1","x","1",1]]', b"\xff"])
def test_bars_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(QueryError, match="the answer with bars cannot be read"):
        answers.named_bars(body, "1m", 0)


def test_mark_prices() -> None:
    (mark,) = decoded(MARK)
    assert (mark.mark_price, mark.index_price, mark.settle_price) == (83067.3, 83114.69956522, 83195.99445417)
    assert (mark.funding_rate, mark.next_funding_ns) == (0.00000078, 1_791_388_800_000_000_000)
    assert mark.event_ns == 1_791_382_985_000_000_000
    blank = MARK.replace(b'"0.00000078"', b'""')
    (delivery,) = decoded(answers.without_blanks(b"[%b]" % blank))
    assert delivery.funding_rate is None


def test_tickers_and_quotes_of_both_markets() -> None:
    for market, body in (
        (USDM, TICKER % b""),
        (SPOT, TICKER % b',"bidPrice":"1","bidQty":"1","askPrice":"2","askQty":"1"'),
    ):
        (ticker,) = decoded(body, market)
        assert (ticker.last_price, ticker.open, ticker.high, ticker.low) == (83084.8, 86071.1, 86664.9, 82706.2)
        assert (ticker.trades, ticker.event_ns, ticker.last_quantity) == (3540550, 1_791_382_979_530_000_000, 0.002)
    (quote,) = decoded(QUOTE % b',"time":1589437530011')
    assert (quote.bid_price, quote.ask_quantity, quote.event_ns) == (4.0, 9.0, 1_589_437_530_011_000_000)
    (spot,) = decoded(QUOTE % b"", SPOT)
    assert (spot.ask_price, spot.event_ns) == (4.02, 0)


def test_prices() -> None:
    assert answers.prices(b'{"symbol":"A","price":"6000.01","time":1}') == {"A": 6000.01}
    assert answers.prices(b' [{"symbol":"A","price":"1"},{"symbol":"B","price":"2"}]') == {"A": 1.0, "B": 2.0}
    for body in (b"[1]", b'{"symbol":"A","price":"1_0"}', b'{"symbol":"A","price":"NaN"}'):
        with pytest.raises(QueryError, match="cannot be read"):
            answers.prices(body)


def test_funding_and_open_interest() -> None:
    rows = (
        b'[{"symbol":"BTCUSDT","fundingTime":1791302400000,"fundingRate":"-0.00002245","markPrice":"85675.2",'
        b'"rateType":"Regular"},{"symbol":"BTCUSDT","fundingTime":1568102400000,"fundingRate":"0.0001","markPrice":""}]'
    )
    new, old = answers.funding_rates(rows, "binance")
    assert (new.rate, new.mark_price, new.time_ns) == (Decimal("-0.00002245"), Decimal("85675.2"), 1791302400 * 10**9)
    assert old.mark_price is None
    interest = answers.open_interest(b'{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}', "binance")
    assert (interest.quantity, interest.time_ns) == (Decimal("10659.509"), 1_589_437_530_011_000_000)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("TRADING", InstrumentStatus.TRADING),
        ("BREAK", InstrumentStatus.PAUSED),
        ("NEW_WORD", InstrumentStatus.PAUSED),
        ("CLOSE", InstrumentStatus.ENDED),
    ],
)
def test_instruments(word: str, status: InstrumentStatus) -> None:
    body = (
        (
            '{"symbols":[{"symbol":"BTCUSDT","status":"WORD","baseAsset":"BTC","quoteAsset":"USDT","filters":['
            '{"filterType":"PRICE_FILTER","tickSize":"0.10"},{"filterType":"LOT_SIZE","stepSize":"0.001","minQty":"0.002"},'
            '{"filterType":"MIN_NOTIONAL","notional":"100"}]},'
            '{"symbol":"X","status":"TRADING","baseAsset":"X","quoteAsset":"USDT","filters":['
            '{"filterType":"NOTIONAL","minNotional":"5.00"}]}]}'
        )
        .replace("WORD", word)
        .encode()
    )
    bitcoin, other = answers.instruments(body, "binance")
    assert (str(bitcoin.price_step), str(bitcoin.quantity_step), str(bitcoin.min_quantity)) == (
        "0.10",
        "0.001",
        "0.002",
    )
    assert (bitcoin.min_notional, bitcoin.status) == (100, status)
    assert (other.price_step, other.min_notional) == (0, 5)
    with pytest.raises(QueryError, match="instruments cannot be read"):
        answers.instruments(b'{"symbols":[{}]}', "binance")
