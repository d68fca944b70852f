"""A worked `TradingAPIInterface` and the loopback venue that it trades on: real HTTP, real signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from aiohttp import web

from tradewire import OrderRequest, OrderResponse, TradingAPIInterface
from tradewire.core import wall_ns
from tradewire.errors import FeedConnectionError, RejectedError
from tradewire.model import Balance, Position, Quote
from tradewire.transport.auth import AuthManager
from tradewire.transport.http import HttpClient


class LoopbackVenue:
    """Keeps orders in memory; refuses what is not signed with its secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.url = ""
        self.orders: dict[str, dict[str, Any]] = {}
        self.requests = 0
        self.connections: set[Any] = set()
        self.down = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[LoopbackVenue]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.requests += 1
        self.connections.add(request.transport)
        path = request.match_info["path"]
        if path == "ping":
            return web.json_response({})
        payload, _, signature = request.query_string.rpartition("&signature=")
        if not hmac.compare_digest(signature, hmac.new(self._secret, payload.encode(), hashlib.sha256).hexdigest()):
            return web.json_response({"error": "bad signature"}, status=401)
        if self.down:
            return web.json_response({"error": "down"}, status=503)
        if (request.method, path) == ("POST", "orders"):
            return self._place(dict(request.query))
        if path.startswith("orders/"):
            order = self.orders.get(path.removeprefix("orders/"))
            if order is None:
                return web.json_response({"error": "no such order"}, status=404)
            if request.method == "DELETE":
                order["status"] = "canceled"
            return web.json_response(order)
        answers: dict[str, Any] = {
            "positions": [{"symbol": "AAPL", "quantity": "-3", "entry_price": "151.25"}],
            "balance": [{"asset": "USD", "free": "1000.10", "locked": "5"}],
            "quote": {"symbol": request.query.get("symbol"), "bid": 149.9, "ask": 150.1},
        }
        return web.json_response(answers[path])

    def _place(self, query: dict[str, str]) -> web.Response:
        if query["symbol"] == "NONE":
            return web.json_response({"error": "unknown symbol"}, status=400)
        names = ("symbol", "side", "quantity")
        order = {"order_id": str(len(self.orders) + 1), "status": "new", **{name: query[name] for name in names}}
        self.orders[str(order["order_id"])] = order
        return web.json_response(order)


class MyTradingAPI(TradingAPIInterface):
    """What a user writes for a venue of theirs."""

    base_url = ""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        name = config["provider"]
        self._signer = AuthManager({name: config["credentials"]}).credential(name).signer()
        self._http = HttpClient(timeout_s=5)

    async def connect(self) -> None:
        await self.ping()

    async def ping(self) -> None:
        await self._http.get(f"{self.base_url}/ping")

    async def close(self) -> None:
        await self._http.close()

    async def place_order(self, order: OrderRequest) -> OrderResponse:
        response = OrderResponse(
            **await self._call(
                "POST", "orders", symbol=order.symbol, side=order.side, quantity=order.quantity, price=order.price
            )
        )
        await self.emit("order_placed", response)
        return response

    async def cancel_order(self, order_id: str) -> OrderResponse:
        return OrderResponse(**await self._call("DELETE", f"orders/{order_id}"))

    async def get_order(self, order_id: str) -> OrderResponse:
        return OrderResponse(**await self._call("GET", f"orders/{order_id}"))

    async def get_positions(self) -> list[Position]:
        rows = await self._call("GET", "positions")
        return [Position(row["symbol"], Decimal(row["quantity"]), Decimal(row["entry_price"])) for row in rows]

    async def get_balance(self) -> list[Balance]:
        rows = await self._call("GET", "balance")
        return [Balance(row["asset"], Decimal(row["free"]), Decimal(row["locked"])) for row in rows]

    async def get_market_data(self, symbol: str) -> Quote:
        quote = await self._call("GET", "quote", symbol=symbol)
        return Quote(
            symbol=quote["symbol"], venue="loopback", event_ns=0, recv_ns=wall_ns(), seq=0, flags=0,
            bid_price=quote["bid"], bid_quantity=1.0, ask_price=quote["ask"], ask_quantity=1.0,
        )  # fmt: skip

    async def _call(self, method: str, path: str, **pairs: Any) -> Any:
        given = [(name, str(value)) for name, value in pairs.items() if value is not None]
        query = self._signer.sign_query(given, wall_ns() // 1_000_000)
        answer = await self._http.request(method, f"{self.base_url}/{path}", query=query)
        body = json.loads(answer.body)
        if answer.status >= 500:
            raise FeedConnectionError(f"HTTP {answer.status}")
        if answer.status >= 400:
            raise RejectedError(body["error"])
        return body


def client_of(venue: LoopbackVenue) -> type[MyTradingAPI]:
    """The worked client, pointed at the venue."""
    return type("MyTradingAPI", (MyTradingAPI,), {"base_url": venue.url})
