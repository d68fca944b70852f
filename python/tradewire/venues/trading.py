"""What a trading API is: the base class that venues and users derive theirs from. Does no I/O of its own.

Not the order manager: this is one client of one venue, one attempt a call.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Self

from tradewire.core import monotonic_ns
from tradewire.errors import UnsupportedError
from tradewire.model import Balance, OrderRequest, OrderResponse, Position, Quote
from tradewire.telemetry import LimitedLog, OperationLatency

__all__ = ["TradingAPIInterface"]

#: The calls that are measured, whichever of them a derived class defines.
_MEASURED = (
    "connect",
    "close",
    "ping",
    "place_order",
    "cancel_order",
    "get_order",
    "get_positions",
    "get_balance",
    "get_market_data",
)

#: Client, call and task being measured, so that `super().place_order(...)` inside it is not counted again. The task
#: belongs to it: one started inside a call inherits the variable and makes calls of its own.
_measuring: ContextVar[tuple[int, str, int] | None] = ContextVar("tradewire_measuring", default=None)


def _measured(
    operation: str, method: Callable[..., Coroutine[Any, Any, Any]]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    @functools.wraps(method)
    async def measure(self: TradingAPIInterface, *args: Any, **kwargs: Any) -> Any:
        mark = (id(self), operation, id(asyncio.current_task()))
        if _measuring.get() == mark:
            return await method(self, *args, **kwargs)
        token = _measuring.set(mark)
        failed = True
        start_ns = monotonic_ns()
        try:
            result = await method(self, *args, **kwargs)
            failed = False
        finally:
            self.latency.record(operation, monotonic_ns() - start_ns, failed=failed)
            _measuring.reset(token)
        return result

    return measure


class TradingAPIInterface:
    """A client of a trading API. Derive from it and define what the venue can do; the rest says that it cannot.

    Every call of a derived class is timed in `latency`. `ConnectionPool` makes clients as `YourClass(config)` and calls
    `connect`, `ping` and `close`; `async with YourClass(config) as api` connects and closes as well.

    ```python
    class MyTradingAPI(TradingAPIInterface):
        async def place_order(self, order: OrderRequest) -> OrderResponse:
            ...
    ```

    Args:
        config: settings of the derived class, as `config.apis["name"].dict()` gives them.

    Attributes:
        config: a copy of it.
        latency: how long each call takes.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _MEASURED:
            method = cls.__dict__.get(name)
            if inspect.iscoroutinefunction(method):
                setattr(cls, name, _measured(name, method))

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self.latency = OperationLatency()
        self._callbacks: dict[str, list[Callable[[Any], Awaitable[None] | None]]] = {}
        self._log = LimitedLog(logging.getLogger(__name__))

    async def connect(self) -> None:
        """Opens what the client needs. Nothing, unless defined."""

    async def close(self) -> None:
        """Closes it. Nothing, unless defined."""

    async def ping(self) -> None:
        """Proves that the connection works, or raises. Proves nothing, unless defined."""

    async def place_order(self, order: OrderRequest) -> OrderResponse:
        """Places an order: one attempt. After any error but a refusal the order may exist all the same."""
        raise self._cannot("place_order")

    async def cancel_order(self, order_id: str) -> OrderResponse:
        """Cancels an order, by the venue's id."""
        raise self._cannot("cancel_order")

    async def get_order(self, order_id: str) -> OrderResponse:
        """An order as the venue sees it now, by the venue's id."""
        raise self._cannot("get_order")

    async def get_positions(self) -> list[Position]:
        """What the account holds."""
        raise self._cannot("get_positions")

    async def get_balance(self) -> list[Balance]:
        """What the account could spend, by currency."""
        raise self._cannot("get_balance")

    async def get_market_data(self, symbol: str) -> Quote:
        """The best bid and offer now."""
        raise self._cannot("get_market_data")

    def on(self, event: str, callback: Callable[[Any], Awaitable[None] | None]) -> None:
        """Has `callback(payload)`, plain or async, called at each `emit` of that event, in order of registration."""
        self._callbacks.setdefault(event, []).append(callback)

    async def emit(self, event: str, payload: Any = None) -> None:
        """Tells those who asked for the event; for derived classes. One that raises is logged and hurts nobody else."""
        for callback in self._callbacks.get(event, ()):
            try:
                result = callback(payload)
                if inspect.isawaitable(result):
                    await result
            except Exception as error:
                self._log.say(event, "callback for %r of %s failed", event, type(self).__name__, error=error)

    async def __aenter__(self) -> Self:
        try:
            await self.connect()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _cannot(self, operation: str) -> UnsupportedError:
        return UnsupportedError(f"{type(self).__name__} does not define {operation}")
