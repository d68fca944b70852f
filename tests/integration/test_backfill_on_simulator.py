"""Trades lost on the way are fetched from the simulated venue, delivered once and marked."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

import pytest

from tradewire.core import Kind, Trade, view
from tradewire.core.record import BACKFILL
from tradewire.sim import BinanceSim
from tradewire.streaming import BackFilled, FeedState, GapDetected, StreamingGateway


async def _moving(sim: BinanceSim, condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():
            sim.feed.advance(time.time_ns() // 1_000_000, 10)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("channel", ["trades", "agg_trades"])
async def test_lost_trades_are_filled_in(channel: str) -> None:
    got: list[Trade] = []
    statuses: list[Any] = []
    async with BinanceSim(symbols=("BTCUSDT", "ETHUSDT"), rate=0, seed=3) as sim:
        gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        gateway.subscribe(channel, ["BTCUSDT"], got.append)
        gateway.on_status(statuses.append)
        async with gateway:
            batches = gateway.batches()
            await _moving(sim, lambda: gateway.state(channel, "BTCUSDT") is FeedState.LIVE)
            for fault in (
                lambda: sim.chaos.drop(3, channel=channel),
                lambda: sim.chaos.restart(0.5),
                lambda: sim.chaos.drop(2, channel=channel),
            ):
                before = len([event for event in statuses if isinstance(event, BackFilled)])
                fault()
                await _moving(
                    sim,
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


async def test_reordered_and_repeated_trades_are_counted_and_not_filled_in() -> None:
    got: list[Trade] = []
    async with BinanceSim(symbols=("BTCUSDT",), rate=0, seed=3) as sim:
        gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        gateway.subscribe("trades", ["BTCUSDT"], got.append)
        async with gateway:
            await _moving(sim, lambda: gateway.state("trades", "BTCUSDT") is FeedState.LIVE)
            repeated = sim.chaos.duplicate(2, channel="trades")
            await _moving(sim, lambda: repeated.injected == 2)
            swapped = sim.chaos.reorder(1, channel="trades")
            await _moving(sim, lambda: swapped.injected == 1 and gateway.counters["sequence_reordered"] == 1)
            counters = gateway.counters
            assert (counters["sequence_duplicate.trades"], counters["sequence_reordered.trades"]) == (2, 1)
            await _moving(sim, lambda: not gateway.managers["binance"]._backfill._tasks)
            ids = sorted(trade.seq for trade in got)
            assert len(ids) - len(set(ids)) == 2, "the repeated ones alone came twice"
