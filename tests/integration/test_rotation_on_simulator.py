"""Connections renewed before the venue ends them, on the simulated venue: no gap, no duplicate, no book built anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from moving_market import ask
from tradewire.core import Kind, view
from tradewire.sim import BinanceSim, BinanceSpotSim
from tradewire.sim.binance_streams import StreamLimits as VenueLimits
from tradewire.streaming import (
    BookUpdate,
    ConnectionChanged,
    ConnectionRotated,
    ConnectionState,
    FeedState,
    FeedStateChanged,
    GapDetected,
    StreamingGateway,
)
from tradewire.streaming import gateway as gateway_module
from tradewire.streaming import successors as successors_module
from tradewire.venues.binance.stream import SPOT, USDM

SYMBOLS = ("BTCUSDT", "ETHUSDT")
CHANNELS = ("trades", "quotes", "book", "ticker", "bars_1m")


@pytest.fixture
async def sim() -> AsyncIterator[BinanceSim]:
    # Ends connections as the real venue does, only sooner.
    async with BinanceSim(symbols=SYMBOLS, rate=2_000, seed=5, limits=VenueLimits(lifetime_s=6.0)) as sim:
        yield sim


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Any:
    def limit(max_age_s: float, *, overlap: bool = True) -> None:
        links = None if overlap else 1
        limits = replace(USDM.limits, max_age_s=max_age_s, links_per_credential=links, messages_per_s=100.0)
        monkeypatch.setattr(gateway_module, "load", lambda _: replace(USDM, limits=limits))

    return limit


def _gateway(sim: BinanceSim, **options: Any) -> StreamingGateway:
    return StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, random=Random(1), **options)


async def test_rotation_with_overlap_loses_and_repeats_nothing(sim: BinanceSim, limited: Any, eventually: Any) -> None:
    limited(2.0)
    async with _gateway(sim, symbols=SYMBOLS, channels=CHANNELS) as gateway:
        await eventually(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))
        statuses: list[Any] = []
        gateway.on_status(statuses.append)
        rows = []
        before = {link.name: link for link in gateway.links}
        async with asyncio.timeout(40):
            async for batch in gateway.batches():
                rows.append(batch.copy())
                if sum(isinstance(event, ConnectionRotated) for event in statuses) >= 4:
                    break
        for symbol in SYMBOLS:
            symbol_id = gateway.managers["binance"].symbol_id(symbol)
            for kind in (Kind.TRADE, Kind.QUOTE, Kind.BOOK_DELTA):
                parts = [view(batch, kind) for batch in rows]
                ids = [int(seq) for part in parts for seq in part["seq"][part["symbol"] == symbol_id]]
                if kind is Kind.TRADE:
                    assert ids == list(range(ids[0], ids[-1] + 1)), "every trade, in order, once"
                else:
                    assert ids == sorted(set(ids)), "in order, none twice"
                assert len(ids) > 10
            tickers = [
                tuple(row)[4:5] + tuple(row)[6:]
                for batch in rows
                for row in view(batch, Kind.TICKER).tolist()
                if row[3] == symbol_id
            ]
            assert len(tickers) == len(set(tickers))
        rotated = [event for event in statuses if isinstance(event, ConnectionRotated)]
        assert {event.connection for event in rotated} == {"public", "market"}
        # Some of a successor's are only left out after it has taken over.
        assert 0 < sum(event.duplicates for event in rotated) <= gateway.counters["duplicates"]
        assert not [event for event in statuses if isinstance(event, ConnectionChanged | FeedStateChanged)]
        counters = gateway.counters
        assert (counters["reconnects"], counters["sequence_gap"], counters["book_gaps"]) == (0, 0, 0)
        assert counters["resyncs"] == len(SYMBOLS), "the first snapshot, and none after"
        assert not set(before.values()) & set(gateway.links)
        await eventually(lambda: len(sim.streams.sessions) == 2, 30)


async def test_books_after_rotations_are_the_venues(limited: Any, eventually: Any) -> None:
    limited(1.0)
    async with BinanceSim(symbols=SYMBOLS, rate=0, seed=5) as sim:
        updates: list[BookUpdate] = []
        async with _gateway(sim) as gateway:
            gateway.subscribe_to_book(SYMBOLS, updates.append)
            async with asyncio.timeout(40):
                while gateway.counters["rotations"] < 3:
                    sim.feed.advance(time.time_ns() // 1_000_000, 20)
                    await asyncio.sleep(0.01)
            assert gateway.counters["resyncs"] == len(SYMBOLS)
            for symbol in SYMBOLS:
                truth = await ask(sim, f"/fapi/v1/depth?symbol={symbol}&limit=1000")

                def whole(symbol: str = symbol, last: int = truth["lastUpdateId"]) -> bool:
                    sim.feed.advance(time.time_ns() // 1_000_000, 0)
                    book = gateway.book(symbol)
                    return book is not None and book.last_seq == last

                await eventually(whole)
                book = gateway.book(symbol)
                assert book is not None
                bids, asks = book.levels(200)
                assert bids == [(float(price), float(quantity)) for price, quantity in truth["bids"][:200]]
                assert asks == [(float(price), float(quantity)) for price, quantity in truth["asks"][:200]]


async def test_without_overlap_it_reconnects_at_once(sim: BinanceSim, limited: Any, eventually: Any) -> None:
    limited(1.0, overlap=False)
    async with _gateway(sim, symbols=SYMBOLS, channels=["trades"]) as gateway:
        statuses: list[Any] = []
        gateway.on_status(statuses.append)
        most = 0

        def rotated() -> bool:
            nonlocal most
            most = max(most, len(sim.streams.sessions))
            return gateway.counters["rotations"] >= 2 and gateway.counters["messages.trade"] > 0

        await eventually(rotated, 40)
        lost = [each for each in statuses if getattr(each, "state", None) is ConnectionState.RECONNECTING]
        assert lost
        assert all(each.retry_in_ns == 0 and "ends connections" in each.reason for each in lost)
        await eventually(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))


async def test_a_shutdown_notice_moves_to_another_connection(sim: BinanceSim, limited: Any, eventually: Any) -> None:
    limited(86_400.0)
    async with _gateway(sim, symbols=SYMBOLS, channels=["trades", "quotes"]) as gateway:
        await eventually(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))
        statuses: list[Any] = []
        gateway.on_status(statuses.append)
        (session,) = sim.streams.sessions
        session.put(b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}')
        await eventually(lambda: any(isinstance(event, ConnectionRotated) for event in statuses))
        (rotated,) = [event for event in statuses if isinstance(event, ConnectionRotated)]
        assert rotated.reason == "the venue shuts this server down"
        await eventually(lambda: len(sim.streams.sessions) == 1)
        assert session not in sim.streams.sessions
        assert gateway.counters["sequence_gap"] == 0
        assert not [event for event in statuses if isinstance(event, FeedStateChanged)]


async def test_unreadable_messages_right_after_the_switch_are_a_storm(
    sim: BinanceSim, limited: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(successors_module, "_LATE_NS", 3_600_000_000_000)
    limited(86_400.0)
    async with _gateway(sim, symbols=["BTCUSDT"], channels=["trades", "book"]) as gateway:
        await eventually(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))
        (old,), (session,) = gateway.links, sim.streams.sessions
        gateway.managers["binance"]._connections.on_ending(old, "asked for")
        await eventually(lambda: gateway.links[0] is not old)
        await eventually(lambda: len(sim.streams.sessions) == 1 and session not in sim.streams.sessions)
        statuses: list[Any] = []
        gateway.on_status(statuses.append)
        (session,) = sim.streams.sessions
        for _ in range(11):
            session.put(b"[")
        await eventually(lambda: gateway.counters["bad_message_storms"] == 1)
        await eventually(lambda: gateway.counters["reconnects"] == 1)
        await eventually(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))
        gaps = {event.channel for event in statuses if isinstance(event, GapDetected)}
        assert gaps == {"trades", "book"}
        assert gateway.counters["alerts"] == 1
        assert gateway.counters["resyncs"] == 2


async def test_a_connection_lost_while_its_successor_stands_by(limited: Any, eventually: Any) -> None:
    """The venue ends the old connection in the middle: no reconnect, no new snapshot, and nothing lost."""
    limited(86_400.0)
    async with (
        BinanceSim(symbols=SYMBOLS, rate=2_000, seed=7) as sim,
        _gateway(sim, symbols=SYMBOLS, channels=["trades", "book"]) as gateway,
    ):
        await eventually(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))
        manager = gateway.managers["binance"]
        ids: list[int] = []
        gateway.subscribe_to_trades(["BTCUSDT"], lambda trade: ids.append(trade.trade_id))
        statuses: list[Any] = []
        gateway.on_status(statuses.append)
        for _ in range(5):
            (old,) = gateway.links
            (session,) = sim.streams.sessions
            manager._connections.on_ending(old, "asked for")
            manager.tick(old.opened_ns, 0)
            running = manager._connections.successors.running
            assert running is not None
            # Its own messages come while nobody compares yet.
            await eventually(lambda running=running: running.successor.proven and running.successor.acknowledged)
            session.abort()
            await eventually(lambda old=old: gateway.links[0] is not old)
            count = len(ids)
            await eventually(lambda count=count: len(ids) > count + 20)
            await eventually(lambda: len(sim.streams.sessions) == 1)
        assert not [event for event in statuses if isinstance(event, ConnectionChanged | FeedStateChanged)]
        assert gateway.counters["reconnects"] == 0
        await eventually(lambda: sorted(ids) == list(range(min(ids), max(ids) + 1)))
        assert gateway.counters["resyncs"] == len(SYMBOLS) + gateway.counters["book_gaps"]


async def test_spot_connections_are_renewed_as_well(monkeypatch: pytest.MonkeyPatch, eventually: Any) -> None:
    limits = replace(SPOT.limits, max_age_s=1.0, messages_per_s=100.0)
    monkeypatch.setattr(gateway_module, "load", lambda _: replace(SPOT, limits=limits))
    async with BinanceSpotSim(symbols=SYMBOLS, rate=1_000, seed=5) as sim:
        gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        ids: list[int] = []
        quotes: list[int] = []
        gateway.subscribe_to_trades(["BTCUSDT"], lambda trade: ids.append(trade.trade_id))
        gateway.subscribe_to_quotes(["BTCUSDT"], lambda quote: quotes.append(quote.seq))
        gateway.subscribe_to_book(SYMBOLS)
        async with gateway:
            await eventually(lambda: gateway.counters["rotations"] >= 3, 40)
            assert ids == list(range(ids[0], ids[-1] + 1))
            assert quotes == sorted(set(quotes))
            assert gateway.counters["resyncs"] == len(SYMBOLS)
            assert (gateway.counters["reconnects"], gateway.counters["book_gaps"]) == (0, 0)
