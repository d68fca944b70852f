"""What a gateway asks of Binance by request: snapshots, missed trades, evidence, the time. For users: `client.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tradewire.errors import QueryError, UnsupportedError, VenueRejectedError
from tradewire.venues.base import LastTrade, RestPayload

from .calls import BinanceCalls

if TYPE_CHECKING:
    from tradewire.transport.http import HttpClient, HttpResponse
    from tradewire.transport.rate_limit import RateLimitManager
    from tradewire.venues.base import Channel

    from .limits import Cost

__all__ = ["BinanceRest"]

_MS = 1_000_000
#: Calls in words, for errors.
_WORDS = {"depth": "book snapshot", "trades": "trades", "aggTrades": "aggregate trades", "time": "server time"}
#: Trades in one answer.
_PAGE = 1000
#: Invalid symbol, invalid symbol status.
_NO_SUCH_SYMBOL = frozenset({-1121, -1122})


class BinanceRest:
    """Market data by request; implements `venues.base.MarketDataRest`.

    Args:
        http: the session.
        base: address up to the calls (`https://fapi.binance.com/fapi/v1`).
        depth: levels a side of a snapshot.
        costs: of the calls `depth`, `trades`, `aggTrades` and `time`.
        limits: of the address; knows `venue` and its quota `weight`.
        venue: as `limits` calls it.
    """

    def __init__(
        self,
        http: HttpClient,
        base: str,
        *,
        depth: int,
        costs: Mapping[str, Cost],
        limits: RateLimitManager,
        venue: str,
    ) -> None:
        self._calls = BinanceCalls(http, base, costs, limits=limits, venue=venue)
        self.limits = limits
        self.base = base
        self._depth = depth

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
        call = self._trades_call(channel)
        try:
            response = await self._ask(call, symbol, limit=1)
        except VenueRejectedError as error:
            if error.code in _NO_SUCH_SYMBOL:
                raise
            raise QueryError(f"no {_what(call, symbol)}: {error}") from error
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
        try:
            return await self._ask(call, symbol, **params)
        except VenueRejectedError as error:
            # A feed asks again, later: symbols are listed while it runs.
            raise QueryError(f"no {_what(call, symbol)}: {error}") from error

    async def _ask(self, call: str, symbol: str, **params: int) -> HttpResponse:
        query: dict[str, str | int] = {**params, "symbol": symbol} if symbol else {**params}
        return await self._calls.get(call, query, _what(call, symbol))


def _what(call: str, symbol: str) -> str:
    return f"{_WORDS[call]} of {symbol}" if symbol else _WORDS[call]


def _json(response: HttpResponse) -> Any:
    try:
        return json.loads(response.body)
    except ValueError as error:
        raise QueryError(f"the answer is no JSON: {error}") from error
