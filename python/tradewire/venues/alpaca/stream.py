"""Alpaca market data streams: feeds, channels, symbols, limits (venue sheet sections 1, 3)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tradewire.core.plan import FieldPlan, SequenceRule
from tradewire.core.record import Kind
from tradewire.errors import UnsupportedError
from tradewire.model.notices import Imbalance, PriceBand, TradeCancel, TradeCorrection, TradingStatus
from tradewire.venues.base import Channel, MarketDataRest, Stream, StreamLimits

from .notices import AlpacaNotices
from .plans import ALPACA_BOOK_RULE, market_data
from .session import AlpacaSession, stream_name
from .urls import CRYPTO_URLS, IEX_URLS, SIP_URLS, TEST_URLS, Urls

if TYPE_CHECKING:
    from tradewire.model.notices import Notice
    from tradewire.transport.auth import Credential
    from tradewire.transport.http import HttpClient
    from tradewire.venues.session import StreamSession

__all__ = ["CRYPTO", "IEX", "SIP", "TEST", "AlpacaMarketData"]

_SECOND = 1_000_000_000
_STOCK = re.compile(r"[A-Z][A-Z0-9]{0,15}(?:[.-][A-Z0-9]{1,8})*")
_PAIR = re.compile(r"[A-Z0-9]{1,16}/[A-Z0-9]{2,8}")
#: What coins are priced in, longest first, for pairs that are written without the slash.
_QUOTED_IN = ("USDT", "USDC", "USD", "BTC")


@dataclass(frozen=True, slots=True)
class _Word:
    """One of Alpaca's channels: its word, what it becomes, the silence that is not normal (None: all is), a bar's
    interval."""

    word: str
    kind: Kind
    stale_after_s: int | None
    interval: str = ""
    notice: type[Notice] | None = None


#: A market that is closed is silent for hours; the newest trade by REST tells that from a feed that is mute.
_DATA_CHANNELS = {
    "trades": _Word("trades", Kind.TRADE, 60),
    "quotes": _Word("quotes", Kind.QUOTE, 30),
    "bars_1m": _Word("bars", Kind.BAR, 180, "1m"),
    # Minute bars, and again about 30 s later those that late trades changed.
    "updated_bars": _Word("updatedBars", Kind.BAR, 180, "1m"),
    # The day so far, every minute.
    "bars_1d": _Word("dailyBars", Kind.BAR, 180, "1d"),
}
_TEST_CHANNELS = {name: _DATA_CHANNELS[name] for name in ("trades", "quotes", "bars_1m")}
_CRYPTO_CHANNELS = {**_DATA_CHANNELS, "book": _Word("orderbooks", Kind.BOOK_DELTA, 30)}
_STOCK_CHANNELS = {
    **_DATA_CHANNELS,
    "statuses": _Word("statuses", Kind.CONTROL, None, notice=TradingStatus),
    "lulds": _Word("lulds", Kind.CONTROL, None, notice=PriceBand),
    "imbalances": _Word("imbalances", Kind.CONTROL, None, notice=Imbalance),
    # Come with trades, and bring them.
    "corrections": _Word("corrections", Kind.CONTROL, None, notice=TradeCorrection),
    "cancels": _Word("cancelErrors", Kind.CONTROL, None, notice=TradeCancel),
}

#: One connection to each endpoint, most plans allow no second one; so all streams go over it, and the old connection
#: is closed before a new one is opened. A control message's size and rate have no limit that Alpaca states.
_LIMITS = StreamLimits(
    names_per_message=100, streams=1_000_000, messages_per_s=5.0, message_burst=5, links_per_credential=1
)


@dataclass(frozen=True, slots=True)
class AlpacaMarketData:
    """Market data of one of Alpaca's feeds; implements `venues.base.MarketDataVenue`."""

    name: str
    plan: FieldPlan
    urls: Urls
    channels: Mapping[str, _Word]
    default_channels: Sequence[str]
    evidence_channel: str | None = "trades"
    pairs: bool = False
    book_rule: SequenceRule = ALPACA_BOOK_RULE
    limits: StreamLimits = _LIMITS
    #: Snapshots come in the stream.
    snapshot_depth: int = 0
    needs_credential: bool = True
    #: Nothing is numbered: trade ids are in no order.
    sequences: Mapping[int, Literal["contiguous", "increasing"]] = field(default_factory=dict)

    def symbol(self, text: str) -> str:
        """`AAPL` for `aapl`; of crypto `BTC/USD` for `btc/usd` and `BTCUSD`."""
        symbol = text.upper()
        if not self.pairs:
            if not _STOCK.fullmatch(symbol):
                raise ValueError(f"symbol must be like AAPL or BRK.B, was {text!r}")
            return symbol
        if "/" not in symbol:
            quoted = next((each for each in _QUOTED_IN if symbol.endswith(each)), "")
            symbol = f"{symbol.removesuffix(quoted)}/{quoted}"
        if not _PAIR.fullmatch(symbol):
            raise ValueError(f"symbol must be like BTC/USD, was {text!r}")
        return symbol

    def channel(self, name: str) -> Channel:
        """A channel by name; `bars` is `bars_1m`."""
        name = "bars_1m" if name == "bars" else name
        found = self.channels.get(name)
        if found is None:
            known = ", ".join([*self.channels, "bars"])
            raise UnsupportedError(f"{self.name} has no channel {name!r}; it has {known}")
        diff = found.kind is Kind.BOOK_DELTA
        stale_after_ns = None if found.stale_after_s is None else found.stale_after_s * _SECOND
        return Channel(name, found.kind, stale_after_ns, found.interval, diff=diff, notice=found.notice)

    def stream(self, channel: Channel, symbol: str) -> Stream:
        """The stream of a channel; there is one route."""
        return Stream(stream_name(symbol, self.channels[channel.name].word), "")

    def stream_url(self, route: str, base: str | None = None) -> str:
        """The feed's address; `base` is another host, or a whole address with its path."""
        return self.urls.stream(base)

    def session(self, credential: Credential | None = None, codec: str = "json") -> StreamSession:
        """A conversation that logs in."""
        return AlpacaSession(credential, codec)

    def notice_reader(self, codec: str = "json") -> AlpacaNotices | None:
        """Reads halts and the like; None for feeds without."""
        return AlpacaNotices(self.plan, codec) if "statuses" in self.channels else None

    def rest(self, http: HttpClient, base: str | None = None, credential: Credential | None = None) -> MarketDataRest:
        """REST market data within the account's request limit."""
        from tradewire.transport.rate_limit import RateLimitManager

        from .limits import LIMITS
        from .rest import AlpacaRest

        return AlpacaRest(
            http,
            self.urls,
            self.urls.rest(base),
            credential,
            plan=self.plan,
            limits=RateLimitManager({self.name: LIMITS}),
        )


#: What a Basic account gets: trades and quotes of one exchange.
IEX = AlpacaMarketData("alpaca", market_data("alpaca"), IEX_URLS, _STOCK_CHANNELS, ("trades", "quotes", "bars_1m"))
#: All exchanges; needs a paid plan.
SIP = AlpacaMarketData(
    "alpaca_sip", market_data("alpaca_sip"), SIP_URLS, _STOCK_CHANNELS, ("trades", "quotes", "bars_1m")
)
#: The symbol FAKEPACA, round the clock.
TEST = AlpacaMarketData(
    "alpaca_test",
    market_data("alpaca_test"),
    TEST_URLS,
    _TEST_CHANNELS,
    ("trades", "quotes", "bars_1m"),
    evidence_channel=None,
)
CRYPTO = AlpacaMarketData(
    "alpaca_crypto",
    market_data("alpaca_crypto"),
    CRYPTO_URLS,
    _CRYPTO_CHANNELS,
    ("trades", "quotes", "book"),
    pairs=True,
)
