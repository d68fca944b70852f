"""The reference WebSocket driver: the `websockets` library, message by message. For recording and custom providers.

Not for market data at full speed: `websocket.py` is.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol, cast

from tradewire.core import monotonic_ns, wall_ns
from tradewire.errors import FeedConnectionError
from tradewire.telemetry.origin import origin_of

from .failure import reason_of
from .frames import MOST_UNREAD
from .policy.stay_away import told_by_header_s
from .protocol_log import PROTOCOL_LOG
from .tls import tls_context

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

__all__ = ["PayloadOwner", "PlainConnection", "PlainSocket", "connect_plain", "open_plain"]


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

    async def ping(self) -> asyncio.Future[float]:
        """Asks for a pong.

        Returns:
            Done when it comes; failed or cancelled when the connection ends before.

        Raises:
            FeedConnectionError: the connection is closed.
        """
        from websockets.exceptions import ConnectionClosed

        try:
            # The library gives nothing else; its annotation does not say so.
            return cast("asyncio.Future[float]", await self._connection.ping())
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


class PayloadOwner(Protocol):
    """Who is told what a plain socket does; called on the event loop."""

    def on_payload(self, payload: bytes, recv_ns: int) -> None:
        """A whole message."""

    def on_closed(self, error: Exception | None) -> None:
        """The connection is gone. Called once, and nothing after it."""


class PlainSocket:
    """One connection with the calls of `WebSocketConnection`: payloads go to the owner. Made by `open_plain`.

    Attributes:
        last_read_ns: monotonic time of the last message or pong. The library does not tell of other control frames.
    """

    def __init__(self, connection: ClientConnection, owner: PayloadOwner) -> None:
        self.last_read_ns = monotonic_ns()
        self._connection = connection
        self._owner = owner
        # Messages, and None for a ping.
        self._outgoing: asyncio.Queue[tuple[bytes, bool] | None] = asyncio.Queue()
        self._unread = 0
        self._error: FeedConnectionError | None = None
        self._aborted = False
        self._tasks = [
            asyncio.get_running_loop().create_task(work, name=f"plain socket {name}")
            for name, work in (("reader", self._read()), ("writer", self._write()))
        ]

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return not self._aborted and not self._tasks[0].done()

    def send(self, payload: bytes, *, binary: bool = False) -> None:
        """Sends one message, in order, of UTF-8 text unless `binary`. A peer that does not read them is given up."""
        if self._error is not None:
            return
        if self._unread > MOST_UNREAD:
            self._error = FeedConnectionError(f"the peer does not read: {MOST_UNREAD} bytes wait for it")
            # The reader says so to the owner.
            self._connection.transport.abort()
            return
        self._unread += len(payload)
        self._outgoing.put_nowait((payload, binary))

    def ping(self) -> None:
        """Asks for a pong; `last_read_ns` tells when it came."""
        self._outgoing.put_nowait(None)

    def abort(self) -> None:
        """Ends the connection at once."""
        self._aborted = True
        self._connection.transport.abort()
        for task in self._tasks:
            task.cancel()

    async def close(self, *, timeout_s: float = 1.0) -> None:
        """Says goodbye and ends the connection, by force after `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._connection.close()
        except TimeoutError:
            pass
        self.abort()
        await asyncio.wait(self._tasks)

    async def _read(self) -> None:
        error: Exception | None = None
        try:
            async for recv_ns, payload in PlainConnection(self._connection).messages():
                self.last_read_ns = monotonic_ns()
                self._owner.on_payload(payload, recv_ns)
                if self._aborted:
                    # Messages that wait already would come before the task's cancellation.
                    return
        except FeedConnectionError as lost:
            error = self._error or lost
        self._tasks[1].cancel()
        self._owner.on_closed(error)

    async def _write(self) -> None:
        connection = PlainConnection(self._connection)
        while True:
            message = await self._outgoing.get()
            try:
                if message is None:
                    (await connection.ping()).add_done_callback(self._on_pong)
                else:
                    payload, binary = message
                    await connection.send(payload, binary=binary)
                    self._unread -= len(payload)
            except FeedConnectionError:
                # The reader says so to the owner.
                return

    def _on_pong(self, pong: asyncio.Future[float]) -> None:
        if not pong.cancelled() and pong.exception() is None:
            self.last_read_ns = monotonic_ns()


async def open_plain(
    url: str,
    owner: PayloadOwner,
    *,
    headers: Mapping[str, str] | None = None,
    open_timeout_s: float = 10.0,
    max_message: int = 1 << 20,
) -> PlainSocket:
    """Opens a connection whose messages go to `owner`, who pings. No proxy from the environment, no compression.

    Raises:
        FeedConnectionError: refused, unreachable, or not in time.
    """
    return PlainSocket(await _connect(url, headers, open_timeout_s, max_message, None), owner)


@asynccontextmanager
async def connect_plain(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    open_timeout_s: float = 10.0,
    max_message: int = 1 << 20,
) -> AsyncIterator[PlainConnection]:
    """Opens a connection for the length of an `async with`; it pings by itself. No proxy from the environment, no
    compression.

    Raises:
        FeedConnectionError: refused, unreachable, or not in time.
    """
    connection = await _connect(url, headers, open_timeout_s, max_message, 20.0)
    async with connection:
        yield PlainConnection(connection)


async def _connect(
    url: str,
    headers: Mapping[str, str] | None,
    open_timeout_s: float,
    max_message: int,
    ping_interval_s: float | None,
) -> ClientConnection:
    client = importlib.import_module("websockets.asyncio.client")
    exceptions = importlib.import_module("websockets.exceptions")
    origin = origin_of(url)
    try:
        opening = client.connect(
            url,
            compression=None,
            proxy=None,
            ssl=tls_context() if url.startswith("wss:") else None,
            open_timeout=open_timeout_s,
            ping_interval=ping_interval_s,
            close_timeout=1.0,
            max_size=max_message,
            user_agent_header=None,
            additional_headers=headers,
            logger=PROTOCOL_LOG,
        )
    except (ValueError, exceptions.InvalidURI):
        opening = None
    if opening is None:
        # Outside of `except`: the library's error holds the whole address.
        raise FeedConnectionError(f"cannot connect to {origin}: not a WebSocket address")
    # Keys go to the address that was given, and to no other.
    opening.process_redirect = lambda error: error
    try:
        connection: ClientConnection = await opening
    except (OSError, exceptions.InvalidHandshake) as error:
        reason = f"cannot connect to {origin}: {reason_of(error)}"
        refused = getattr(error, "response", None)
        if refused is None:
            raise FeedConnectionError(reason) from error
        raise FeedConnectionError(
            reason,
            told_by_header_s(refused.headers.get("Retry-After", ""), wall_ns()),
            status=refused.status_code,
            body=bytes(refused.body or b""),
        ) from error
    return connection
