"""Repeating requests in virtual time: what is repeated, when, and what never is."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

import virtual_time
from tradewire.errors import CircuitOpenError, FeedConnectionError, RateLimitError, RejectedError
from tradewire.transport.policy.retry import RetryPolicy
from tradewire.transport.retrying import Idempotent, Retrying


class Peer:
    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.at: list[float] = []

    async def send(self) -> Any:
        self.at.append(asyncio.get_running_loop().time() - 1_000.0)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def retrying(**policy: int) -> Retrying:
    return Retrying(RetryPolicy(**policy), random=Random(1), clock=virtual_time.now_ns)


@virtual_time.in_virtual_time
async def test_a_query_that_fails_in_passing_is_repeated() -> None:
    peer = Peer(FeedConnectionError("gone"), FeedConnectionError("gone"), "answer")
    assert await retrying().run(Idempotent("GET", peer.send)) == "answer"
    assert len(peer.at) == 3
    assert 0 < peer.at[1] <= 0.25
    assert peer.at[2] - peer.at[1] <= 0.5


@virtual_time.in_virtual_time
async def test_statistics_are_those_of_the_budget() -> None:
    runs = retrying()
    await runs.run(Idempotent("GET", Peer(FeedConnectionError("gone"), "answer").send))
    assert (runs.statistics().calls, runs.statistics().retries) == (1, 1)


@virtual_time.in_virtual_time
async def test_the_last_error_comes_through() -> None:
    errors = [FeedConnectionError(str(number)) for number in range(5)]
    peer = Peer(*errors)
    with pytest.raises(FeedConnectionError, match="2"):
        await retrying(attempts=3).run(Idempotent("DELETE", peer.send))
    assert len(peer.at) == 3


@pytest.mark.parametrize("error", [RateLimitError("full", 4.0), CircuitOpenError(4.0)])
@virtual_time.in_virtual_time
async def test_retry_after_is_obeyed(error: Exception) -> None:
    peer = Peer(error, "answer")
    await retrying().run(Idempotent("GET", peer.send))
    assert peer.at[1] == pytest.approx(4.0)


@virtual_time.in_virtual_time
async def test_a_retry_after_beyond_the_deadline_ends_it_at_once() -> None:
    peer = Peer(RateLimitError("banned", 120.0), "answer")
    with pytest.raises(RateLimitError):
        await retrying().run(Idempotent("GET", peer.send))
    assert asyncio.get_running_loop().time() == 1_000.0


@pytest.mark.parametrize("error", [RejectedError("wrong"), ValueError("bug"), OSError("not ours")])
@virtual_time.in_virtual_time
async def test_nothing_else_is_repeated(error: Exception) -> None:
    peer = Peer(error, "answer")
    with pytest.raises(type(error)):
        await retrying().run(Idempotent("GET", peer.send))
    assert len(peer.at) == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "get", ""])
def test_only_queries_and_cancels_can_be_said(method: Any) -> None:
    with pytest.raises(ValueError, match=f"method must be GET or DELETE, was '{method}'"):
        Idempotent(method, Peer().send)
