"""How answers to Binance's market data requests are read: a field plan for what becomes events, structs for the rest.

Not for requests (`client.py`), and not for what streams send (`plans.py`), which the plan here knows as well because
depth and trades look alike there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import msgspec

from tradewire.core.plan import Field, FieldPlan, Shape
from tradewire.core.record import BACKFILL, INTERVALS, Kind
from tradewire.errors import QueryError
from tradewire.model import FundingRate, Instrument, InstrumentStatus, OpenInterest
from tradewire.model.amount import amount

from .plans import decimals

__all__ = [
    "answer_plan",
    "funding_rates",
    "instruments",
    "named_bars",
    "open_interest",
    "prices",
    "read",
    "without_blanks",
]

_MS = 1_000_000
T = TypeVar("T")

_SYMBOL = Field("symbol", "symbol", "symbol")

_SHAPES = (
    # Before quotes, whose keys Spot's tickers have as well.
    Shape(
        Kind.TICKER,
        "ticker",
        keys=("symbol", "lastPrice", "openPrice", "closeTime"),
        fields=(
            _SYMBOL,
            Field("event_ns", "closeTime", "ms"),
            *decimals("zero", last_price="lastPrice", last_quantity="lastQty", open="openPrice"),
            *decimals("zero", high="highPrice", low="lowPrice", volume="volume", quote_volume="quoteVolume"),
            Field("trades", "count", "integer", sign="zero"),
        ),
    ),
    Shape(
        Kind.QUOTE,
        "quotes",
        keys=("symbol", "bidPrice", "bidQty", "askPrice", "askQty"),
        fields=(
            _SYMBOL,
            Field("event_ns", "time", "ms", required=False),  # Spot gives none
            *decimals("zero", bid_price="bidPrice", bid_quantity="bidQty"),
            *decimals("zero", ask_price="askPrice", ask_quantity="askQty"),
        ),
    ),
    Shape(
        Kind.MARK_PRICE,
        "mark_price",
        keys=("symbol", "markPrice", "indexPrice", "nextFundingTime"),
        fields=(
            _SYMBOL,
            Field("event_ns", "time", "ms"),
            *decimals("zero", mark_price="markPrice"),
            Field("index_price", "indexPrice", required=False, sign="zero"),
            Field("settle_price", "estimatedSettlePrice", required=False, sign="zero"),
            Field("funding_rate", "lastFundingRate", required=False),
            Field("next_funding_ns", "nextFundingTime", "ms", required=False),
        ),
    ),
    # As `named_bars` writes them.
    Shape(
        Kind.BAR,
        "bars",
        keys=("t", "o", "h", "l", "c", "v", "q", "n", "i", "x"),
        fields=(
            Field("start_ns", "t", "ms"),
            Field("interval_ns", "i", "code", codes=tuple(INTERVALS.items())),
            *decimals("positive", open="o", high="h", low="l", close="c"),
            *decimals("zero", volume="v", quote_volume="q"),
            Field("trades", "n", "integer", sign="zero"),
            Field("closed", "x", "code", codes=((True, 1), (False, 0))),
        ),
        flags=BACKFILL,
    ),
)


def answer_plan(plan: FieldPlan) -> FieldPlan:
    """A market's plan with the shapes that only come by request."""
    return replace(plan, shapes=(*plan.shapes, *_SHAPES))


class _Row(msgspec.Struct, array_like=True):
    start: msgspec.Raw
    open: msgspec.Raw
    high: msgspec.Raw
    low: msgspec.Raw
    close: msgspec.Raw
    volume: msgspec.Raw
    end_ms: int
    quote_volume: msgspec.Raw
    trades: msgspec.Raw


_BAR = b'{"t":%b,"o":%b,"h":%b,"l":%b,"c":%b,"v":%b,"q":%b,"n":%b,"i":"%b","x":%b}'


def named_bars(body: bytes, interval: str, now_ms: int) -> bytes:
    """The rows of `klines`, which have no keys, with keys, so that the plan reads them like everything else.

    Args:
        body: the answer.
        interval: of the bars, one of `INTERVALS`.
        now_ms: a bar that ends before is closed.
    """
    name = interval.encode()
    return b"[%b]" % b",".join(
        _BAR
        % (
            bytes(row.start),
            bytes(row.open),
            bytes(row.high),
            bytes(row.low),
            bytes(row.close),
            bytes(row.volume),
            bytes(row.quote_volume),
            bytes(row.trades),
            name,
            b"true" if row.end_ms < now_ms else b"false",
        )
        for row in read(body, list[_Row], "bars")
    )


def without_blanks(body: bytes) -> bytes:
    """An answer in which figures that do not apply (`""`, as delivery contracts have them) are null."""
    return body.replace(b':""', b":null")


def read(body: bytes, form: type[T], what: str) -> T:
    """An answer of a known form.

    Raises:
        QueryError: it has another one.
    """
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise QueryError(f"the answer with {what} cannot be read: {error}") from error


class _Price(msgspec.Struct):
    symbol: str
    price: str


class _Funding(msgspec.Struct, rename="camel"):
    symbol: str
    funding_time: int
    funding_rate: str
    mark_price: str = ""


class _Interest(msgspec.Struct, rename="camel"):
    symbol: str
    open_interest: str
    time: int


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: str = "0"
    step_size: str = "0"
    min_qty: str = "0"
    notional: str = "0"
    min_notional: str = "0"


class _Listing(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[_Filter]


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Listing]


def prices(body: bytes) -> dict[str, float]:
    """Prices by symbol, of one or of all."""
    # An object for one symbol, an array for all.
    found = read(body if body.lstrip().startswith(b"[") else b"[%b]" % body, list[_Price], "prices")
    return {row.symbol: float(_number("price", row.price)) for row in found}


def funding_rates(body: bytes, venue: str) -> list[FundingRate]:
    """Funding payments, oldest first."""
    return [
        FundingRate(
            row.symbol,
            venue,
            _number("fundingRate", row.funding_rate, negative=True),
            _number("markPrice", row.mark_price) if row.mark_price else None,
            row.funding_time * _MS,
        )
        for row in read(body, list[_Funding], "funding rates")
    ]


def open_interest(body: bytes, venue: str) -> OpenInterest:
    """Open positions."""
    row = read(body, _Interest, "open interest")
    return OpenInterest(row.symbol, venue, _number("openInterest", row.open_interest), row.time * _MS)


#: Words of both markets; whatever else there is counts as paused.
_STATUS: Mapping[str, InstrumentStatus] = {
    "TRADING": InstrumentStatus.TRADING,
    "DELIVERED": InstrumentStatus.ENDED,
    "CLOSE": InstrumentStatus.ENDED,
}


def instruments(body: bytes, venue: str) -> list[Instrument]:
    """The listings of `exchangeInfo`, in its order."""
    return [_instrument(row, venue) for row in read(body, _ExchangeInfo, "instruments").symbols]


def _instrument(row: _Listing, venue: str) -> Instrument:
    filters = {each.filter_type: each for each in row.filters}
    none = _Filter("")
    lot, notional = filters.get("LOT_SIZE", none), filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", none))
    return Instrument(
        row.symbol,
        venue,
        row.base_asset,
        row.quote_asset,
        price_step=_number("tickSize", filters.get("PRICE_FILTER", none).tick_size),
        quantity_step=_number("stepSize", lot.step_size),
        min_quantity=_number("minQty", lot.min_qty),
        # USD-M calls it `notional`, Spot `minNotional`.
        min_notional=max(_number("notional", notional.notional), _number("minNotional", notional.min_notional)),
        status=_STATUS.get(row.status, InstrumentStatus.PAUSED),
    )


def _number(name: str, text: str, *, negative: bool = False) -> Decimal:
    try:
        return amount(name, text, negative=negative, zero=True)
    except ValueError as error:
        raise QueryError(f"the answer cannot be read: {error}") from error
