"""Who goes next at a limiter: priorities, first come first served within each, bounded. Waking up is the caller's."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .limiter import Limiter, Weights
from .quota import Priority

__all__ = ["Line", "Place"]

#: A wake-up that is later than this loses the time beyond it, which nobody makes up for.
_LATEST_NS = 100_000_000
#: Who waits a moment for room in a window stays behind its due time, by a few wake-ups of the event loop at most.
#: Otherwise each such wait would cost, beside the room, what the bucket could have given meanwhile.
_BEHIND_NS = 5_000_000


@dataclass(slots=True, eq=False)
class Place:
    """A place in the line. `ticket` is the caller's own."""

    weights: Weights
    priority: Priority
    ticket: Any = None
    number: int = field(default=0, init=False)


class Line:
    """Waiting requests of one limiter.

    Requests of one priority and the same quotas form a lane and go in order. Lanes go by priority, then by who came
    first; a lane that must wait keeps those behind it from the quotas that it lacks, not from others.

    Args:
        limiter: whose room is handed out.
        max_waiting: places.
        is_gone: whether nobody waits at a place any more, though it has not been left yet; it is granted nothing.
    """

    def __init__(
        self, limiter: Limiter, max_waiting: int, *, is_gone: Callable[[Place], bool] = lambda _: False
    ) -> None:
        self._limiter = limiter
        self._is_gone = is_gone
        self._max_waiting = max_waiting
        self._lanes: dict[tuple[Priority, tuple[str, ...]], OrderedDict[int, Place]] = {}
        self._number = 0
        self._due_ns = self._next_ns = 0
        self.waiting = 0

    @property
    def is_full(self) -> bool:
        """Whether every place is taken."""
        return self.waiting >= self._max_waiting

    def try_take(self, weights: Weights, priority: Priority, now_ns: int) -> int:
        """Without waiting: 0 is taken, else the time when asking again is worth it. Overtakes nobody who waits."""
        if not self.waiting:
            return self._limiter.try_take(weights, now_ns, now_ns, reserve=priority.may_use_reserve)
        wanted = {name for name, _ in weights}
        if any(not wanted.isdisjoint(names) and other <= priority for other, names in self._lanes):
            return max(self._next_ns, now_ns + 1)
        return self._limiter.try_take(weights, now_ns, now_ns, reserve=priority.may_use_reserve)

    def join(self, place: Place) -> None:
        """Takes a place at the end of its lane."""
        self._number += 1
        place.number = self._number
        self._lanes.setdefault(_lane_of(place), OrderedDict())[place.number] = place
        if not self.waiting:
            self._due_ns = self._next_ns = 0
        self.waiting += 1

    def leave(self, place: Place) -> bool:
        """Gives the place up. False: it was not there any more (its turn had come)."""
        lane = self._lanes.get(_lane_of(place))
        if lane is None or lane.pop(place.number, None) is None:
            return False
        self._forget(place)
        return True

    def hand_out(self, now_ns: int) -> tuple[list[Place], int]:
        """Those whose turn it is, in order, and when to ask again; 0: nobody is waiting."""
        granted: list[Place] = []
        due_ns = min(max(self._due_ns or now_ns, now_ns - _LATEST_NS), now_ns)
        while self.waiting:
            self._next_ns = self._round(now_ns, due_ns, granted)
            if self._next_ns > now_ns or not self.waiting:
                break
            due_ns = self._next_ns
        is_moment = self._next_ns - now_ns <= _BEHIND_NS
        self._due_ns = max(due_ns, self._next_ns - _BEHIND_NS) if is_moment else self._next_ns
        return granted, self._next_ns if self.waiting else 0

    def _round(self, now_ns: int, due_ns: int, granted: list[Place]) -> int:
        """Serves every lane as far as it goes at `due_ns`; when the next round is worth it."""
        taken: set[str] = set()
        next_ns = 0
        lanes = list(self._lanes.items())
        alone = len(lanes) == 1
        if not alone:
            lanes.sort(key=lambda item: (item[0][0], next(iter(item[1]))))
        for (priority, names), lane in lanes:
            if not taken.isdisjoint(names):
                continue
            reserve = priority.may_use_reserve
            while lane:
                place = next(iter(lane.values()))
                if self._is_gone(place):
                    del lane[place.number]
                    self._forget(place)
                    continue
                ready_ns = self._limiter.try_take(place.weights, now_ns, due_ns, reserve=reserve)
                if alone and due_ns < ready_ns <= now_ns:
                    due_ns = ready_ns
                    continue
                if ready_ns:
                    next_ns = min(next_ns, ready_ns) if next_ns else ready_ns
                    if alone:
                        break
                    taken |= self._limiter.lacking(place.weights, now_ns, due_ns, ready_ns, reserve=reserve)
                    break
                del lane[place.number]
                granted.append(place)
                self._forget(place)
        return next_ns

    def _forget(self, place: Place) -> None:
        self.waiting -= 1
        key = _lane_of(place)
        if not self._lanes[key]:
            del self._lanes[key]


def _lane_of(place: Place) -> tuple[Priority, tuple[str, ...]]:
    return place.priority, tuple(name for name, _ in place.weights)
