"""Heals silent feeds: asks for evidence, then climbs the ladder until messages arrive. Touches no socket itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tradewire.telemetry.limited_log import LimitedLog

from .events import FeedState, RemedyTaken
from .evidence import Verdict
from .ladder import Ladder, Rung

if TYPE_CHECKING:
    from tradewire.telemetry import Counters

    from .health import Feed, FeedHealth

__all__ = ["Remedies"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

_SECOND = 1_000_000_000
#: A rung is given as long as the channel may be silent, within these bounds.
_WAIT_NS = (1 * _SECOND, 10 * _SECOND)


class Remedies:
    """All feeds under treatment. The event loop owns it.

    Args:
        venue: for events.
        health: told of quiet markets.
        judge: gives the verdict on a silent feed.
        act: takes a rung for a feed.
        emit: takes `RemedyTaken`.
        has_fallback: whether another provider can stand in; without one there is no such rung.
        counters: `evidence.<verdict>`, `remedies.<rung>`.
    """

    def __init__(
        self,
        venue: str,
        health: FeedHealth,
        judge: Callable[[Feed], Awaitable[Verdict]],
        act: Callable[[Feed, Rung], None],
        emit: Callable[[RemedyTaken], None],
        has_fallback: Callable[[], bool],
        counters: Counters,
    ) -> None:
        self._venue = venue
        self._health = health
        self._judge = judge
        self._act = act
        self._emit = emit
        self._has_fallback = has_fallback
        self._counters = counters
        self._asking: dict[tuple[int, int, int], asyncio.Task[None]] = {}
        self._climbing: dict[tuple[int, int, int], tuple[Feed, Ladder, int]] = {}

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Looks after silent feeds; called a few times a second, on the event loop, after `FeedHealth.tick`."""
        for key, (feed, ladder, messages) in list(self._climbing.items()):
            # Only messages prove that it is healed: a reconnect alone takes it through DOWN and SYNCING.
            if feed.messages > messages or not self._health.watches(feed):
                del self._climbing[key]
            else:
                self._climb(feed, ladder, now_ns, wall_ns)
        for feed in self._health.feeds():
            if feed.state is FeedState.STALE and feed.key not in self._climbing and feed.key not in self._asking:
                self._asking[feed.key] = asyncio.get_running_loop().create_task(
                    self._ask(feed, now_ns, wall_ns), name=f"evidence {feed.channel.name} {feed.symbol}"
                )

    def excuse(self, held_up_ns: int) -> None:
        """This process itself stood still for so long: no rung could show an effect."""
        for _, ladder, _ in self._climbing.values():
            ladder.postpone(held_up_ns)

    async def close(self) -> None:
        """Ends all questions."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._climbing.clear()

    async def _ask(self, feed: Feed, now_ns: int, wall_ns: int) -> None:
        try:
            verdict = await self._judge(feed)
        except Exception as error:
            # Invariant: it does not raise. Without a verdict the silence is acted upon.
            _log.say("evidence", "no verdict on a silent feed: %r", error, error=error)
            verdict = Verdict.UNKNOWN
        finally:
            self._asking.pop(feed.key, None)
        self._counters.add(f"evidence.{verdict}")
        if feed.state is not FeedState.STALE or not self._health.watches(feed):
            return
        if verdict is Verdict.QUIET:
            self._health.quiet(feed, now_ns, wall_ns)
            return
        usual = feed.usual_ns if feed.usual_ns is not None else _WAIT_NS[1]
        wait_ns = min(max(usual, _WAIT_NS[0]), _WAIT_NS[1])
        ladder = Ladder(self._rungs(feed), wait_ns, now_ns)
        self._climbing[feed.key] = (feed, ladder, feed.messages)
        self._climb(feed, ladder, now_ns, wall_ns)

    def _rungs(self, feed: Feed) -> list[Rung]:
        senseless = set() if feed.channel.diff else {Rung.RESNAPSHOT}
        if not self._has_fallback():
            senseless.add(Rung.FALLBACK)
        return [rung for rung in Rung if rung not in senseless]

    def _climb(self, feed: Feed, ladder: Ladder, now_ns: int, wall_ns: int) -> None:
        rung = ladder.next(now_ns)
        if rung is None:
            return
        self._counters.add(f"remedies.{rung}")
        step = len(ladder.taken)
        self._emit(RemedyTaken(self._venue, feed.channel.name, feed.symbol, rung, step, wall_ns))
        self._act(feed, rung)
