"""One streaming connection's life: connect, subscribe, keep alive, reconnect. Its messages go to the pipeline.

Knows stream names, not channels; which streams belong here is the gateway's decision, what is asked for next that of
`stream_requests`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from random import Random
from typing import TYPE_CHECKING, Protocol

from tradewire.core import monotonic_ns, wall_ns
from tradewire.errors import FeedConnectionError, RejectedError
from tradewire.transport.handshake import OpeningHandshake
from tradewire.transport.websocket import connect
from tradewire.venues.session import Broken, Ending, Ready, Refused, Reply, Settled, framed

from .attempts import Attempts
from .events import ConnectionChanged, ConnectionState, SubscriptionRefused
from .gate import FINAL, FOR_A_PERSON, stay_away_s
from .message_search import MessageSearch
from .stream_requests import LEFT_OUT, StreamRequest, StreamRequests

if TYPE_CHECKING:
    from tradewire.core.delivery import Asked, DigestProtocol, WireReaderProtocol
    from tradewire.core.protocols import WireResultProtocol
    from tradewire.transport.policy.breaker import BreakerState, BreakerStates
    from tradewire.venues.base import StreamLimits
    from tradewire.venues.session import Outcome, StreamSession

    from .gate import Gate
    from .stream_requests import Refusal

__all__ = ["Link", "LinkOwner", "OpenSocket", "StreamSocket"]

_logger = logging.getLogger("tradewire.streaming")

_SECOND = 1_000_000_000
#: A connection that gave nothing since a ping was sent, for so long, is dead.
_DEAD_NS = 10 * _SECOND
#: A subscription that is not answered by then means that the venue does not serve this connection; so does a session
#: that is not ready by then.
_ACK_NS = 10 * _SECOND
#: A connection that answered a subscription and lasted so long has served, also in a closed market, where nothing
#: comes: its end is no failed attempt. Longer than any wait between attempts, so that nothing can storm.
_SERVED_NS = 120 * _SECOND


class LinkOwner(Protocol):
    """Who a link belongs to."""

    def on_read(self, link: Link, result: WireResultProtocol, size: int) -> None:
        """A socket read was decoded into the ring; must drain it."""

    def on_payload(self, link: Link, payload: bytes, recv_ns: int) -> bool:
        """A whole message came over the plain driver; whether it shows that the venue serves."""

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        """The connection changed state."""

    def on_refused(self, event: SubscriptionRefused) -> None:
        """The venue refused streams."""

    def on_fatal(self, link: Link, reason: str) -> None:
        """Every new connection would end as this one did: a person has to look. Told once until one has served."""

    def on_settled(self, streams: Iterable[str]) -> None:
        """The venue began or ended streams, as they were added or discarded; not those that a reconnect restored."""

    def on_ending(self, link: Link, reason: str) -> None:
        """The venue is going to end this connection."""


class StreamSocket(Protocol):
    """A connection as a link uses it: `WebSocketConnection`, or the plain driver of custom providers.

    Attributes:
        last_read_ns: monotonic time of the last read.
    """

    last_read_ns: int

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""

    def send(self, payload: bytes, *, binary: bool = False) -> None:
        """Sends one message."""

    def ping(self) -> None:
        """Asks for a pong."""

    def abort(self) -> None:
        """Ends the connection at once."""

    async def close(self, *, timeout_s: float) -> None:
        """Says goodbye and ends the connection."""


class OpenSocket(Protocol):
    """Opens a connection whose messages go to a reader, or to its owner."""

    async def __call__(
        self,
        url: str,
        reader: WireReaderProtocol,
        owner: Link,
        *,
        open_timeout_s: float,
        headers: Mapping[str, str] | None,
    ) -> StreamSocket:
        """Raises FeedConnectionError: refused, unreachable, or not in time."""


class Link:
    """A connection that comes back. The event loop owns it.

    Args:
        venue: its name, for events.
        route: of the venue that it connects to; kept for its owner.
        name: unique in the gateway.
        limits: of one connection.
        url: where to.
        owner: told what happens.
        make_reader: a fresh frame reader for each connection.
        make_session: a fresh conversation for each connection.
        request_ids: numbers for control messages, unique in the provider.
        random: for backoff.
        open_timeout_s: for one attempt.
        breaker: refuses attempts for a time after too many failures in a row; None: only the backoff does.
        ping_interval_s: nothing received for so long: ask with a ping.
        open_socket: opens connections.
        gate: shared by all that ask the venue; None: only the link's own failures hold it back.

    Raises:
        ValueError: `url` is not a WebSocket address.

    Attributes:
        state: of the connection.
        route: as given.
        opened_ns: monotonic time at which the present connection was opened.
        is_direct: whether `go_direct` is in force.
    """

    def __init__(
        self,
        venue: str,
        route: str,
        name: str,
        limits: StreamLimits,
        url: str,
        owner: LinkOwner,
        make_reader: Callable[[], WireReaderProtocol],
        make_session: Callable[[], StreamSession],
        request_ids: Iterator[int],
        random: Random,
        open_timeout_s: float,
        breaker: BreakerStates | None = None,
        ping_interval_s: float = 20.0,
        open_socket: OpenSocket = connect,
        gate: Gate | None = None,
    ) -> None:
        # A bad address shows now, not in a task that nobody awaits.
        OpeningHandshake(url)
        self.name = name
        self.route = route
        self.state = ConnectionState.CLOSED
        self._venue = venue
        self._url = url
        self._owner = owner
        self._make_reader = make_reader
        self._make_session = make_session
        self._session: StreamSession | None = None
        self._requests = StreamRequests(limits, request_ids)
        self._open_timeout_s = open_timeout_s
        self._attempts = Attempts(random, breaker, gate)
        self._open_socket = open_socket
        self._idle_ns = int(ping_interval_s * _SECOND)
        self._connection: StreamSocket | None = None
        self._reader: WireReaderProtocol | None = None
        self.is_direct = False
        self.opened_ns = 0
        self._acknowledged = False
        self._proven = False
        self._at_once = False
        # Whether the end of the present connection is no failed attempt, although it did not serve.
        self._is_excused = False
        self._is_fatal = False
        self._early: list[bytes] = []
        self._closed: asyncio.Future[Exception | None] | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # what the gateway asks

    def __len__(self) -> int:
        """Streams wanted here."""
        return len(self._requests)

    def __contains__(self, stream: str) -> bool:
        return stream in self._requests

    def add(self, stream: str) -> None:
        """Wants a stream; asked for as soon as connection and limits allow, and again after every reconnect."""
        self._requests.add(stream)
        self._wake.set()

    def discard(self, stream: str) -> None:
        """Does not want it any more."""
        self._requests.discard(stream)
        self._wake.set()

    def take_refused(self, link: Link) -> None:
        """Wants, too, what another connection was refused; nobody is told of it again."""
        self._requests.take_refused(link._requests)
        self._wake.set()

    def renew(self, stream: str) -> None:
        """Takes a stream back and asks for it again: the venue acknowledged it, and nothing comes."""
        self._requests.renew(stream)
        self._wake.set()

    def reconnect(self, reason: str, *, at_once: bool = False, failed: bool = False) -> None:
        """Gives the present connection up for a new one; does nothing while there is none. One that answered a
        subscription is no failed attempt then: what is wrong, who gives it up knows and tells.

        Args:
            reason: in words.
            at_once: without the wait that follows a failure.
            failed: it is a failed attempt all the same, unless it served.
        """
        if self._connection is not None and self.state is ConnectionState.CONNECTED:
            self._at_once = at_once
            self._is_excused = self._acknowledged and not failed
            self._drop(FeedConnectionError(reason))

    @property
    def wanted(self) -> list[str]:
        """Streams wanted here, in order."""
        return self._requests.wanted

    @property
    def acknowledged(self) -> bool:
        """Whether the venue has answered for every stream that is wanted, on the present connection."""
        return self.state is ConnectionState.CONNECTED and self._requests.acknowledged

    @property
    def proven(self) -> bool:
        """Whether the present connection serves: it has answered a subscription and given market data."""
        return self._proven and self.state is ConnectionState.CONNECTED

    @property
    def is_held(self) -> bool:
        """Whether there is a connection, and neither the venue nor we have given it up."""
        return self._connection is not None and self._closed is not None and not self._closed.done()

    def refusal(self, stream: str) -> Refusal | None:
        """Why the venue refuses a stream; None: it does not, as far as is known."""
        return self._requests.refusal(stream)

    def stands_alone(self, stream: str) -> bool:
        """Whether the venue refuses a stream for itself, on the present connection: else it may be the others' fault
        with which it was asked for."""
        return self._requests.stands_alone(stream)

    def grants(self, stream: str) -> bool:
        """Whether the venue gives a stream on the present connection, by its answer."""
        return self.state is ConnectionState.CONNECTED and self._requests.grants(stream)

    @property
    def subscribed(self) -> set[str]:
        """Streams asked for on the present connection and not refused."""
        return self._requests.subscribed

    @property
    def connection(self) -> StreamSocket | None:
        """The present connection, for its counters."""
        return self._connection

    @property
    def breaker_state(self) -> BreakerState | None:
        """Whether attempts are allowed; None: no breaker guards it."""
        return self._attempts.breaker.state if self._attempts.breaker is not None else None

    def tune(self, limits: StreamLimits, ping_interval_s: float) -> None:
        """Other limits, from now on."""
        self._idle_ns = int(ping_interval_s * _SECOND)
        self._requests.tune(limits)

    def guard(self, breaker: BreakerStates | None) -> None:
        """Another breaker, from the next attempt on."""
        self._attempts.breaker = breaker

    def move(self, url: str, reason: str) -> None:
        """Another address or key; the present connection is given up.

        Raises:
            ValueError: not a WebSocket address.
        """
        OpeningHandshake(url)
        self._url = url
        self.reconnect(reason)

    @property
    def owner(self) -> LinkOwner:
        """Who is told what happens. May change while it runs."""
        return self._owner

    @owner.setter
    def owner(self, owner: LinkOwner) -> None:
        self._owner = owner
        if self.is_direct and self._reader is not None:
            self._reader.direct(None)
        self.is_direct = False

    def go_direct(self, digest: DigestProtocol, asks: Callable[[], Asked]) -> None:
        """From now on what ordinary reads give goes through `digest` in the read itself, as long as the connection and
        the owner are the same; the owner is told of the other reads. Not before the venue has proven that it serves.

        Args:
            digest: of the ring that the readers fill.
            asks: what is asked about of a batch.
        """
        if self._proven and self._reader is not None:
            self._reader.direct(digest, asks)
            self.is_direct = True

    def start(self) -> None:
        """Begins to connect."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"link {self.name}")

    async def stop(self, timeout_s: float) -> None:
        """Says goodbye to the venue and ends; no task is left."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self._connection is not None:
            await self._connection.close(timeout_s=timeout_s)
            self._connection = None
        self._change(ConnectionState.CLOSED, "")

    # what the connection says

    def on_read(self, result: WireResultProtocol, size: int) -> None:
        """Hands on, and looks for the proof that the venue serves: a subscription answered and a valid message."""
        self._owner.on_read(self, result, size)
        if self._proven and result.plain:
            return
        if self._connection is None:
            # A server that speaks first is heard with its handshake, before there is anything to answer over.
            self._early += result.controls
            return
        for payload in result.controls:
            self._take(payload)
        if not self._proven and self._acknowledged and any(kind != "control" for kind in result.counts):
            self._prove()

    def on_payload(self, payload: bytes, recv_ns: int) -> None:
        """A whole message, from the plain driver; the owner knows whether it is of any use."""
        serves = self._owner.on_payload(self, payload, recv_ns)
        if serves and self._acknowledged and not self._proven:
            self._prove()

    def on_closed(self, error: Exception | None) -> None:
        """Wakes the task, which reconnects."""
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(error)
        self._wake.set()

    def _prove(self) -> None:
        self._proven = True
        self._is_fatal = False
        self._attempts.served(monotonic_ns())

    def _take(self, payload: bytes) -> None:
        session = self._session
        if session is None:
            return
        for outcome in session.take(payload):
            self._on_outcome(outcome)

    def _on_outcome(self, outcome: Outcome) -> None:
        match outcome:
            case Reply(message):
                self._send(message)
            case Ready():
                self._wake.set()
            case Settled(request_id, missing):
                self._on_settled(request_id, missing)
            case Refused(request_id, code, message):
                streams = self._requests.refused(request_id, code, message)
                if streams is not None:
                    self._tell_refused(streams, code, message)
            case Ending(reason):
                self._owner.on_ending(self, reason)
            case Broken(message, code, fatal):
                self._end(f"the venue ended the session: {message} (code {code})", code, message, fatal=fatal)

    def _end(self, reason: str, code: int, message: str, *, fatal: bool) -> None:
        self._tell_refused((), code, message)
        self._drop(FeedConnectionError(reason))
        if fatal:
            self._call(reason, final=True)

    def _call(self, reason: str, *, final: bool) -> None:
        """What more attempts would not change, once until one has served; where it is final, they become rare."""
        if final:
            self._attempts.backoff.exhaust()
        if not self._is_fatal:
            self._is_fatal = True
            self._owner.on_fatal(self, reason)

    def _on_settled(self, request_id: int, missing: tuple[str, ...]) -> None:
        news = tuple(stream for stream in missing if self._requests.refusal(stream) is None)
        settled = self._requests.settled(request_id, missing)
        if settled is None:
            return
        self._acknowledged = True
        if news:
            self._tell_refused(news, 0, LEFT_OUT)
        if settled:
            self._owner.on_settled(settled)

    def _tell_refused(self, streams: tuple[str, ...], code: int, message: str) -> None:
        self._owner.on_refused(SubscriptionRefused(self._venue, self.name, streams, code, message, wall_ns()))

    def _drop(self, error: FeedConnectionError) -> None:
        """Ends the present connection; the task reconnects."""
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(error)
        if self._connection is not None:
            self._connection.abort()
        self._wake.set()

    def _send(self, message: bytes | str) -> None:
        if self._connection is None or not self._connection.is_open or self._session is None:
            return
        data, binary = framed(self._session, message)
        self._connection.send(data, binary=binary)

    # its life

    async def _run(self) -> None:
        while True:
            if not self._requests:
                self._wake.clear()
                await self._wake.wait()
                continue
            while barred_ns := self._attempts.barred_ns(monotonic_ns()):  # noqa: ASYNC110 - waits for time to pass, not for a task
                await asyncio.sleep(barred_ns / _SECOND)
            self._change(ConnectionState.CONNECTING, "")
            try:
                error = await self._connect_and_serve()
            except FeedConnectionError as failure:
                error = failure
                if failure.status in FOR_A_PERSON:
                    self._call(str(failure), final=failure.status in FINAL)
            except Exception as failure:
                # Invariant: nothing else is raised. A feed that goes on beats one that died of a bug of ours.
                _logger.exception("link %s failed", self.name)
                error = failure
                if self._connection is not None:
                    self._connection.abort()
            self._connection = None
            delay_ns, reason = self._attempts.ended(
                error,
                monotonic_ns(),
                served=self._proven,
                excused=self._is_excused,
                at_once=self._at_once,
                away_s=stay_away_s(error, self._session, wall_ns()) if self._session is not None else None,
            )
            self._at_once = False
            self._change(ConnectionState.RECONNECTING, reason, delay_ns)
            await asyncio.sleep(delay_ns / _SECOND)

    async def _connect_and_serve(self) -> Exception | None:
        self._closed = asyncio.get_running_loop().create_future()
        self._requests.begin()
        self._early.clear()
        self._acknowledged = self._proven = self._is_excused = self.is_direct = False
        self._session = self._make_session()
        self._reader = self._make_reader()
        self._connection = await self._open_socket(
            self._url,
            self._reader,
            self,
            open_timeout_s=self._open_timeout_s,
            headers=self._session.headers,
        )
        self.opened_ns = monotonic_ns()
        self._change(ConnectionState.CONNECTED, "")
        try:
            for payload in self._session.opened():
                self._send(payload)
        except RejectedError as error:
            self._end(str(error), 0, str(error), fatal=True)
        for payload in self._early:
            self._take(payload)
        while not self._closed.done():
            self._wake.clear()
            wait_ns = min(await self._send_due(), self._check_alive())
            try:
                async with asyncio.timeout(wait_ns / _SECOND):
                    await self._wake.wait()
            except TimeoutError:
                pass
        if not self._proven and self._acknowledged and monotonic_ns() - self.opened_ns >= _SERVED_NS:
            self._prove()
        return self._closed.result()

    async def _send_due(self) -> int:
        """Sends what the limits allow; returns how long to wait before there is more to do, in ns."""
        session = self._session
        while session is not None and session.ready and self._connection is not None and self._connection.is_open:
            now_ns = monotonic_ns()
            due = self._requests.due(now_ns)
            if not isinstance(due, StreamRequest):
                return _SECOND if due is None else due
            ask = session.subscribe if due.subscribes else session.unsubscribe
            try:
                payloads = ask(due.streams, due.request_id)
            except RejectedError as error:
                # As if the venue had refused it: a program that asks wrongly would do so on a new connection too.
                await self._refuse_own(session, due, str(error))
                continue
            self._requests.sent(due, now_ns)
            for payload in payloads:
                self._send(payload)
            if not session.acknowledges:
                self._on_settled(due.request_id, ())
        return _SECOND

    async def _refuse_own(self, session: StreamSession, request: StreamRequest, why: str) -> None:
        """Refuses those streams of a request for which our own side has no message."""
        search = MessageSearch(request.streams, why, lambda streams: session.subscribe(streams, request.request_id))
        # The hooks are the user's, and may be slow: others get their turn after every call.
        await asyncio.sleep(0)
        while request.subscribes and self.is_held and search.step():  # noqa: ASYNC110 - gives way, waits for nothing
            await asyncio.sleep(0)
        if self.is_held and (news := self._requests.unsendable(request, search.guilty, search.parts)):
            first = search.guilty.get(news[0])
            self._tell_refused(news, 0, first.message if first is not None else why)

    def _check_alive(self) -> int:
        """Asks a silent connection, and drops a dead one; returns when to look again, in ns."""
        connection = self._connection
        if connection is None:
            return _SECOND
        now = monotonic_ns()
        idle = now - connection.last_read_ns
        overdue = self._requests.overdue(now - _ACK_NS)
        unready = self._session is not None and not self._session.ready and now - self.opened_ns > _ACK_NS
        if idle > self._idle_ns + _DEAD_NS or overdue or unready:
            what = f"nothing received for {idle // _SECOND} s"
            if overdue or unready:
                what = "no answer to a subscription" if overdue else "not authenticated in time"
            self._drop(FeedConnectionError(what))
            return 0
        if idle > self._idle_ns:
            connection.ping()
        return _SECOND

    def _change(self, state: ConnectionState, reason: str, retry_in_ns: int = 0) -> None:
        if self.state is state and state is not ConnectionState.RECONNECTING:
            return
        self.state = state
        failures = self._attempts.failures
        event = ConnectionChanged(self._venue, self.name, state, reason, failures, retry_in_ns, wall_ns())
        try:
            self._owner.on_link(self, event)
        except Exception:
            # Invariant: it does not raise. A bug of ours in the telling must not end the connecting.
            _logger.exception("link %s could not tell of its state %s", self.name, state)
