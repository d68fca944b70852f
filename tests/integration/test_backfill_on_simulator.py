"""Trades lost on the way are fetched from the simulated venue, delivered once and marked."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from moving_market import Market
from tradewire import Secret
from tradewire.core import Kind, Trade, view
from tradewire.core.record import BACKFILL
from tradewire.sim import AlpacaSim, BinanceSim, BinanceSpotSim
from tradewire.streaming import BackFilled, FeedState, GapDetected, StreamingGateway
from tradewire.transport.auth import Credential


@pytest.mark.parametrize(
    ("venue", "make", "channel"),
    [
        ("binance", BinanceSim, "trades"),
        ("binance", BinanceSim, "agg_trades"),
        ("binance_spot", BinanceSpotSim, "trades"),
        ("binance_spot", BinanceSpotSim, "agg_trades"),
    ],
)
async def test_lost_trades_are_filled_in(venue: str, make: Any, channel: str) -> None:
    got: list[Trade] = []
    statuses: list[Any] = []
    async with make(symbols=("BTCUSDT", "ETHUSDT"), rate=0, seed=3) as sim:
        gateway = StreamingGateway(venue=venue, url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        gateway.subscribe(channel, ["BTCUSDT"], got.append)
        gateway.on_status(statuses.append)
        async with gateway:
            batches = gateway.batches()
            await Market(sim).moving_until(lambda: gateway.state(channel, "BTCUSDT") is FeedState.LIVE)
            for fault in (
                lambda: sim.chaos.drop(3, channel=channel),
                lambda: sim.chaos.restart(0.5),
                lambda: sim.chaos.drop(2, channel=channel),
            ):
                before = len([event for event in statuses if isinstance(event, BackFilled)])
                fault()
                await Market(sim).moving_until(
                    lambda before=before: (
                        len([event for event in statuses if isinstance(event, BackFilled)]) > before
                        and gateway.state(channel, "BTCUSDT") is FeedState.LIVE
                    ),
                )
            gaps = [event for event in statuses if isinstance(event, GapDetected)]
            filled = [event for event in statuses if isinstance(event, BackFilled)]
            assert sum(event.missing for event in gaps) == sum(event.count for event in filled) > 5
            assert [event.still_missing for event in filled] == [0] * len(filled)
            counters = gateway.counters
            marked = [trade for trade in got if trade.flags & BACKFILL]
            assert len(marked) == counters["backfilled"] == counters["messages_missing"]
            assert counters["sequence_gap"] == counters[f"sequence_gap.{channel}"] == len(gaps)
            assert counters["backfill_errors"] == 0
            ids = sorted(trade.seq for trade in got)
            assert ids == list(range(ids[0], ids[-1] + 1)), "all of them, each once"
            seen = len(got)
            rows: list[int] = []
            async for batch in batches:
                rows += view(batch, Kind.TRADE)["seq"].tolist()
                if len(rows) >= seen:
                    break
            assert rows[:seen] == [trade.seq for trade in got[:seen]], "batches hold them too"


@pytest.mark.parametrize("way", ["direct", "events", "batches"])
@pytest.mark.parametrize(
    ("venue", "make", "channel"),
    [
        ("binance", BinanceSim, "trades"),
        ("binance", BinanceSim, "agg_trades"),
        ("binance_spot", BinanceSpotSim, "trades"),
    ],
)
async def test_what_is_sent_twice_is_counted_and_delivered_once(venue: str, make: Any, channel: str, way: str) -> None:
    got: list[Trade] = []
    tops: list[int] = []
    async with make(symbols=("BTCUSDT",), rate=0, seed=3) as sim:
        market = Market(sim)
        gateway = StreamingGateway(venue=venue, url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        gateway.subscribe(channel, ["BTCUSDT"], got.append)
        gateway.subscribe_to_book(["BTCUSDT"], lambda update: tops.append(update.seq))
        async with gateway:
            events = gateway.events() if way == "events" else None
            batches = gateway.batches() if way == "batches" else None
            await market.moving_until(
                lambda: all(gateway.state(each, "BTCUSDT") is FeedState.LIVE for each in (channel, "book"))
            )
            # The first change behind the snapshot may end with it.
            await market.moving_until(lambda: len(set(tops)) > 2)
            tops.clear()
            repeated = [sim.chaos.duplicate(5, channel=each) for each in (channel, "book")]
            await market.moving_until(lambda: all(fault.injected == 5 for fault in repeated))
            swapped = sim.chaos.reorder(1, channel=channel)
            await market.moving_until(
                lambda: swapped.injected == 1 and gateway.counters["sequence_reordered"] == 1 and len(got) > 50
            )
            counters = gateway.counters
            assert (counters[f"sequence_duplicate.{channel}"], counters[f"sequence_reordered.{channel}"]) == (5, 1)
            await market.moving_until(lambda: not gateway.managers[venue]._intake.backfill._tasks)
            ids = sorted(trade.seq for trade in got)
            assert ids == list(range(ids[0], ids[-1] + 1)), "all of them, each once"
            assert not any(trade.flags & BACKFILL for trade in got), "nothing was missing"
            assert tops == sorted(set(tops)), "a change sent again changes nothing"
            rows: list[int] = []
            if events is not None:
                async for event in events:
                    rows += [event.seq] if isinstance(event, Trade) else []
                    if len(rows) == len(ids):
                        break
            if batches is not None:
                async for batch in batches:
                    rows += view(batch, Kind.TRADE)["seq"].tolist()
                    if len(rows) >= len(ids):
                        break
            assert way == "direct" or sorted(rows)[: len(ids)] == ids


async def test_alpaca_trades_between_two_connections_are_filled_in() -> None:
    got: list[Trade] = []
    filled: list[BackFilled] = []
    async with AlpacaSim(symbols=("BTC/USD", "ETH/USD"), rate=0, seed=3) as sim:
        gateway = StreamingGateway(
            venue="alpaca_crypto",
            url=sim.stream_url,
            rest_url=sim.rest_url,
            credential=Credential(Secret("PK1"), Secret("hush")),
            random=Random(1),
        )
        gateway.subscribe("trades", ["BTC/USD"], got.append)
        gateway.on_status(lambda event: filled.append(event) if isinstance(event, BackFilled) else None)
        async with gateway:
            for number in range(1, 4):
                await Market(sim).moving_until(lambda: gateway.state("trades", "BTC/USD") is FeedState.LIVE)
                sim.chaos.restart(0.3)
                # Slowly: more than are fetched for one gap would be another test.
                await Market(sim).moving_until(lambda number=number: len(filled) == number, 1)
            assert all(event.count > 0 and event.still_missing == 0 for event in filled)
            assert sum(event.count for event in filled) == gateway.counters["backfilled"]
            assert len([trade for trade in got if trade.flags & BACKFILL]) == gateway.counters["backfilled"]
            ids = [trade.trade_id for trade in sorted(got, key=lambda trade: trade.event_ns)]
            tape = [item.trade_id for item in sim.feed.tapes["BTC/USD"].prints]
            first = tape.index(ids[0] or 0)
            assert ids == tape[first : first + len(ids)], "what the venue traded, each once"
            assert gateway.counters["backfill_errors"] == 0


def _without_waiting(gateway: StreamingGateway, venue: str) -> None:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    gateway.managers[venue]._intake.backfill._sleep = sleep


async def test_an_outage_that_takes_requests_along_costs_no_trade() -> None:
    got: list[Trade] = []
    statuses: list[Any] = []
    async with BinanceSim(symbols=("BTCUSDT",), rate=0, seed=3) as sim:
        gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        _without_waiting(gateway, "binance")
        gateway.subscribe("agg_trades", ["BTCUSDT"], got.append)
        gateway.on_status(statuses.append)
        async with gateway:
            await Market(sim).moving_until(lambda: gateway.state("agg_trades", "BTCUSDT") is FeedState.LIVE)
            refused = sim.chaos.refuse_rest(503, 6)
            sim.chaos.drop(3, channel="agg_trades")
            await Market(sim).moving_until(lambda: any(isinstance(event, BackFilled) for event in statuses))
            assert (refused.injected, gateway.counters["backfill_errors"]) == (6, 6)
            (filled,) = [event for event in statuses if isinstance(event, BackFilled)]
            assert (filled.count, filled.still_missing) == (3, 0)
            ids = sorted(trade.seq for trade in got)
            assert ids == list(range(ids[0], ids[-1] + 1)), "all of them, each once"


async def test_a_break_at_alpaca_whose_trades_cannot_be_asked_for_is_a_gap() -> None:
    got: list[Trade] = []
    statuses: list[Any] = []
    async with AlpacaSim(symbols=("AAPL",), rate=0, seed=3) as sim:
        gateway = StreamingGateway(
            venue="alpaca",
            url=sim.stream_url,
            rest_url=sim.rest_url,
            credential=Credential(Secret("PK1"), Secret("hush")),
            random=Random(1),
        )
        _without_waiting(gateway, "alpaca")
        gateway.subscribe("trades", ["AAPL"], got.append)
        gateway.on_status(lambda event: statuses.append(event) if isinstance(event, GapDetected | BackFilled) else None)
        async with gateway:
            await Market(sim).moving_until(lambda: gateway.state("trades", "AAPL") is FeedState.LIVE)
            sim.chaos.refuse_rest(503, 10)
            sim.chaos.restart(0.3)
            await Market(sim).moving_until(lambda: statuses)
            await Market(sim).moving_until(lambda: gateway.state("trades", "AAPL") is FeedState.LIVE)
            assert [(type(event), event.channel, event.symbol) for event in statuses] == [
                (GapDetected, "trades", "AAPL")
            ]
            assert statuses[0].missing == 0
            assert gateway.counters["sequence_gap.trades"] == 1
