"""The trading interface through a worked client against a venue on loopback."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

import tradewire
from tradewire import OrderRequest, OrderResponse, OrderSide, TradingAPIInterface
from tradewire.errors import RejectedError, UnsupportedError
from tradewire.model import OrderStatus
from tradewire.venues import base
from trading_api import LoopbackVenue, client_of

SECRET = "canary-6f2d"  # noqa: S105 - of a venue on loopback


@pytest.fixture
async def venue() -> AsyncIterator[LoopbackVenue]:
    async with LoopbackVenue(SECRET).running() as venue:
        yield venue


def _config(secret: str = SECRET) -> dict[str, Any]:
    return {"provider": "loopback", "credentials": {"api_key": "k", "secret_key": secret}}


ORDER = OrderRequest("AAPL", "buy", 100, "limit", price=150.00)


async def test_a_worked_client_does_all_of_it(venue: LoopbackVenue) -> None:
    placed: list[OrderResponse] = []
    async with client_of(venue)(_config()) as api:
        api.on("order_placed", placed.append)
        response = await api.place_order(ORDER)
        assert (response.side, response.quantity, response.status) == (OrderSide.BUY, Decimal(100), OrderStatus.NEW)
        assert (await api.get_order(response.order_id)).status is OrderStatus.NEW
        assert (await api.cancel_order(response.order_id)).status is OrderStatus.CANCELED
        assert (await api.get_positions())[0].quantity == -3
        assert (await api.get_balance())[0].total == Decimal("1005.10")
        assert (await api.get_market_data("AAPL")).bid_price == 149.9
    assert placed == [response]
    assert base.TradingAPIInterface is tradewire.TradingAPIInterface is TradingAPIInterface


async def test_refusals_are_refusals(venue: LoopbackVenue) -> None:
    async with client_of(venue)(_config()) as api:
        with pytest.raises(RejectedError, match="unknown symbol"):
            await api.place_order(OrderRequest("NONE", "buy", 1))
    async with client_of(venue)(_config("another")) as api:
        with pytest.raises(RejectedError, match="bad signature"):
            await api.get_balance()


async def test_every_call_is_timed_once(venue: LoopbackVenue) -> None:
    class Careful(client_of(venue)):  # type: ignore[misc]
        async def place_order(self, order: OrderRequest) -> OrderResponse:
            return await super().place_order(order)

    async with Careful(_config()) as api:
        await api.place_order(ORDER)
        await asyncio.gather(*(api.place_order(ORDER) for _ in range(4)))
        with pytest.raises(RejectedError):
            await api.get_order("99")
    summary = api.latency.summary()
    assert summary["place_order"]["count"] == 5
    assert summary["place_order"]["failures"] == 0
    assert summary["place_order"]["p50_ns"] > 10_000
    assert (summary["get_order"]["count"], summary["get_order"]["failures"]) == (1, 1)
    assert {"connect", "close", "ping"} <= set(summary)


async def test_a_task_started_inside_a_call_is_timed_for_itself() -> None:
    class Spawning(TradingAPIInterface):
        async def ping(self) -> None:
            if self.latency.histogram("ping") is None and not self.config.get("again"):
                self.config["again"] = True
                await asyncio.create_task(self.ping())

    api = Spawning()
    await api.ping()
    assert api.latency.summary()["ping"]["count"] == 2


async def test_what_is_not_defined_says_so() -> None:
    class Nothing(TradingAPIInterface):
        pass

    async with Nothing() as api:
        await api.ping()
        calls = (
            api.place_order(ORDER),
            api.cancel_order("1"),
            api.get_order("1"),
            api.get_positions(),
            api.get_balance(),
            api.get_market_data("AAPL"),
        )
        for call in calls:
            with pytest.raises(UnsupportedError, match="Nothing does not define "):
                await call


async def test_callbacks_in_order_and_one_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    api, told = TradingAPIInterface({"a": 1}), []

    async def later(payload: Any) -> None:
        await asyncio.sleep(0)
        told.append(("later", payload))

    def broken(payload: Any) -> None:
        raise ValueError("mine")

    api.on("filled", later)
    api.on("filled", broken)
    api.on("filled", lambda payload: told.append(("plain", payload)))
    with caplog.at_level(logging.WARNING):
        await api.emit("filled", 7)
        await api.emit("nobody asked", 8)
    assert told == [("later", 7), ("plain", 7)]
    assert "callback for 'filled' of TradingAPIInterface failed" in caplog.text


async def test_a_failed_connect_is_closed_again() -> None:
    class Refused(TradingAPIInterface):
        closed = False

        async def connect(self) -> None:
            raise ConnectionRefusedError

        async def close(self) -> None:
            self.closed = True

    api = Refused()
    with pytest.raises(ConnectionRefusedError):
        async with api:
            pass
    assert api.closed
