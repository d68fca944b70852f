"""One WebSocket connection of a simulated venue: handshake, frames, closing, and the faults of connections.

Handshake and incoming frames go through the `websockets` library's sans-I/O protocol. Outgoing data messages do not:
they are ready-made frames, sent together once a tick. What the messages mean is the venue's own business (subclasses).
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from tradewire.sim.chaos import Chaos
from tradewire.sim.valve import Valve

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BAD_TEXT", "GOING_AWAY", "POLICY", "Session", "SessionFace"]

POLICY, GOING_AWAY, BAD_TEXT = 1008, 1001, 1007
_CLOSE_TIMEOUT_S = 5.0

_SESSION = TypeVar("_SESSION", bound="Session")


class SessionFace(Generic[_SESSION]):
    """All stream connections of a venue.

    Attributes:
        buffer_bytes: unsent bytes at which a slow reader is disconnected.
        chaos: the venue's faults.
        clock: gives seconds; times of connections are measured with it.
        accepted: all that were not lost yet, in the handshake too.
        sessions: the open ones.
        slow_readers: how many were disconnected because they did not keep up.
        is_closed: whether new connections are dropped: some arrive after the server has stopped listening.
        connection: the class of a connection.
    """

    connection: type[_SESSION]

    def __init__(
        self, buffer_bytes: int, clock: Callable[[], float] = time.monotonic, chaos: Chaos | None = None
    ) -> None:
        self.buffer_bytes = buffer_bytes
        self.clock = clock
        self.chaos = chaos or Chaos(clock=clock)
        self.accepted: set[_SESSION] = set()
        self.sessions: set[_SESSION] = set()
        self.slow_readers = 0
        self.is_closed = False

    def session(self) -> _SESSION:
        """The protocol of a new connection."""
        return self.connection(self)

    def tick(self) -> None:
        """Send what has been collected and keep the connections' times."""
        now_s = self.clock()
        for session in tuple(self.sessions):
            if session.is_frozen:
                session.discard()
            else:
                session.flush()
                session.drain(now_s)
                session.on_time(now_s)

    def close(self) -> None:
        """Say goodbye and drop all connections, and those that are still on their way."""
        self.is_closed = True
        for session in tuple(self.sessions):
            session.close(GOING_AWAY, "server is going away")
            session.hang_up()
        for session in tuple(self.accepted - self.sessions):
            session.abort()


class Session(asyncio.Protocol, ABC):
    """One connection, from the handshake on. Implements `faults.Link`.

    Attributes:
        out: frames to be sent at the next tick.
        is_closing: whether the end has begun.
    """

    def __init__(self, face: SessionFace[Any]) -> None:
        self._owner = face
        self._protocol = ServerProtocol()
        self._transport: asyncio.Transport | None = None
        self._valve: Valve | None = None
        self.is_closing = False
        self.out: list[bytes] = []

    # For the subclass

    @abstractmethod
    def on_request(self, request: Request) -> None:
        """An opening handshake: `accept` or `refuse` it."""

    @abstractmethod
    def on_frame(self, frame: Frame) -> None:
        """One incoming frame; the library has answered pings and close frames already."""

    @abstractmethod
    def on_time(self, now_s: float) -> None:
        """Look at the clock; `now_s` is the time by the face's clock."""

    @abstractmethod
    def on_end(self) -> None:
        """No more messages will be sent: cancel the subscriptions."""

    def end_slow_reader(self) -> None:
        """The peer does not read."""
        self.abort()

    def finish(self) -> None:
        """Write what is left and close; the peer may take its time."""
        if self._transport is not None and self._valve is not None:
            self._valve.write(b"".join(self.out))
            self.out.clear()
            self._transport.close()

    @abstractmethod
    def put(self, message: bytes) -> None:
        """Part of `faults.Link`."""

    def accept(self, request: Request) -> bool:
        """Answer the handshake; whether the connection is open now."""
        refusal = self._owner.chaos.handshake()
        if refusal is not None:
            self.refuse(refusal.status, "refused\n", refusal.retry_after_s)
            return False
        response = self._protocol.accept(request)
        self._protocol.send_response(response)
        self._send_control()
        if response.status_code != 101:
            return False
        self._owner.sessions.add(self)
        if self._owner.chaos.closes_opened():
            self.hang_up()
            return False
        return True

    def refuse(self, status: int, text: str, retry_after_s: int | None = None) -> None:
        """Answer the handshake with an HTTP error."""
        response = self._protocol.reject(status, text)
        if retry_after_s is not None:
            response.headers["Retry-After"] = str(retry_after_s)
        self._protocol.send_response(response)

    def ping(self, payload: bytes) -> None:
        """Send a ping frame."""
        self._protocol.send_ping(payload)
        self._send_control()

    @property
    def is_open(self) -> bool:
        """Whether the handshake is over and no closing has begun."""
        return self._protocol.state is OPEN

    # For the venue

    @property
    def is_frozen(self) -> bool:
        """Whether it is half open: sends nothing, hears nothing, does not look at the clock."""
        return self._valve is not None and self._valve.is_frozen

    def flush(self) -> None:
        """Send what has been collected, or disconnect a reader that is too slow."""
        if self._valve is None or not self.out:
            return
        if self._valve.backlog > self._owner.buffer_bytes:
            self._owner.slow_readers += 1
            self.is_closing = True
            self._silence()
            self.end_slow_reader()
            return
        frames, self.out = self.out, []
        self._valve.write(b"".join(frames))

    def discard(self) -> None:
        """Forget what has been collected."""
        self.out.clear()

    def drain(self, now_s: float) -> None:
        """Let a dripping connection drip."""
        if self._valve is not None:
            self._valve.tick(now_s)

    def close(self, code: int, reason: str) -> None:
        """Send what is left and begin the closing handshake; the connection is dropped if it is not answered."""
        if self.is_closing:
            return
        self.flush()
        if self.is_closing:  # too slow even for the goodbye
            return
        self.is_closing = True
        self._silence()
        if self._protocol.state is OPEN:
            self._protocol.send_close(code, reason)
            self._send_control()
            asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT_S, self.abort)
        else:
            self.abort()

    def abort(self) -> None:
        """Drop the connection, if it still exists."""
        if self._transport is not None:
            self._transport.abort()

    def hang_up(self) -> None:
        """Close without waiting for the peer; drop it if it has not read what was sent."""
        if self._transport is not None and not self._transport.get_write_buffer_size():
            self._transport.close()
        self.abort()

    def freeze(self) -> None:
        """Part of `faults.Link`."""
        if self._valve is not None:
            self._valve.freeze()

    def thaw(self) -> None:
        """Part of `faults.Link`."""
        if self._valve is not None:
            self._valve.thaw()

    def drip(self, bytes_per_s: float | None) -> None:
        """Part of `faults.Link`."""
        if self._valve is not None:
            self._valve.drip(bytes_per_s)

    # For the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class, which asyncio's does not know
        self._valve = Valve(self._transport)
        self._owner.accepted.add(self)
        if self._owner.is_closed:
            self._transport.abort()
        elif not self._owner.chaos.joined(self):
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self.is_closing = True
        self._silence()
        self._owner.accepted.discard(self)
        self._owner.sessions.discard(self)
        self._owner.chaos.left(self)
        self._transport = self._valve = None

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self.on_request(event)
            elif isinstance(event, Frame) and not self.is_closing:
                if event.opcode is Opcode.CLOSE:
                    self.is_closing = True
                    self._silence()
                else:
                    self.on_frame(event)
        self._send_control()

    def eof_received(self) -> None:
        """Called by the event loop."""
        self._protocol.receive_eof()
        self._send_control()

    def _send_control(self) -> None:
        if self._transport is None or self._valve is None:
            return
        for data in self._protocol.data_to_send():
            if data:
                self._valve.write(data)
            elif not self._valve.is_frozen:  # the library's sign for the end of the stream
                self._transport.close()

    def _silence(self) -> None:
        self.on_end()
        self.discard()
