"""Waiting for room in a venue's limits: priorities, deadlines, what the venue's answers say. It sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tradewire.core import monotonic_ns, wall_ns
from tradewire.errors import RateLimitError

from .policy.limiter import Limiter, Weights
from .policy.line import Line, Place
from .policy.quota import Priority, Quota, VenueLimits
from .policy.stay_away import UNTOLD_S, longest_told_s, told_by_header_s

__all__ = ["Priority", "Quota", "QuotaUse", "RateLimitManager", "RateLimitStatistics", "VenueLimits", "WaitingRoom"]

_SECOND = 1_000_000_000
#: Event loops count in milliseconds. uvloop takes less than half of one for "at once", which would be a busy loop.
_SHORTEST_S = 0.0006
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """One quota: weight counted in the window that ends now, and what everybody together may use."""

    used: int
    allowed: int


@dataclass(frozen=True, slots=True)
class RateLimitStatistics:
    """One venue at one moment.

    Attributes:
        quotas: by name.
        waiting: requests in line.
        granted: requests let through, ever.
        waited: of those, how many had to wait.
        timed_out: refused because their time ran out.
        turned_away: refused because the line was full.
        refusals: answers that said a limit was passed (429).
        bans: answers that said the address is banned (418).
        closed_for_s: until anything is let through; 0 while the gate is open.
    """

    quotas: Mapping[str, QuotaUse]
    waiting: int
    granted: int
    waited: int
    timed_out: int
    turned_away: int
    refusals: int
    bans: int
    closed_for_s: float


class WaitingRoom:
    """One limiter and its line, for tasks: the place from which all slots of a venue are handed out, by one timer.

    Not thread-safe: one event loop.

    Args:
        venue: for error texts.
        quotas: of the limiter.
        max_waiting: places in the line.
        clock: monotonic ns.
    """

    def __init__(
        self,
        venue: str,
        quotas: tuple[Quota, ...],
        *,
        max_waiting: int = 20_000,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        self.limiter = Limiter(quotas)
        self._quotas = quotas
        self._venue = venue
        self._clock = clock
        self._line = Line(self.limiter, max_waiting, is_gone=lambda place: place.ticket.done())
        self._max_waiting = max_waiting
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._granted = self._waited = self._timed_out = self._turned_away = 0

    def try_acquire(self, weights: Weights, priority: Priority) -> float:
        """0: granted. Otherwise nothing was taken, and asking again is worth it after that many seconds."""
        self.limiter.check(weights, reserve=priority.may_use_reserve)
        now_ns = self._clock()
        ready_ns = self._line.try_take(weights, priority, now_ns)
        if ready_ns:
            return (ready_ns - now_ns) / _SECOND
        self._granted += 1
        return 0.0

    async def acquire(self, weights: Weights, priority: Priority, timeout_s: float | None = None) -> None:
        """Returns when the weight was granted.

        Raises:
            RateLimitError: not within `timeout_s`, or the line is full.
        """
        wait_s = self.try_acquire(weights, priority)
        if not wait_s:
            return
        if timeout_s is not None and timeout_s <= 0:
            self._timed_out += 1
            raise RateLimitError(f"no room in the limits of {self._venue} now", wait_s)
        if self._line.is_full:
            self._turned_away += 1
            raise RateLimitError(f"{self._max_waiting} requests are waiting for {self._venue} already", wait_s)
        await self._wait(Place(weights, priority), timeout_s)

    async def _wait(self, place: Place, timeout_s: float | None) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        place.ticket = turn
        self._line.join(place)
        self.hand_out()
        out_of_time = None
        if timeout_s is not None:
            out_of_time = loop.call_later(timeout_s, lambda: self._time_out(place, timeout_s))
        try:
            await turn
        except asyncio.CancelledError:
            if self._line.leave(place):
                self.hand_out()
            raise
        finally:
            if out_of_time is not None:
                out_of_time.cancel()
        self._waited += 1

    def hand_out(self) -> None:
        """Grants what can be granted now, and sets the timer for the rest. To be called after every change."""
        now_ns = self._clock()
        granted, next_ns = self._line.hand_out(now_ns)
        self._granted += len(granted)
        for place in granted:
            place.ticket.set_result(None)
        if next_ns == self._timer_ns and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if next_ns:
            self._timer_ns = next_ns
            delay_s = max((next_ns - now_ns) / _SECOND, _SHORTEST_S)
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._wake)

    def close_for(self, wait_ns: int) -> None:
        """Nothing passes for so long."""
        self.limiter.close_until(self._clock() + wait_ns)

    def observe_used(self, name: str, used: int) -> None:
        """The venue's own count of a quota."""
        self.limiter.observe_used(name, used, self._clock())

    def statistics(self, refusals: int = 0, bans: int = 0) -> RateLimitStatistics:
        """The room at this moment."""
        now_ns = self._clock()
        return RateLimitStatistics(
            {
                quota.name: QuotaUse(self.limiter.used(quota.name, now_ns), self.limiter.allowed(quota.name))
                for quota in self._quotas
            },
            self._line.waiting,
            self._granted,
            self._waited,
            self._timed_out,
            self._turned_away,
            refusals,
            bans,
            max(self.limiter.closed_until_ns - now_ns, 0) / _SECOND,
        )

    def _wake(self) -> None:
        self._timer = None
        self.hand_out()

    def _time_out(self, place: Place, timeout_s: float) -> None:
        # Cancelled in the same turn of the loop, it is gone already or about to leave by itself.
        if not place.ticket.done() and self._line.leave(place):
            self._timed_out += 1
            wait_s = max(self._timer_ns - self._clock(), 0) / _SECOND
            place.ticket.set_exception(
                RateLimitError(f"no room in the limits of {self._venue} within {timeout_s:g} s", wait_s)
            )
            self.hand_out()


class RateLimitManager:
    """The limits of all venues of a process. Requests wait here until there is room; cancels and queries go first.

    `await manager.acquire("binance/weight", 5, priority=Priority.QUERY)` takes from one quota, `acquire("binance",
    {"weight": 1, "orders": 1})` from several, all or nothing. After each answer `manager.observe("binance", status,
    headers)` takes over what the venue counted, and closes the venue's gate after a refusal.

    Not thread-safe: one event loop.

    Args:
        venues: their limits, by name.
        max_waiting: places in each venue's line.
        clock: monotonic ns.
        wall: ns since 1970; only for the end of a window that the venue aligns to the clock.
    """

    def __init__(
        self,
        venues: Mapping[str, VenueLimits] | None = None,
        *,
        max_waiting: int = 20_000,
        clock: Callable[[], int] = monotonic_ns,
        wall: Callable[[], int] = wall_ns,
    ) -> None:
        self._max_waiting = max_waiting
        self._clock = clock
        self._wall = wall
        self._limits: dict[str, VenueLimits] = {}
        self._rooms: dict[str, WaitingRoom] = {}
        self._refusals: dict[str, int] = {}
        self._bans: dict[str, int] = {}
        for venue, limits in (venues or {}).items():
            self.add(venue, limits)

    def add(self, venue: str, limits: VenueLimits) -> None:
        """Makes a venue's limits known. ValueError if it has some already."""
        if venue in self._rooms:
            raise ValueError(f"venue {venue} has limits already")
        self._limits[venue] = limits
        self._rooms[venue] = WaitingRoom(venue, limits.quotas, max_waiting=self._max_waiting, clock=self._clock)
        self._refusals[venue] = self._bans[venue] = 0

    def share(self, venue: str, other: RateLimitManager, theirs: str) -> None:
        """From now on a venue's requests take their room, and wait, where those of `theirs` do in `other`. Who waits
        already is let through as before.

        Raises:
            ValueError: no such venue, or one with other limits.
        """
        if self.limits_of(venue) != other.limits_of(theirs):
            raise ValueError(f"venues that share their room must have the same limits, {venue} and {theirs} do not")
        self._rooms[venue] = other._room(theirs)

    def limits_of(self, venue: str) -> VenueLimits:
        """What a venue allows. ValueError if it has no limits."""
        self._room(venue)
        return self._limits[venue]

    @property
    def venues(self) -> tuple[str, ...]:
        """Those that have limits."""
        return tuple(self._rooms)

    async def acquire(
        self,
        key: str,
        weight: int | Mapping[str, int] = 1,
        *,
        priority: Priority = Priority.SUBMIT,
        timeout_s: float | None = None,
    ) -> None:
        """Returns when the weight was granted; waits in line, first come first served within a priority.

        Args:
            key: "venue/quota", or "venue" with a mapping (or when the venue has one quota).
            weight: of the request; quota name -> weight takes from several, all or nothing.
            priority: who goes first; cancels and queries may use the reserve.
            timeout_s: at most so long; None is as long as it takes.

        Raises:
            RateLimitError: not within `timeout_s`, or too many are waiting.
            ValueError: no such venue or quota, or a weight that can never pass.
        """
        room, weights = self._resolve(key, weight)
        await room.acquire(weights, priority, timeout_s)

    def try_acquire(
        self, key: str, weight: int | Mapping[str, int] = 1, *, priority: Priority = Priority.SUBMIT
    ) -> float:
        """0: granted. Otherwise nothing was taken, and asking again is worth it after that many seconds."""
        room, weights = self._resolve(key, weight)
        return room.try_acquire(weights, priority)

    def observe(self, venue: str, status: int, headers: Mapping[str, str], *, told_s: float | None = None) -> None:
        """Takes over what an answer says about the limits.

        Args:
            venue: that answered.
            status: HTTP.
            headers: names in lower case.
            told_s: how long its body says to stay away, where it is a refusal.
        """
        room, limits = self._room(venue), self._limits[venue]
        for quota in limits.quotas:
            used = _count(headers.get(quota.used_header, ""))
            left = _count(headers.get(quota.remaining_header, ""))
            if used is not None:
                room.observe_used(quota.name, used)
            elif left is not None:
                room.observe_used(quota.name, max(quota.limit - left, 0))
        if status in limits.refusals or status in limits.bans:
            self._refusals[venue] += status in limits.refusals
            self._bans[venue] += status in limits.bans
            closed_s = longest_told_s(told_by_header_s(headers.get("retry-after", ""), self._wall()), told_s)
            if closed_s is None and status in limits.bans:
                closed_s = UNTOLD_S[418]
            elif closed_s is None:
                window_ns = int(limits.quotas[0].per_s * _SECOND)
                closed_s = (window_ns - self._wall() % window_ns) / _SECOND
            self.close(venue, closed_s)

    def close(self, venue: str, for_s: float) -> None:
        """Lets nothing through to a venue for so long, 3 days at most, cancels neither."""
        self._room(venue).close_for(int((longest_told_s(for_s) or 0) * _SECOND))

    def statistics(self, venue: str) -> RateLimitStatistics:
        """Use, waiting and refusals of a venue."""
        return self._room(venue).statistics(self._refusals[venue], self._bans[venue])

    def _room(self, venue: str) -> WaitingRoom:
        room = self._rooms.get(venue)
        if room is None:
            raise ValueError(f"venue must be one of {', '.join(self._rooms) or '(none was added)'}; was {venue!r}")
        return room

    def _resolve(self, key: str, weight: int | Mapping[str, int]) -> tuple[WaitingRoom, Weights]:
        venue, _, quota = key.partition("/")
        room = self._room(venue)
        if isinstance(weight, Mapping):
            if quota or not weight:
                raise ValueError(
                    f"with a mapping of weights the key is the venue alone, was {key!r} with {dict(weight)}"
                )
            return room, tuple(sorted(weight.items()))
        if not quota:
            names = [one.name for one in self._limits[venue].quotas]
            if len(names) > 1:
                raise ValueError(f"key must name a quota of {venue}: {', '.join(f'{venue}/{one}' for one in names)}")
            quota = names[0]
        return room, ((quota, weight),)


def _count(text: str) -> int | None:
    """A venue's count; None: there is none, or none that can be meant."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None
