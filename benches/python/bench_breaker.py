"""A successful call through the circuit breaker: async by `execute` and decorator, sync by `call` and decorator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from measuring import measure_as

from tradewire import CircuitBreaker, circuit_breaker

CALLS = 1_000


async def work() -> int:
    return 1


def sync_work() -> int:
    return 1


def executed() -> Callable[[], Awaitable[int]]:
    breaker = CircuitBreaker("bench")
    return lambda: breaker.execute(work)


#: What is awaited, as the peers' are: without arguments.
ASYNC: dict[str, Callable[[], Callable[[], Awaitable[int]]]] = {
    "plain": lambda: work,
    "execute": executed,
    "decorator": lambda: circuit_breaker()(work),
}


@pytest.mark.parametrize("case", ASYNC)
def test_breaker_async(request: pytest.FixtureRequest, case: str) -> None:
    """Awaited in one coroutine, no task per call."""
    guarded = ASYNC[case]()
    loop = asyncio.new_event_loop()

    async def calls() -> int:
        done = 0
        for _ in range(CALLS):
            done += await guarded()
        return done

    try:
        assert loop.run_until_complete(calls()) == CALLS
        measure_as(request, "python")(lambda: loop.run_until_complete(calls()), CALLS)
    finally:
        loop.close()


SYNC: dict[str, Callable[[], tuple[Callable[..., int], tuple[Callable[[], int], ...]]]] = {
    "plain": lambda: (sync_work, ()),
    "call": lambda: (CircuitBreaker("bench").call, (sync_work,)),
    "decorator": lambda: (circuit_breaker()(sync_work), ()),
}


@pytest.mark.parametrize("case", SYNC)
def test_breaker_sync(request: pytest.FixtureRequest, case: str) -> None:
    guarded, arguments = SYNC[case]()
    assert guarded(*arguments) == 1

    def calls() -> None:
        for _ in range(CALLS):
            guarded(*arguments)

    measure_as(request, "python")(calls, CALLS)
