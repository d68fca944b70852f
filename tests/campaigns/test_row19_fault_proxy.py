"""Scoreboard row 19, the market data feeds: eight toxics between three venues and their gateways. Each time the feeds
come back whole, with the exact subscriptions, and nothing is left open."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from fault_proxy import TOXICS, Proxy, Toxic
from faulty_venues import VENUES, books_served, hurry, is_live, open_venue
from waiting import until

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = pytest.mark.timeout(600)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def _trial(campaign: Campaign, venue: str, toxic: Toxic) -> int:
    """How often the feeds' connections had to be made anew."""
    random = campaign.random
    async with open_venue(venue, rate=600, seed=random.getrandbits(16)) as place:
        where = urlsplit(place.sim.stream_url)
        async with Proxy(where.hostname or "", where.port or 0, random) as proxy:
            before = (_descriptors(), len(asyncio.all_tasks()))
            stale = dict.fromkeys(place.channels, 1.0)
            async with place.gateway(url=proxy.url("ws"), stale_after_s=stale) as gateway:
                await until(lambda: is_live(gateway) and books_served(gateway, place))
                await proxy.poison(toxic)
                await until(lambda: proxy.hits > 0 or toxic == "slow_close")
                await asyncio.sleep(random.uniform(0.1, 0.6))
                await proxy.heal()
                messages = gateway.counters["messages"]
                await until(lambda: gateway.counters["messages"] > messages + 200)
                await until(lambda: is_live(gateway) and books_served(gateway, place) and _exact(place, gateway))
                reconnects = gateway.counters["reconnects"]
                assert gateway.counters["decode_errors"] == 0
            await until(lambda: (_descriptors(), len(asyncio.all_tasks())) == before)
    return reconnects


def _exact(place: object, gateway: object) -> bool:
    """Asked for once on the open connections; a remedy may have renewed one, which is asked for again in full."""
    asked, wanted = place.subscriptions(), place.wanted(gateway)  # type: ignore[attr-defined]
    renewed = gateway.counters["remedies.resubscribe"]  # type: ignore[attr-defined]
    return set(asked) == set(wanted) and len(wanted) <= len(asked) <= len(wanted) + renewed


async def test_market_data_behind_a_spoilt_network(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    every = [(venue, toxic) for venue in VENUES for toxic in TOXICS]
    # The short form has every toxic once.
    trials = every * 4 if campaign.is_long else [(campaign.random.choice(VENUES), toxic) for toxic in TOXICS]
    reconnects = 0
    for venue, toxic in trials:
        try:
            reconnects += await _trial(campaign, venue, toxic)
        except TimeoutError as error:
            raise AssertionError(f"{venue} did not recover from {toxic}") from error
    campaign.passed(
        19,
        len(trials),
        f"8 toxics x 3 feeds: all came back ({reconnects} reconnects), exact subscriptions, nothing left open",
    )
