"""How many messages of a connection could not be read in the last minute. Counts only; no clock."""

from __future__ import annotations

from collections import deque

__all__ = ["BadMessages"]

_MINUTE_NS = 60_000_000_000


class BadMessages:
    """Tells when a connection gives more unreadable messages than chance explains (`RELIABILITY` section 3).

    Args:
        most: in any minute; 1 or more.
    """

    __slots__ = ("_most", "_seen", "_total")

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"most must be 1 or more, was {most}")
        self._most = most
        self._seen: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, count: int, now_ns: int) -> bool:
        """Takes note of bad messages.

        Returns:
            Whether there are too many now. The count starts anew then.
        """
        self._seen.append((now_ns, count))
        self._total += count
        while self._seen[0][0] <= now_ns - _MINUTE_NS:
            self._total -= self._seen.popleft()[1]
        if self._total <= self._most:
            return False
        self._seen.clear()
        self._total = 0
        return True
