"""Connections that are lost, on sockets: a thousand reconnects of one gateway, and the time from a killed socket to
fresh events and a whole book. A thousand gateways at once are in `test_row11_retry`."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import TYPE_CHECKING

import pytest

from campaign import percentile
from faulty_venues import VENUES, is_live, open_venue
from tradewire.streaming import Resynced
from waiting import until

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = pytest.mark.timeout(900)


async def test_exact_subscriptions_after_each_reconnect(campaign: Campaign) -> None:
    """Cut at any moment, also before the subscriptions were answered."""
    reconnects = campaign.size(30, 1_000)
    for venue in VENUES:
        share = reconnects // len(VENUES) + 1
        async with open_venue(venue, rate=300) as place, place.gateway(channels=place.channels[:2]) as gateway:
            await until(lambda: is_live(gateway))
            done = 0
            while done < share:
                place.asked.clear()
                place.sim.chaos.disconnect()
                # Some are cut again on the way up.
                if campaign.random.random() < 0.2:
                    await until(lambda: place.sim.streams.sessions)
                    place.sim.chaos.disconnect()
                await until(lambda done=done: gateway.counters["reconnects"] > done)
                await until(lambda: is_live(gateway) and place.is_exact(gateway))
                asked = place.subscriptions()
                assert len(asked) == len(set(asked)) == 2 * len(place.symbols)
                done = gateway.counters["reconnects"]
    campaign.passed("1.7", reconnects, "each time exactly what was wanted, nothing asked for twice")


async def test_time_to_recover_from_a_killed_socket(campaign: Campaign) -> None:
    """With the real backoff, whose first delay is up to half a second. Only the long form, which has the machine for
    itself, asserts the time."""
    kills = campaign.size(4, 200)
    fresh_s: list[float] = []
    whole_s: list[float] = []
    async with open_venue("binance", rate=500) as place:
        symbol = place.symbols[0]
        gateway = place.gateway(random=Random(campaign.seed), symbols=[symbol])
        first: dict[str, float] = {}
        gateway.subscribe_to_trades([symbol], lambda _: first.setdefault("fresh", time.monotonic()))
        gateway.subscribe_to_quotes([symbol], lambda _: first.setdefault("fresh", time.monotonic()))
        gateway.on_status(lambda event: isinstance(event, Resynced) and first.setdefault("whole", time.monotonic()))
        async with gateway:
            await until(lambda: is_live(gateway))
            for number in range(1, kills + 1):
                place.sim.chaos.disconnect()
                killed = time.monotonic()
                await until(lambda: not is_live(gateway))
                first.clear()
                await until(lambda: len(first) == 2)
                await until(lambda: is_live(gateway))
                assert gateway.book(symbol) is not None
                assert place.is_exact(gateway)
                assert gateway.counters["reconnects"] == number
                fresh_s.append(first["fresh"] - killed)
                whole_s.append(first["whole"] - killed)
                # A snapshot and what fills the gaps of trades must keep below the venue's request weight a minute.
                await asyncio.sleep(campaign.size(0, 1) * campaign.random.uniform(0.7, 1.2))
    if campaign.is_long:
        assert percentile(fresh_s, 99) < 1
        assert percentile(whole_s, 99) < 1
    campaign.passed(
        "recovery",
        kills,
        f"killed socket to first fresh event p50 {percentile(fresh_s, 50):.3f} s, p99 {percentile(fresh_s, 99):.3f} s; "
        f"to the book resynced p50 {percentile(whole_s, 50):.3f} s, p99 {percentile(whole_s, 99):.3f} s",
    )
