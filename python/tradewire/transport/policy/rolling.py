"""Weight counted over a rolling window, so that no window can hold more than its limit. No clock of its own."""

from __future__ import annotations

from collections import deque

__all__ = ["RollingCount"]

#: Grants closer together than this part of the window share one entry, which bounds the memory.
_GRAINS = 1024


class RollingCount:
    """At most `limit` weight in any window [t, t + window). A clock that steps back frees nothing.

    An entry leaves when its last grant is a window old, so merging entries can only let less through.

    Args:
        limit: may be changed at any time.
        window_ns: length of the window.
    """

    __slots__ = ("_entries", "_grain_ns", "_now_ns", "_window_ns", "limit", "used")

    def __init__(self, limit: int, window_ns: int) -> None:
        self.limit = limit
        #: Weight in the window that ended with the last call.
        self.used = 0
        self._window_ns = window_ns
        self._grain_ns = window_ns // _GRAINS
        self._now_ns = 0
        self._entries: deque[list[int]] = deque()  # first grant, last grant, weight

    def ready_ns(self, weight: int, now_ns: int) -> int:
        """0: there is room. Otherwise the time from which there is, if nothing else is added."""
        now_ns = self._advance(now_ns)
        excess = self.used + weight - self.limit
        if excess <= 0:
            return 0
        for _, last_ns, entry_weight in self._entries:
            excess -= entry_weight
            if excess <= 0:
                return last_ns + self._window_ns
        return now_ns + self._window_ns

    def add(self, weight: int, now_ns: int) -> None:
        """Counts this weight, whether there is room or not."""
        now_ns = self._advance(now_ns)
        self.used += weight
        entries = self._entries
        if entries and now_ns - entries[-1][0] < self._grain_ns:
            entries[-1][1] = now_ns
            entries[-1][2] += weight
        else:
            entries.append([now_ns, now_ns, weight])

    def count(self, now_ns: int) -> int:
        """The weight in the window that ends now."""
        self._advance(now_ns)
        return self.used

    def _advance(self, now_ns: int) -> int:
        now_ns = self._now_ns = max(self._now_ns, now_ns)
        edge_ns = now_ns - self._window_ns
        entries = self._entries
        while entries and entries[0][1] <= edge_ns:
            self.used -= entries.popleft()[2]
        return now_ns
