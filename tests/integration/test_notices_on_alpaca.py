"""Halts, price bands, imbalances, corrected and cancelled trades of the simulated Alpaca, in all ways to consume."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from tradewire import (
    Imbalance,
    PriceBand,
    Quote,
    Secret,
    StreamingGateway,
    Trade,
    TradeCancel,
    TradeCorrection,
    TradingStatus,
    view,
)
from tradewire.core import Kind
from tradewire.core.record import ControlStatus
from tradewire.model.notices import Notice
from tradewire.sim import AlpacaSim
from tradewire.streaming import FeedState
from tradewire.transport.auth import Credential

CHANNELS: dict[str, type[Notice]] = {
    "statuses": TradingStatus,
    "lulds": PriceBand,
    "imbalances": Imbalance,
    "corrections": TradeCorrection,
    "cancels": TradeCancel,
}
#: What the simulator is asked to say, in this order, and the letter by which records tell it.
SAID = {
    "halt": ("s", TradingStatus),
    "resume": ("s", TradingStatus),
    "band": ("l", PriceBand),
    "imbalance": ("i", Imbalance),
    "correct": ("c", TradeCorrection),
    "cancel": ("x", TradeCancel),
}


@pytest.fixture
async def sim(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AlpacaSim]:
    venue = AlpacaSim(symbols=("AAPL", "MSFT"), rate=0, seed=11)
    # Its clock stands still: what it says unasked, it says every 30 s, or a second after a trade.
    now_ms = time.time_ns() // 1_000_000 + 1
    monkeypatch.setattr(venue, "now_ms", lambda: now_ms)
    async with venue:
        yield venue


def opened(sim: AlpacaSim, codec: str = "json", **options: Any) -> StreamingGateway:
    key = Credential(Secret("PK1"), Secret("hush"))
    return StreamingGateway(
        venue="alpaca",
        url=sim.stream_url,
        rest_url=sim.rest_url,
        credential=key,
        codec=codec,
        random=Random(1),
        **options,
    )


def move(sim: AlpacaSim, messages: int = 100) -> None:
    sim.feed.advance(sim.now_ms(), messages)


async def trades_arrive(sim: AlpacaSim, gateway: StreamingGateway) -> None:
    async with asyncio.timeout(30):
        while not gateway.counters["messages.trade"]:
            move(sim, 10)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_each_kind_reaches_callbacks_events_and_batches(sim: AlpacaSim, codec: str, eventually: Any) -> None:
    got: dict[str, list[Any]] = {channel: [] for channel in CHANNELS}
    others: list[Any] = []
    async with opened(sim, codec) as gateway:
        batches = gateway.batches()
        events = gateway.events("AAPL")
        for channel, heard in got.items():
            gateway.subscribe(channel, ["AAPL"], heard.append)
            gateway.subscribe(channel, ["MSFT"], others.append)
        gateway.subscribe_to_trades(["AAPL"], lambda _: None)
        await trades_arrive(sim, gateway)
        for notice in SAID:
            assert sim.chaos.tell(notice, "AAPL").injected
        await eventually(lambda: all(got.values()) and len(got["statuses"]) == 2)

        assert all(type(each) is CHANNELS[channel] for channel, heard in got.items() for each in heard)
        assert all(each.symbol == "AAPL" and each.venue == "alpaca" for heard in got.values() for each in heard)
        assert others == []
        halt, resume = got["statuses"]
        assert (halt.halted, halt.code, halt["reason_code"], halt.reason) == (True, "H", "T1", "Halt News Pending")
        assert (resume.halted, resume.code) == (False, "T")
        (band,), (imbalance,) = got["lulds"], got["imbalances"]
        assert band.down_price < imbalance.price < band.up_price
        tape, item = sim.feed.tapes["AAPL"].prints, sim.feed.market.pits["AAPL"].instrument
        told = {each.trade_id: (round(each.price * item.tick, 9), each.lots * item.step) for each in tape}
        (correction,), (cancel,) = got["corrections"], got["cancels"]
        assert (correction.price, correction.quantity) == told[correction.trade_id]
        assert (correction.corrected_price, correction.corrected_quantity) == told[correction.corrected_id]
        assert correction.corrected_quantity == correction.quantity + item.step
        assert (cancel.price, cancel.quantity, cancel.action) == (*told[cancel.trade_id], "C")
        assert correction.trade_id != cancel.trade_id

        feeds = {(feed.channel.name, feed.symbol): feed for feed in gateway.feeds()}
        for channel in CHANNELS:
            assert feeds[channel, "AAPL"].state is FeedState.LIVE
            assert feeds[channel, "MSFT"].well, "nothing was said, which is normal"
        counters = gateway.counters
        assert counters["notices"] == len(SAID)
        assert counters["decode_errors"] == counters["subscriptions_refused"] == counters["notices_lost"] == 0

    seen = [event async for event in events if isinstance(event, Notice)]
    assert seen == [halt, resume, band, imbalance, correction, cancel]
    controls = np.concatenate([view(batch, Kind.CONTROL) async for batch in batches])
    records = controls[controls["status"] == ControlStatus.NOTICE]
    assert [chr(code) for code in records["code"]] == [letter for letter, _ in SAID.values()]
    assert records["event_ns"].tolist() == [notice.event_ns for notice in seen]
    assert records["seq"].tolist() == [0, 0, 0, 0, correction.trade_id, cancel.trade_id]
    assert len(set(records["symbol"].tolist())) == 1


async def test_a_strategy_stops_quoting_while_its_stock_is_halted(sim: AlpacaSim, eventually: Any) -> None:
    quoted: list[tuple[bool, int]] = []
    quoting = True

    def on_status(status: TradingStatus) -> None:
        nonlocal quoting
        if status.halted is not None:
            quoting = not status.halted

    def on_quote(quote: Quote) -> None:
        quoted.append((quoting, quote.event_ns))

    async with opened(sim) as gateway:
        gateway.subscribe("statuses", "AAPL", on_status)
        gateway.subscribe_to_quotes(["AAPL"], on_quote)
        await until(lambda: quoted, lambda: move(sim, 10))
        sim.chaos.tell("halt", "AAPL")
        await eventually(lambda: not quoting)
        before = len(quoted)
        move(sim)
        sim.chaos.tell("resume", "AAPL")
        await eventually(lambda: quoting)
        assert len(quoted) == before
        await until(lambda: len(quoted) > before, lambda: move(sim, 10))
        assert all(was_quoting for was_quoting, _ in quoted)


async def test_corrections_alone_bring_their_trades_and_take_none_away(sim: AlpacaSim, eventually: Any) -> None:
    trades: list[Trade] = []
    cancels: list[TradeCancel] = []
    async with opened(sim) as gateway:
        subscription = gateway.subscribe("cancels", ["AAPL"], cancels.append)
        await trades_arrive(sim, gateway)
        sim.chaos.tell("cancel", "AAPL")
        await eventually(lambda: len(cancels) == 1)
        gateway.subscribe_to_trades(["AAPL"], trades.append)
        await until(lambda: trades, lambda: move(sim, 10))
        subscription.close()
        await eventually(lambda: gateway.links[0].subscribed == {"AAPL@trades"})
        await eventually(lambda: gateway.links[0].acknowledged)
        seen = len(trades)
        await until(lambda: len(trades) > seen, lambda: move(sim, 10))
        before = gateway.counters["messages.control"]
        sim.chaos.tell("cancel", "AAPL")
        await eventually(lambda: gateway.counters["messages.control"] > before)
        assert len(cancels) == 1, "the callback is gone"


async def until(condition: Callable[[], object], otherwise: Callable[[], None]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            otherwise()
            await asyncio.sleep(0.01)
