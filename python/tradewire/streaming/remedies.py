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
from .tasks import end_all

if TYPE_CHECKING:
    from tradewire.telemetry import Counters

    from .health import Feed, FeedHealth

__all__ = ["Remedies"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

_SECOND = 1_000_000_000
#: A rung is given as long as the channel may be silent, within these bounds.
_WAIT_NS = (1 * _SECOND, 10 * _SECOND)
#: A question that the venue's limits hold back for longer keeps nobody from acting.
_ANSWER_S = 10.0


class _Case:
    """A feed under treatment."""

    __slots__ = ("feed", "is_sure", "ladder", "messages", "verdict")

    def __init__(self, feed: Feed, verdict: Verdict, ladder: Ladder) -> None:
        self.feed = feed
        self.verdict = verdict
        self.ladder = ladder
        self.messages = feed.messages
        # Whether the evidence is about the present connection.
        self.is_sure = True


class Remedies:
    """All feeds under treatment. The event loop owns it.

    Args:
        venue: for events.
        health: told of quiet markets.
        judge: gives the verdict on a silent feed.
        act: takes a rung for a feed, given what its silence means.
        emit: takes `RemedyTaken`.
        opened_ns: when the connection of a feed was opened, monotonic; a reconnect for one feed is one for all on it.
        has_live_peers: whether a reconnect for a feed would interrupt others that are LIVE.
        has_fallback: whether another provider can stand in; without one there is no such rung.
        counters: `evidence.<verdict>`, `remedies.<rung>`.
    """

    def __init__(
        self,
        venue: str,
        health: FeedHealth,
        judge: Callable[[Feed], Awaitable[Verdict]],
        act: Callable[[Feed, Rung, Verdict], None],
        emit: Callable[[RemedyTaken], None],
        opened_ns: Callable[[Feed], int],
        has_live_peers: Callable[[Feed], bool],
        has_fallback: Callable[[], bool],
        counters: Counters,
    ) -> None:
        self._venue = venue
        self._health = health
        self._judge = judge
        self._act = act
        self._emit = emit
        self._opened_ns = opened_ns
        self._has_live_peers = has_live_peers
        self._has_fallback = has_fallback
        self._counters = counters
        self._asking: dict[tuple[int, int, int], asyncio.Task[None]] = {}
        self._cases: dict[tuple[int, int, int], _Case] = {}
        # Of the newest tick: a question takes its time.
        self._now_ns = self._wall_ns = 0

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Looks after silent feeds; called a few times a second, on the event loop, after `FeedHealth.tick`."""
        self._now_ns, self._wall_ns = now_ns, wall_ns
        for key, case in list(self._cases.items()):
            # Only messages prove that it is healed: a reconnect alone takes it through DOWN and SYNCING.
            if case.feed.messages > case.messages or not self._health.watches(case.feed):
                del self._cases[key]
            # What is wrong with a lost connection is not the feed's; it comes back by itself, and tells when it cannot.
            elif case.feed.state is not FeedState.DOWN and key not in self._asking:
                self._treat(case)
        for feed in self._health.feeds():
            if feed.state is FeedState.STALE and feed.key not in self._cases and feed.key not in self._asking:
                self._begin_asking(feed)

    def excuse(self, held_up_ns: int) -> None:
        """This process itself stood still for so long: no rung could show an effect."""
        for case in self._cases.values():
            case.ladder.postpone(held_up_ns)

    async def close(self) -> None:
        """Ends all questions."""
        await end_all(self._asking.values())
        self._cases.clear()

    def _treat(self, case: _Case) -> None:
        self._look_for_reconnect(case)
        if not case.ladder.is_due(self._now_ns):
            return
        if case.is_sure:
            self._climb(case)
        else:
            # What the venue had before the new connection proves nothing about this one.
            self._begin_asking(case.feed)

    def _look_for_reconnect(self, case: _Case) -> bool:
        if not case.ladder.reconnected(self._opened_ns(case.feed)):
            return False
        case.is_sure = False
        return True

    def _begin_asking(self, feed: Feed) -> None:
        name = f"evidence {feed.channel.name} {feed.symbol}"
        self._asking[feed.key] = asyncio.get_running_loop().create_task(self._ask(feed), name=name)

    async def _ask(self, feed: Feed) -> None:
        try:
            async with asyncio.timeout(_ANSWER_S):
                verdict = await self._judge(feed)
        except TimeoutError:
            verdict = Verdict.UNKNOWN
        except Exception as error:
            # Invariant: it does not raise. Without a verdict the silence is acted upon.
            _log.say("evidence", "no verdict on a silent feed: %r", error, error=error)
            verdict = Verdict.UNKNOWN
        finally:
            self._asking.pop(feed.key, None)
        self._counters.add(f"evidence.{verdict}")
        case = self._cases.get(feed.key)
        silent = feed.state is FeedState.STALE if case is None else feed.messages == case.messages
        if not silent or feed.state is FeedState.DOWN or not self._health.watches(feed):
            return
        if case is not None and self._look_for_reconnect(case):
            # It was opened while the venue was asked, and has its time.
            return
        feed.refused = verdict is Verdict.REFUSED
        if verdict is Verdict.QUIET:
            self._health.quiet(feed, self._now_ns, self._wall_ns)
            if case is not None:
                # Nothing happened since the new connection, which is no proof that it heals: the climb goes on where it
                # is when the venue has news, or a feed that trades seldom would be reconnected for ever.
                case.ladder.wait_until(self._now_ns + (feed.stale_after_ns or _WAIT_NS[1]))
            return
        if case is None or (verdict is Verdict.REFUSED) is not (case.verdict is Verdict.REFUSED):
            case = self._cases[feed.key] = _Case(feed, verdict, self._ladder(feed, verdict))
        case.verdict = verdict
        case.is_sure = True
        self._climb(case)

    def _ladder(self, feed: Feed, verdict: Verdict) -> Ladder:
        senseless = set() if feed.channel.diff else {Rung.RESNAPSHOT}
        if verdict is Verdict.REFUSED:
            senseless |= {Rung.RESNAPSHOT, Rung.RECONNECT, Rung.FALLBACK}
        if not self._has_fallback():
            senseless.add(Rung.FALLBACK)
        usual = feed.usual_ns if feed.usual_ns is not None else _WAIT_NS[1]
        wait_ns = min(max(usual, _WAIT_NS[0]), _WAIT_NS[1])
        return Ladder([rung for rung in Rung if rung not in senseless], wait_ns, self._now_ns)

    def _climb(self, case: _Case) -> None:
        feed = case.feed
        # One reconnect may disturb feeds that have nothing to do with it; for ever is too much.
        gentle = case.verdict is Verdict.REFUSED or (case.ladder.is_repeating and self._has_live_peers(feed))
        rung = case.ladder.next(self._now_ns, Rung.RESUBSCRIBE if gentle else Rung.RECONNECT)
        if rung is None:
            return
        step = len(case.ladder.taken)
        self._counters.add(f"remedies.{rung}")
        self._emit(RemedyTaken(self._venue, feed.channel.name, feed.symbol, rung, step, self._wall_ns))
        self._act(feed, rung, case.verdict)
