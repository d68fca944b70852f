"""The gateway on the simulated venue: real HTTP and WebSocket, a market that the test moves step by step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

import moving_market
from faulty_venues import is_live
from moving_market import ask
from tradewire.core import Kind, Trade, view
from tradewire.sim import BinanceSim
from tradewire.streaming import FeedAlert, FeedState, FeedStateChanged, GapDetected, Resynced, StreamingGateway

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Market(moving_market.Market):
    """With its gateways and its books."""

    def gateway(self, **options: Any) -> StreamingGateway:
        return StreamingGateway(url=self.sim.stream_url, rest_url=self.sim.rest_url, random=Random(1), **options)

    async def book_is_the_venues(self, gateway: StreamingGateway, symbol: str) -> None:
        """At rest, the gateway's book equals a REST snapshot, level by level, once the last diffs are published."""
        truth = await ask(self.sim, f"/fapi/v1/depth?symbol={symbol}&limit=1000")
        async with asyncio.timeout(30):
            while (book := gateway.book(symbol)) is None or book.last_seq != truth["lastUpdateId"]:
                self.move(0)
                await asyncio.sleep(0.02)
        bids, asks = book.levels(200)
        assert bids == [(float(price), float(quantity)) for price, quantity in truth["bids"][:200]]
        assert asks == [(float(price), float(quantity)) for price, quantity in truth["asks"][:200]]


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    async with BinanceSim(symbols=SYMBOLS, rate=0, seed=11) as sim:
        yield Market(sim)


async def test_books_trades_and_quotes_are_the_venues(market: Market) -> None:
    trades: dict[str, list[Trade]] = {symbol: [] for symbol in SYMBOLS}
    async with market.gateway(symbols=SYMBOLS, channels=["quotes", "book"]) as gateway:
        gateway.subscribe_to_trades(SYMBOLS, lambda trade: trades[trade.symbol].append(trade))
        await market.moving_until(lambda: is_live(gateway))
        for _ in range(20):
            market.move(200)
            await asyncio.sleep(0.01)
        for symbol in SYMBOLS:
            await market.book_is_the_venues(gateway, symbol)
            told = await ask(market.sim, f"/fapi/v1/trades?symbol={symbol}&limit=1000")
            last = trades[symbol][-1]
            assert (last.trade_id, last.price) == (told[-1]["id"], float(told[-1]["price"]))
            ids = [trade.trade_id for trade in trades[symbol]]
            assert ids == list(range(ids[0], ids[-1] + 1)), "every trade, in order"
        assert gateway.counters["book_gaps"] == 0
        assert gateway.counters["sequence_gap"] == 0
        assert gateway.counters["decode_errors"] == 0


async def test_killed_sockets_come_back_with_exact_subscriptions_and_whole_books(
    market: Market, eventually: Any
) -> None:
    async with market.gateway(symbols=SYMBOLS, channels=["trades", "quotes", "book", "mark_price"]) as gateway:
        wanted = {f"{symbol.lower()}@{part}" for symbol in SYMBOLS for part in ("trade", "bookTicker", "depth@100ms")}
        for _ in range(5):
            await market.moving_until(lambda: is_live(gateway))
            (public,) = [link for link in gateway.links if link.name == "public"]
            assert public.subscribed == wanted
            (session,) = [one for one in market.sim.streams.sessions if "btcusdt@trade" in one.subscriptions()]
            assert sorted(session.subscriptions()) == sorted(wanted), "no duplicate, none missing"
            for one in tuple(market.sim.streams.sessions):
                one.abort()
            # The two connections are lost one after the other; nothing moves until both are.
            await eventually(lambda: not is_live(gateway) and gateway.book("BTCUSDT") is None)
        await market.moving_until(lambda: is_live(gateway))
        for symbol in SYMBOLS:
            await market.book_is_the_venues(gateway, symbol)
        assert gateway.counters["reconnects"] == 10


async def test_a_lost_diff_is_a_gap_and_the_book_is_rebuilt(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = market.sim.feed.topics["btcusdt@depth@100ms"]
    async with market.gateway(symbols=["BTCUSDT", "ETHUSDT"], channels=["book"]) as gateway:
        seen: list[Any] = []
        unserved: list[bool] = []

        def on_status(event: Any) -> None:
            seen.append(event)
            if isinstance(event, GapDetected):
                unserved.append(gateway.book(event.symbol) is None)

        gateway.on_status(on_status)
        await market.moving_until(lambda: is_live(gateway))
        seen.clear()
        lost: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(type(topic), "publish", _losing(type(topic).publish, topic, lost))
            await market.moving_until(lambda: lost)
        await market.moving_until(lambda: any(isinstance(event, Resynced) for event in seen))
        assert [event.symbol for event in seen if isinstance(event, GapDetected)] == ["BTCUSDT"]
        assert unserved == [True], "no book between gap and resync"
        await market.book_is_the_venues(gateway, "BTCUSDT")
        await market.book_is_the_venues(gateway, "ETHUSDT")
        assert gateway.counters["book_gaps"] == 1


def _losing(publish: Any, topic: Any, lost: list[str]) -> Any:
    """Loses one message of a topic."""

    def losing(self: Any, payload: str) -> None:
        if self is topic and not lost:
            lost.append(payload)
            return
        publish(self, payload)

    return losing


async def test_a_lost_trade_is_told_with_its_number(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = market.sim.feed.topics["btcusdt@trade"]
    async with market.gateway(symbols=["BTCUSDT"], channels=["trades"]) as gateway:
        events = gateway.events("BTCUSDT")
        await market.moving_until(lambda: is_live(gateway))
        lost: list[str] = []
        with monkeypatch.context() as patch:
            patch.setattr(type(topic), "publish", _losing(type(topic).publish, topic, lost))
            await market.moving_until(lambda: lost)
        await market.moving_until(lambda: gateway.counters["messages_missing"])
        gap = None
        async for event in events:
            if isinstance(event, GapDetected):
                gap = event
                break
        assert gap is not None
        assert (gap.channel, gap.symbol, gap.missing) == ("trades", "BTCUSDT", 1)


async def test_a_mute_feed_on_a_living_connection_is_stale(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = market.sim.feed.topics["btcusdt@bookTicker"]
    gateway = market.gateway(symbols=["BTCUSDT"], channels=["trades", "quotes"], stale_after_s={"quotes": 0.3})
    async with gateway:
        await market.moving_until(lambda: is_live(gateway))
        publish = type(topic).publish

        def mute(self: Any, payload: str) -> None:
            if self is not topic:
                publish(self, payload)

        with monkeypatch.context() as patch:
            patch.setattr(type(topic), "publish", mute)
            await market.moving_until(lambda: gateway.state("quotes", "BTCUSDT") is FeedState.STALE)
        assert gateway.state("trades", "BTCUSDT") is FeedState.LIVE
        await market.moving_until(lambda: gateway.state("quotes", "BTCUSDT") is FeedState.LIVE)


async def test_batches_and_slow_consumers(market: Market) -> None:
    async with market.gateway(symbols=SYMBOLS, channels=["trades", "quotes"], queue_capacity=50) as gateway:
        asleep = gateway.events()
        own = gateway.events(policies={"trades": "keep", "quotes": "drop_oldest"})
        batches = gateway.batches()
        await market.moving_until(lambda: is_live(gateway))
        market.move(2_000)
        await market.moving_until(lambda: gateway.counters["messages.trade"] > 500)
        taken = 0
        # Without a pause: nothing comes in between.
        while len(batches.queue):
            taken += len(view(await anext(batches), Kind.TRADE))
        assert taken > 0
        assert taken + batches.queue.dropped_by["trade"] == gateway.counters["messages.trade"]
        waiting = len(asleep.queue)
        assert waiting < 50 + 2 * len(SYMBOLS) + 30, "bounded, whatever came"
        assert asleep.queue.dropped == gateway.counters["messages.trade"] - 50
        trades, quotes = (gateway.counters[f"messages.{sort}"] for sort in ("trade", "quote"))
        assert own.queue.dropped_by["trade"] == own.queue.conflated == 0, "every trade is kept"
        assert own.queue.dropped_by["quote"] == own.queue.dropped == quotes - 50
        of_events = gateway.backlogs["events"]
        assert (of_events.dropped_by["trade"], of_events.dropped_by["quote"]) == (trades - 50, quotes - 50)
        assert of_events.conflated_by["quote"] == quotes - len(SYMBOLS)
        kept = sum([isinstance(own.queue.pop()[0], Trade) for _ in range(len(own.queue))])
        assert kept == trades


@pytest.mark.parametrize("channel", ["agg_trades", "mark_price", "bars_1m", "ticker", "mini_ticker", "book5", "book20"])
async def test_every_channel_flows(market: Market, channel: str) -> None:
    async with market.gateway(symbols=["BTCUSDT"], channels=[channel]) as gateway:
        await market.moving_until(lambda: is_live(gateway))
        assert gateway.counters["decode_errors"] == 0
        if channel.startswith("book"):
            book = gateway.book("BTCUSDT")
            assert book is not None
            assert len(book.levels(20)[0]) == int(channel.removeprefix("book"))


async def test_a_refused_snapshot_is_asked_for_again(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    from tradewire.errors import QueryError
    from tradewire.venues.binance.rest import BinanceRest

    fetch = BinanceRest.snapshot
    asked: list[str] = []

    async def flaky(self: BinanceRest, symbol: str) -> Any:
        asked.append(symbol)
        if len(asked) < 3:
            raise QueryError("no answer")
        return await fetch(self, symbol)

    monkeypatch.setattr(BinanceRest, "snapshot", flaky)
    async with market.gateway(symbols=["BTCUSDT"], channels=["book"]) as gateway:
        await market.moving_until(lambda: is_live(gateway))
        await market.book_is_the_venues(gateway, "BTCUSDT")
    assert asked[:3] == ["BTCUSDT"] * 3


async def test_a_book_whose_snapshots_are_refused_for_long_is_an_alert(market: Market) -> None:
    seen: list[Any] = []
    passed_ns = 0
    turns = asyncio.Semaphore(0)

    async def pass_time(_: float) -> None:
        nonlocal passed_ns
        await turns.acquire()
        passed_ns += 8_000_000_000

    async with market.gateway(symbols=["BTCUSDT"], channels=["trades", "book"]) as gateway:
        keeper = gateway.managers["binance"]._intake.books
        keeper._sleep = pass_time
        keeper._now_ns = lambda: passed_ns
        gateway.on_status(seen.append)
        refused = market.sim.chaos.refuse_rest(503, 1_000, match="depth")
        for attempts in range(1, 4):
            await market.moving_until(lambda attempts=attempts: refused.injected == attempts)
            assert not any(isinstance(event, FeedAlert) for event in seen)
            turns.release()
        await market.moving_until(lambda: any(isinstance(event, FeedAlert) for event in seen))
        for attempts in range(4, 9):
            await market.moving_until(lambda attempts=attempts: refused.injected == attempts)
            turns.release()
        await market.moving_until(lambda: refused.injected == 9)
        (alert,) = [event for event in seen if isinstance(event, FeedAlert)]
        assert (alert.channel, alert.symbol) == ("book", "BTCUSDT")
        assert alert.reason.startswith("book of BTCUSDT: cannot be synchronised: ")
        assert "HTTP 503" in alert.reason
        assert gateway.counters["alerts"] == 1
        assert [(each.kind, each.text) for each in gateway.incidents()] == [("alert", alert.reason)]
        assert gateway.state("trades", "BTCUSDT") is FeedState.LIVE
        refused.stop()
        turns.release()
        await market.moving_until(lambda: is_live(gateway))
        last = [event for event in seen if isinstance(event, FeedStateChanged) and event.channel == "book"][-1]
        assert (last.state, last.reason) == (FeedState.LIVE, "book synchronised")
        await market.book_is_the_venues(gateway, "BTCUSDT")
