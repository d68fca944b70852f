"""What to try next for a feed that its venue serves and we do not receive. Decides only; no I/O, no clock.

The rungs, cheapest first: subscribe again, take a new snapshot, reconnect, use the fallback connector, call a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

__all__ = ["Ladder", "Rung"]

#: After the alert nothing cheaper is left: from then on one rung is repeated at this distance.
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

    __slots__ = ("_due_ns", "_is_counted", "_rungs", "_since_ns", "_step", "_wait_ns", "taken")

    def __init__(self, rungs: Sequence[Rung], wait_ns: int, now_ns: int) -> None:
        self._rungs = tuple(rungs)
        self._wait_ns = wait_ns
        self._due_ns = now_ns
        self._step = 0
        # When the last rung was taken, or the connection opened that counted last.
        self._since_ns = now_ns
        # Whether one has counted since the last rung; before the first, none does.
        self._is_counted = True
        self.taken: list[Rung] = []

    def postpone(self, by_ns: int) -> None:
        """Gives the last rung more time."""
        self._due_ns += by_ns

    def wait_until(self, due_ns: int) -> None:
        """No rung before that time."""
        self._due_ns = max(self._due_ns, due_ns)

    def reconnected(self, at_ns: int) -> bool:
        """The connection was opened then, whoever wanted it. Since the last rung: it counts as the reconnect, and is
        given its time. Up to the alert once between two rungs, or a connection that does not hold would keep it away.

        Returns:
            Whether it counts.
        """
        if at_ns <= self._since_ns or (self._is_counted and not self.is_repeating):
            return False
        self._since_ns = at_ns
        self._is_counted = True
        if Rung.RECONNECT in self._rungs:
            self._step = max(self._step, self._rungs.index(Rung.RECONNECT) + 1)
        self._due_ns = max(self._due_ns, at_ns + self._wait_ns * (1 if self._step < len(self._rungs) else _AGAIN))
        return True

    def is_due(self, now_ns: int) -> bool:
        """Whether the last rung has had its time."""
        return now_ns >= self._due_ns

    @property
    def is_repeating(self) -> bool:
        """Whether all rungs were taken."""
        return self._step >= len(self._rungs)

    def next(self, now_ns: int, again: Rung = Rung.RECONNECT) -> Rung | None:
        """The action to take now; None: the last one has not had its time yet.

        Args:
            now_ns: monotonic.
            again: what is repeated after the last of the rungs.
        """
        if not self.is_due(now_ns):
            return None
        step, self._step = self._step, self._step + 1
        rung = self._rungs[step] if step < len(self._rungs) else again
        self.taken.append(rung)
        self._since_ns = now_ns
        self._is_counted = False
        # An alert acts on people: what follows it has nothing to wait for but the distance between repetitions.
        self._due_ns = now_ns + self._wait_ns * (1 if step < len(self._rungs) - 1 else _AGAIN)
        return rung
