"""Binance REST for market data: book snapshots within the weight limit (venue sheet sections 4, 7, 12, 16)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tradewire.core import TokenBucket, monotonic_ns, wall_ns
from tradewire.errors import FeedConnectionError, SnapshotError
from tradewire.venues.base import Snapshot

if TYPE_CHECKING:
    from tradewire.transport.http import HttpClient, HttpResponse

__all__ = ["DepthSnapshots"]

_SECOND = 1_000_000_000
_MINUTE = 60 * _SECOND
#: Share of the address's weight that snapshots may use; the rest is for everything else on the same address.
_SHARE = 0.8
#: A quarter of the share at once, so that burst + rate * minute stays within the share in any minute.
_BURST = 0.25


class DepthSnapshots:
    """Book snapshots; implements `venues.base.SnapshotSource`.

    Args:
        http: the session.
        url: of the depth call.
        depth: levels a side.
        weight: of one call.
        weight_per_minute: what the venue allows one address.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        http: HttpClient,
        url: str,
        *,
        depth: int,
        weight: int,
        weight_per_minute: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        http.load()
        self._http = http
        self._url = url
        self._depth = depth
        self._weight = weight
        budget = weight_per_minute * _SHARE
        self._bucket = TokenBucket(budget * (1 - _BURST) / 60, max(weight, int(budget * _BURST)))
        self._closed_until_ns = 0
        self._sleep = sleep

    async def fetch(self, symbol: str) -> Snapshot:
        """One snapshot; waits for the weight limit, and for the end of a ban, before it asks."""
        while (wait := max(self._closed_until_ns - monotonic_ns(), 0)) > 0:
            await self._sleep(wait / _SECOND)
        while (wait := self._bucket.try_acquire(self._weight)) > 0:
            await self._sleep(wait / _SECOND)
        try:
            response = await self._http.get(self._url, {"symbol": symbol, "limit": str(self._depth)})
        except FeedConnectionError as error:
            raise SnapshotError(f"no book snapshot of {symbol}: {error}") from error
        if response.status != 200:
            self._observe_refusal(response)
            text = response.body[:200].decode("utf-8", "replace")
            raise SnapshotError(f"no book snapshot of {symbol}: HTTP {response.status} {text}")
        return Snapshot(response.body, response.recv_ns, f"{symbol.lower()}@depth")

    def _observe_refusal(self, response: HttpResponse) -> None:
        """429 and 418 close the gate for every symbol: until `Retry-After`, else until the next UTC minute."""
        if response.status not in (418, 429):
            return
        told = response.headers.get("retry-after", "")
        wait_ns = int(told) * _SECOND if told.isdecimal() else _MINUTE - wall_ns() % _MINUTE
        self._closed_until_ns = max(self._closed_until_ns, monotonic_ns() + wait_ns)
