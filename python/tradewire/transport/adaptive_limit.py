"""A rate limiter for a peer whose limit is not known: it learns from refusals and latencies. It sends nothing."""

from __future__ import annotations

from collections.abc import Callable

from tradewire.core import monotonic_ns

from .counts import check_count
from .policy.adaptive import AdaptiveRate
from .policy.quota import Priority, Quota
from .policy.stay_away import UNTOLD_S, longest_told_s
from .rate_limit import RateLimitStatistics, WaitingRoom

__all__ = ["AdaptiveRateLimiter"]

_SECOND = 1_000_000_000
_MINUTE_S = 60.0
_WEIGHT = "requests"


class AdaptiveRateLimiter:
    """At most `default_rate` requests in any minute, fewer while the peer refuses or answers slowly.

    `await limiter.acquire()` before each request, `limiter.observe(status, latency_s=...)` after it. A 429 halves the
    rate (or falls back to just below the last rate that held for a minute), a minute without trouble adds a twentieth
    of `default_rate`. 429 and 418 also stop everything for `retry_after_s`, a 418 that
    says nothing for two minutes.

    Not thread-safe: one event loop.

    Args:
        default_rate: requests per minute, at least 1: the highest rate, and the first.
        burst_allowance: how many may go at once; the rest is spread evenly. Not over `default_rate`.
        lowest_rate: requests per minute; None is a twentieth of `default_rate`.
        name: for error texts.
        clock: monotonic ns.

    Raises:
        TypeError, ValueError: a rate that is none; names the field and the range.
    """

    def __init__(
        self,
        default_rate: int = 100,
        burst_allowance: int = 1,
        *,
        lowest_rate: int | None = None,
        name: str = "adaptive",
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        check_count("default_rate", default_rate)
        lowest = max(default_rate // 20, 1) if lowest_rate is None else lowest_rate
        for field, rate in {"burst_allowance": burst_allowance, "lowest_rate": lowest}.items():
            check_count(field, rate, ("default_rate", default_rate))
        quota = Quota(name=_WEIGHT, limit=default_rate, per_s=_MINUTE_S, burst=burst_allowance, reserve=0.0, margin=0.0)
        self._room = WaitingRoom(name, (quota,), clock=clock)
        self._rate = AdaptiveRate(default_rate, lowest, int(_MINUTE_S * _SECOND))
        self._clock = clock
        self._refusals = self._bans = 0

    @property
    def current_rate(self) -> int:
        """Requests per minute, now."""
        return self._rate.rate

    async def acquire(
        self, weight: int = 1, *, priority: Priority = Priority.SUBMIT, timeout_s: float | None = None
    ) -> None:
        """Returns when a request of this weight may go.

        Raises:
            RateLimitError: not within `timeout_s`, or too many are waiting.
        """
        self._advance()
        await self._room.acquire(((_WEIGHT, weight),), priority, timeout_s)

    def try_acquire(self, weight: int = 1, *, priority: Priority = Priority.SUBMIT) -> float:
        """0: granted. Otherwise nothing was taken, and asking again is worth it after that many seconds."""
        self._advance()
        return self._room.try_acquire(((_WEIGHT, weight),), priority)

    def observe(self, status: int, *, latency_s: float | None = None, retry_after_s: float | None = None) -> None:
        """Learns from an answer: its HTTP status, how long it took, and what it told about when to come back."""
        now_ns = self._clock()
        self._advance()
        before = self._rate.rate
        if status in (418, 429):
            self._refusals += status == 429
            self._bans += status == 418
            self._rate.refused(now_ns)
            told_s = longest_told_s(retry_after_s)
            if told_s is None and status == 418:
                told_s = UNTOLD_S[418]
            if told_s is not None:
                self._room.close_for(int(told_s * _SECOND))
        elif latency_s is not None:
            self._rate.answered(int(latency_s * _SECOND), now_ns)
        self._apply(before, now_ns)

    def statistics(self) -> RateLimitStatistics:
        """Use, waiting and refusals."""
        return self._room.statistics(self._refusals, self._bans)

    def _advance(self) -> None:
        now_ns = self._clock()
        before = self._rate.rate
        self._rate.advance(now_ns, self._room.limiter.used(_WEIGHT, now_ns))
        self._apply(before, now_ns)

    def _apply(self, before: int, now_ns: int) -> None:
        if self._rate.rate != before:
            self._room.limiter.set_limit(_WEIGHT, self._rate.rate, now_ns)
