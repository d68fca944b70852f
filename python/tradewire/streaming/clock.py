"""Asks a venue for its time now and then, and calls a person when the two clocks are too far apart. Sets no clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tradewire.core import monotonic_ns, wall_ns
from tradewire.errors import QueryError, UnsupportedError
from tradewire.telemetry.clock_offset import ClockOffset
from tradewire.telemetry.limited_log import LimitedLog

if TYPE_CHECKING:
    from tradewire.telemetry import Counters
    from tradewire.venues.base import MarketDataRest

__all__ = ["VenueClock"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

_SECOND = 1_000_000_000
#: The first answers come soon after each other: the very first one's round trip opens the connection.
_SOON = (3, 1.0)
_INTERVAL_S = 60.0
#: Beyond this an alert, which may come again when it was below the lower one meanwhile.
_SKEW_NS = (1 * _SECOND, _SECOND // 2)


class VenueClock:
    """One venue's clock. The event loop owns it.

    Args:
        source: who is asked; anew each time, since it may be replaced.
        on_offset: told after each answer how much of the offset is certain: what latencies are corrected by.
        alert: calls a person, in words; once for as long as it lasts.
        counters: `clock_errors`.
        sleep: waits that many seconds.
        clock: monotonic ns.
        wall: ns since 1970.

    Attributes:
        offset: what is known.
    """

    def __init__(
        self,
        source: Callable[[], MarketDataRest],
        on_offset: Callable[[int], None],
        alert: Callable[[str], None],
        counters: Counters,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], int] = monotonic_ns,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self.offset = ClockOffset()
        self._source = source
        self._on_offset = on_offset
        self._alert = alert
        self._counters = counters
        self._sleep = sleep
        self._clock = clock
        self._wall = wall
        self._skewed = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to ask; does nothing when it asks already."""
        if self._task is not None:
            return
        self._task = asyncio.get_running_loop().create_task(self._run(), name="clock of the venue")

    async def close(self) -> None:
        """Asks no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def forget(self) -> None:
        """Somebody else is asked from now on."""
        self.offset.forget()
        self._on_offset(0)

    async def _run(self) -> None:
        asked = 0
        try:
            while True:
                await self._ask()
                asked += 1
                await self._sleep(_SOON[1] if asked <= _SOON[0] else _INTERVAL_S)
        except UnsupportedError:
            # The venue does not tell: the offset stays 0.
            return

    async def _ask(self) -> None:
        wall, began = self._wall(), self._clock()
        try:
            venue_ns = await self._source().server_time_ns()
        except QueryError as error:
            self._counters.add("clock_errors")
            _log.say("clock", "%s", error)
            return
        self.offset.add(wall, self._clock() - began, venue_ns)
        offset_ns = self.offset.offset_ns
        self._on_offset(self.offset.certain_ns)
        if abs(offset_ns) > _SKEW_NS[0] and not self._skewed:
            self._skewed = True
            direction = "ahead of" if offset_ns > 0 else "behind"
            self._alert(f"the venue's clock is {abs(offset_ns) / 1e9:.1f} s {direction} this machine's")
        elif abs(offset_ns) < _SKEW_NS[1]:
            self._skewed = False
