"""Orders as they are asked for and answered. Types that check themselves; the life of an order is not here."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from .amount import Amount, amount

__all__ = ["OrderRequest", "OrderResponse", "OrderSide", "OrderStatus", "OrderType", "TimeInForce"]

_LONGEST_NAME = 64


class OrderSide(StrEnum):
    """Which way."""

    BUY = "buy"
    SELL = "sell"


class OrderType(StrEnum):
    """What makes it execute."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


class TimeInForce(StrEnum):
    """How long it stands."""

    GTC = "gtc"
    IOC = "ioc"
    FOK = "fok"
    DAY = "day"


class OrderStatus(StrEnum):
    """What a venue says about an order. A status that is none of these is an error, never a guess."""

    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    REJECTED = "rejected"
    EXPIRED = "expired"


E = TypeVar("E", bound=StrEnum)

_NEEDS_PRICE = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_NEEDS_STOP = (OrderType.STOP, OrderType.STOP_LIMIT)


@dataclass(frozen=True, slots=True, init=False)
class OrderRequest:
    """An order to be placed. Amounts are exact; texts such as `"buy"` and `"limit"` are taken in any case.

    Attributes:
        symbol: in the venue's spelling, or as `BTC/USDT` where the venue takes that.
        side: buy or sell.
        quantity: in units of the base, above 0.
        order_type: market, limit, stop or stop_limit.
        price: per unit; exactly for limit and stop_limit.
        stop_price: exactly for stop and stop_limit.
        time_in_force: how long it stands; None: what the venue does by itself.
        client_order_id: our name for it, 1 to 64 visible ASCII characters.

    Raises:
        TypeError, ValueError: a field that makes no sense, alone or with the others; names field, value and what is
            allowed.
    """

    symbol: str
    side: OrderSide
    quantity: Decimal
    order_type: OrderType
    price: Decimal | None
    stop_price: Decimal | None
    time_in_force: TimeInForce | None
    client_order_id: str | None

    def __init__(
        self,
        symbol: str,
        side: OrderSide | str,
        quantity: Amount,
        order_type: OrderType | str = OrderType.MARKET,
        price: Amount | None = None,
        stop_price: Amount | None = None,
        time_in_force: TimeInForce | str | None = None,
        client_order_id: str | None = None,
    ) -> None:
        kind = _member(OrderType, "order_type", order_type)
        given = {
            "symbol": _symbol(symbol),
            "side": _member(OrderSide, "side", side),
            "quantity": amount("quantity", quantity),
            "order_type": kind,
            "price": _price("price", price, kind, _NEEDS_PRICE),
            "stop_price": _price("stop_price", stop_price, kind, _NEEDS_STOP),
            "time_in_force": None if time_in_force is None else _member(TimeInForce, "time_in_force", time_in_force),
            "client_order_id": None if client_order_id is None else _identity("client_order_id", client_order_id),
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True, init=False)
class OrderResponse:
    """What a venue answered about an order.

    Attributes:
        order_id: the venue's name for it.
        status: as told.
        symbol: as in the request.
        side: buy or sell.
        quantity: asked for.
        filled_quantity: so far, 0..`quantity`.
        average_price: of what is filled; None before the first fill.
        client_order_id: our name for it.
        event_ns: the venue's time, ns since 1970; 0: it gave none.

    Raises:
        TypeError, ValueError: as `OrderRequest`.
    """

    order_id: str
    status: OrderStatus
    symbol: str
    side: OrderSide
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    client_order_id: str | None
    event_ns: int

    def __init__(
        self,
        order_id: str,
        status: OrderStatus | str,
        symbol: str,
        side: OrderSide | str,
        quantity: Amount,
        filled_quantity: Amount = 0,
        average_price: Amount | None = None,
        client_order_id: str | None = None,
        event_ns: int = 0,
    ) -> None:
        asked = amount("quantity", quantity)
        filled = amount("filled_quantity", filled_quantity, zero=True)
        if filled > asked:
            raise ValueError(f"filled_quantity must not be above quantity, was {filled} > {asked}")
        given = {
            "order_id": _identity("order_id", order_id),
            "status": _member(OrderStatus, "status", status),
            "symbol": _symbol(symbol),
            "side": _member(OrderSide, "side", side),
            "quantity": asked,
            "filled_quantity": filled,
            "average_price": None if average_price is None else amount("average_price", average_price, negative=True),
            "client_order_id": None if client_order_id is None else _identity("client_order_id", client_order_id),
            "event_ns": event_ns,
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)

    @property
    def is_filled(self) -> bool:
        """Whether nothing is left of it."""
        return self.filled_quantity == self.quantity


def _member(kind: type[E], name: str, value: object) -> E:
    if isinstance(value, str):
        try:
            return kind(value.lower())
        except ValueError:
            pass
    raise ValueError(f"{name} must be one of {', '.join(kind)}, was {str(value)[:40]!r}")


def _symbol(value: object) -> str:
    # Not ASCII only: Binance lists symbols in Chinese characters.
    if not isinstance(value, str) or not value or len(value) > _LONGEST_NAME or not value.isprintable() or " " in value:
        raise ValueError(f"symbol must be 1 to {_LONGEST_NAME} visible characters, was {str(value)[:40]!r}")
    return value


def _identity(name: str, value: object) -> str:
    visible = isinstance(value, str) and value.isascii() and value.isprintable() and " " not in value
    if not isinstance(value, str) or not visible or not 1 <= len(value) <= _LONGEST_NAME:
        raise ValueError(f"{name} must be 1 to {_LONGEST_NAME} visible ASCII characters, was {str(value)[:40]!r}")
    return value


def _price(name: str, value: Amount | None, kind: OrderType, needed: tuple[OrderType, ...]) -> Decimal | None:
    if kind in needed:
        if value is None:
            raise ValueError(f"{name} is needed for a {kind} order")
        # Negative prices exist: futures on oil have traded there, spreads do every day.
        return amount(name, value, negative=True, zero=True)
    if value is not None:
        raise ValueError(f"{name} must be left out for a {kind} order, was {value}")
    return None
