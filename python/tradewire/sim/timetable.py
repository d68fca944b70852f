"""Calls that are due at full multiples of their periods. No clock: the owner says what time it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Timetable"]


class Timetable:
    """Runs what is due.

    Args:
        calls: period in milliseconds, and what is then called with the time.
    """

    def __init__(self, calls: Sequence[tuple[int, Callable[[int], None]]]) -> None:
        self._calls = calls
        self._due = [0] * len(calls)

    def advance(self, now_ms: int) -> None:
        """Call each that is due, in the given order, once."""
        for index, (period, call) in enumerate(self._calls):
            # The second half lets a wall clock that was set back not stop the calls.
            if now_ms >= self._due[index] or now_ms < self._due[index] - period:
                self._due[index] = (now_ms // period + 1) * period
                call(now_ms)
