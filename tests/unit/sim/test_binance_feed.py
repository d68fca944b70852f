"""Streams against the market behind them, on a clock that the test turns: chains, speeds, agreement."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

import pytest

from sim_wires import Inbox, run_feed
from tradewire.sim import binance_messages as messages
from tradewire.sim.binance_feed import Feed
from tradewire.sim.history import INTERVALS, Trade
from tradewire.sim.instruments import instrument
from tradewire.sim.matching import BUY, SELL

START = 1_791_382_980_000  # a full minute
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def _feed(*names: str, seed: int = 1) -> tuple[Feed, Inbox]:
    feed = Feed(tuple(instrument(symbol) for symbol in SYMBOLS), seed=seed, now_ms=START)
    inbox = Inbox()
    for name in names:
        feed.topics[name].add(inbox)
    return feed, inbox


def _apply(book: dict[str, dict[float, float]], update: dict[str, Any]) -> None:
    for side in "ba":
        for price, quantity in update[side]:
            if float(quantity):
                book[side][float(price)] = float(quantity)
            else:
                book[side].pop(float(price), None)


def _true_book(feed: Feed, symbol: str) -> dict[str, dict[float, float]]:
    pit = feed.market.pits[symbol]
    prices, quantities = pit.instrument.price_text, pit.instrument.quantity_text
    return {
        name: {float(prices[price]): float(quantities[lots]) for price, lots in pit.book.top(side, 10_000)}
        for name, side in (("b", BUY), ("a", SELL))
    }


@pytest.mark.parametrize(("suffix", "period"), [("@0ms", 0), ("@100ms", 100), ("", 250), ("@500ms", 500)])
def test_snapshot_and_differences_make_the_true_book(suffix: str, period: int) -> None:
    name = f"btcusdt@depth{suffix}"
    feed, inbox = _feed(name)
    early = run_feed(feed, inbox, 1_130)
    snapshot = json.loads(messages.rest_depth(feed.market.pits["BTCUSDT"], 1_000, feed.market.now_ms))
    late = run_feed(feed, inbox, 3_870)
    updates = [data for _, data in early + late]
    assert all(a["u"] == b["pu"] and b["pu"] < b["U"] <= b["u"] for a, b in itertools.pairwise(updates))
    assert any(b["U"] != a["u"] + 1 for a, b in itertools.pairwise(updates)), "ids have to jump"
    if period:
        assert all(data["E"] % period == 0 for data in updates[1:])

    book = {side: {float(p): float(q) for p, q in snapshot[key]} for side, key in (("b", "bids"), ("a", "asks"))}
    last = snapshot["lastUpdateId"]
    fitting = [data for data in updates if data["u"] >= last]
    assert fitting[0]["U"] <= last or fitting[0]["pu"] == last
    for data in fitting:
        _apply(book, data)
    assert book == _true_book(feed, "BTCUSDT")


def test_after_each_difference_the_best_is_the_last_quote() -> None:
    feed, inbox = _feed("ethusdt@depth@100ms", "ethusdt@bookTicker")
    book = _true_book(feed, "ETHUSDT")
    quote: dict[str, Any] | None = None
    compared = 0
    for _, data in run_feed(feed, inbox, 5_000):
        if data["e"] == "bookTicker":
            assert quote is None or data["u"] > quote["u"]
            quote = data
            continue
        _apply(book, data)
        if quote is not None:
            bid, ask = max(book["b"]), min(book["a"])
            assert [bid, book["b"][bid], ask, book["a"][ask]] == [float(quote[key]) for key in "bBaA"]
            assert quote["u"] <= data["u"]
            compared += 1
    assert compared > 40


def test_partial_books_are_the_top_of_the_book() -> None:
    feed, inbox = _feed("btcusdt@depth5@100ms", "btcusdt@depth20@100ms", "btcusdt@depth@100ms")
    book = _true_book(feed, "BTCUSDT")
    by_update: dict[int, dict[str, Any]] = {}
    for stream, data in run_feed(feed, inbox, 2_000):
        if stream.endswith("depth@100ms"):
            _apply(book, data)
            by_update[data["u"]] = data
        else:
            levels = 5 if "depth5" in stream else 20
            assert [float(p) for p, _ in data["b"]] == sorted(book["b"], reverse=True)[:levels]
            assert [float(p) for p, _ in data["a"]] == sorted(book["a"])[:levels]
            assert all(book["b"][float(p)] == float(q) for p, q in data["b"])
            same = by_update[data["u"]]
            assert (same["U"], same["pu"]) == (data["U"], data["pu"])


def test_trades_aggregates_and_bars_tell_the_same() -> None:
    feed, inbox = _feed("btcusdt@trade", "btcusdt@aggTrade", "btcusdt@kline_1m")
    received = run_feed(feed, inbox, 61_000, rate=200)
    trades = [data for stream, data in received if stream == "btcusdt@trade"]
    aggregates = [data for stream, data in received if stream == "btcusdt@aggTrade"]
    bars = [data["k"] for stream, data in received if stream == "btcusdt@kline_1m"]
    ids = [trade["t"] for trade in trades]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    by_id = {trade["t"]: trade for trade in trades}
    for item in aggregates:
        parts = [by_id[trade_id] for trade_id in range(item["f"], item["l"] + 1)]
        assert {(part["p"], part["m"]) for part in parts} == {(item["p"], item["m"])}
        assert sum(round(float(part["q"]) * 1000) for part in parts) == round(float(item["q"]) * 1000)
        assert parts[-1]["T"] == item["T"] <= item["E"]
    assert [item["a"] for item in aggregates] == list(range(aggregates[0]["a"], aggregates[0]["a"] + len(aggregates)))
    (closed,) = (bar for bar in bars if bar["x"])
    minute = [trade for trade in trades if closed["t"] <= trade["T"] <= closed["T"]]
    assert closed["L"] == minute[-1]["t"]
    assert closed["c"] == minute[-1]["p"]
    assert float(closed["h"]) >= max(float(trade["p"]) for trade in minute)
    assert bars[-1]["t"] == START + 60_000


def test_speeds_of_the_slow_streams() -> None:
    feed, inbox = _feed(
        "btcusdt@markPrice", "btcusdt@markPrice@1s", "btcusdt@miniTicker", "btcusdt@ticker", "!bookTicker",
        "!markPrice@arr", "!markPrice@arr@1s", "!ticker@arr", "!miniTicker@arr",
    )  # fmt: skip
    run_feed(feed, inbox, 5)
    received = run_feed(feed, inbox, 30_000)
    count = Counter(stream for stream, _ in received)
    assert count == {
        "btcusdt@markPrice": 10, "btcusdt@markPrice@1s": 30, "btcusdt@miniTicker": 15, "btcusdt@ticker": 15,
        "!bookTicker": 6 * len(SYMBOLS), "!markPrice@arr": 10, "!markPrice@arr@1s": 30, "!ticker@arr": 30,
        "!miniTicker@arr": 30,
    }  # fmt: skip
    rows = next(data for stream, data in received if stream == "!ticker@arr")
    assert [row["s"] for row in rows] == list(SYMBOLS)


def test_largest_liquidation_of_each_second() -> None:
    feed, inbox = _feed("btcusdt@forceOrder", "!forceOrder@arr")
    received = run_feed(feed, inbox, 10_000, rate=5_000)
    own = [data for stream, data in received if stream == "btcusdt@forceOrder"]
    everybody = [data for stream, data in received if stream == "!forceOrder@arr"]
    assert own == [data for data in everybody if data["o"]["s"] == "BTCUSDT"] != []
    assert len({data["E"] for data in own}) == len(own)


def test_smaller_liquidations_are_not_told() -> None:
    feed, inbox = _feed("!forceOrder@arr")
    pit = feed.market.pits["ETHUSDT"]
    for lots in (3, 8, 5):
        feed.liquidation(pit, SELL, 100, [Trade(1, 100, lots, START, True)])
    ((_, data),) = run_feed(feed, inbox, 1_000, rate=0)
    assert data["o"]["q"] == "0.008"


def test_every_interval_has_its_bar_stream() -> None:
    names = [f"btcusdt@kline_{interval}" for interval in INTERVALS]
    feed, inbox = _feed(*names)
    assert {stream for stream, _ in run_feed(feed, inbox, 300)} == set(names)


def test_resting_market_is_silent_but_for_the_clock() -> None:
    feed, inbox = _feed("btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@markPrice@1s")
    assert {stream for stream, _ in run_feed(feed, inbox, 3_000, rate=0)} == {"btcusdt@markPrice@1s"}


def test_clock_that_is_set_back_does_not_stop_the_streams() -> None:
    feed, inbox = _feed("btcusdt@markPrice@1s", "btcusdt@depth@100ms")
    run_feed(feed, inbox, 1_000)
    feed.market.now_ms -= 3_600_000
    streams = Counter(stream for stream, _ in run_feed(feed, inbox, 2_000))
    assert streams["btcusdt@markPrice@1s"] >= 2
    assert streams["btcusdt@depth@100ms"] >= 19
