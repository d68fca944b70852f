"""A link with the owner that a gateway would be, and what its peer reads of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from random import Random
from typing import Any

from tradewire.streaming.events import ConnectionChanged, ConnectionState, SubscriptionRefused
from tradewire.streaming.link import Link
from tradewire.streaming.pipeline import Pipeline
from tradewire.transport.policy.breaker import BreakerStates
from tradewire.venues.binance.session import BinanceSession
from tradewire.venues.registry import load

__all__ = ["Owned", "request"]


class Owned:
    """A link and the owner that a gateway would be."""

    def __init__(
        self, url: str, random: Random, breaker: BreakerStates | None = None, make_session: Any = BinanceSession
    ) -> None:
        venue = load("binance")
        self.changes: list[ConnectionChanged] = []
        self.refused: list[SubscriptionRefused] = []
        self.settled: list[str] = []
        self.ending: list[str] = []
        self.fatal: list[str] = []
        self.reads = 0
        self.pipeline = Pipeline(venue, lambda _: None, learn=True)
        ids = itertools.count(1)
        reader = self.pipeline.reader
        self.link = Link(
            venue.name, "public", "public", venue.limits, url, self, reader, make_session, ids, random, 5, breaker
        )

    def on_read(self, link: Link, result: Any, size: int) -> None:
        self.reads += 1
        self.pipeline.count(result, size)
        self.pipeline.pump()

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        assert link is self.link
        self.changes.append(event)

    def on_refused(self, event: SubscriptionRefused) -> None:
        self.refused.append(event)

    def on_fatal(self, link: Link, reason: str) -> None:
        self.fatal.append(reason)

    def on_settled(self, streams: Iterable[str]) -> None:
        self.settled += streams

    def on_ending(self, link: Link, reason: str) -> None:
        self.ending.append(reason)

    @property
    def states(self) -> list[ConnectionState]:
        return [change.state for change in self.changes]


async def request(peer: Any) -> dict[str, Any]:
    opcode, payload = await peer.read_frame()
    assert opcode == 1
    message: dict[str, Any] = json.loads(payload)
    return message
