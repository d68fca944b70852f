"""The three simulated market data venues, each with its gateway, and what it was asked to subscribe to.

For tests that break them; the breaking itself is `sim.chaos` or `fault_proxy`.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest

from tradewire import Secret
from tradewire.sim import AlpacaSim, BinanceSim, BinanceSpotSim
from tradewire.streaming import FeedState, StreamingGateway, evidence, remedies
from tradewire.streaming import gateway as gateway_module
from tradewire.transport.auth import Credential

VENUES = ("binance", "binance_spot", "alpaca")
_SIMS: dict[str, Any] = {"binance": BinanceSim, "binance_spot": BinanceSpotSim, "alpaca": AlpacaSim}
SYMBOLS = {"binance": ("BTCUSDT", "ETHUSDT"), "binance_spot": ("BTCUSDT", "ETHUSDT"), "alpaca": ("AAPL", "MSFT")}
CHANNELS = {
    "binance": ("trades", "quotes", "book"),
    "binance_spot": ("trades", "quotes", "book"),
    "alpaca": ("trades", "quotes"),
}
#: Streams that Alpaca adds to trades by itself.
_FOLLOWING = ("@corrections", "@cancelErrors")


class Hasty(Random):
    """Makes backoff short: a hundredth of every delay."""

    def uniform(self, a: float, b: float) -> float:
        return super().uniform(a, b) / 100


class Place:
    """A venue, and gateways to it."""

    def __init__(self, venue: str, sim: Any) -> None:
        self.venue = venue
        self.sim = sim
        self.symbols = SYMBOLS[venue]
        self.channels = CHANNELS[venue]
        #: connection -> how often each stream was asked for on it.
        self.asked: dict[Any, Counter[str]] = {}
        heard = sim.chaos.subscribed

        def subscribed(link: Any, stream: Any) -> None:
            if not stream.name.endswith(_FOLLOWING):
                self.asked.setdefault(link, Counter())[stream.name] += 1
            heard(link, stream)

        sim.chaos.subscribed = subscribed

    def gateway(self, **options: Any) -> StreamingGateway:
        given = {
            "venue": self.venue,
            "url": self.sim.stream_url,
            "rest_url": self.sim.rest_url,
            "symbols": self.symbols,
            "channels": self.channels,
            "random": Hasty(1),
        }
        if self.venue == "alpaca":
            given["credential"] = Credential(Secret("key"), Secret("secret"))
        return StreamingGateway(**{**given, **options})

    def subscriptions(self) -> list[str]:
        """What the venue's open connections were asked for, all of it, in order."""
        open_now = [self.asked.get(session, Counter()) for session in self.sim.streams.sessions]
        return sorted(name for each in open_now for name in each.elements())

    def wanted(self, gateway: StreamingGateway) -> list[str]:
        return sorted(name for link in gateway.links for name in link.wanted)

    def is_exact(self, gateway: StreamingGateway) -> bool:
        return self.subscriptions() == self.wanted(gateway)


def is_live(gateway: StreamingGateway) -> bool:
    return all(feed.state is FeedState.LIVE for feed in gateway.feeds())


def books_served(gateway: StreamingGateway, place: Place) -> bool:
    return "book" not in place.channels or all(gateway.book(symbol) is not None for symbol in place.symbols)


@contextlib.asynccontextmanager
async def open_venue(venue: str, *, rate: float = 400, seed: int = 1) -> AsyncIterator[Place]:
    async with _SIMS[venue](symbols=SYMBOLS[venue], rate=rate, seed=seed) as sim:
        yield Place(venue, sim)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is looked at often, rungs get little time, clocks are one clock: nothing to be forgiven."""
    monkeypatch.setattr(gateway_module, "_TICK_S", 0.02)
    monkeypatch.setattr(remedies, "_WAIT_NS", (1_500_000_000, 1_500_000_000))
    monkeypatch.setattr(evidence, "_GRACE_NS", 0)


def of_type(events: Sequence[Any], *kinds: type) -> list[Any]:
    return [event for event in events if isinstance(event, kinds)]
