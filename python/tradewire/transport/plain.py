"""The reference WebSocket driver: the `websockets` library, message by message. For recording and custom providers.

Not for market data at full speed: `websocket.py` is.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tradewire.core import wall_ns
from tradewire.errors import FeedConnectionError

from .tls import tls_context

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

__all__ = ["PlainConnection", "connect_plain"]


class PlainConnection:
    """One connection that gives whole payloads."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, payload: bytes, *, binary: bool = False) -> None:
        """Sends one message, of UTF-8 text unless `binary`.

        Raises:
            FeedConnectionError: the connection is closed.
        """
        from websockets.exceptions import ConnectionClosed

        try:
            await self._connection.send(payload, text=not binary)
        except ConnectionClosed as error:
            raise FeedConnectionError(f"connection lost: {error}") from error

    async def messages(self) -> AsyncIterator[tuple[int, bytes]]:
        """(receive time in ns since 1970, payload) of each message, until the connection ends.

        Raises:
            FeedConnectionError: it ended otherwise than by `close`.
        """
        from websockets.exceptions import ConnectionClosed

        while True:
            try:
                payload = await self._connection.recv(decode=False)
            except ConnectionClosed as error:
                raise FeedConnectionError(f"connection lost: {error}") from error
            yield wall_ns(), payload


@asynccontextmanager
async def connect_plain(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    open_timeout_s: float = 10.0,
    max_message: int = 1 << 20,
) -> AsyncIterator[PlainConnection]:
    """Opens a connection for the length of an `async with`. No proxy from the environment, no compression.

    Raises:
        FeedConnectionError: refused, unreachable, or not in time.
    """
    client = importlib.import_module("websockets.asyncio.client")
    exceptions = importlib.import_module("websockets.exceptions")
    try:
        connection = await client.connect(
            url,
            compression=None,
            proxy=None,
            ssl=tls_context() if url.startswith("wss:") else None,
            open_timeout=open_timeout_s,
            close_timeout=1.0,
            max_size=max_message,
            user_agent_header=None,
            additional_headers=headers,
        )
    except (OSError, exceptions.InvalidHandshake) as error:
        raise FeedConnectionError(f"cannot connect to {url}: {str(error) or type(error).__name__}") from error
    async with connection:
        yield PlainConnection(connection)
