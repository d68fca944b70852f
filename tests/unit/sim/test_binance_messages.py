"""Every message has exactly the fields of the protocol sheet's recorded samples (section 11 and 7), in their order."""

from __future__ import annotations

import pytest

from sim_wires import strict
from tradewire.sim import binance_messages as messages
from tradewire.sim.binance_feed import Feed
from tradewire.sim.history import AggTrade, Bar, Trade
from tradewire.sim.instruments import instrument
from tradewire.sim.matching import SELL

NOW = 1_791_382_992_488
BTC = instrument("BTCUSDT")
TRADE = Trade(7_947_325_360, 631_132, 1, NOW - 3, False)
AGG = AggTrade(3_477_868_433, 830_917, 22, 8_153_634_393, 8_153_634_394, NOW - 150, False)
BAR = Bar(1_791_382_980_000, 830_849, 830_917, 830_512, 830_916, 13_551, 13_551 * 830_800, 1_027, 6_426, 7, 5, 9)
PIT = Feed((BTC,), seed=1, now_ms=NOW).market.pits["BTCUSDT"]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        (messages.trade(BTC, TRADE, NOW), "e E T s t p q X m st"),
        (messages.agg_trade(BTC, AGG, NOW), "e E a s p q nq f l T m st"),
        (messages.book_ticker(PIT, NOW), "e u s ps b B a A T E st"),
        (messages.depth_update(PIT, NOW, (7, 9, 5), [(1, 2)], []), "e E T s ps U u pu b a st"),
        (messages.mark_price_update(BTC, 830_843.0, 831_236.6, NOW), "e E s p ap P i r T st"),
        (messages.kline(BTC, BAR, "1m", NOW, closed=False), "e E s k"),
        (messages.mini_ticker(BTC, BAR, NOW), "e E s ps c o h l v q st"),
        (messages.ticker(BTC, BAR, 2, NOW), "e E s ps p P w c Q o h l v q O C F L n st"),
        (messages.force_order(BTC, SELL, 823_383, [TRADE], NOW), "e E o"),
        (messages.rest_depth(PIT, 5, NOW), "lastUpdateId E T bids asks"),
        (messages.rest_trade(BTC, TRADE), "id price qty quoteQty time isBuyerMaker isRPITrade"),
        (messages.rest_agg_trade(BTC, AGG), "a p q nq f l T m"),
        (
            messages.rest_premium_index(BTC, 830_673.0, 831_147.0, NOW),
            "symbol markPrice indexPrice estimatedSettlePrice lastFundingRate interestRate nextFundingTime time",
        ),
        (
            messages.rest_day(BTC, BAR, 2, NOW),
            "symbol priceChange priceChangePercent weightedAvgPrice lastPrice lastQty openPrice highPrice lowPrice "
            "volume quoteVolume openTime closeTime firstId lastId count",
        ),
        (messages.rest_book_ticker(PIT), "symbol bidPrice bidQty askPrice askQty time"),
        (messages.rest_price(BTC, 60_000, NOW), "symbol price time"),
    ],
)
def test_fields_and_their_order(text: str, keys: str) -> None:
    assert list(strict(text)) == keys.split()


def test_values_of_a_trade() -> None:
    assert strict(messages.trade(BTC, TRADE, NOW)) == {
        "e": "trade", "E": NOW, "T": NOW - 3, "s": "BTCUSDT", "t": 7_947_325_360, "p": "63113.20", "q": "0.001",
        "X": "MARKET", "m": False, "st": 1,
    }  # fmt: skip


def test_values_of_a_bar() -> None:
    bar = strict(messages.kline(BTC, BAR, "1m", NOW, closed=True))["k"]
    assert list(bar) == ["t", "T", "s", "i", "f", "L", "o", "c", "h", "l", "v", "n", "x", "q", "V", "Q", "B"]
    assert (bar["t"], bar["T"], bar["i"], bar["x"], bar["n"]) == (
        BAR.start_ms,
        BAR.start_ms + 59_999,
        "1m",
        True,
        1_027,
    )
    assert [bar[key] for key in "ohlcv"] == ["83084.90", "83091.70", "83051.20", "83091.60", "13.551"]
    row = strict(messages.rest_kline(BTC, BAR, "1m"))
    assert row == [bar[key] for key in ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")]


def test_values_of_a_liquidation() -> None:
    order = strict(messages.force_order(BTC, SELL, 823_383, [TRADE, TRADE._replace(lots=3, price=631_136)], NOW))["o"]
    assert list(order) == ["s", "S", "o", "f", "q", "p", "ap", "X", "l", "z", "T", "ps", "st"]
    assert (order["S"], order["q"], order["z"], order["l"]) == ("SELL", "0.004", "0.004", "0.003")
    assert (order["p"], order["ap"]) == ("82338.30", "63113.50")


def test_next_funding_is_the_next_eighth_hour() -> None:
    assert strict(messages.mark_price_update(BTC, 1.0, 1.0, 1_791_382_993_000))["T"] == 1_791_388_800_000


def test_levels_are_text_pairs() -> None:
    update = strict(messages.depth_update(PIT, NOW, (7, 9, 5), [(1, 2), (3, 0)], [(4, 5)]))
    assert update["b"] == [["0.10", "0.002"], ["0.30", "0.000"]]
    assert update["a"] == [["0.40", "0.005"]]
    assert (update["U"], update["u"], update["pu"]) == (7, 9, 5)
