"""How long to wait before the next connection attempt. Decides only; waiting is the caller's."""

from __future__ import annotations

from random import Random

__all__ = ["Backoff"]

_SECOND = 1_000_000_000


class Backoff:
    """Jittered exponential backoff (gRPC connection backoff, with a short random first delay against storms).

    First delay: uniform over 0..`first_ns`. Then 1 s growing by 1.6 up to `cap_ns`, each +-20 %. `reset` belongs after
    the proof that the peer really serves (a first valid message), never after a mere connect: otherwise a peer that
    accepts and closes makes a busy loop.

    Args:
        random: source of randomness.
        first_ns: upper end of the first delay.
        base_ns: the second delay, before jitter.
        factor: growth per attempt.
        jitter: relative, 0..1.
        cap_ns: no delay is longer than this.
    """

    def __init__(
        self,
        random: Random,
        *,
        first_ns: int = _SECOND // 2,
        base_ns: int = _SECOND,
        factor: float = 1.6,
        jitter: float = 0.2,
        cap_ns: int = 120 * _SECOND,
    ) -> None:
        self._random = random
        self._first_ns = first_ns
        self._base_ns = base_ns
        self._factor = factor
        self._jitter = jitter
        self._cap_ns = cap_ns
        self._grown_ns = float(base_ns)
        self.attempts = 0

    def next_delay_ns(self) -> int:
        """The delay before the next attempt; each call is one attempt."""
        self.attempts += 1
        if self.attempts == 1:
            return int(self._random.uniform(0, min(self._first_ns, self._cap_ns)))
        delay = self._grown_ns * self._random.uniform(1 - self._jitter, 1 + self._jitter)
        # Growth stops at the cap, so that no number of attempts can overflow.
        self._grown_ns = min(self._grown_ns * self._factor, float(self._cap_ns))
        return min(int(delay), self._cap_ns)

    def exhaust(self) -> None:
        """From now on the longest delay, until `reset`: only a person can help."""
        self.attempts = max(self.attempts, 1)
        self._grown_ns = float(self._cap_ns)

    def reset(self) -> None:
        """Starts over: the peer has proven that it serves."""
        self.attempts = 0
        self._grown_ns = float(self._base_ns)
