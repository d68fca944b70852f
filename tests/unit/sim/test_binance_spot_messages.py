"""Shapes of Spot messages: fields and their order, as the venue writes them."""

from __future__ import annotations

import pytest

from sim_wires import strict
from tradewire.sim import binance_spot_messages as messages
from tradewire.sim.binance_spot_feed import SpotFeed
from tradewire.sim.history import AggTrade, Bar, Trade
from tradewire.sim.instruments import spot_instrument

NOW = 1_791_382_992_488
BTC = spot_instrument("BTCUSDT")
PIT = SpotFeed((BTC,), seed=1, now_ms=NOW).market.pits["BTCUSDT"]
TRADE = Trade(12_345, 631_132, 7, NOW - 3, True)
AGG = AggTrade(26_129, 631_132, 9, 12_345, 12_346, NOW - 1, False)
BAR = Bar(1_791_382_980_000, 830_849, 830_917, 830_512, 830_916, 13_551, 11_257_147, 1_027, 6_426, 5_338, 100, 1_126)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (messages.trade(BTC, TRADE, NOW), "e E s t p q T m M"),
        (messages.agg_trade(BTC, AGG, NOW), "e E s a p q f l T m M"),
        (messages.book_ticker(PIT), "u s b B a A"),
        (messages.depth_update(PIT, NOW, 157, 160, [(1, 2)], []), "e E s U u b a"),
        (messages.partial_depth(PIT, 5), "lastUpdateId bids asks"),
        (messages.mini_ticker(BTC, BAR, NOW), "e E s c o h l v q"),
        (messages.ticker(PIT, BAR, 5, NOW), "e E s p P w x c Q b B a A o h l v q O C F L n"),
        (messages.server_shutdown(NOW), "e E"),
        (messages.rest_trade(BTC, TRADE), "id price qty quoteQty time isBuyerMaker isBestMatch"),
        (messages.rest_agg_trade(BTC, AGG), "a p q f l T m M"),
        (
            messages.rest_day(PIT, BAR, 5, NOW),
            "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice bidQty "
            "askPrice askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count",
        ),
        (messages.rest_book_ticker(PIT), "symbol bidPrice bidQty askPrice askQty"),
        (messages.rest_price(BTC, 1), "symbol price"),
    ],
)
def test_fields_and_their_order(text: str, keys: str) -> None:
    assert list(strict(text)) == keys.split()


def test_eight_digits() -> None:
    trade = strict(messages.trade(BTC, TRADE, NOW))
    assert (trade["p"], trade["q"], trade["m"]) == ("63113.20000000", "0.00700000", True)
    assert strict(messages.rest_trade(BTC, TRADE))["quoteQty"] == "441.79240000"


def test_partial_depth_is_the_top_of_the_book_best_first() -> None:
    partial = strict(messages.partial_depth(PIT, 10))
    bids, asks = ([float(price) for price, _ in partial[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 10
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
