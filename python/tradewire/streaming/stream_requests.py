"""Which streams are wanted on a connection, and what was asked of the venue for them. Decides only; no I/O, no clock.

The link sends the requests, and brings the answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tradewire.venues.base import ONE_MESSAGE

if TYPE_CHECKING:
    from tradewire.venues.base import StreamLimits

__all__ = ["Refusal", "StreamRequest", "StreamRequests"]


#: Of streams that an answer does not name.
LEFT_OUT = "the venue left them out of its answer"


class StreamRequest(NamedTuple):
    """One message to the venue.

    Attributes:
        request_id: comes back with the answer.
        streams: as many as one message may name.
        subscribes: whether it asks for them; else it takes them back.
    """

    request_id: int
    streams: tuple[str, ...]
    subscribes: bool


class Refusal(NamedTuple):
    """Why the venue does not give a stream.

    Attributes:
        code: the venue's; 0: it gave none.
        message: in words.
    """

    code: int
    message: str


class StreamRequests:
    """The wishes and requests of one link, over all its connections. The event loop owns it.

    A venue refuses a message as a whole, whichever of its streams is the reason: the message is halved until the guilty
    ones stand alone, which takes at most two messages a stream. What once was refused is never asked for together with
    what was not, nor what is new together with what was granted before, on any connection. Of what no message can be
    made, nothing is asked, and the limits know nothing of it.

    Args:
        limits: of one connection.
        request_ids: numbers for control messages, unique in the provider.
    """

    def __init__(self, limits: StreamLimits, request_ids: Iterator[int]) -> None:
        self._limits = limits
        self._limit = limits.limiter()
        # Streams of which a message could be made on this connection, where these are fewer than the limits allow.
        self._most_names: int | None = None
        self._request_ids = request_ids
        self._wanted: dict[str, None] = {}
        self._sent: dict[str, None] = {}
        # Not asked for again on this connection: the venue's answer would be the same.
        self._refused: set[str] = set()
        # Refused when last asked for, alone or with others, on any connection.
        self._refusals: dict[str, Refusal] = {}
        # Of those, what is still to be asked for, in messages of their own.
        self._parts: deque[tuple[str, ...]] = deque()
        # Asked for, to be taken back and asked for again.
        self._renewed: dict[str, None] = {}
        # Added, and not yet acknowledged on any connection.
        self._fresh: set[str] = set()
        # request id -> (what was asked, when). Answers come in any order.
        self._pending: dict[int, tuple[StreamRequest, int]] = {}

    def __len__(self) -> int:
        """Streams wanted."""
        return len(self._wanted)

    def __contains__(self, stream: str) -> bool:
        return stream in self._wanted

    @property
    def wanted(self) -> list[str]:
        """Streams wanted, in order."""
        return list(self._wanted)

    @property
    def subscribed(self) -> set[str]:
        """Streams asked for on the present connection and not refused."""
        return set(self._sent)

    def refusal(self, stream: str) -> Refusal | None:
        """Why a stream is refused; None: it is not, as far as is known."""
        return self._refusals.get(stream)

    def stands_alone(self, stream: str) -> bool:
        """Whether a stream that is refused is so for itself, on the present connection, and not for others that it was
        asked for with."""
        return stream in self._refused

    def grants(self, stream: str) -> bool:
        """Whether the venue gives a stream on the present connection, by its answer."""
        if stream not in self._sent:
            return False
        return not any(stream in request.streams for request, _ in self._pending.values())

    @property
    def acknowledged(self) -> bool:
        """Whether the venue has answered for every stream that is wanted, on the present connection."""
        if self._pending:
            return False
        return all(stream in self._sent or stream in self._refused for stream in self._wanted)

    def add(self, stream: str) -> None:
        """Wants a stream, on this connection and on those after it."""
        self._wanted[stream] = None
        self._refused.discard(stream)
        self._refusals.pop(stream, None)
        if stream not in self._sent:
            self._fresh.add(stream)

    def discard(self, stream: str) -> None:
        """Does not want it any more."""
        self._wanted.pop(stream, None)
        self._refused.discard(stream)
        self._refusals.pop(stream, None)
        self._fresh.discard(stream)

    def take_refused(self, other: StreamRequests) -> None:
        """Wants, too, what another connection was refused; it is known already, and asked for stream by stream."""
        for stream, refusal in other._refusals.items():
            if stream not in self._wanted:
                self._wanted[stream] = None
                self._refusals[stream] = refusal
                self._parts.append((stream,))
                if stream in other._fresh:
                    self._fresh.add(stream)

    def renew(self, stream: str) -> None:
        """Takes a stream back that was asked for, and asks for it again."""
        if stream in self._sent:
            self._renewed[stream] = None

    def tune(self, limits: StreamLimits) -> None:
        """Other limits, from now on."""
        if limits != self._limits:
            self._limits = limits
            self._limit = limits.limiter()

    def begin(self) -> None:
        """A new connection, of which nothing was asked."""
        self._sent.clear()
        self._parts.extend(request.streams for request, _ in self._pending.values() if self._is_part(request))
        self._parts.extend((stream,) for stream in self._wanted if stream in self._refused)
        self._refused.clear()
        self._renewed.clear()
        self._pending.clear()
        self._limit = self._limits.limiter()
        self._most_names = None

    def due(self, now_ns: int) -> StreamRequest | int | None:
        """The next request, of which the caller tells at once that it is `sent` or, if there is no message for it,
        `unsendable`; or how long the limits want it to wait, in ns.

        Returns:
            None: everything was asked for.
        """
        size = self._limits.names_per_message
        if self._most_names is not None:
            size = min(size, self._most_names)
        missing = [stream for stream in self._wanted if stream not in self._sent and stream not in self._refusals]
        granted = [stream for stream in missing if stream not in self._fresh]
        missing = (granted or missing)[:size]
        surplus = [stream for stream in self._sent if stream not in self._wanted or stream in self._renewed][:size]
        if self._renewed:
            # Taken back before it is asked for again.
            missing = []
        part = () if missing or surplus else self._next_part(size)
        streams = tuple(missing or surplus) or part
        if not streams:
            return None
        ready_ns = self._limit.ready_ns(ONE_MESSAGE, now_ns, now_ns, reserve=True)
        if ready_ns:
            return ready_ns - now_ns
        return StreamRequest(next(self._request_ids), streams, bool(missing or part))

    def sent(self, request: StreamRequest, now_ns: int) -> None:
        """The request that was due at that time is sent."""
        self._limit.try_take(ONE_MESSAGE, now_ns, now_ns, reserve=True)
        self._pending[request.request_id] = (request, now_ns)
        if self._is_part(request):
            self._parts.remove(request.streams)
        if request.subscribes:
            self._sent.update(dict.fromkeys(request.streams))
        else:
            self._forget_sent(request)

    def unsendable(
        self, request: StreamRequest, guilty: Mapping[str, Refusal], parts: Sequence[tuple[str, ...]]
    ) -> tuple[str, ...]:
        """There is no message for a request that was due. The guilty ones are refused; the others are asked for without
        them or, where none is to blame alone, in messages that are short enough.

        Args:
            request: subscribes, or takes back.
            guilty: streams that no message can ask for, and why.
            parts: the other ones, in groups that a message can ask for.

        Returns:
            Those of the guilty ones that were not refused before.
        """
        if not request.subscribes:
            self._forget_sent(request)
            return request.streams
        news = tuple(stream for stream in guilty if stream in self._wanted and stream not in self._refusals)
        if request.streams in self._parts:
            self._parts.remove(request.streams)
            self._parts.extendleft(reversed(parts))
        elif not guilty:
            self._most_names = max(map(len, parts))
        for stream, refusal in guilty.items():
            self._refuse((stream,), refusal)
        self._refused.update(guilty)
        return news

    def overdue(self, since_ns: int) -> bool:
        """Whether a request that was sent before that time has no answer yet."""
        return any(sent_ns < since_ns for _, sent_ns in self._pending.values())

    def settled(self, request_id: int, missing: tuple[str, ...]) -> set[str] | None:
        """The venue granted a request, but for the streams that its answer leaves out.

        Returns:
            What began or ended, as it was added or discarded; not what a reconnect or a renewal brought back. None: it
            answers no request.
        """
        if request_id not in self._pending:
            return None
        request, _ = self._pending.pop(request_id)
        granted = set(request.streams).difference(missing)
        if not request.subscribes:
            # Taken back and still wanted: asked for again, and what is missed meanwhile is a gap.
            return {stream for stream in granted if stream not in self._wanted}
        self._refuse(missing, Refusal(0, LEFT_OUT))
        self._refused.update(missing)
        for stream in granted:
            self._refusals.pop(stream, None)
        began = self._fresh & granted
        self._fresh -= began
        return began

    def refused(self, request_id: int, code: int, message: str) -> tuple[str, ...] | None:
        """The venue refused a request.

        Returns:
            Its streams; none: it answers no request. None: it was known that one of them would be refused.
        """
        if request_id not in self._pending:
            return ()
        request, _ = self._pending.pop(request_id)
        streams = request.streams
        if not request.subscribes:
            return streams
        known = self._is_part(request)
        self._refuse(streams, Refusal(code, message))
        if len(streams) == 1:
            self._refused.update(streams)
        else:
            middle = len(streams) // 2
            self._parts.extendleft((streams[middle:], streams[:middle]))
        return None if known else streams

    def _forget_sent(self, request: StreamRequest) -> None:
        for stream in request.streams:
            self._sent.pop(stream, None)
            self._renewed.pop(stream, None)

    def _is_part(self, request: StreamRequest) -> bool:
        return request.subscribes and any(stream in self._refusals for stream in request.streams)

    def _next_part(self, size: int) -> tuple[str, ...]:
        """The first of the parts, which stays there; without what is wanted no more, or was asked for anew."""
        while self._parts:
            streams = self._parts.popleft()
            left = tuple(
                stream
                for stream in streams
                if stream in self._refusals and stream not in self._sent and stream not in self._refused
            )
            if left:
                if left[size:]:
                    self._parts.appendleft(left[size:])
                self._parts.appendleft(left[:size])
                return left[:size]
        return ()

    def _refuse(self, streams: tuple[str, ...], refusal: Refusal) -> None:
        for stream in streams:
            self._sent.pop(stream, None)
            self._renewed.pop(stream, None)
            if stream in self._wanted:
                self._refusals[stream] = refusal
