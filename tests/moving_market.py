"""A simulated market at rest that the test moves, and what its venue answers by request."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from typing import Any


class Market:
    """A simulated venue at rest (`rate=0`), moved by the test, with a clock that it may set forward."""

    def __init__(self, sim: Any) -> None:
        self.sim = sim
        self.ahead_ms = 0

    def move(self, messages: int = 100) -> None:
        self.sim.feed.advance(self.sim.now_ms() + self.ahead_ms, messages)

    async def moving_until(self, condition: Callable[[], object], messages: int = 10) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self.move(messages)
                await asyncio.sleep(0.01)


async def ask(sim: Any, path: str) -> Any:
    """The JSON of a GET request, by a client that is not ours."""

    def get() -> Any:
        with urllib.request.urlopen(f"{sim.rest_url}{path}", timeout=20) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    return await asyncio.to_thread(get)
