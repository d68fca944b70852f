"""`BinanceMarketDataClient`: Binance USD-M and Spot by request, for users. Live: `StreamingGateway`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self, TypeVar

import msgspec

from tradewire.core import Bar, BookSnapshot, Decoder, MarkPrice, Quote, SymbolTable, Ticker, Trade
from tradewire.errors import DecodeError, QueryError, UnsupportedError
from tradewire.transport.address import check_address
from tradewire.transport.http import HttpClient
from tradewire.transport.rate_limit import RateLimitManager

from . import answers
from .calls import BinanceCalls
from .stream import SPOT, USDM

if TYPE_CHECKING:
    from tradewire.model import FundingRate, Instrument, OpenInterest
    from tradewire.transport.http import HttpResponse

__all__ = ["BinanceMarketDataClient"]

_MS = 1_000_000
_HOUR_MS = 3_600_000
#: Rows of one page: 200 bars for one unit of weight on USD-M, and the most trades there are.
_PAGE = 1000

E = TypeVar("E")


class _Time(msgspec.Struct, rename="camel"):
    server_time: int


class BinanceMarketDataClient:
    """Market data by request, over one keep-alive session and within the address's weight limit.

    ```python
    async with BinanceMarketDataClient("binance") as client:
        for bar in await client.bars("BTC/USDT", "1h", limit=24):
            print(bar.start_ns, bar.close)
    ```

    Symbols are accepted as `BTCUSDT`, `btcusdt` and `BTC/USDT`; times are integers, ns since 1970 UTC, taken down to
    the millisecond. Every call waits until the limits let it pass and asks once. Trades and bars are flagged BACKFILL.

    All calls raise `VenueRejectedError` (the request is wrong; with Binance's code and words) and `QueryError` (no
    usable answer; `retry_after_s` where the venue wants to be left alone); those that USD-M alone has raise
    `UnsupportedError` on Spot. Not thread-safe: one event loop.

    Args:
        venue: `binance` (USD-M futures) or `binance_spot`.
        rest_url: replaces the production address (testnet, simulator).
        limits: shared with others that use the same network address; must know `venue`.

    Raises:
        ValueError: an address that is not one, or an unencrypted one beyond loopback.
        UnsupportedError: another venue.
    """

    def __init__(
        self,
        venue: Literal["binance", "binance_spot"] = "binance",
        *,
        rest_url: str | None = None,
        limits: RateLimitManager | None = None,
    ) -> None:
        known = {market.name: market for market in (USDM, SPOT)}
        if venue not in known:
            raise UnsupportedError(f"venue must be one of {', '.join(known)}, was {venue!r}")
        check_address("rest_url", rest_url, ("http", "https"))
        self._market = market = known[venue]
        root = (rest_url or market.urls.rest).rstrip("/")
        self._price_url = root + market.urls.price_path
        self.limits = limits if limits is not None else RateLimitManager({venue: market.rate_limits})
        self._http = HttpClient()
        self._calls = BinanceCalls(
            self._http,
            root + market.urls.rest_path,
            market.costs,
            limits=self.limits,
            venue=venue,
        )
        self._decoder = Decoder(answers.answer_plan(market.plan), symbols=SymbolTable(), learn=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the session."""
        await self._http.close()

    @property
    def venue(self) -> str:
        """`binance` or `binance_spot`."""
        return self._market.name

    # the venue

    async def server_time_ns(self) -> int:
        """The venue's clock, in whole milliseconds."""
        response = await self._calls.get("time", {}, "server time")
        return answers.read(response.body, _Time, "the server time").server_time * _MS

    async def instruments(self) -> list[Instrument]:
        """Everything that is listed, with its steps and least sizes."""
        response = await self._calls.get("exchangeInfo", {}, "instruments")
        return answers.instruments(response.body, self.venue)

    # books and prices

    async def book(self, symbol: str, limit: int = 100) -> BookSnapshot:
        """The order book, `limit` levels a side: on USD-M 5, 10, 20, 50, 100, 500 or 1000, on Spot up to 5000."""
        name = self._market.symbol(symbol)
        response = await self._calls.get("depth", {"symbol": name, "limit": limit}, f"book of {name}")
        return self._one(response, BookSnapshot, f"{name.lower()}@depth")

    async def quote(self, symbol: str) -> Quote:
        """Best bid and ask."""
        return self._one(await self._about("ticker/bookTicker", "quote", symbol), Quote)

    async def quotes(self) -> list[Quote]:
        """Best bid and ask of every symbol."""
        return self._several(await self._about("ticker/bookTicker", "quotes"), Quote)

    async def ticker(self, symbol: str) -> Ticker:
        """Statistics of the last 24 hours."""
        return self._one(await self._about("ticker/24hr", "ticker", symbol), Ticker)

    async def tickers(self) -> list[Ticker]:
        """Statistics of the last 24 hours of every symbol; the dearest call there is."""
        return self._several(await self._about("ticker/24hr", "tickers"), Ticker)

    async def last_price(self, symbol: str) -> float:
        """The price of the last trade."""
        name = self._market.symbol(symbol)
        response = await self._calls.get("ticker/price", {"symbol": name}, f"price of {name}", url=self._price_url)
        found = answers.prices(response.body)
        if name not in found:
            raise QueryError(f"the answer with the price of {name} is about {', '.join(found) or 'nothing'}")
        return found[name]

    async def last_prices(self) -> dict[str, float]:
        """The price of the last trade of every symbol."""
        response = await self._calls.get("ticker/price", {}, "prices", url=self._price_url)
        return answers.prices(response.body)

    # trades

    async def trades(self, symbol: str, limit: int = 500) -> list[Trade]:
        """The newest trades, at most 1000, oldest first."""
        name = self._market.symbol(symbol)
        response = await self._calls.get("trades", {"symbol": name, "limit": limit}, f"trades of {name}")
        return self._several(response, Trade, f"{name.lower()}@trade")

    async def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int = 500,
    ) -> list[Trade]:
        """Aggregate trades, at most 1000, oldest first; the newest ones where nothing else is asked for.

        Args:
            symbol: which.
            from_id: the first one; not together with times.
            start_ns: from then on.
            end_ns: until then, included; less than an hour after `start_ns`. USD-M has the last 48 hours.
            limit: at most so many.
        """
        params = {"fromId": from_id, "startTime": _ms(start_ns), "endTime": _ms(end_ns)}
        return await self._agg_trades(self._market.symbol(symbol), limit, params)

    async def agg_trades_between(self, symbol: str, start_ns: int, end_ns: int) -> AsyncIterator[Trade]:
        """Every aggregate trade from `start_ns` to `end_ns`, both included, in pages of 1000.

        Where an hour has no trade the next one is asked for; from the first trade on, pages follow by number.

        Raises:
            ValueError: the start is behind the end.
        """
        name, start_ms, end_ms = self._market.symbol(symbol), *_span(start_ns, end_ns)
        page: list[Trade] = []
        while not page and start_ms <= end_ms:
            until_ms = min(start_ms + _HOUR_MS - 1, end_ms)
            page = await self._agg_trades(name, _PAGE, {"startTime": start_ms, "endTime": until_ms})
            start_ms = until_ms + 1
        while page:
            for trade in page:
                if trade.event_ns > end_ns:
                    return
                yield trade
            page = await self._agg_trades(name, _PAGE, {"fromId": page[-1].seq + 1})

    # bars

    async def bars(
        self,
        symbol: str,
        interval: str = "1m",
        *,
        start_ns: int | None = None,
        end_ns: int | None = None,
        limit: int = 500,
    ) -> list[Bar]:
        """Bars that begin from `start_ns` to `end_ns`, oldest first; the newest ones without a start.

        The last one may be open: `closed` goes by this machine's clock, because the venue does not say.

        Args:
            symbol: which.
            interval: `1m`, `5m`, `1h`, ...; `1s` on Spot alone.
            start_ns: of the first bar.
            end_ns: of the last bar, included.
            limit: at most so many; up to 1500, on Spot 1000.
        """
        return await self._bars(self._market.symbol(symbol), interval, _ms(start_ns), _ms(end_ns), limit)

    async def bars_between(self, symbol: str, interval: str, start_ns: int, end_ns: int) -> AsyncIterator[Bar]:
        """Every bar that begins from `start_ns` to `end_ns`, both included, in pages of 1000.

        Raises:
            ValueError: the start is behind the end.
        """
        name, start_ms, end_ms = self._market.symbol(symbol), *_span(start_ns, end_ns)
        while start_ms <= end_ms:
            page = await self._bars(name, interval, start_ms, end_ms, _PAGE)
            for bar in page:
                yield bar
            if len(page) < _PAGE:
                return
            start_ms = page[-1].start_ns // _MS + 1

    # perpetual futures

    async def mark_price(self, symbol: str) -> MarkPrice:
        """Mark and index price, and the next funding."""
        self._check_futures("mark prices")
        return self._one(await self._about("premiumIndex", "mark price", symbol), MarkPrice)

    async def mark_prices(self) -> list[MarkPrice]:
        """Mark and index price of every symbol."""
        self._check_futures("mark prices")
        return self._several(await self._about("premiumIndex", "mark prices"), MarkPrice)

    async def funding_rates(
        self, symbol: str, *, start_ns: int | None = None, end_ns: int | None = None, limit: int = 100
    ) -> list[FundingRate]:
        """Funding payments, at most 1000, oldest first; the newest ones without a start."""
        self._check_futures("funding rates")
        name = self._market.symbol(symbol)
        params = {"symbol": name, "startTime": _ms(start_ns), "endTime": _ms(end_ns), "limit": limit}
        response = await self._calls.get("fundingRate", _given(params), f"funding rates of {name}")
        return answers.funding_rates(response.body, self.venue)

    async def open_interest(self, symbol: str) -> OpenInterest:
        """Open positions."""
        self._check_futures("open interest")
        response = await self._about("openInterest", "open interest", symbol)
        return answers.open_interest(response.body, self.venue)

    # inside

    def _check_futures(self, what: str) -> None:
        if self._market is not USDM:
            raise UnsupportedError(f"{self.venue} has no {what}; {USDM.name} has")

    async def _about(self, call: str, what: str, symbol: str | None = None) -> HttpResponse:
        if symbol is None:
            return await self._calls.get(call, {}, what)
        name = self._market.symbol(symbol)
        return await self._calls.get(call, {"symbol": name}, f"{what} of {name}")

    async def _agg_trades(self, name: str, limit: int, params: dict[str, int | None]) -> list[Trade]:
        asked = _given({"symbol": name, **params, "limit": limit})
        response = await self._calls.get("aggTrades", asked, f"aggregate trades of {name}")
        return self._several(response, Trade, f"{name.lower()}@aggTrade")

    async def _bars(self, name: str, interval: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Bar]:
        if interval not in self._market.intervals:
            known = ", ".join(self._market.intervals)
            raise UnsupportedError(f"interval of {self.venue} must be one of {known}, was {interval!r}")
        params = {"symbol": name, "interval": interval, "startTime": start_ms, "endTime": end_ms, "limit": limit}
        response = await self._calls.get("klines", _given(params), f"bars of {name}")
        body = answers.named_bars(response.body, interval, response.recv_ns // _MS)
        return self._events(body, response.recv_ns, Bar, f"{name.lower()}@kline")

    def _one(self, response: HttpResponse, wanted: type[E], stream: str | None = None) -> E:
        found = self._several(response, wanted, stream)
        if len(found) != 1:
            raise QueryError(f"the answer must hold one {wanted.__name__}, had {len(found)}")
        return found[0]

    def _several(self, response: HttpResponse, wanted: type[E], stream: str | None = None) -> list[E]:
        return self._events(answers.without_blanks(response.body), response.recv_ns, wanted, stream)

    def _events(self, body: bytes, recv_ns: int, wanted: type[E], stream: str | None) -> list[E]:
        try:
            found = self._decoder.decode(body, recv_ns, stream)
        except DecodeError as error:
            raise QueryError(f"the answer cannot be read: {error}") from error
        events: list[E] = [event for event in found if isinstance(event, wanted)]
        if len(events) != len(found):
            raise QueryError(f"the answer holds something else than {wanted.__name__} events")
        return events


def _ms(time_ns: int | None) -> int | None:
    return None if time_ns is None else time_ns // _MS


def _span(start_ns: int, end_ns: int) -> tuple[int, int]:
    if start_ns > end_ns:
        raise ValueError(f"start_ns must not be behind end_ns ({end_ns}), was {start_ns}")
    return -(-start_ns // _MS), end_ns // _MS


def _given(params: dict[str, str | int | None] | dict[str, int | None]) -> dict[str, str | int]:
    return {name: value for name, value in params.items() if value is not None}
