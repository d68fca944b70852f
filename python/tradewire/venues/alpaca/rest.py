"""Alpaca REST for market data, within the account's request limit (venue sheet section 3.9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tradewire.core import Decoder, wall_ns
from tradewire.errors import DecodeError, FeedConnectionError, QueryError, UnsupportedError
from tradewire.transport.rate_limit import Priority, RateLimitManager
from tradewire.venues.base import LastTrade, RestPayload

from .auth import checked, rest_headers
from .limits import retry_after_s
from .session import stream_name

if TYPE_CHECKING:
    from tradewire.core.plan import FieldPlan
    from tradewire.transport.auth import Credential
    from tradewire.transport.http import HttpClient, HttpResponse
    from tradewire.venues.base import Channel

    from .urls import Urls

__all__ = ["AlpacaRest"]

#: Trades in one answer, the most there are.
_PAGE = 10_000

T = TypeVar("T")


class _Page(msgspec.Struct):
    trades: dict[str, list[msgspec.Raw]] | None
    next_page_token: str | None = None


class _Latest(msgspec.Struct):
    trades: dict[str, msgspec.Raw] | None


class _Identity(msgspec.Struct):
    i: int
    t: str


class AlpacaRest:
    """Market data by request; implements `venues.base.MarketDataRest`.

    Args:
        http: the session.
        urls: of the feed.
        base: address up to the paths (`https://data.alpaca.markets`).
        credential: a key with its secret, or a token.
        plan: of the feed.
        limits: of the account; knows the plan's venue.
    """

    def __init__(
        self,
        http: HttpClient,
        urls: Urls,
        base: str,
        credential: Credential | None,
        *,
        plan: FieldPlan,
        limits: RateLimitManager,
    ) -> None:
        http.load()
        self._http = http
        self._urls = urls
        self.base = base
        self._credential = checked(credential)
        self._plan = plan
        self.limits = limits

    async def snapshot(self, symbol: str) -> RestPayload:
        """None: without numbers nothing could join it to the stream, which begins with a snapshot of its own."""
        raise UnsupportedError(f"{self._plan.venue} gives book snapshots in its streams, not by request")

    async def missed_trades(
        self, channel: Channel, symbol: str, first: LastTrade, last: LastTrade
    ) -> list[RestPayload]:
        """Trades between two times, page by page; the two themselves are left out."""
        self._check(channel)
        start, end = _text(first.event_ns), _text(last.event_ns)
        known = {(first.seq, start), (last.seq, end)}
        query = {"symbols": symbol, "start": start, "end": end, "limit": str(_PAGE), "sort": "asc"}
        stream = stream_name(symbol, "trades")
        payloads: list[RestPayload] = []
        while True:
            response = await self._get("trades", self._urls.trades, symbol, query)
            page = _read(response, _Page)
            rows = [bytes(row) for row in (page.trades or {}).get(symbol, ())]
            missed = [row for row in rows if _identity(row) not in known]
            if missed:
                payloads.append(RestPayload(b"[" + b",".join(missed) + b"]", response.recv_ns, stream))
            # An answer that names itself as the next one would never end.
            if not page.next_page_token or page.next_page_token == query.get("page_token"):
                return payloads
            query["page_token"] = page.next_page_token

    async def last_trade(self, channel: Channel, symbol: str) -> LastTrade | None:
        """The newest trade."""
        self._check(channel)
        response = await self._get("last trade", self._urls.latest_trades, symbol, {"symbols": symbol})
        row = (_read(response, _Latest).trades or {}).get(symbol)
        if row is None or bytes(row) == b"null":
            return None
        try:
            (trade,) = Decoder(self._plan).decode(bytes(row), response.recv_ns, stream_name(symbol, "trades"))
            return LastTrade(trade["trade_id"], trade.event_ns)
        except (DecodeError, KeyError) as error:
            raise QueryError(f"the last trade of {symbol} cannot be read: {error}") from error

    async def server_time_ns(self) -> int:
        """None: the clock belongs to the trading API."""
        raise UnsupportedError(f"{self._plan.venue} does not tell its time by market data calls")

    def _check(self, channel: Channel) -> None:
        if not self._urls.trades:
            raise UnsupportedError(f"{self._plan.venue} has no trades by request")
        if channel.name != "trades":
            raise UnsupportedError(f"channel must be trades, was {channel.name!r}")

    async def _get(self, what: str, path: str, symbol: str, query: dict[str, str]) -> HttpResponse:
        """One request; waits for the request limit, and for the end of a refusal, before it asks."""
        venue = self._plan.venue
        await self.limits.acquire(f"{venue}/requests", priority=Priority.DATA)
        if self._urls.feed:
            query = {**query, "feed": self._urls.feed}
        try:
            response = await self._http.request(
                "GET", f"{self.base}{path}", query, headers=rest_headers(self._credential)
            )
        except FeedConnectionError as error:
            raise QueryError(f"no {what} of {symbol}: {error}") from error
        headers = response.headers
        wait_s = retry_after_s(headers, wall_ns()) if response.status == 429 else None
        if wait_s is not None and "retry-after" not in headers:
            headers = {**headers, "retry-after": str(wait_s)}
        self.limits.observe(venue, response.status, headers)
        if response.status != 200:
            text = response.body[:200].decode("utf-8", "replace")
            raise QueryError(f"no {what} of {symbol}: HTTP {response.status} {text}", status=response.status)
        return response


def _read(response: HttpResponse, form: type[T]) -> T:
    try:
        return msgspec.json.decode(response.body, type=form)
    except msgspec.MsgspecError as error:
        raise QueryError(f"the answer cannot be read: {error}") from error


def _identity(row: bytes) -> tuple[int, str]:
    try:
        found = msgspec.json.decode(row, type=_Identity)
    except msgspec.MsgspecError as error:
        raise QueryError(f"a trade in the answer cannot be read: {error}") from error
    return found.i, found.t


def _text(time_ns: int) -> str:
    """RFC 3339 in UTC as Alpaca writes it: trailing zeros of the fraction left out."""
    seconds, fraction = divmod(time_ns, 1_000_000_000)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction:09d}".rstrip("0").rstrip(".") + "Z"
