"""When to repeat a query or a cancel. Decides only, and not for orders: an order is sent at most once."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tradewire.transport.counts import check_count

__all__ = ["RetryBudget", "RetryPolicy", "RetryRun", "RetryStatistics"]

_SECOND = 1_000_000_000
#: The budget counts in thousandths of a retry.
_RETRY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, how fast, how long.

    Attributes:
        attempts: in all, the first included, at least 1.
        base_ns: upper end of the first delay; doubles with each retry.
        cap_ns: upper end of any delay that the peer did not ask for.
        deadline_ns: no attempt starts later than this after the first.
    """

    attempts: int = 3
    base_ns: int = _SECOND // 4
    cap_ns: int = 20 * _SECOND
    deadline_ns: int = 30 * _SECOND

    def __post_init__(self) -> None:
        for name in ("attempts", "base_ns", "cap_ns", "deadline_ns"):
            check_count(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class RetryStatistics:
    """A budget at one moment.

    Attributes:
        calls: made for the first time, ever.
        retries: granted, ever.
        refused: retries that it had nothing left for, ever.
        left: retries that can be had now.
    """

    calls: int
    retries: int
    refused: int
    left: int


class RetryBudget:
    """Retries, shared by all calls to one peer: at most `ratio` of the calls made, in the long run.

    So that the first failures of a quiet program can be repeated too, `reserve` retries are lent at the start; half of
    what the first calls earn pays them back. What is saved up is bounded by `most`.

    Args:
        ratio: retries earned by each call, 0.001..1.
        reserve: retries lent at the start.
        most: retries that can be saved up.
    """

    __slots__ = ("_balance", "_calls", "_debt", "_earned", "_most", "_refused", "_retries")

    def __init__(self, ratio: float = 0.1, reserve: int = 10, most: int = 100) -> None:
        if not 0.001 <= ratio <= 1:
            raise ValueError(f"ratio must be 0.001..1, was {ratio}")
        if not 0 <= reserve <= most:
            raise ValueError(f"reserve must be 0..most ({most}), was {reserve}")
        self._earned = int(ratio * _RETRY)
        self._most = most * _RETRY
        self._balance = self._debt = reserve * _RETRY
        self._calls = self._retries = self._refused = 0

    def earn(self) -> None:
        """A call was made for the first time."""
        self._calls += 1
        repaid = min(self._debt, self._earned // 2)
        self._debt -= repaid
        self._balance = min(self._balance + self._earned - repaid, self._most)

    def spend(self) -> bool:
        """Takes a retry; False: there is none left."""
        if self._balance < _RETRY:
            self._refused += 1
            return False
        self._balance -= _RETRY
        self._retries += 1
        return True

    def statistics(self) -> RetryStatistics:
        """Calls, retries and refusals."""
        return RetryStatistics(self._calls, self._retries, self._refused, self._balance // _RETRY)


class RetryRun:
    """The attempts of one call. Made when the first attempt starts.

    Args:
        policy: of the call.
        budget: of the peer.
        random: source of randomness.
        now_ns: monotonic.
    """

    __slots__ = ("_budget", "_deadline_ns", "_policy", "_random", "attempts")

    def __init__(self, policy: RetryPolicy, budget: RetryBudget, random: Random, now_ns: int) -> None:
        self._policy = policy
        self._budget = budget
        self._random = random
        self._deadline_ns = now_ns + policy.deadline_ns
        self.attempts = 1
        budget.earn()

    def next_delay_ns(self, now_ns: int, retry_after_ns: int | None = None) -> int | None:
        """After a failure: how long to wait before the next attempt; None: give up.

        Full jitter, uniform over 0..min(cap, base * 2^n) (Brooker, AWS Architecture Blog, 2015); exactly
        `retry_after_ns` where the peer said when to come back.
        """
        if self.attempts >= self._policy.attempts:
            return None
        if retry_after_ns is None:
            # No shift beyond the cap's own size: no number of attempts can overflow.
            shift = min(self.attempts - 1, self._policy.cap_ns.bit_length())
            delay_ns = int(self._random.uniform(0, min(self._policy.cap_ns, self._policy.base_ns << shift)))
        else:
            delay_ns = retry_after_ns
        if now_ns + delay_ns > self._deadline_ns or not self._budget.spend():
            return None
        self.attempts += 1
        return delay_ns
