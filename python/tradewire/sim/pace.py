"""How many messages a simulated market has to make now. No clock: the owner says how much time has passed."""

from __future__ import annotations

__all__ = ["PORTION", "Pace"]

#: Most messages between two looks at the sockets, some 15 ms.
PORTION = 2_000
_BACKLOG_S = 0.5  # bridges the moments in which a busy machine runs something else


class Pace:
    """How many messages are due: as many as the elapsed time asks for, in portions, with a bounded backlog.

    Attributes:
        made: messages made so far; the owner adds to it.
        skipped: messages that will never be made, because the owner came too late.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._backlog = rate * _BACKLOG_S + 1
        self.made = 0
        self.skipped = 0

    def due(self, elapsed_s: float) -> int:
        """Messages to make now."""
        due = int(elapsed_s * self._rate) - self.made - self.skipped
        if due > self._backlog:
            self.skipped += int(due - self._backlog)
            due = int(self._backlog)
        return min(due, PORTION)
