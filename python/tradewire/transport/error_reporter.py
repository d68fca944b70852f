"""Hands errors to a user's handler, in order and apart from the work that met them. Decides nothing about them."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["ErrorHandler", "ErrorReporter"]

#: Told about each failed call, connect and ping: the error, and `PooledLink.metrics` of its connection.
ErrorHandler = Callable[[Exception, dict[str, Any]], Awaitable[None] | None]

_logger = logging.getLogger(__name__)
#: Errors waiting for a slow handler; later ones are only counted.
_WAITING = 100


class ErrorReporter:
    """A bounded queue in front of one handler, plain or async. One that raises is logged and hurts nothing else.

    Attributes:
        handler: None: errors are dropped.
        unreported: errors that found the queue full.
    """

    def __init__(self) -> None:
        self.handler: ErrorHandler | None = None
        self.unreported = 0
        self._queue: asyncio.Queue[tuple[Exception, dict[str, Any]]] = asyncio.Queue(_WAITING)

    def report(self, error: Exception, metrics: Callable[[], dict[str, Any]]) -> None:
        """Queues an error; `metrics` is asked at once, and only where somebody listens."""
        if self.handler is None:
            return
        if self._queue.full():
            self.unreported += 1
            return
        self._queue.put_nowait((error, metrics()))

    async def run(self, more: Callable[[], bool]) -> None:
        """Calls the handler for each error until `more()` says no."""
        while more():
            error, metrics = await self._queue.get()
            try:
                result = self.handler(error, metrics) if self.handler is not None else None
                if inspect.isawaitable(result):
                    await result
            except Exception as failure:
                _logger.warning("the connection error handler failed: %r", failure)
