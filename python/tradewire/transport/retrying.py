"""Repeats queries and cancels that failed in passing. Orders cannot be given to it: see `Idempotent`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Generic, Literal, TypeVar

from tradewire.core import monotonic_ns
from tradewire.errors import TransientError

from .policy.retry import RetryBudget, RetryPolicy, RetryRun, RetryStatistics
from .policy.stay_away import longest_told_s

__all__ = ["Idempotent", "Retrying"]

_SECOND = 1_000_000_000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Idempotent(Generic[_T]):
    """A request that may be sent twice: a query (GET) or a cancel (DELETE). There is no way to say POST.

    Attributes:
        method: what it is to the peer.
        send: sends it once.
    """

    method: Literal["GET", "DELETE"]
    send: Callable[[], Awaitable[_T]]

    def __post_init__(self) -> None:
        if self.method not in ("GET", "DELETE"):
            raise ValueError(f"method must be GET or DELETE, was {self.method!r}: nothing else may be sent twice")


class Retrying:
    """Runs idempotent requests to one peer, repeating those that fail with a `TransientError`.

    Not thread-safe: one event loop.

    Args:
        policy: of each request.
        budget: shared by the requests; None makes one.
        random: source of randomness.
        clock: monotonic ns.
    """

    def __init__(
        self,
        policy: RetryPolicy | None = None,
        budget: RetryBudget | None = None,
        *,
        random: Random | None = None,
        clock: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._budget = budget or RetryBudget()
        self._random = random or Random()
        self._clock = clock

    async def run(self, request: Idempotent[_T]) -> _T:
        """The result of the first attempt that works, else the error of the last one.

        An error's `retry_after_s` is obeyed exactly; one that would pass the deadline ends the attempts at once.
        """
        attempts = RetryRun(self._policy, self._budget, self._random, self._clock())
        while True:
            try:
                return await request.send()
            except TransientError as error:
                told_s = longest_told_s(getattr(error, "retry_after_s", None))
                told_ns = int(told_s * _SECOND) if told_s else None
                delay_ns = attempts.next_delay_ns(self._clock(), told_ns)
                if delay_ns is None:
                    raise
            await asyncio.sleep(delay_ns / _SECOND)

    def statistics(self) -> RetryStatistics:
        """What its budget has granted and refused."""
        return self._budget.statistics()
