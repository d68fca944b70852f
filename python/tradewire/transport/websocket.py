"""The fast WebSocket link: socket bytes go straight into a `WireReader`, one native call per socket read.

Not for custom providers or recording, which want payloads: `plain.py` is for them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, cast

from tradewire.core import monotonic_ns, wall_ns
from tradewire.errors import FeedConnectionError, ProtocolError

from .failure import reason_of
from .frames import CLOSE, MOST_UNREAD, PING, PONG, close_frame, close_reason, message_frame, ping_frame, pong_frame
from .handshake import OpeningHandshake
from .tls import tls_context

if TYPE_CHECKING:
    import ssl

    from tradewire.core.delivery import WireReaderProtocol
    from tradewire.core.protocols import WireResultProtocol

__all__ = ["SocketOwner", "WebSocketConnection", "connect"]

#: Close codes of RFC 6455 section 7.4 that a peer may be answered with.
_NORMAL, _NO_CODE = 1000, 1005


class SocketOwner(Protocol):
    """Who is told what a connection does; called on the event loop, from the socket's own callback."""

    def on_read(self, result: WireResultProtocol, size: int) -> None:
        """A read of `size` bytes was decoded into the ring (0: it went on after Full). Must drain the ring. Not called
        for reads that the reader itself has dealt with."""

    def on_closed(self, error: Exception | None) -> None:
        """The connection is gone; None: closed by `close()`. Called once, and nothing after it."""


class WebSocketConnection(asyncio.BufferedProtocol):
    """One client connection, made by `connect`, which says what its arguments are. Owned by the event loop.

    Attributes:
        last_read_ns: monotonic time of the last read.
        rtt_ns: round trip of the last answered ping; 0 before the first.
    """

    def __init__(
        self,
        handshake: OpeningHandshake,
        reader: WireReaderProtocol,
        owner: SocketOwner,
        on_paused: Callable[[int], object] | None = None,
    ) -> None:
        self.last_read_ns = monotonic_ns()
        self.rtt_ns = 0
        self._handshake: OpeningHandshake | None = handshake
        self._reader = reader
        self._owner = owner
        self._on_paused = on_paused
        self._transport: asyncio.Transport | None = None
        self._head = bytearray(4096)
        loop = asyncio.get_running_loop()
        self._opened: asyncio.Future[None] = loop.create_future()
        self._lost: asyncio.Future[None] = loop.create_future()
        self._error: Exception | None = None
        self._close_sent = False
        self._ping_sent_ns = 0

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends the opening handshake."""
        assert self._handshake is not None  # noqa: S101 - set until the handshake is done
        # create_connection gives nothing else; uvloop's class does not say so.
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._transport.write(self._handshake.request())

    def get_buffer(self, sizehint: int) -> memoryview:
        """The frame reader's own memory, once the handshake is done."""
        if self._handshake is None:
            return self._reader.get_buffer(sizehint)
        return memoryview(self._head)

    def buffer_updated(self, nbytes: int) -> None:
        """One socket read."""
        if self._handshake is None:
            result = self._reader.buffer_updated(nbytes)
            if result is not None:
                self._owner.on_read(result, nbytes)
            # Whoever waits for the messages does not wait for this.
            self.last_read_ns = monotonic_ns()
            if result is not None and not result.plain:
                self._take(result)
            return
        recv_ns = wall_ns()
        self.last_read_ns = monotonic_ns()
        try:
            rest = self._handshake.feed(memoryview(self._head)[:nbytes])
        except FeedConnectionError as error:
            self._fail(error)
            return
        if rest is None:
            return
        self._handshake = None
        self._head = bytearray()
        if not self._opened.done():
            self._opened.set_result(None)
        if rest:
            result = self._reader.feed(rest, recv_ns)
            self._owner.on_read(result, len(rest))
            self._take(result)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end: tells who waits and the owner."""
        error = self._error
        if error is None and self._handshake is not None:
            error = self._handshake.refusal()
        if error is None and not self._close_sent:
            error = FeedConnectionError(
                f"connection lost: {reason_of(exc)}" if exc else "the peer closed the connection"
            )
        if not self._opened.done():
            self._opened.set_exception(error or FeedConnectionError("closed during the handshake"))
            # Nobody may be waiting any more (open timeout): that is no unhandled error.
            self._opened.exception()
        elif self._handshake is None:
            self._owner.on_closed(error)
        if not self._lost.done():
            self._lost.set_result(None)

    # the owner's side

    async def opened(self) -> None:
        """Waits for the end of the handshake.

        Raises:
            FeedConnectionError: refused, or lost before it ended.
        """
        await asyncio.shield(self._opened)

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._handshake is None and not self._close_sent and not self._lost.done()

    def send(self, payload: bytes, *, binary: bool = False) -> None:
        """Sends one message, of UTF-8 text unless `binary`.

        Raises:
            FeedConnectionError: not open.
        """
        if not self.is_open:
            raise FeedConnectionError("the connection is not open")
        self._write(message_frame(payload, binary=binary))

    def ping(self) -> None:
        """Asks for a pong; `last_read_ns` and `rtt_ns` tell when it came. Does nothing when not open."""
        if self.is_open:
            self._ping_sent_ns = monotonic_ns()
            self._write(ping_frame(self._ping_sent_ns.to_bytes(8, "big")))

    async def close(self, code: int = _NORMAL, *, timeout_s: float = 1.0) -> None:
        """Says goodbye, waits for the peer to end the connection, and ends it itself after `timeout_s`."""
        if self._transport is None:
            return
        self._send_close(code)
        try:
            await asyncio.wait_for(asyncio.shield(self._lost), timeout_s)
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._transport is not None:
            self._close_sent = True
            self._transport.abort()

    # inside

    def _take(self, result: WireResultProtocol) -> None:
        """What came beside messages."""
        if result.full:
            result = self._make_room(result)
        if result.frames:
            self._answer(result.frames)
        if result.close is not None:
            code, reason = result.close
            self._error = ProtocolError(code, reason)
            self._send_close(code, reason)
            self._end()

    def _make_room(self, result: WireResultProtocol) -> WireResultProtocol:
        """Ring full: no more bytes until the owner has drained it. Control frames wait in line with the messages."""
        if self._transport is None:
            return result
        paused_at = monotonic_ns()
        self._transport.pause_reading()
        while result.full:
            if result.frames:
                self._answer(result.frames)
            result = self._reader.resume()
            self._owner.on_read(result, 0)
        if not self._transport.is_closing():
            self._transport.resume_reading()
        if self._on_paused is not None:
            self._on_paused(monotonic_ns() - paused_at)
        return result

    def _answer(self, frames: list[tuple[int, bytes]]) -> None:
        for opcode, payload in frames:
            if opcode == PING:
                self._write(pong_frame(payload))
            elif opcode == PONG:
                if payload == self._ping_sent_ns.to_bytes(8, "big"):
                    self.rtt_ns = monotonic_ns() - self._ping_sent_ns
            elif opcode == CLOSE:
                code, reason = close_reason(payload)
                if not self._close_sent:
                    text = f" ({reason})" if reason else ""
                    self._error = FeedConnectionError(f"the peer closed the connection with code {code}{text}")
                self._send_close(_NORMAL if code == _NO_CODE else code)
                self._end()

    def _fail(self, error: Exception) -> None:
        self._error = error
        if self._transport is not None:
            self._transport.abort()

    def _send_close(self, code: int, reason: str = "") -> None:
        if self._close_sent:
            return
        self._close_sent = True
        if self._handshake is None:
            self._write(close_frame(code, reason))
        elif self._transport is not None:
            self._transport.close()

    def _end(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if transport.get_write_buffer_size() > MOST_UNREAD:
            # Answers to a flood of pings would pile up in memory.
            self._fail(FeedConnectionError(f"the peer does not read: {MOST_UNREAD} bytes wait for it"))
            return
        transport.write(data)


async def connect(
    url: str,
    reader: WireReaderProtocol,
    owner: SocketOwner,
    *,
    open_timeout_s: float = 10.0,
    context: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
    on_paused: Callable[[int], object] | None = None,
) -> WebSocketConnection:
    """Opens a connection; its messages go to `reader`, and `owner` is told. No proxy, no compression.

    Args:
        url: `ws://` or `wss://`.
        reader: a fresh reader; it belongs to this connection.
        owner: told on the event loop.
        open_timeout_s: for name look-up, TCP, TLS and handshake together.
        context: TLS settings for `wss://` other than `tls_context()`.
        headers: added to the upgrade request.
        on_paused: told after each pause for how many ns the socket was not read because the ring was full.

    Raises:
        FeedConnectionError: refused, unreachable, or not in time.
        ValueError: not a WebSocket URL.
    """
    handshake = OpeningHandshake(url, headers)
    where = f"{handshake.host}:{handshake.port}"
    tls = (context or tls_context()) if handshake.secure else None
    connection: WebSocketConnection | None = None
    try:
        async with asyncio.timeout(open_timeout_s):
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: WebSocketConnection(handshake, reader, owner, on_paused),
                handshake.host,
                handshake.port,
                ssl=tls,
            )
            await connection.opened()
    except TimeoutError as error:
        _abort(connection)
        refused = handshake.refusal()
        raise refused or FeedConnectionError(f"{where} did not answer within {open_timeout_s:g} s") from error
    except OSError as error:
        _abort(connection)
        if isinstance(error, FeedConnectionError):
            raise
        raise FeedConnectionError(f"cannot connect to {where}: {reason_of(error)}") from error
    except BaseException:
        _abort(connection)
        raise
    return connection


def _abort(connection: WebSocketConnection | None) -> None:
    if connection is not None:
        connection.abort()
