"""Binance market streams: channels, stream names, limits (venue sheet sections 2, 11, 16)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tradewire.core.plan import FieldPlan, SequenceRule
from tradewire.core.record import INTERVALS, Kind
from tradewire.errors import UnsupportedError
from tradewire.venues.base import Channel, MarketDataRest, Stream, StreamLimits

from .limits import SPOT_COSTS, SPOT_LIMITS, USDM_COSTS, USDM_LIMITS, Cost
from .plans import SPOT_BOOK_RULE, SPOT_MARKET_DATA, USDM_BOOK_RULE, USDM_MARKET_DATA
from .session import BinanceSession
from .urls import SPOT_URLS, USDM_URLS, Urls, route_of

if TYPE_CHECKING:
    from tradewire.transport.auth import Credential
    from tradewire.transport.http import HttpClient
    from tradewire.transport.rate_limit import VenueLimits
    from tradewire.venues.session import StreamSession

__all__ = ["SPOT", "USDM", "BinanceMarketData"]

_SECOND = 1_000_000_000
#: Connections are ended after 24 hours (venue sheet section 2.3).
_DAY_S = 86_400.0
_BARS = re.compile(r"bars_(\w+)")
#: Symbols may hold any letter (`币安人生USDT`); of the rest of ASCII only the underscore (`BTCUSDT_261225`).
_SYMBOL = re.compile(r"(?:[A-Z0-9_]|[^\s\x00-\x7f]){1,64}")

#: channel -> (kind, seconds of silence that are not normal, stream suffix). Thresholds: five to ten times the stream's
#: own interval (venue sheet section 11); trades of a liquid symbol seldom pause for a minute.
_USDM_CHANNELS: dict[str, tuple[Kind, int | None, str]] = {
    # `@trade` is not in Binance's USD-M pages but served on `/public`; `agg_trades` is the documented alternative.
    "trades": (Kind.TRADE, 60, "trade"),
    "agg_trades": (Kind.TRADE, 60, "aggTrade"),
    "quotes": (Kind.QUOTE, 10, "bookTicker"),
    "book": (Kind.BOOK_DELTA, 10, "depth@100ms"),
    "book5": (Kind.BOOK_SNAPSHOT, 10, "depth5@100ms"),
    "book10": (Kind.BOOK_SNAPSHOT, 10, "depth10@100ms"),
    "book20": (Kind.BOOK_SNAPSHOT, 10, "depth20@100ms"),
    "mark_price": (Kind.MARK_PRICE, 10, "markPrice@1s"),
    "ticker": (Kind.TICKER, 30, "ticker"),
    "mini_ticker": (Kind.TICKER, 30, "miniTicker"),
    "liquidations": (Kind.LIQUIDATION, None, "forceOrder"),
}
_SPOT_CHANNELS = {name: _USDM_CHANNELS[name] for name in _USDM_CHANNELS if name not in ("mark_price", "liquidations")}


@dataclass(frozen=True, slots=True)
class BinanceMarketData:
    """Market data of one of Binance's markets; implements `venues.base.MarketDataVenue`."""

    name: str
    plan: FieldPlan
    book_rule: SequenceRule
    urls: Urls
    limits: StreamLimits
    channels: Mapping[str, tuple[Kind, int | None, str]]
    snapshot_depth: int
    costs: Mapping[str, Cost]
    rate_limits: VenueLimits
    intervals: Sequence[str] = tuple(INTERVALS)
    default_channels: Sequence[str] = ("trades", "quotes", "book")
    needs_credential: bool = False
    evidence_channel: str | None = "agg_trades"
    holes: frozenset[str] = frozenset()
    sequences: Mapping[int, Literal["contiguous", "increasing"]] = field(
        default_factory=lambda: {Kind.TRADE: "contiguous", Kind.QUOTE: "increasing"}
    )

    def symbol(self, text: str) -> str:
        """`BTCUSDT` for `BTCUSDT`, `btcusdt` and `BTC/USDT`."""
        symbol = text.replace("/", "", 1).upper()
        if not _SYMBOL.fullmatch(symbol):
            raise ValueError(f"symbol must be like BTCUSDT or BTC/USDT, was {text!r}")
        return symbol

    def channel(self, name: str) -> Channel:
        """A channel by name; `bars` is `bars_1m`."""
        found = self.channels.get(name)
        if found is not None:
            kind, seconds, _ = found
            stale = None if seconds is None else seconds * _SECOND
            return Channel(
                name,
                kind,
                stale,
                diff=kind is Kind.BOOK_DELTA,
                periodic=kind is Kind.MARK_PRICE,
                holes=name in self.holes,
            )
        bars = _BARS.fullmatch("bars_1m" if name == "bars" else name)
        if bars and bars[1] in self.intervals:
            return Channel(f"bars_{bars[1]}", Kind.BAR, 30 * _SECOND, bars[1])
        known = ", ".join([*self.channels, "bars", *(f"bars_{interval}" for interval in self.intervals)])
        raise UnsupportedError(f"{self.name} has no channel {name!r}; it has {known}")

    def stream(self, channel: Channel, symbol: str) -> Stream:
        """The stream of a channel, and the route that serves it."""
        suffix = f"kline_{channel.interval}" if channel.interval else self.channels[channel.name][2]
        name = f"{symbol.lower()}@{suffix}"
        return Stream(name, route_of(name) if self.urls.routed else "")

    def stream_url(self, route: str, base: str | None = None) -> str:
        """Combined mode: every payload comes with its stream name, which tells partial from diff depth."""
        root = (base or self.urls.stream).rstrip("/")
        return f"{root}/{route}/stream" if route else f"{root}/stream"

    def session(self, credential: Credential | None = None, codec: str = "json") -> StreamSession:
        """A conversation without authentication; `credential` is not used."""
        if codec != "json":
            raise UnsupportedError(f"{self.name} streams are json, codec was {codec!r}")
        return BinanceSession()

    def notice_reader(self, codec: str = "json") -> None:
        """None: what it says besides market data concerns connections, and the session reads that."""

    def rest(self, http: HttpClient, base: str | None = None, credential: Credential | None = None) -> MarketDataRest:
        """REST market data within the address's weight limit; `credential` is not used."""
        from tradewire.transport.rate_limit import RateLimitManager

        from .rest import BinanceRest

        return BinanceRest(
            http,
            (base or self.urls.rest).rstrip("/") + self.urls.rest_path,
            depth=self.snapshot_depth,
            costs=self.costs,
            limits=RateLimitManager({self.name: self.rate_limits}),
            venue=self.name,
        )


#: 10 incoming messages a second, pongs included: 15 back to back passed, 40 did not (venue sheet section 2.3).
#: 1024 streams a connection, 200 names a message.
USDM = BinanceMarketData(
    name="binance",
    plan=USDM_MARKET_DATA,
    book_rule=USDM_BOOK_RULE,
    urls=USDM_URLS,
    limits=StreamLimits(names_per_message=200, streams=1024, messages_per_s=4.0, message_burst=4, max_age_s=_DAY_S),
    channels=_USDM_CHANNELS,
    # Bars of one second are Spot's alone.
    intervals=tuple(interval for interval in INTERVALS if interval != "1s"),
    # The plan leaves out fills of the insurance fund and of auto-deleveraging; their ids are from the same row.
    # Back-fill may go by `GET /fapi/v1/trades`: Binance documents (Recent Trades List) that its answers lack them, too.
    holes=frozenset({"trades"}),
    snapshot_depth=1000,
    costs=USDM_COSTS,
    rate_limits=USDM_LIMITS,
)

#: 5 incoming messages a second, pongs included (venue sheet section 16).
SPOT = BinanceMarketData(
    name="binance_spot",
    plan=SPOT_MARKET_DATA,
    book_rule=SPOT_BOOK_RULE,
    urls=SPOT_URLS,
    limits=StreamLimits(names_per_message=200, streams=1024, messages_per_s=2.0, message_burst=2, max_age_s=_DAY_S),
    channels=_SPOT_CHANNELS,
    snapshot_depth=5000,
    costs=SPOT_COSTS,
    rate_limits=SPOT_LIMITS,
)
