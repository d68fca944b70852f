"""WebSocket face of the simulated Binance venues: stream connections, their limits and their heartbeat.

What every venue's connections share is in `session`; control messages are in `binance_control`.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from websockets.frames import Frame, Opcode

from tradewire.sim.binance_control import TooManyStreams, answer, has_fine_times, parse_target
from tradewire.sim.binance_topics import PRIVATE, Topic, text_frame
from tradewire.sim.session import BAD_TEXT, GOING_AWAY, POLICY, Session, SessionFace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from websockets.http11 import Request

    from tradewire.sim.chaos import Chaos

__all__ = ["StreamFace", "StreamLimits", "StreamSession"]


_CONNECT_RETRY_S = 60


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


class StreamSession(Session):
    """One connection.

    Attributes:
        combined: whether payloads are wrapped with their stream's name.
    """

    def __init__(self, face: StreamFace) -> None:
        super().__init__(face)
        self._face = face
        self._limits = face.limits
        self._route = PRIVATE
        self._fine = False
        self._names: dict[str, Topic | None] = {}  # everything asked for; None is a name that stays silent
        self._text = bytearray()
        self._pings: deque[tuple[bytes, float]] = deque()  # unanswered, oldest first
        self._opened_s = self._pinged_s = self._credit_s = face.clock()
        self._credit = float(self._limits.burst)
        self.combined = False

    def on_time(self, now_s: float) -> None:
        """Part of `Session`: ping, and end what is too old or does not answer."""
        if self.is_closing:
            return
        if now_s - self._opened_s >= self._limits.lifetime_s:
            self.close(GOING_AWAY, "Connection lifetime reached")
        elif self._pings and now_s - self._pings[0][1] >= self._limits.pong_timeout_s:
            self.close(POLICY, "Pong timeout")
        elif now_s - self._pinged_s >= self._limits.ping_interval_s and self.is_open:
            self._pinged_s = now_s
            payload = str(time.time_ns() // 1_000_000).encode()
            self._pings.append((payload, now_s))
            self.ping(payload)

    def put(self, message: bytes) -> None:
        """Part of `faults.Link`."""
        self.out.append(text_frame(message))

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
                topic.add(self, fine=self._fine)
        for name in names:  # a repeated SUBSCRIBE changes nothing, but is a sign of life of the client
            topic = self._names[name]
            if topic is not None:
                self._face.chaos.subscribed(self, topic)
        return True

    def unsubscribe(self, names: list[str]) -> None:
        """Part of `Subscriber`."""
        for name in names:
            topic = self._names.pop(name, None)
            if topic is not None:
                topic.remove(self, fine=self._fine)

    def subscriptions(self) -> list[str]:
        """Part of `Subscriber`."""
        return list(self._names)

    def set_combined(self, combined: bool) -> None:
        """Part of `Subscriber`."""
        topics = [topic for topic in self._names.values() if topic is not None]
        for topic in topics:
            topic.remove(self, fine=self._fine)
        self.combined = combined
        for topic in topics:
            topic.add(self, fine=self._fine)

    def on_end(self) -> None:
        """Part of `Session`."""
        self.unsubscribe(list(self._names))

    def on_request(self, request: Request) -> None:
        """Part of `Session`."""
        target = parse_target(request.path, routed=self._face.routed)
        if target is None:
            self.refuse(404, "no such path\n")
            return
        if self._face.chaos.over_limit(len(self._face.sessions) + 1):
            self.refuse(429, "too many connections\n", _CONNECT_RETRY_S)
            return
        if not self.accept(request):
            return
        self._route, self.combined, names = target
        self._fine = not self._face.routed and has_fine_times(request.path)
        if not self.subscribe(names):
            self.close(POLICY, "Invalid request")

    def on_frame(self, frame: Frame) -> None:
        """Part of `Session`."""
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._text += frame.data
            if not frame.fin:
                return
        if not self._take_credit():
            self.close(POLICY, "Too many requests")
        elif frame.opcode is Opcode.PONG:
            self._acknowledge(bytes(frame.data))
        elif frame.opcode is not Opcode.PING:
            message, self._text = bytes(self._text), bytearray()
            self._control(message)

    def _control(self, message: bytes) -> None:
        try:
            reply = answer(self, message.decode(), free_ids=not self._face.routed)
        except UnicodeDecodeError:
            self.close(BAD_TEXT, "invalid UTF-8")
        except TooManyStreams as refusal:
            self.out.append(text_frame(refusal.reply.encode()))
            self.close(POLICY, "Invalid request")
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


class StreamFace(SessionFace[StreamSession]):
    """All stream connections.

    Attributes:
        topics: stream name -> topic.
        limits: the rules of a connection.
        routed: whether streams have routes, as on USD-M, or one endpoint, as on Spot.
    """

    connection = StreamSession

    def __init__(
        self,
        topics: Mapping[str, Topic],
        limits: StreamLimits,
        clock: Callable[[], float] = time.monotonic,
        chaos: Chaos | None = None,
        *,
        routed: bool = True,
    ) -> None:
        super().__init__(limits.buffer_bytes, clock, chaos)
        self.topics = topics
        self.limits = limits
        self.routed = routed

    def announce(self, message: str, stream: str) -> None:
        """Say something on every connection, subscribed or not."""
        for session in self.sessions:
            text = f'{{"stream":"{stream}","data":{message}}}' if session.combined else message
            session.out.append(text_frame(text.encode()))
