"""Hooks are optional, plain or async."""

from __future__ import annotations

from random import Random

import pytest

from tradewire.transport.policy.backoff import Backoff
from tradewire.transport.pooled_link import PooledLink, call_hook, has_hook


class Plain:
    connect = None

    def __init__(self) -> None:
        self.called: list[str] = []

    def close(self) -> None:
        self.called.append("close")

    async def ping(self) -> None:
        self.called.append("ping")


async def test_hooks_are_called_where_there_are_any() -> None:
    client = Plain()
    for name in ("connect", "ping", "close", "nothing"):
        await call_hook(client, name)
    assert client.called == ["ping", "close"]
    assert [has_hook(client, name) for name in ("connect", "ping", "close", "nothing")] == [False, True, True, False]


async def test_a_hooks_error_comes_out() -> None:
    class Broken:
        def ping(self) -> None:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await call_hook(Broken(), "ping")


def test_metrics_are_in_ms() -> None:
    link = PooledLink[Plain]("venue-1", Backoff(Random(1)))
    link.latency_ns, link.ping_ns, link.requests, link.failures = 2_500_000.0, 1_000_000, 7, 2
    metrics = link.metrics(0.5, now_ns=0)
    assert metrics == {
        "connection": "venue-1",
        "connected": False,
        "health_score": 0.5,
        "ejected": False,
        "replacing": False,
        "total_requests": 7,
        "failed_requests": 2,
        "consecutive_failures": 0,
        "average_latency_ms": 2.5,
        "ping_ms": 1.0,
    }
