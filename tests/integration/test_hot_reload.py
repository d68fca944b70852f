"""A gateway that follows its configuration file, on the simulated venue: what did not change is not reconnected."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tradewire.sim import BinanceSim
from tradewire.streaming import FeedStateChanged, StreamingGateway
from tradewire.streaming.events import FeedState
from waiting import until

TEXT = """
streaming:
  symbols: [{symbols}]
  providers:
    - name: binance
      websocket_url: {stream}
      rest_url: {rest}
      subscriptions: [trades, quotes]
      stale_after: {{quotes: {stale}}}
"""


def write(path: Path, sim: BinanceSim, symbols: str, stale: float = 10) -> None:
    """Atomic, as editors do it."""
    fresh = path.with_suffix(".new")
    fresh.write_text(TEXT.format(symbols=symbols, stream=sim.stream_url, rest=sim.rest_url, stale=stale))
    os.replace(fresh, path)


async def test_symbols_and_thresholds_change_without_a_reconnect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with BinanceSim(symbols=("BTCUSDT", "ETHUSDT", "SOLUSDT"), rate=300, seed=5) as sim:
        path = tmp_path / "streaming.yaml"
        write(path, sim, "BTCUSDT, ETHUSDT")
        async with StreamingGateway(path, hot_reload=True) as gateway:
            await until(lambda: len(gateway.feeds()) == 4 and all(feed.messages for feed in gateway.feeds()))
            told: list[Any] = []
            gateway.on_status(told.append)
            kept = {id(feed) for feed in gateway.feeds() if feed.symbol == "ETHUSDT"}

            write(path, sim, "ETHUSDT, SOLUSDT", stale=7)
            await until(lambda: {feed.symbol for feed in gateway.feeds()} == {"ETHUSDT", "SOLUSDT"})
            await until(lambda: all(feed.messages for feed in gateway.feeds()))
            assert {id(feed) for feed in gateway.feeds() if feed.symbol == "ETHUSDT"} == kept
            assert {feed.usual_ns for feed in gateway.feeds() if feed.channel.name == "quotes"} == {7_000_000_000}
            assert gateway.counters["reconnects"] == 0
            gone = [event for event in told if isinstance(event, FeedStateChanged) and event.symbol == "BTCUSDT"]
            assert {event.channel for event in gone} == {"trades", "quotes"}
            assert {(event.state, event.reason) for event in gone} == {(FeedState.DOWN, "no longer wanted")}

            path.write_text("streaming: [")
            await until(lambda: "streaming.yaml" in caplog.text)
            assert {feed.symbol for feed in gateway.feeds()} == {"ETHUSDT", "SOLUSDT"}, "the old one is kept"

            write(path, sim, "BTCUSDT")
            await until(lambda: {feed.symbol for feed in gateway.feeds()} == {"BTCUSDT"})


async def test_a_plan_that_the_venue_refuses_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with BinanceSim(symbols=("BTCUSDT",), rate=300, seed=5) as sim:
        path = tmp_path / "streaming.yaml"
        write(path, sim, "BTCUSDT")
        async with StreamingGateway(path, hot_reload=True) as gateway:
            write(path, sim, "'BTC@USDT', ETHUSDT")
            await until(lambda: "not reloaded, the old one stays" in caplog.text)
            assert {feed.symbol for feed in gateway.feeds()} == {"BTCUSDT"}
