"""How Alpaca market data looks on the wire: one field plan for stocks and crypto, JSON and MessagePack alike.

Not for trade updates, options or news. From the venue sheet, sections 3.2 to 3.4. `T` says the kind; rows of REST
answers have none and are known by their keys. What has no event kind of ours (trading halts, price bands, corrected and
cancelled trades, auction imbalances) comes out as a Control of status `notice` with its symbol and time, its letter
`T` as `code` (the character's number) and, where it is about a trade, that trade's id as `seq`; `notices.py` reads what
else it says. Kinds that are not known here come out as `unknown`.

Sizes of stock quotes are round lots (100 shares, fewer for dear ones); trades and bars count shares, crypto counts
coins. An empty side of a quote has price 0 and size 0. Trade ids are unique per symbol and exchange, and their order
says nothing: there are no sequence numbers.
"""

from __future__ import annotations

from tradewire.core.plan import Field, FieldPlan, Filter, Levels, SequenceRule, Shape, StreamName
from tradewire.core.record import BACKFILL, CLOSED, INTERVALS, ControlStatus, Kind

__all__ = ["ALPACA_BOOK_RULE", "market_data"]

#: Deltas carry no numbers; a snapshot begins every subscription.
ALPACA_BOOK_RULE = SequenceRule(next="none")

_SYMBOL = Field("symbol", "S", "symbol")
_TIME = Field("event_ns", "t", "rfc3339")
_TRADE = (
    _TIME,
    Field("seq", "i", "integer", sign="zero"),
    Field("trade_id", "i", "integer", sign="zero"),
    Field("price", "p", sign="positive"),
    Field("quantity", "s", sign="zero"),
    # Of the taker; crypto only.
    Field("side", "tks", "code", required=False, codes=(("B", 0), ("S", 1))),
)
#: The server's language writes an empty list as null where it was never filled.
_LEVELS = (Levels("bid", "b", "p", "s", required=False), Levels("ask", "a", "p", "s", required=False))


def _bar(value: str, interval: str, *, closed: bool) -> Shape:
    """`t` is the bar's start, and nothing says when the message was made: `event_ns` stays 0."""
    return Shape(
        Kind.BAR,
        "bars",
        value=value,
        fields=(
            _SYMBOL,
            Field("start_ns", "t", "rfc3339"),
            *(Field(target, target[0], sign="positive") for target in ("open", "high", "low", "close")),
            # 0 for crypto bars that are made of quotes.
            Field("volume", "v", sign="zero"),
            Field("trades", "n", "integer", required=False, sign="zero"),
        ),
        constants=(("interval_ns", INTERVALS[interval]),),
        flags=CLOSED if closed else 0,
    )


def _notice(value: str, channel: str, trade_id: str = "") -> Shape:
    return Shape(
        Kind.CONTROL,
        channel,
        value=value,
        fields=(
            Field("symbol", "S", "symbol", required=False),
            Field("event_ns", "t", "rfc3339", required=False),
            *((Field("seq", trade_id, "integer", required=False, sign="zero"),) if trade_id else ()),
        ),
        constants=(("status", ControlStatus.NOTICE), ("code", ord(value))),
    )


_SHAPES = (
    Shape(Kind.TRADE, "trades", value="t", fields=(_SYMBOL, *_TRADE)),
    Shape(
        Kind.QUOTE,
        "quotes",
        value="q",
        fields=(
            _SYMBOL,
            _TIME,
            *(
                Field(target, key, sign="zero")
                for target, key in (
                    ("bid_price", "bp"),
                    ("bid_quantity", "bs"),
                    ("ask_price", "ap"),
                    ("ask_quantity", "as"),
                )
            ),
        ),
    ),
    _bar("b", "1m", closed=True),
    _bar("u", "1m", closed=True),
    # The day so far, every minute.
    _bar("d", "1d", closed=False),
    # `r` is true or absent. A false one, which is not known to come, would pass a change off as a whole book: refused.
    Shape(
        Kind.BOOK_SNAPSHOT,
        "book",
        value="o",
        keys=("r",),
        fields=(_SYMBOL, _TIME, Field("first_seq", "r", "code", codes=((True, -1),))),
        levels=_LEVELS,
    ),
    Shape(Kind.BOOK_DELTA, "book", value="o", fields=(_SYMBOL, _TIME), levels=_LEVELS),
    # Corrections and cancellations come with every subscription of trades.
    _notice("c", "corrections", "oi"),
    _notice("x", "cancels", "i"),
    _notice("s", "statuses"),
    _notice("l", "lulds"),
    _notice("i", "imbalances"),
    Shape(
        Kind.CONTROL,
        "control",
        value="error",
        fields=(Field("code", "code", "integer", required=False),),
        constants=(("status", ControlStatus.ERROR),),
    ),
    *(
        Shape(Kind.CONTROL, "control", value=value, constants=(("status", ControlStatus.ACK),))
        for value in ("success", "subscription")
    ),
    # Rows of REST answers, which fill holes in the streams. The symbol is the stream's. A trade that was wrong comes
    # twice: as it was (`u` incorrect), which the stream gave too, and corrected, which was no trade of the stream.
    Shape(
        Kind.TRADE,
        "trades",
        keys=("t", "p", "s", "i"),
        fields=_TRADE,
        filters=(Filter("u", ("canceled", "incorrect")),),
        flags=BACKFILL,
    ),
)


def market_data(venue: str) -> FieldPlan:
    """The plan of one of Alpaca's feeds.

    Args:
        venue: its name; events of two feeds are told apart by it.
    """
    return FieldPlan(venue, _SHAPES, dispatch="T", stream_name=StreamName(upper=False))
