"""What a type checker must accept of pools, orders and trading clients; checked by mypy, never run."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, assert_type

from tradewire import AuthManager, ConnectionPool, OrderRequest, OrderResponse, TradingAPIInterface
from tradewire.model import OrderSide
from tradewire.transport.auth import Credential


class MyTradingAPI(TradingAPIInterface):
    async def place_order(self, order: OrderRequest) -> OrderResponse:
        assert_type(order.quantity, Decimal)
        assert_type(order.price, Decimal | None)
        return OrderResponse("1", "new", order.symbol, order.side, order.quantity)


async def on_error(error: Exception, metrics: dict[str, Any]) -> None: ...


async def use() -> None:
    pool = ConnectionPool(api_class=MyTradingAPI, config={"key": 1}, min_connections=3, max_connections=10)
    assert_type(pool, ConnectionPool[MyTradingAPI])
    pool.set_error_handler(on_error)
    pool.set_error_handler(lambda error, metrics: None)
    order = OrderRequest(symbol="AAPL", quantity=100, side="buy", order_type="limit", price=150.00)
    assert_type(order.side, OrderSide)
    assert_type(await pool.execute_with_connection(lambda api: api.place_order(order)), OrderResponse)
    made = ConnectionPool(create_client_func=MyTradingAPI, config={"min_connections": 2})
    assert_type(made, ConnectionPool[MyTradingAPI])

    async def make() -> MyTradingAPI:
        return MyTradingAPI()

    # An asynchronous factory is only understood where the pool's type is written.
    awaited: ConnectionPool[MyTradingAPI] = ConnectionPool(create_client_func=make)
    assert_type(awaited, ConnectionPool[MyTradingAPI])
    async with made as entered:
        await entered.execute("place_order", order)
    assert_type(AuthManager().credential("alpaca"), Credential)
    api = MyTradingAPI()
    api.on("filled", lambda payload: None)
