"""Orders check themselves, and say what is wrong."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from decimal import Decimal
from typing import Any

import pytest

import tradewire
from tradewire.model import OrderRequest, OrderResponse, OrderSide, OrderStatus, OrderType, TimeInForce

LIMIT = {"symbol": "AAPL", "quantity": 100, "side": "buy", "order_type": "limit", "price": 150.00}


def test_as_people_write_it() -> None:
    order = OrderRequest(symbol="AAPL", quantity=100, side="buy", order_type="limit", price=150.00)
    assert (order.side, order.order_type) == (OrderSide.BUY, OrderType.LIMIT)
    assert (order.quantity, order.price) == (Decimal(100), Decimal("150"))
    assert type(order.quantity) is type(order.price) is Decimal
    assert order == OrderRequest("AAPL", OrderSide.BUY, Decimal(100), OrderType.LIMIT, "150")
    assert OrderRequest("币安USDT", "SELL", "0.1", "MARKET").order_type is OrderType.MARKET


def test_public_names() -> None:
    assert tradewire.OrderRequest is OrderRequest
    assert (tradewire.OrderResponse, tradewire.OrderSide, tradewire.OrderType) == (OrderResponse, OrderSide, OrderType)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"symbol": ""}, "symbol must be 1 to 64 visible characters, was ''"),
        ({"symbol": "BTC USDT"}, "symbol must be"),
        ({"symbol": "BTC\x00"}, "symbol must be"),
        ({"symbol": None}, "symbol must be"),
        ({"side": "long"}, "side must be one of buy, sell, was 'long'"),
        ({"side": 1}, "side must be one of buy, sell, was '1'"),
        ({"quantity": 0}, "quantity must be above 0, was 0"),
        ({"quantity": -5}, "quantity must not be negative, was -5"),
        ({"order_type": "iceberg"}, "order_type must be one of market, limit, stop, stop_limit, was 'iceberg'"),
        ({"price": None}, "price is needed for a limit order"),
        ({"price": float("nan")}, "price must be finite, was nan"),
        ({"order_type": "market"}, r"price must be left out for a market order, was 150\.0"),
        ({"stop_price": 1}, "stop_price must be left out for a limit order, was 1"),
        ({"order_type": "stop_limit"}, "stop_price is needed for a stop_limit order"),
        ({"time_in_force": "forever"}, "time_in_force must be one of gtc, ioc, fok, day, was 'forever'"),
        ({"client_order_id": "a b"}, "client_order_id must be 1 to 64 visible ASCII characters, was 'a b'"),
        ({"client_order_id": "x" * 65}, "client_order_id must be 1 to 64"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OrderRequest(**{**LIMIT, **change})


def test_stop_orders_and_the_rest() -> None:
    order = OrderRequest(
        "CL", "sell", 1, "stop_limit", -37.63, stop_price="-30", time_in_force="IOC", client_order_id="a-1"
    )
    assert (order.price, order.stop_price) == (Decimal("-37.63"), Decimal(-30))
    assert order.time_in_force is TimeInForce.IOC
    assert OrderRequest("CL", "sell", 1, OrderType.STOP, stop_price=5).price is None


def test_fixed_copied_and_pickled() -> None:
    order = OrderRequest(**LIMIT)  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        order.price = Decimal(1)  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(order)) == order  # noqa: S301 - our own bytes
    assert copy.deepcopy(order) == order
    assert hash(order) == hash(OrderRequest(**LIMIT))  # type: ignore[arg-type]


def test_a_response() -> None:
    response = OrderResponse("17", "partially_filled", "AAPL", "buy", 100, "40", "150.01", event_ns=5)
    assert response.status is OrderStatus.PARTIALLY_FILLED
    assert (response.filled_quantity, response.average_price) == (Decimal(40), Decimal("150.01"))
    assert not response.is_filled
    assert OrderResponse("17", OrderStatus.FILLED, "AAPL", "buy", 100, 100).is_filled


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "PENDING_REVIEW"}, "status must be one of new, partially_filled, .*, was 'PENDING_REVIEW'"),
        ({"filled_quantity": 101}, "filled_quantity must not be above quantity, was 101 > 100"),
        ({"order_id": ""}, "order_id must be"),
    ],
)
def test_a_response_that_makes_no_sense(change: dict[str, Any], message: str) -> None:
    fields = {"order_id": "17", "status": "new", "symbol": "AAPL", "side": "buy", "quantity": 100}
    with pytest.raises(ValueError, match=message):
        OrderResponse(**{**fields, **change})
