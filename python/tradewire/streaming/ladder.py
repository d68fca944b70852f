"""What to try next for a feed that its venue serves and we do not receive. Decides only; no I/O, no clock.

The rungs, cheapest first: subscribe again, take a new snapshot, reconnect, use the fallback connector, call a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

__all__ = ["Ladder", "Rung"]

#: After the alert nothing cheaper is left: from then on a reconnect at this distance.
_AGAIN = 12


class Rung(StrEnum):
    """One action."""

    RESUBSCRIBE = "resubscribe"
    RESNAPSHOT = "resnapshot"
    RECONNECT = "reconnect"
    FALLBACK = "fallback"
    ALERT = "alert"


class Ladder:
    """The way up for one feed, from the first suspicion until messages arrive again.

    Args:
        rungs: what makes sense for the feed, in order.
        wait_ns: how long each rung is given to show an effect.
        now_ns: monotonic.

    Attributes:
        taken: the rungs taken so far.
    """

    __slots__ = ("_due_ns", "_rungs", "_wait_ns", "taken")

    def __init__(self, rungs: Sequence[Rung], wait_ns: int, now_ns: int) -> None:
        self._rungs = tuple(rungs)
        self._wait_ns = wait_ns
        self._due_ns = now_ns
        self.taken: list[Rung] = []

    def postpone(self, by_ns: int) -> None:
        """Gives the last rung more time."""
        self._due_ns += by_ns

    def next(self, now_ns: int) -> Rung | None:
        """The action to take now; None: the last one has not had its time yet."""
        if now_ns < self._due_ns:
            return None
        step = len(self.taken)
        rung = self._rungs[step] if step < len(self._rungs) else Rung.RECONNECT
        self.taken.append(rung)
        # An alert acts on people: what follows it has nothing to wait for but the distance between repetitions.
        self._due_ns = now_ns + self._wait_ns * (1 if step < len(self._rungs) - 1 else _AGAIN)
        return rung
