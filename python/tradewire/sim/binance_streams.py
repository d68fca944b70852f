"""WebSocket face of the simulated USD-M venue: connections, their limits and their heartbeat.

Handshake and incoming frames go through the `websockets` library's sans-I/O protocol. Outgoing stream messages do not:
they are ready-made frames (`binance_topics`), sent together once a tick. Control messages: `binance_control`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from tradewire.sim.binance_control import TooManyStreams, answer, parse_target
from tradewire.sim.binance_topics import PRIVATE, Topic, text_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["StreamFace", "StreamLimits", "StreamSession"]

_POLICY, _GOING_AWAY, _BAD_TEXT = 1008, 1001, 1007
_CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class StreamLimits:
    """Rules of a stream connection, as the venue has them.

    Attributes:
        ping_interval_s: seconds between ping frames.
        pong_timeout_s: how long the pong of a ping may take.
        lifetime_s: a connection's greatest age.
        messages_per_s: incoming messages (JSON, ping, pong) a second.
        burst: how many of them may come at once (15 passed when it was measured).
        streams: streams per connection.
        buffer_bytes: unsent bytes at which a slow reader is disconnected.
    """

    ping_interval_s: float = 180.0
    pong_timeout_s: float = 600.0
    lifetime_s: float = 86_400.0
    messages_per_s: float = 10.0
    burst: int = 15
    streams: int = 1_024
    buffer_bytes: int = 8 << 20


class StreamSession(asyncio.Protocol):
    """One connection, from the handshake on.

    Attributes:
        combined: whether payloads are wrapped with their stream's name.
        out: frames to be sent at the next tick.
    """

    def __init__(self, face: StreamFace) -> None:
        self._face = face
        self._limits = face.limits
        self._protocol = ServerProtocol()
        self._transport: asyncio.Transport | None = None
        self._route = PRIVATE
        self._names: dict[str, Topic | None] = {}  # everything asked for; None is a name that stays silent
        self._text = bytearray()
        self._pings: deque[tuple[bytes, float]] = deque()  # unanswered, oldest first
        self._opened_s = self._pinged_s = self._credit_s = face.clock()
        self._credit = float(self._limits.burst)
        self._is_closing = False
        self.combined = False
        self.out: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own class, which asyncio's does not know

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._is_closing = True
        self._silence()
        self._face.sessions.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._open(event)
            elif isinstance(event, Frame) and not self._is_closing:
                self._hear(event)
        self._send_control()

    def eof_received(self) -> None:
        """Called by the event loop."""
        self._protocol.receive_eof()
        self._send_control()

    def flush(self) -> None:
        """Send what has been collected, or disconnect a reader that is too slow."""
        if self._transport is None or not self.out:
            return
        if self._transport.get_write_buffer_size() > self._limits.buffer_bytes:
            self._face.slow_readers += 1
            self._is_closing = True
            self._silence()
            self._transport.abort()
            return
        frames, self.out = self.out, []
        self._transport.write(b"".join(frames))

    def on_time(self, now_s: float) -> None:
        """Ping, and end what is too old or does not answer; `now_s` is the time by `StreamFace.clock`."""
        if self._is_closing:
            return
        if now_s - self._opened_s >= self._limits.lifetime_s:
            self.close(_GOING_AWAY, "Connection lifetime reached")
        elif self._pings and now_s - self._pings[0][1] >= self._limits.pong_timeout_s:
            self.close(_POLICY, "Pong timeout")
        elif now_s - self._pinged_s >= self._limits.ping_interval_s and self._protocol.state is OPEN:
            self._pinged_s = now_s
            payload = str(time.time_ns() // 1_000_000).encode()
            self._pings.append((payload, now_s))
            self._protocol.send_ping(payload)
            self._send_control()

    def close(self, code: int, reason: str) -> None:
        """Send what is left and begin the closing handshake; the connection is dropped if it is not answered."""
        if self._is_closing:
            return
        self.flush()
        if self._is_closing:  # too slow even for the goodbye
            return
        self._is_closing = True
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

    def subscribe(self, names: list[str]) -> bool:
        """Part of `Subscriber`."""
        fresh = dict.fromkeys(name for name in names if name not in self._names)
        if len(self._names) + len(fresh) > self._limits.streams:
            return False
        for name in fresh:
            topic = self._face.topics.get(name)
            # On the wrong route, as under an unknown name: acknowledged, and silent for ever.
            self._names[name] = topic if topic is not None and topic.route == self._route else None
            if topic is not None and topic.route == self._route:
                topic.add(self)
        return True

    def unsubscribe(self, names: list[str]) -> None:
        """Part of `Subscriber`."""
        for name in names:
            topic = self._names.pop(name, None)
            if topic is not None:
                topic.remove(self)

    def subscriptions(self) -> list[str]:
        """Part of `Subscriber`."""
        return list(self._names)

    def set_combined(self, combined: bool) -> None:
        """Part of `Subscriber`."""
        topics = [topic for topic in self._names.values() if topic is not None]
        for topic in topics:
            topic.remove(self)
        self.combined = combined
        for topic in topics:
            topic.add(self)

    def _open(self, request: Request) -> None:
        target = parse_target(request.path)
        if target is None:
            self._protocol.send_response(self._protocol.reject(404, "no such path\n"))
            return
        response = self._protocol.accept(request)
        self._protocol.send_response(response)
        self._send_control()
        if response.status_code != 101:
            return
        self._route, self.combined, names = target
        self._face.sessions.add(self)
        if not self.subscribe(names):
            self.close(_POLICY, "Invalid request")

    def _hear(self, frame: Frame) -> None:
        """One incoming frame; the library has answered pings and close frames already."""
        if frame.opcode is Opcode.CLOSE:
            self._is_closing = True
            self._silence()
            return
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._text += frame.data
            if not frame.fin:
                return
        if not self._take_credit():
            self.close(_POLICY, "Too many requests")
        elif frame.opcode is Opcode.PONG:
            self._acknowledge(bytes(frame.data))
        elif frame.opcode is not Opcode.PING:
            message, self._text = bytes(self._text), bytearray()
            self._control(message)

    def _control(self, message: bytes) -> None:
        try:
            reply = answer(self, message.decode())
        except UnicodeDecodeError:
            self.close(_BAD_TEXT, "invalid UTF-8")
        except TooManyStreams as refusal:
            self.out.append(text_frame(refusal.reply.encode()))
            self.close(_POLICY, "Invalid request")
        else:
            self.out.append(text_frame(reply.encode()))
            self.flush()

    def _acknowledge(self, payload: bytes) -> None:
        """A pong counts only if it copies the payload of a ping; it answers the older ones too."""
        if any(payload == sent for sent, _ in self._pings):
            while self._pings.popleft()[0] != payload:
                pass

    def _take_credit(self) -> bool:
        now_s = self._face.clock()
        self._credit += (now_s - self._credit_s) * self._limits.messages_per_s
        self._credit = min(self._credit, float(self._limits.burst))
        self._credit_s = now_s
        if self._credit < 1:
            return False
        self._credit -= 1
        return True

    def _send_control(self) -> None:
        if self._transport is None:
            return
        for data in self._protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:  # the library's sign for the end of the stream
                self._transport.close()

    def _silence(self) -> None:
        self.unsubscribe(list(self._names))
        self.out.clear()


class StreamFace:
    """All stream connections.

    Attributes:
        sessions: the open ones.
        clock: gives seconds; times of connections are measured with it.
        slow_readers: how many were disconnected because they did not keep up.
    """

    def __init__(
        self, topics: Mapping[str, Topic], limits: StreamLimits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.topics = topics
        self.limits = limits
        self.clock = clock
        self.sessions: set[StreamSession] = set()
        self.slow_readers = 0

    def session(self) -> StreamSession:
        """The protocol of a new connection."""
        return StreamSession(self)

    def tick(self) -> None:
        """Send what has been collected and keep the connections' times."""
        now_s = self.clock()
        for session in tuple(self.sessions):
            session.flush()
            session.on_time(now_s)

    def close(self) -> None:
        """Say goodbye and drop all connections."""
        for session in tuple(self.sessions):
            session.close(_GOING_AWAY, "server is going away")
            session.hang_up()
