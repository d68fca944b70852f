"""The rate of a limiter that learns what its peer bears: additive increase, multiplicative decrease. Decides only."""

from __future__ import annotations

__all__ = ["AdaptiveRate"]

#: A refusal halves the rate, or, when a lower rate is known to have been good, falls a little below that one.
_CUT = 0.5
_BELOW_GOOD = 0.9
#: A window without trouble adds this share of the highest rate.
_STEP = 0.05
#: The rate stays below this share of the one that was refused, for so many windows.
_CEILING = 0.9
_REMEMBER_WINDOWS = 10
#: Answers this much slower than the best of late mean that the peer is busy; then the rate shrinks by this factor.
_SLOW = 2.0
_EASE = 0.9
_SMOOTHING = 0.2


class AdaptiveRate:
    """AIMD over whole windows (Chiu and Jain 1989), with a memory of the rate that was refused.

    Within a window at most one decrease counts, so a burst of refusals to requests already sent is one event. The rate
    grows only when at least half of it was used: what was not tried proves nothing.

    Args:
        highest: weight per window; the rate begins here and never passes it.
        lowest: it never falls below.
        window_ns: length of a window.
    """

    def __init__(self, highest: int, lowest: int, window_ns: int) -> None:
        self._highest = highest
        self._lowest = lowest
        self._window_ns = window_ns
        self._rate = float(highest)
        self._good: float | None = None
        self._ceiling = float(highest)
        self._ceiling_ends_ns = 0
        self._window_end_ns: int | None = None
        self._calm = True
        self._latency_ns = 0.0
        self._best_ns = 0.0

    @property
    def rate(self) -> int:
        """Weight per window, now."""
        return int(self._rate)

    def refused(self, now_ns: int) -> None:
        """The peer said that the limit was passed."""
        self.advance(now_ns, 0)
        if not self._calm:
            return
        self._ceiling = self._rate * _CEILING
        self._ceiling_ends_ns = now_ns + _REMEMBER_WINDOWS * self._window_ns
        known = self._good if self._good is not None and self._good < self._rate else None
        self._decrease(known * _BELOW_GOOD if known is not None else self._rate * _CUT, now_ns)
        self._good = None

    def answered(self, latency_ns: int, now_ns: int) -> None:
        """The peer answered after so long; an average of twice the best one is too slow."""
        self.advance(now_ns, 0)
        self._latency_ns += _SMOOTHING * (latency_ns - self._latency_ns) if self._latency_ns else latency_ns
        # The best fades slowly, so that a peer that has become slower for good is taken as it is.
        self._best_ns = min(self._latency_ns, self._best_ns * 1.001) if self._best_ns else self._latency_ns
        if self._calm and self._latency_ns > _SLOW * self._best_ns:
            self._decrease(self._rate * _EASE, now_ns)

    def advance(self, now_ns: int, used: int) -> None:
        """Time passes; `used` is the weight let through in the window that ends now."""
        if self._window_end_ns is None:
            self._window_end_ns = now_ns + self._window_ns
        if now_ns < self._window_end_ns:
            return
        self._window_end_ns = now_ns + self._window_ns
        if now_ns >= self._ceiling_ends_ns:
            self._ceiling = float(self._highest)
        if self._calm and used >= self._rate / 2:
            self._good = self._rate
            grown = min(self._rate + _STEP * self._highest, self._ceiling, self._highest)
            self._rate = max(grown, self._rate)
        self._calm = True

    def _decrease(self, rate: float, now_ns: int) -> None:
        self._rate = max(rate, float(self._lowest))
        self._calm = False
        self._window_end_ns = now_ns + self._window_ns
