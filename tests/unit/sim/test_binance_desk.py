"""Bars and statistics of one symbol, as both Binance markets tell them."""

from __future__ import annotations

from sim_wires import Inbox
from tradewire.sim.binance_desk import Desk
from tradewire.sim.binance_topics import UNROUTED, Topic
from tradewire.sim.instruments import instrument
from tradewire.sim.market import Market

START = 1_791_382_980_000  # a full minute


class Nobody:
    def trade(self, *_: object) -> None: ...
    def quote(self, *_: object) -> None: ...
    def liquidation(self, *_: object) -> None: ...


def made() -> tuple[Market, Desk, Topic, Inbox]:
    market = Market((instrument("BTCUSDT"),), seed=1, now_ms=START, tape=Nobody())
    topic, inbox = Topic("btcusdt@kline_1m", UNROUTED), Inbox(combined=False)
    topic.add(inbox)
    return market, Desk(market.pits["BTCUSDT"], {"1m": topic}), topic, inbox


def test_a_bar_is_told_when_it_changed_and_once_more_when_it_has_ended() -> None:
    market, desk, _, inbox = made()
    market.advance(START + 1_000, 200)
    desk.publish_klines(START + 1_000)
    desk.publish_klines(START + 1_250)
    (bar,) = inbox.take()
    assert (bar["k"]["t"], bar["k"]["x"]) == (START, False)
    market.advance(START + 61_000, 200)
    desk.publish_klines(START + 61_000)
    assert [(bar["k"]["t"], bar["k"]["x"]) for bar in inbox.take()] == [(START, True), (START + 60_000, False)]


def test_nobody_is_told_of_an_end_before_they_came() -> None:
    market, desk, topic, inbox = made()
    market.advance(START + 1_000, 200)
    desk.publish_klines(START + 1_000)
    topic.remove(inbox)
    desk.publish_klines(START + 2_000)
    topic.add(inbox)
    inbox.take()
    market.advance(START + 61_000, 200)
    desk.publish_klines(START + 61_000)
    assert [bar["k"]["x"] for bar in inbox.take()] == [False]


def test_the_day_and_the_last_quantity() -> None:
    market, desk, _, _ = made()
    market.advance(START + 1_000, 200)
    day, lots = desk.day(START + 1_000)
    trades = desk.pit.history.trades
    assert (day.last_id, lots) == (trades[-1].trade_id, trades[-1].lots)
