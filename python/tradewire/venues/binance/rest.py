"""Binance REST for market data, within the address's weight limit (venue sheet sections 4, 7, 12, 16)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tradewire.core import wall_ns
from tradewire.errors import FeedConnectionError, QueryError, UnsupportedError
from tradewire.transport.rate_limit import Priority, RateLimitManager
from tradewire.venues.base import LastTrade, RestPayload

from .limits import ban_ends_ms

if TYPE_CHECKING:
    from tradewire.transport.http import HttpClient, HttpResponse
    from tradewire.venues.base import Channel

__all__ = ["BinanceRest"]

_MS = 1_000_000
#: Calls in words, for errors.
_WORDS = {"depth": "book snapshot", "trades": "trades", "aggTrades": "aggregate trades", "time": "server time"}
#: Trades in one answer.
_PAGE = 1000


class BinanceRest:
    """Market data by request; implements `venues.base.MarketDataRest`.

    Args:
        http: the session.
        base: address up to the calls (`https://fapi.binance.com/fapi/v1`).
        depth: levels a side of a snapshot.
        weights: of the calls `depth`, `trades`, `aggTrades` and `time`.
        limits: of the address; knows `venue` and its quota `weight`.
        venue: as `limits` calls it.
    """

    def __init__(
        self,
        http: HttpClient,
        base: str,
        *,
        depth: int,
        weights: Mapping[str, int],
        limits: RateLimitManager,
        venue: str,
    ) -> None:
        http.load()
        self._http = http
        self._base = base
        self._depth = depth
        self._weights = weights
        self.limits = limits
        self._venue = venue

    async def snapshot(self, symbol: str) -> RestPayload:
        """A depth snapshot, to be decoded as the symbol's `@depth` stream."""
        response = await self._get("depth", symbol, limit=self._depth)
        return RestPayload(response.body, response.recv_ns, f"{symbol.lower()}@depth")

    async def missed_trades(
        self, channel: Channel, symbol: str, first: LastTrade, last: LastTrade
    ) -> list[RestPayload]:
        """Aggregate trades by `fromId`; single trades as far as the newest thousand reach back."""
        if channel.name != "agg_trades":
            call = self._trades_call(channel)
            response = await self._get(call, symbol, limit=_PAGE)
            return [RestPayload(response.body, response.recv_ns, f"{symbol.lower()}@trade")]
        pages: list[RestPayload] = []
        for start in range(first.seq + 1, last.seq, _PAGE):
            limit = min(_PAGE, last.seq - start)
            response = await self._get("aggTrades", symbol, fromId=start, limit=limit)
            pages.append(RestPayload(response.body, response.recv_ns, f"{symbol.lower()}@aggTrade"))
        return pages

    async def last_trade(self, channel: Channel, symbol: str) -> LastTrade | None:
        """The newest aggregate or single trade."""
        response = await self._get(self._trades_call(channel), symbol, limit=1)
        rows = _json(response)
        if not isinstance(rows, list) or not rows:
            return None
        try:
            row = rows[-1]
            seq, event_ms = (row["a"], row["T"]) if "a" in row else (row["id"], row["time"])
            return LastTrade(int(seq), int(event_ms) * _MS)
        except (KeyError, TypeError, ValueError) as error:
            raise QueryError(f"the last trade of {symbol} cannot be read: {error!r}") from error

    async def server_time_ns(self) -> int:
        """The venue's clock, in whole milliseconds."""
        response = await self._get("time")
        try:
            return int(_json(response)["serverTime"]) * _MS
        except (KeyError, TypeError, ValueError) as error:
            raise QueryError(f"the server time cannot be read: {error!r}") from error

    def _trades_call(self, channel: Channel) -> str:
        if channel.name not in ("trades", "agg_trades"):
            raise UnsupportedError(f"channel must be trades or agg_trades, was {channel.name!r}")
        return "aggTrades" if channel.name == "agg_trades" else "trades"

    async def _get(self, call: str, symbol: str = "", **params: int) -> HttpResponse:
        """One request; waits for the weight limit, and for the end of a ban, before it asks."""
        await self.limits.acquire(f"{self._venue}/weight", self._weights[call], priority=Priority.DATA)
        query = {name: str(value) for name, value in params.items()}
        what = f"{_WORDS[call]} of {symbol}" if symbol else _WORDS[call]
        if symbol:
            query["symbol"] = symbol
        try:
            response = await self._http.get(f"{self._base}/{call}", query)
        except FeedConnectionError as error:
            raise QueryError(f"no {what}: {error}") from error
        self.limits.observe(self._venue, response.status, response.headers)
        if response.status != 200:
            ban_ms = ban_ends_ms(response.body)
            if ban_ms is not None:
                self.limits.close(self._venue, max(ban_ms / 1_000 - wall_ns() / 1e9, 0))
            text = response.body[:200].decode("utf-8", "replace")
            raise QueryError(f"no {what}: HTTP {response.status} {text}")
        return response


def _json(response: HttpResponse) -> Any:
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise QueryError(f"the answer is no JSON: {error}") from error
