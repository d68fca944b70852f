"""Clients for pool tests, whose faults the test decides. They count what is open, so that leaks show."""

from __future__ import annotations

import asyncio
from typing import Any


class Venue:
    """What the clients of one test share: faults by client number, counters, and how much is open."""

    def __init__(self) -> None:
        self.made: list[Client] = []
        self.open = 0
        self.most_open = 0
        self.connect_s = 0.01
        self.latency_s = 0.001
        self.connect_error: Exception | None = None

    def create(self) -> Client:
        client = Client(self, len(self.made))
        self.made.append(client)
        return client


class Client:
    def __init__(self, venue: Venue, number: int) -> None:
        self.venue = venue
        self.number = number
        self.calls = 0
        self.pings = 0
        self.busy = False
        self.opened = False
        self.closed = False
        #: An exception to raise, or "silent" for never answering; for requests and pings.
        self.fault: Exception | str | None = None
        self.ping_fault: Exception | str | None = None
        self.slow_s = 0.0
        self.slow_ping_s = 0.0

    async def connect(self) -> None:
        await asyncio.sleep(self.venue.connect_s)
        if self.venue.connect_error is not None:
            raise self.venue.connect_error
        self.opened = True
        self.venue.open += 1
        self.venue.most_open = max(self.venue.most_open, self.venue.open)

    async def _answer(self, fault: Exception | str | None, latency_s: float) -> None:
        if fault == "silent":
            await asyncio.Event().wait()
        await asyncio.sleep(latency_s)
        if isinstance(fault, Exception):
            raise fault

    async def ping(self) -> None:
        self.pings += 1
        await self._answer(self.ping_fault, self.venue.latency_s + self.slow_ping_s)

    async def work(self, value: Any = None, seconds: float | None = None) -> Any:
        assert not self.busy, "one call at a time"
        assert not self.closed, "a closed client is not used"
        self.calls += 1
        self.busy = True
        try:
            await self._answer(self.fault, self.venue.latency_s + self.slow_s if seconds is None else seconds)
        finally:
            self.busy = False
        return (self.number, value)

    async def close(self) -> None:
        assert not self.closed, "closed once"
        self.closed = True
        await asyncio.sleep(0)
        if self.opened:
            self.venue.open -= 1


class Unconnected:
    """A client that has no connection of its own: no connect, ping or close."""

    def __init__(self, config: Any = None) -> None:
        self.config = config

    def add(self, a: int, b: int = 0) -> int:
        return a + b
