"""One place in a connection pool: the client that fills it, its optional hooks, its health and its counters.

Decides nothing: `policy.routing` does; opens and replaces nothing: `connection_pool` does.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from .policy.backoff import Backoff
from .policy.routing import LinkHealth

__all__ = ["PooledLink", "call_hook", "has_hook"]

C = TypeVar("C")


def has_hook(client: object, name: str) -> bool:
    """Whether the client has that method; clients without `connect`, `ping` or `close` need none."""
    return callable(getattr(client, name, None))


async def call_hook(client: object, name: str) -> None:
    """Calls a hook of the client, plain or async, if it has it."""
    hook: Callable[[], object] | None = getattr(client, name, None)
    if callable(hook):
        result = hook()
        if inspect.isawaitable(result):
            await result


class PooledLink(LinkHealth, Generic[C]):
    """A place in the pool; its client is replaced when the connection breaks, its history stays.

    Attributes:
        name: pool name and number, for people.
        client: what the user's functions are called with; None before the first connection.
        backoff: before the next attempt to connect; reset by the first request served, not by connecting.
        unproven: whether the present client has yet to serve a request.
        replacing: whether a new client is being connected.
        idle: whether it is in nobody's hands.
        checked_ns: when the last ping was sent.
        ping_ns: round trip of the last answered ping; 0 before.
        requests: calls, whatever came of them.
        failures: calls that failed.
    """

    __slots__ = (
        "backoff",
        "checked_ns",
        "client",
        "failures",
        "idle",
        "name",
        "ping_ns",
        "replacing",
        "requests",
        "unproven",
    )

    def __init__(self, name: str, backoff: Backoff) -> None:
        super().__init__()
        self.name = name
        self.backoff = backoff
        self.client: C | None = None
        self.unproven = True
        self.replacing = False
        self.idle = False
        self.checked_ns = 0
        self.ping_ns = 0
        self.requests = 0
        self.failures = 0

    def metrics(self, score: float, now_ns: int) -> dict[str, Any]:
        """Counters and state under the names of `ConnectionPool.get_pool_stats()["connections"]`."""
        return {
            "connection": self.name,
            "connected": self.client is not None,
            "health_score": score,
            "ejected": now_ns < self.ejected_until_ns,
            "replacing": self.replacing,
            "total_requests": self.requests,
            "failed_requests": self.failures,
            "consecutive_failures": self.consecutive_failures,
            "average_latency_ms": self.latency_ns / 1e6,
            "ping_ms": self.ping_ns / 1e6,
        }
