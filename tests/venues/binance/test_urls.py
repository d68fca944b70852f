"""Which route serves which stream: every row of the sheet's table (section 2.1)."""

from __future__ import annotations

import pytest

from tradewire.venues.binance.urls import SPOT_URLS, USDM_URLS, route_of

PUBLIC = [
    "btcusdt@bookTicker",
    "!bookTicker",
    "btcusdt@depth5",
    "btcusdt@depth10@100ms",
    "btcusdt@depth20@500ms",
    "btcusdt@depth",
    "btcusdt@depth@100ms",
    "btcusdt@depth@0ms",
    "btcusdt@rpiDepth@500ms",
    "btcusdt@trade",
]
MARKET = [
    "btcusdt@aggTrade",
    "btcusdt@markPrice@1s",
    "!markPrice@arr@1s",
    "btcusdt@kline_1m",
    "btcusdt_perpetual@continuousKline_1m",
    "btcusdt@miniTicker",
    "!miniTicker@arr",
    "btcusdt@ticker",
    "!ticker@arr",
    "btcusdt@forceOrder",
    "!forceOrder@arr",
    "btcdomusdt@compositeIndex",
    "!contractInfo",
    "!assetIndex@arr",
    "btcusd@assetIndex",
    "tradingSession",
]


@pytest.mark.parametrize("stream", PUBLIC)
def test_public(stream: str) -> None:
    assert route_of(stream) == "public"


@pytest.mark.parametrize("stream", MARKET)
def test_market(stream: str) -> None:
    assert route_of(stream) == "market"


def test_only_usdm_has_routes() -> None:
    assert USDM_URLS.routed
    assert not SPOT_URLS.routed
