"""The event classes: one typed, frozen object per message. Not for making them from records: `objects` does that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tradewire.core import record

from .event import Event
from .fields import (
    check_bool,
    check_float,
    check_int,
    check_interval,
    check_levels,
    check_side,
    check_status,
    optional_float,
    optional_int,
)

__all__ = ["Bar", "BookDelta", "BookSnapshot", "Control", "Liquidation", "MarkPrice", "Quote", "Ticker", "Trade"]

Side = Literal["buy", "sell"]
Status = Literal["ack", "error", "notice", "unknown"]
Levels = tuple[tuple[float, float], ...]
Pairs = Iterable[tuple[float, float]]

_SIDE_BITS = record.SIDE | record.SIDELESS


class Trade(Event, final=True):
    """A trade, or several fills of one taker order at one price.

    Attributes:
        side: what the taker did; None where the venue does not say.
        trade_id: the venue's number; None where there is none.
        buyer_is_maker: True when the taker sold.
    """

    __slots__ = ("price", "quantity", "trade_id")
    __match_args__ = ("symbol", "venue", "event_ns", "recv_ns", "seq", "flags", "price", "quantity", "side", "trade_id")
    _derived = ("buyer_is_maker",)

    price: float
    quantity: float
    trade_id: int | None

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        price: float,
        quantity: float,
        side: Side | None = None,
        trade_id: int | None = None,
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags, _SIDE_BITS, check_side(side))
        self._set(
            price=check_float("price", price),
            quantity=check_float("quantity", quantity),
            trade_id=optional_int("trade_id", trade_id),
        )

    @property
    def side(self) -> Side | None:
        """What the taker did; None where the venue does not say."""
        return None if self.flags & record.SIDELESS else "sell" if self.flags & record.SIDE else "buy"

    @property
    def buyer_is_maker(self) -> bool | None:
        """Whether the buyer was the maker; None without a side."""
        return None if self.side is None else self.side == "sell"


class Quote(Event, final=True):
    """Best bid and ask."""

    __slots__ = ("ask_price", "ask_quantity", "bid_price", "bid_quantity")
    __match_args__ = (
        "symbol",
        "venue",
        "event_ns",
        "recv_ns",
        "seq",
        "flags",
        "bid_price",
        "bid_quantity",
        "ask_price",
        "ask_quantity",
    )

    bid_price: float
    bid_quantity: float
    ask_price: float
    ask_quantity: float

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        bid_price: float,
        bid_quantity: float,
        ask_price: float,
        ask_quantity: float,
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags)
        self._set(
            bid_price=check_float("bid_price", bid_price),
            bid_quantity=check_float("bid_quantity", bid_quantity),
            ask_price=check_float("ask_price", ask_price),
            ask_quantity=check_float("ask_quantity", ask_quantity),
        )


class BookDelta(Event, final=True):
    """Absolute quantities of changed price levels; a quantity of 0 removes the level.

    Attributes:
        first_seq: first update id in this message; None where the venue gives none.
        last_seq: the same as `seq`.
        prev_seq: last update id of the message before; None where the venue gives none.
        bids: (price, quantity) pairs, in the order of the message.
        asks: the same.
    """

    __slots__ = ("asks", "bids", "first_seq", "prev_seq")
    __match_args__ = ("symbol", "venue", "event_ns", "recv_ns", "seq", "flags", "first_seq", "prev_seq", "bids", "asks")
    _derived = ("last_seq",)

    first_seq: int | None
    prev_seq: int | None
    bids: Levels
    asks: Levels

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        first_seq: int | None = None,
        prev_seq: int | None = None,
        bids: Pairs = (),
        asks: Pairs = (),
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags)
        self._set(
            first_seq=optional_int("first_seq", first_seq),
            prev_seq=optional_int("prev_seq", prev_seq),
            bids=check_levels("bids", bids),
            asks=check_levels("asks", asks),
        )

    @property
    def last_seq(self) -> int:
        """The same as `seq`."""
        return self.seq


class BookSnapshot(Event, final=True):
    """A whole book, or its top (`partial`).

    Attributes:
        first_seq: None where the venue gives none.
        last_seq: last update id in the snapshot, the same as `seq`.
        prev_seq: None where the venue gives none.
        bids: (price, quantity) pairs, best first.
        asks: the same.
        partial: the top of the book only.
    """

    __slots__ = ("asks", "bids", "first_seq", "prev_seq")
    __match_args__ = ("symbol", "venue", "event_ns", "recv_ns", "seq", "flags", "first_seq", "prev_seq", "bids", "asks")
    _derived = ("last_seq", "partial")

    first_seq: int | None
    prev_seq: int | None
    bids: Levels
    asks: Levels

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        first_seq: int | None = None,
        prev_seq: int | None = None,
        bids: Pairs = (),
        asks: Pairs = (),
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags)
        self._set(
            first_seq=optional_int("first_seq", first_seq),
            prev_seq=optional_int("prev_seq", prev_seq),
            bids=check_levels("bids", bids),
            asks=check_levels("asks", asks),
        )

    @property
    def last_seq(self) -> int:
        """The same as `seq`."""
        return self.seq

    @property
    def partial(self) -> bool:
        """Whether this is the top of the book only."""
        return bool(self.flags & record.PARTIAL)


class MarkPrice(Event, final=True):
    """Mark price, index price and funding of a derivative.

    Attributes:
        index_price: None where the venue gives none, like all that follow.
        funding_rate: per funding interval (0.0001 is 1 bp).
        next_funding_ns: ns since 1970 UTC.
        settle_price: estimated settlement price.
        average_price: average mark price.
    """

    __slots__ = ("average_price", "funding_rate", "index_price", "mark_price", "next_funding_ns", "settle_price")
    __match_args__ = (
        "symbol",
        "venue",
        "event_ns",
        "recv_ns",
        "seq",
        "flags",
        "mark_price",
        "index_price",
        "funding_rate",
        "next_funding_ns",
        "settle_price",
        "average_price",
    )

    mark_price: float
    index_price: float | None
    funding_rate: float | None
    next_funding_ns: int | None
    settle_price: float | None
    average_price: float | None

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        mark_price: float,
        index_price: float | None = None,
        funding_rate: float | None = None,
        next_funding_ns: int | None = None,
        settle_price: float | None = None,
        average_price: float | None = None,
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags)
        self._set(
            mark_price=check_float("mark_price", mark_price),
            index_price=optional_float("index_price", index_price),
            funding_rate=optional_float("funding_rate", funding_rate),
            next_funding_ns=optional_int("next_funding_ns", next_funding_ns),
            settle_price=optional_float("settle_price", settle_price),
            average_price=optional_float("average_price", average_price),
        )


class Bar(Event, final=True):
    """A bar (kline, candle).

    Attributes:
        volume: in base units.
        quote_volume: in quote units; None where the venue gives none.
        trades: number of trades; None where the venue gives none.
        start_ns: ns since 1970 UTC.
        interval: a name of `record.INTERVALS`, or "".
        closed: no further update follows.
    """

    __slots__ = ("close", "high", "interval", "low", "open", "quote_volume", "start_ns", "trades", "volume")
    __match_args__ = (
        "symbol",
        "venue",
        "event_ns",
        "recv_ns",
        "seq",
        "flags",
        "open",
        "high",
        "low",
        "close",
        "volume",
        "quote_volume",
        "trades",
        "start_ns",
        "interval",
        "closed",
    )

    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None
    trades: int | None
    start_ns: int
    interval: str

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        open: float,
        high: float,
        low: float,
        close: float,
        volume: float,
        quote_volume: float | None = None,
        trades: int | None = None,
        start_ns: int,
        interval: str,
        closed: bool = False,
    ) -> None:
        self._header(
            symbol, venue, event_ns, recv_ns, seq, flags, record.CLOSED, record.CLOSED * check_bool("closed", closed)
        )
        self._set(
            open=check_float("open", open),
            high=check_float("high", high),
            low=check_float("low", low),
            close=check_float("close", close),
            volume=check_float("volume", volume),
            quote_volume=optional_float("quote_volume", quote_volume),
            trades=optional_int("trades", trades),
            start_ns=check_int("start_ns", start_ns),
            interval=check_interval(interval),
        )

    @property
    def closed(self) -> bool:
        """Whether no further update follows."""
        return bool(self.flags & record.CLOSED)


class Ticker(Event, final=True):
    """Rolling-window statistics; None where the venue gives none."""

    __slots__ = ("high", "last_price", "last_quantity", "low", "open", "quote_volume", "trades", "volume")
    __match_args__ = (
        "symbol",
        "venue",
        "event_ns",
        "recv_ns",
        "seq",
        "flags",
        "last_price",
        "last_quantity",
        "open",
        "high",
        "low",
        "volume",
        "quote_volume",
        "trades",
    )

    last_price: float | None
    last_quantity: float | None
    open: float | None
    high: float | None
    low: float | None
    volume: float | None
    quote_volume: float | None
    trades: int | None

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        last_price: float | None = None,
        last_quantity: float | None = None,
        open: float | None = None,
        high: float | None = None,
        low: float | None = None,
        volume: float | None = None,
        quote_volume: float | None = None,
        trades: int | None = None,
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags)
        self._set(
            last_price=optional_float("last_price", last_price),
            last_quantity=optional_float("last_quantity", last_quantity),
            open=optional_float("open", open),
            high=optional_float("high", high),
            low=optional_float("low", low),
            volume=optional_float("volume", volume),
            quote_volume=optional_float("quote_volume", quote_volume),
            trades=optional_int("trades", trades),
        )


class Liquidation(Event, final=True):
    """A liquidation order.

    Attributes:
        side: what the liquidated order does; None where the venue does not say.
        average_price: of the filled part; None where the venue gives none.
        filled_quantity: None where the venue gives none.
    """

    __slots__ = ("average_price", "filled_quantity", "price", "quantity")
    __match_args__ = (
        "symbol",
        "venue",
        "event_ns",
        "recv_ns",
        "seq",
        "flags",
        "price",
        "quantity",
        "side",
        "average_price",
        "filled_quantity",
    )

    price: float
    quantity: float
    average_price: float | None
    filled_quantity: float | None

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        price: float,
        quantity: float,
        side: Side | None = None,
        average_price: float | None = None,
        filled_quantity: float | None = None,
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags, _SIDE_BITS, check_side(side))
        self._set(
            price=check_float("price", price),
            quantity=check_float("quantity", quantity),
            average_price=optional_float("average_price", average_price),
            filled_quantity=optional_float("filled_quantity", filled_quantity),
        )

    @property
    def side(self) -> Side | None:
        """What the taker did; None where the venue does not say."""
        return None if self.flags & record.SIDELESS else "sell" if self.flags & record.SIDE else "buy"


class Control(Event, final=True):
    """An acknowledgement, an error reply, a notice or an event of an unknown kind.

    Attributes:
        request_id: of the request answered; None where there is none.
        code: the venue's error code; None where there is none.
    """

    __slots__ = ("code", "request_id", "status")
    __match_args__ = ("symbol", "venue", "event_ns", "recv_ns", "seq", "flags", "status", "request_id", "code")

    status: Status
    request_id: int | None
    code: int | None

    def __init__(
        self,
        *,
        symbol: str,
        venue: str,
        event_ns: int = 0,
        recv_ns: int = 0,
        seq: int = 0,
        flags: int = 0,
        status: Status,
        request_id: int | None = None,
        code: int | None = None,
    ) -> None:
        self._header(symbol, venue, event_ns, recv_ns, seq, flags)
        self._set(
            status=check_status(status),
            request_id=optional_int("request_id", request_id),
            code=optional_int("code", code),
        )
