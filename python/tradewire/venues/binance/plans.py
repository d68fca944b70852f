"""How Binance market data looks on the wire: field plans and sequence rules. Not for URLs, requests or user data.

From Binance's market stream pages as of 2026-10: shapes since 2021 fit, because fields added later (`st`, `ps`, `nq`,
`ap`) are optional or skipped. Streams without an event kind of ours (contract info, indices, sessions, the RPI book)
come out as Control events of status `unknown`.

Numbers: prices are above zero where a zero could only be an error, and may be zero where the venue uses it for "none"
(an empty side of a quote, a symbol without trades in 24 hours).
"""

from __future__ import annotations

from tradewire.core.plan import Field, FieldPlan, Filter, Levels, SequenceRule, Shape, Sign, StreamName
from tradewire.core.record import BACKFILL, INTERVALS, PARTIAL, ControlStatus, Kind

__all__ = [
    "SPOT_BOOK_RULE",
    "SPOT_MARKET_DATA",
    "USDM_BOOK_RULE",
    "USDM_MARKET_DATA",
    "decimals",
]

#: Deltas carry `pu`, the `u` before; update ids jump, so nothing else tells a gap.
USDM_BOOK_RULE = SequenceRule(first="straddle", next="prev_link")

#: Deltas are contiguous: `U` is the last `u` plus one.
SPOT_BOOK_RULE = SequenceRule(first="straddle_next", next="contiguous")

_PARTIAL_DEPTHS = ("depth5", "depth10", "depth20")
_SYMBOL = Field("symbol", "s", "symbol")
#: Transaction time, else event time.
_EVENT_TIME = (Field("event_ns", "T", "ms", required=False), Field("event_ns", "E", "ms"))
#: `m`: the buyer is the maker, so the taker sold.
_TAKER_SIDE = Field("side", "m", "code", codes=((True, 1), (False, 0)))
_ORDER_SIDE = Field("side", "o.S", "code", codes=(("BUY", 0), ("SELL", 1)))
_LEVELS = (Levels("bid", "b"), Levels("ask", "a"))
_SNAPSHOT_LEVELS = (Levels("bid", "bids"), Levels("ask", "asks"))
#: Since 2026-06-30 all-market arrays mix USD-M (1) and COIN-M (2) rows.
_USDM_ROWS = (Filter("st", (1,)),)


def decimals(sign: Sign, **keys: str) -> tuple[Field, ...]:
    """Fields of decimal numbers: slot name -> key."""
    return tuple(Field(target, key, sign=sign) for target, key in keys.items())


def _sequence(key: str, *more: str) -> tuple[Field, ...]:
    """`seq` and slots that hold the same number."""
    return tuple(Field(target, key, "integer", sign="zero") for target in ("seq", *more))


def _trade(value: str, channel: str, trade_id: str, filters: tuple[Filter, ...] = ()) -> Shape:
    return Shape(
        Kind.TRADE,
        channel,
        value=value,
        fields=(
            _SYMBOL,
            *_EVENT_TIME,
            *_sequence(trade_id, "trade_id"),
            *decimals("positive", price="p", quantity="q"),
            _TAKER_SIDE,
        ),
        filters=filters,
    )


def _rest_trades() -> tuple[Shape, ...]:
    """Rows of the REST calls `aggTrades` and `trades`, which fill holes in the streams. They name no symbol."""
    agg = (
        Field("event_ns", "T", "ms"),
        *_sequence("a", "trade_id"),
        *decimals("positive", price="p", quantity="q"),
        _TAKER_SIDE,
    )
    single = (
        Field("event_ns", "time", "ms"),
        *_sequence("id", "trade_id"),
        *decimals("positive", price="price", quantity="qty"),
        Field("side", "isBuyerMaker", "code", codes=((True, 1), (False, 0))),
    )
    return (
        Shape(Kind.TRADE, "agg_trades", keys=("a", "p", "q", "f", "l", "T", "m"), fields=agg, flags=BACKFILL),
        Shape(Kind.TRADE, "trades", keys=("id", "price", "qty", "time"), fields=single, flags=BACKFILL),
    )


_QUOTE = decimals("zero", bid_price="b", bid_quantity="B", ask_price="a", ask_quantity="A")


def _bar(value: str, channel: str, symbol: Field) -> Shape:
    return Shape(
        Kind.BAR,
        channel,
        value=value,
        fields=(
            symbol,
            Field("event_ns", "E", "ms"),
            Field("start_ns", "k.t", "ms"),
            Field("interval_ns", "k.i", "code", codes=tuple(INTERVALS.items())),
            *decimals("positive", open="k.o", high="k.h", low="k.l", close="k.c"),
            *decimals("zero", volume="k.v", quote_volume="k.q"),
            Field("trades", "k.n", "integer", sign="zero"),
            Field("closed", "k.x", "code", codes=((True, 1), (False, 0))),
        ),
    )


def _ticker(value: str, channel: str, filters: tuple[Filter, ...], *, mini: bool) -> Shape:
    last_quantity = () if mini else decimals("zero", last_quantity="Q")
    trades = () if mini else (Field("trades", "n", "integer", sign="zero"),)
    return Shape(
        Kind.TICKER,
        channel,
        value=value,
        fields=(
            _SYMBOL,
            Field("event_ns", "E", "ms"),
            *decimals("zero", last_price="c", open="o", high="h", low="l", volume="v", quote_volume="q"),
            *last_quantity,
            *trades,
        ),
        filters=filters,
    )


#: Replies to SUBSCRIBE and the like. Their `id` is the one this library sent, an unsigned integer.
_REQUEST_ID = Field("request_id", "id", "integer", required=False)
_CONTROL = (
    Shape(
        Kind.CONTROL,
        "control",
        keys=("result", "id"),
        fields=(_REQUEST_ID,),
        constants=(("status", ControlStatus.ACK),),
    ),
    Shape(
        Kind.CONTROL,
        "control",
        keys=("error",),
        fields=(_REQUEST_ID, Field("code", "error.code", "integer")),
        constants=(("status", ControlStatus.ERROR),),
    ),
    Shape(  # REST errors, and the form in which the Spot pages print those of streams
        Kind.CONTROL,
        "control",
        keys=("code", "msg"),
        fields=(_REQUEST_ID, Field("code", "code", "integer")),
        constants=(("status", ControlStatus.ERROR),),
    ),
)


def _shutdown() -> Shape:
    return Shape(
        Kind.CONTROL,
        "control",
        value="serverShutdown",
        fields=(Field("event_ns", "E", "ms"),),
        constants=(("status", ControlStatus.NOTICE),),
    )


def _usdm_shapes() -> tuple[Shape, ...]:
    depth = (
        _SYMBOL,
        *_EVENT_TIME,
        *_sequence("u"),
        Field("first_seq", "U", "integer", sign="zero"),
        Field("prev_seq", "pu", "integer", sign="zero"),
    )
    return (
        _trade("aggTrade", "agg_trades", "a", _USDM_ROWS),
        # X other than MARKET marks fills outside the book (insurance fund, ADL), some of them at price 0.
        _trade("trade", "trades", "t", (*_USDM_ROWS, Filter("X", ("MARKET",)))),
        Shape(
            Kind.QUOTE,
            "quotes",
            value="bookTicker",
            fields=(_SYMBOL, *_EVENT_TIME, *_sequence("u"), *_QUOTE),
            filters=_USDM_ROWS,
        ),
        # Partial, diff and RPI depth share their event name: only the stream name tells them apart. RPI orders are not
        # in the book, so their stream must not end up in it.
        Shape(
            Kind.CONTROL,
            "rpi_book",
            value="depthUpdate",
            stream=("rpiDepth",),
            constants=(("status", ControlStatus.UNKNOWN),),
        ),
        Shape(
            Kind.BOOK_SNAPSHOT,
            "partial_book",
            value="depthUpdate",
            stream=_PARTIAL_DEPTHS,
            fields=depth,
            levels=_LEVELS,
            filters=_USDM_ROWS,
            flags=PARTIAL,
        ),
        Shape(Kind.BOOK_DELTA, "book", value="depthUpdate", fields=depth, levels=_LEVELS, filters=_USDM_ROWS),
        Shape(
            Kind.MARK_PRICE,
            "mark_price",
            value="markPriceUpdate",
            fields=(
                _SYMBOL,
                Field("event_ns", "E", "ms"),  # T is the next funding time here
                *decimals("positive", mark_price="p"),
                Field("index_price", "i", required=False, sign="zero"),
                Field("settle_price", "P", required=False, sign="zero"),
                Field("average_price", "ap", required=False, sign="zero"),
                Field("funding_rate", "r", required=False),
                Field("next_funding_ns", "T", "ms", required=False),
            ),
            filters=_USDM_ROWS,
        ),
        _bar("kline", "bars", _SYMBOL),
        _bar("continuous_kline", "bars", Field("symbol", "ps", "symbol")),
        _ticker("24hrTicker", "ticker", _USDM_ROWS, mini=False),
        _ticker("24hrMiniTicker", "mini_ticker", _USDM_ROWS, mini=True),
        Shape(
            Kind.LIQUIDATION,
            "liquidations",
            value="forceOrder",
            fields=(
                Field("symbol", "o.s", "symbol"),
                Field("event_ns", "o.T", "ms", required=False),
                Field("event_ns", "E", "ms"),
                _ORDER_SIDE,
                *decimals("zero", price="o.p", quantity="o.q", average_price="o.ap", filled_quantity="o.z"),
            ),
            # Recorded inside `o`, documented at the top level.
            filters=(*_USDM_ROWS, Filter("o.st", (1,))),
        ),
        _shutdown(),
        Shape(
            Kind.BOOK_SNAPSHOT,
            "snapshot",
            keys=("lastUpdateId", "bids", "asks"),
            fields=(
                Field("event_ns", "T", "ms", required=False),
                Field("event_ns", "E", "ms", required=False),
                *_sequence("lastUpdateId"),
            ),
            levels=_SNAPSHOT_LEVELS,
        ),
        *_rest_trades(),
        *_CONTROL,
    )


def _spot_shapes() -> tuple[Shape, ...]:
    snapshot = _sequence("lastUpdateId")
    keys = ("lastUpdateId", "bids", "asks")
    return (
        _trade("aggTrade", "agg_trades", "a"),
        _trade("trade", "trades", "t"),
        Shape(
            Kind.BOOK_DELTA,
            "book",
            value="depthUpdate",
            fields=(
                _SYMBOL,
                *_EVENT_TIME,
                *_sequence("u"),
                Field("first_seq", "U", "integer", sign="zero"),
            ),
            levels=_LEVELS,
        ),
        _bar("kline", "bars", _SYMBOL),
        _ticker("24hrTicker", "ticker", (), mini=False),
        _ticker("24hrMiniTicker", "mini_ticker", (), mini=True),
        _shutdown(),
        # Without an event name: known by their keys. A quote has no time.
        Shape(
            Kind.QUOTE,
            "quotes",
            keys=("u", "s", "b", "B", "a", "A"),
            fields=(_SYMBOL, *_sequence("u"), *_QUOTE),
        ),
        # Partial depth and REST snapshots are the same, down to the missing symbol: the stream name gives it.
        Shape(
            Kind.BOOK_SNAPSHOT,
            "partial_book",
            keys=keys,
            stream=_PARTIAL_DEPTHS,
            fields=snapshot,
            levels=_SNAPSHOT_LEVELS,
            flags=PARTIAL,
        ),
        Shape(Kind.BOOK_SNAPSHOT, "snapshot", keys=keys, fields=snapshot, levels=_SNAPSHOT_LEVELS),
        *_rest_trades(),
        *_CONTROL,
    )


def _plan(venue: str, shapes: tuple[Shape, ...]) -> FieldPlan:
    return FieldPlan(venue, shapes, dispatch="e", envelope=("stream", "data"), stream_name=StreamName())


#: Market streams and REST depth snapshots of USD-M futures. Snapshots name no symbol: give `stream="btcusdt@depth"`.
USDM_MARKET_DATA = _plan("binance", _usdm_shapes())

#: Market streams and REST depth snapshots of Spot.
SPOT_MARKET_DATA = _plan("binance_spot", _spot_shapes())
