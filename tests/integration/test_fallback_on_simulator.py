"""A provider is cut off and its stand-in at the same venue takes over: each trade arrives once, in order or marked."""

from __future__ import annotations

from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from fault_proxy import Proxy
from moving_market import Market
from tradewire.config import ConfigLoader
from tradewire.core import Quote, Trade, view
from tradewire.core.record import BACKFILL, Kind
from tradewire.sim import BinanceSim, BinanceSpotSim
from tradewire.streaming import (
    BackFilled,
    BookUpdate,
    FallbackChanged,
    FeedState,
    GapDetected,
    StreamingGateway,
    fallback,
)


@pytest.mark.parametrize(
    ("venue", "make", "channel"),
    [("binance", BinanceSim, "trades"), ("binance_spot", BinanceSpotSim, "agg_trades")],
)
async def test_each_trade_once_while_a_stand_in_of_the_venue_comes_and_goes(
    venue: str, make: Any, channel: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fallback, "_HOLD_NS", 500_000_000)
    monkeypatch.setattr(fallback, "_SETTLE_NS", 500_000_000)
    async with make(symbols=("BTCUSDT",), rate=0, seed=3) as sim:
        address = urlsplit(sim.stream_url)
        assert address.hostname is not None
        assert address.port is not None
        async with Proxy(address.hostname, address.port, Random(1)) as proxy:
            file = tmp_path / "streaming.yaml"
            file.write_text(
                f"""
streaming:
  symbols: [BTCUSDT]
  reconnect_attempts: 1
  providers:
    - {{name: main, venue: {venue}, websocket_url: "{proxy.url("ws")}", rest_url: "{sim.rest_url}",
       subscriptions: [{channel}, quotes, book], fallback: spare}}
    - {{name: spare, venue: {venue}, websocket_url: "{sim.stream_url}", rest_url: "{sim.rest_url}", standby: true}}
"""
            )
            gateway = StreamingGateway(ConfigLoader(file, env={}, env_file=None).load(), random=Random(1))
            got: list[Trade] = []
            states: list[Quote | BookUpdate] = []
            seen: list[Any] = []
            gateway.subscribe(channel, ["BTCUSDT"], got.append)
            gateway.subscribe_to_quotes(["BTCUSDT"], states.append)
            gateway.subscribe_to_book(["BTCUSDT"], states.append)
            gateway.on_status(seen.append)
            twins = [manager._intake.twin for manager in gateway.managers.values()]

            def told(*sorts: type) -> list[Any]:
                return [event for event in seen if isinstance(event, sorts)]

            async with gateway:
                batches = gateway.batches()
                await Market(sim).moving_until(lambda: all(feed.state is FeedState.LIVE for feed in gateway.feeds()))
                await proxy.poison("down")
                await Market(sim).moving_until(lambda: told(FallbackChanged))
                spare = gateway.managers["spare"]
                await Market(sim).moving_until(lambda: spare.feeds() and all(feed.well for feed in spare.feeds()))
                by_spare = got[-1].seq
                await Market(sim).moving_until(lambda: got[-1].seq > by_spare + 20)
                await proxy.heal()
                main = gateway.managers["main"]
                await Market(sim).moving_until(lambda: all(feed.well for feed in main.feeds()))
                states.clear()
                await Market(sim).moving_until(lambda: len(told(FallbackChanged)) == 2)
                of_both = [(type(state), state.seq) for state in states]
                last = got[-1].seq
                await Market(sim).moving_until(
                    lambda: got[-1].seq > last + 20 and not any(twin.active for twin in twins)
                )
                await Market(sim).moving_until(lambda: _filled(told(BackFilled)) >= _missing(told(GapDetected)))
                numbers = [trade.seq for trade in got]
                assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1)), "all of them, each once"
                live = [trade.seq for trade in got if not trade.flags & BACKFILL]
                assert live == sorted(live), "in order, but for those that are marked"
                assert [event.still_missing for event in told(BackFilled)] == [0] * len(told(BackFilled))
                assert len(got) - len(live) < last - by_spare, "what the stand-in gave is not fetched again"
                assert gateway.counters["duplicates"] > 0, "both were at work for a while"
                assert {sort for sort, _ in of_both} == {Quote, BookUpdate}
                assert len(set(of_both)) == len(of_both), "of what has no identity, the provider's own when it is back"
                rows: list[int] = []
                async for batch in batches:
                    rows += view(batch, Kind.TRADE)["seq"].tolist()
                    if len(rows) >= len(numbers):
                        break
                assert rows[: len(numbers)] == numbers, "batches hold the same"


def _filled(fills: list[BackFilled]) -> int:
    return sum(fill.count for fill in fills)


def _missing(gaps: list[GapDetected]) -> int:
    return sum(gap.missing for gap in gaps)
