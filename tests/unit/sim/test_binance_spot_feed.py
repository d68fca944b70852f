"""Spot streams against the market behind them, on a clock that the test turns."""

from __future__ import annotations

import itertools
import json

from sim_wires import Inbox, run_feed
from tradewire.sim import binance_spot_messages as messages
from tradewire.sim.binance_spot_feed import SpotFeed
from tradewire.sim.instruments import spot_instrument

START = 1_791_382_980_000  # a full minute


def _feed(*names: str) -> tuple[SpotFeed, Inbox]:
    feed = SpotFeed((spot_instrument("BTCUSDT"), spot_instrument("ETHUSDT")), seed=1, now_ms=START)
    inbox = Inbox()
    for name in names:
        feed.topics[name].add(inbox)
    return feed, inbox


def test_differences_follow_each_other_and_rebuild_the_book() -> None:
    feed, inbox = _feed("btcusdt@depth@100ms")
    pit = feed.market.pits["BTCUSDT"]
    run_feed(feed, inbox, 500)
    snapshot = json.loads(messages.partial_depth(pit, 5_000))
    last = snapshot["lastUpdateId"]
    book = {side: {float(p): float(q) for p, q in snapshot[side]} for side in ("bids", "asks")}
    updates = [data for _, data in run_feed(feed, inbox, 3_000)]
    assert len(updates) >= 28
    assert updates[0]["U"] <= last + 1 <= updates[0]["u"]
    assert all(after["U"] == before["u"] + 1 for before, after in itertools.pairwise(updates))
    for update in updates:
        for side, levels in (("bids", update["b"]), ("asks", update["a"])):
            for price, quantity in levels:
                if float(quantity):
                    book[side][float(price)] = float(quantity)
                else:
                    book[side].pop(float(price), None)
    end = json.loads(messages.partial_depth(pit, 5_000))
    assert updates[-1]["u"] == end["lastUpdateId"]
    assert book == {side: {float(p): float(q) for p, q in end[side]} for side in ("bids", "asks")}


def test_speeds() -> None:
    names = ["btcusdt@depth", "btcusdt@depth@100ms", "btcusdt@depth5@100ms", "btcusdt@miniTicker", "btcusdt@ticker",
             "!miniTicker@arr", "btcusdt@kline_1m"]  # fmt: skip
    feed, inbox = _feed(*names)
    got = [stream for stream, _ in run_feed(feed, inbox, 4_000)]
    counts = {name: got.count(name) for name in names}
    assert counts["btcusdt@depth"] == counts["btcusdt@miniTicker"] == counts["btcusdt@ticker"] == 5
    assert counts["!miniTicker@arr"] >= 4
    assert 38 <= counts["btcusdt@depth@100ms"] == counts["btcusdt@depth5@100ms"] <= 41
    assert 2 <= counts["btcusdt@kline_1m"] <= 3


def test_trades_and_quotes_in_real_time() -> None:
    feed, inbox = _feed("btcusdt@trade", "btcusdt@bookTicker", "btcusdt@aggTrade")
    got = run_feed(feed, inbox, 2_000)
    trades = [data for stream, data in got if stream.endswith("@trade")]
    assert [trade["t"] for trade in trades] == list(range(trades[0]["t"], trades[0]["t"] + len(trades)))
    aggs = [data for stream, data in got if stream.endswith("@aggTrade")]
    assert all(after["f"] == before["l"] + 1 for before, after in itertools.pairwise(aggs))
    assert [agg["a"] for agg in aggs] == list(range(aggs[0]["a"], aggs[0]["a"] + len(aggs)))
    quotes = [data for stream, data in got if stream.endswith("@bookTicker")]
    assert all(after["u"] > before["u"] for before, after in itertools.pairwise(quotes))
    assert all(float(quote["b"]) < float(quote["a"]) for quote in quotes)


def test_closed_bar_is_sent() -> None:
    feed, inbox = _feed("btcusdt@kline_1m")
    feed.advance(START + 58_500, 500)
    bars = [data["k"] for _, data in run_feed(feed, inbox, 6_000)]
    assert [bar["x"] for bar in bars if bar["t"] == START][-1] is True
    assert {bar["t"] for bar in bars} == {START, START + 60_000}


def test_what_usdm_has_and_spot_has_not() -> None:
    feed, _ = _feed()
    assert not {"!ticker@arr", "!bookTicker", "btcusdt@markPrice", "btcusdt@forceOrder"} & set(feed.topics)
