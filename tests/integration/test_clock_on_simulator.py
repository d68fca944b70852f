"""The simulated venue's clock, ahead and behind: known, taken out of latencies, told."""

from __future__ import annotations

from random import Random

import pytest

from moving_market import Market
from tradewire.sim import BinanceSim
from tradewire.streaming import FeedAlert, StreamingGateway

SECOND = 1_000_000_000


@pytest.mark.parametrize("skew_ms", [0, 5_000, -5_000])
async def test_the_offset_is_known_and_taken_out_of_latencies(skew_ms: int) -> None:
    alerts: list[str] = []
    async with BinanceSim(symbols=("BTCUSDT",), rate=0, seed=3) as sim:
        sim.chaos.skew(skew_ms)
        gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        gateway.subscribe("trades", ["BTCUSDT"])
        gateway.on_status(lambda event: alerts.append(event.reason) if isinstance(event, FeedAlert) else None)
        async with gateway:
            manager = gateway.managers["binance"]
            await Market(sim).moving_until(lambda: manager.clock.known and gateway.counters["messages.trade"])
            # Half the round trip, and the whole milliseconds of the answer.
            bound_ns = manager.clock.rtt_ns / 2 + 2_000_000
            assert abs(manager.clock.offset_ns - skew_ms * 1_000_000) <= bound_ns
            before = manager.latency.venue.count
            await Market(sim).moving_until(lambda: manager.latency.venue.count >= before + 100)
            if skew_ms:
                direction = "ahead of" if skew_ms > 0 else "behind"
                assert alerts == [f"the venue's clock is 5.0 s {direction} this machine's"]
            else:
                assert alerts == []
                assert manager.latency.venue.negative == 0, "one clock: nothing comes before it was sent"
            # Raw ages are 5 s off, one way or the other.
            assert manager.latency.venue.percentile(50) < 4 * SECOND
            assert gateway.counters["time_jumps"] == 0


async def test_times_that_jump_are_counted_and_the_events_kept() -> None:
    async with BinanceSim(symbols=("BTCUSDT",), rate=0, seed=3) as sim:
        gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, random=Random(1))
        gateway.subscribe("trades", ["BTCUSDT"])
        async with gateway:
            await Market(sim).moving_until(
                lambda: gateway.managers["binance"].clock.known and gateway.counters["messages.trade"]
            )
            sim.chaos.skew(2 * 3_600_000)
            await Market(sim).moving_until(lambda: gateway.counters["time_jumps"] > 5)
            assert gateway.counters["decode_errors"] == 0
            assert gateway.managers["binance"].drop_rate == 0.0
            await Market(sim).moving_until(lambda: gateway.managers["binance"].throughput.messages_per_s > 0)
            assert gateway.managers["binance"].throughput.bytes_per_s > 0
