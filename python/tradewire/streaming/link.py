"""One streaming connection's life: connect, subscribe, keep alive, reconnect. Its messages go to the pipeline.

Knows stream names, not channels; which streams belong here is the gateway's decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import TYPE_CHECKING, Protocol

from tradewire.core import TokenBucket, monotonic_ns, wall_ns
from tradewire.errors import FeedConnectionError
from tradewire.transport.handshake import OpeningHandshake
from tradewire.transport.policy.backoff import Backoff
from tradewire.transport.websocket import WebSocketConnection, connect

from .events import ConnectionChanged, ConnectionState, SubscriptionRefused

if TYPE_CHECKING:
    from tradewire.core.protocols import WireReaderProtocol, WireResultProtocol
    from tradewire.venues.base import MarketDataVenue

__all__ = ["Link", "LinkOwner"]

_logger = logging.getLogger("tradewire.streaming")

_SECOND = 1_000_000_000
#: Nothing received for this long: ask with a ping. Nothing for the second time more: the connection is dead.
_IDLE_NS = 20 * _SECOND
_DEAD_NS = 30 * _SECOND
#: A subscription that is not answered by then means that the venue does not serve this connection.
_ACK_NS = 10 * _SECOND


class LinkOwner(Protocol):
    """Who a link belongs to."""

    def on_read(self, result: WireResultProtocol, size: int) -> None:
        """A socket read was decoded into the ring; must drain it."""

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        """The connection changed state."""

    def on_refused(self, event: SubscriptionRefused) -> None:
        """The venue refused streams."""

    def on_settled(self, streams: Iterable[str]) -> None:
        """The venue began or ended streams, as they were added or discarded; not those that a reconnect restored."""


class Link:
    """A connection that comes back. The event loop owns it.

    Args:
        name: unique in the gateway.
        venue: its messages and limits.
        url: where to.
        owner: told what happens.
        make_reader: a fresh frame reader for each connection.
        request_ids: numbers for control messages, unique in the gateway.
        random: for backoff.
        open_timeout_s: for one attempt.

    Raises:
        ValueError: `url` is not a WebSocket address.

    Attributes:
        state: of the connection.
    """

    def __init__(
        self,
        name: str,
        venue: MarketDataVenue,
        url: str,
        owner: LinkOwner,
        make_reader: Callable[[], WireReaderProtocol],
        request_ids: Iterator[int],
        random: Random,
        open_timeout_s: float,
    ) -> None:
        # A bad address shows now, not in a task that nobody awaits.
        OpeningHandshake(url)
        self.name = name
        self.state = ConnectionState.CLOSED
        self._venue = venue
        self._url = url
        self._owner = owner
        self._make_reader = make_reader
        self._request_ids = request_ids
        self._open_timeout_s = open_timeout_s
        self._backoff = Backoff(random)
        self._wanted: dict[str, None] = {}
        self._sent: dict[str, None] = {}
        # Not asked for again on this connection: the venue's answer would be the same.
        self._refused: set[str] = set()
        # Added, and not yet acknowledged on any connection.
        self._fresh: set[str] = set()
        # request id -> (streams, sent at, whether it asks for them). Answers come in any order.
        self._pending: dict[int, tuple[tuple[str, ...], int, bool]] = {}
        self._limit = self._fresh_limit()
        self._connection: WebSocketConnection | None = None
        self._acknowledged = False
        self._proven = False
        self._closed: asyncio.Future[Exception | None] | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # what the gateway asks

    def __len__(self) -> int:
        """Streams wanted here."""
        return len(self._wanted)

    def __contains__(self, stream: str) -> bool:
        return stream in self._wanted

    def add(self, stream: str) -> None:
        """Wants a stream; asked for as soon as connection and limits allow, and again after every reconnect."""
        self._wanted[stream] = None
        self._refused.discard(stream)
        if stream not in self._sent:
            self._fresh.add(stream)
        self._wake.set()

    def discard(self, stream: str) -> None:
        """Does not want it any more."""
        self._wanted.pop(stream, None)
        self._refused.discard(stream)
        self._fresh.discard(stream)
        self._wake.set()

    @property
    def subscribed(self) -> set[str]:
        """Streams asked for on the present connection and not refused."""
        return set(self._sent)

    @property
    def connection(self) -> WebSocketConnection | None:
        """The present connection, for its counters."""
        return self._connection

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
        self._owner.on_read(result, size)
        if not self._proven and self._acknowledged and any(kind != "control" for kind in result.counts):
            self._proven = True
            self._backoff.reset()

    def on_closed(self, error: Exception | None) -> None:
        """Wakes the task, which reconnects."""
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(error)
        self._wake.set()

    def on_control(self, request_id: int | None, *, refused: bool, code: int) -> bool:
        """Takes the venue's answer to a control message.

        Returns:
            Whether the message was one of this link's.
        """
        entry = self._pending.pop(request_id, None) if request_id is not None else None
        if entry is None:
            return False
        streams, _, asking = entry
        if refused:
            if asking:
                for stream in streams:
                    self._sent.pop(stream, None)
                self._refused.update(streams)
            self._owner.on_refused(SubscriptionRefused(self._venue.name, self.name, streams, code, wall_ns()))
        else:
            self._acknowledged = True
            settled = self._fresh.intersection(streams) if asking else set(streams)
            if asking:
                self._fresh -= settled
            if settled:
                self._owner.on_settled(settled)
        return True

    # its life

    async def _run(self) -> None:
        while True:
            if not self._wanted:
                self._wake.clear()
                await self._wake.wait()
                continue
            self._change(ConnectionState.CONNECTING, "")
            try:
                error = await self._connect_and_serve()
            except FeedConnectionError as failure:
                error = failure
            except Exception as failure:
                # Invariant: nothing else is raised. A feed that goes on beats one that died of a bug of ours.
                _logger.exception("link %s failed", self.name)
                error = failure
                if self._connection is not None:
                    self._connection.abort()
            self._connection = None
            delay_ns = self._backoff.next_delay_ns()
            self._change(ConnectionState.RECONNECTING, str(error or "dropped"), delay_ns)
            await asyncio.sleep(delay_ns / _SECOND)

    async def _connect_and_serve(self) -> Exception | None:
        self._closed = asyncio.get_running_loop().create_future()
        self._sent.clear()
        self._refused.clear()
        self._pending.clear()
        self._limit = self._fresh_limit()
        self._acknowledged = self._proven = False
        self._connection = await connect(self._url, self._make_reader(), self, open_timeout_s=self._open_timeout_s)
        self._change(ConnectionState.CONNECTED, "")
        while not self._closed.done():
            self._wake.clear()
            wait_ns = min(self._send_due(), self._check_alive())
            try:
                async with asyncio.timeout(wait_ns / _SECOND):
                    await self._wake.wait()
            except TimeoutError:
                pass
        return self._closed.result()

    def _send_due(self) -> int:
        """Sends what the limits allow; returns how long to wait before there is more to do, in ns."""
        connection = self._connection
        if connection is None or not connection.is_open:
            return _SECOND
        size = self._venue.limits.names_per_message
        while True:
            missing = [stream for stream in self._wanted if stream not in self._sent and stream not in self._refused]
            missing = missing[:size]
            surplus = [stream for stream in self._sent if stream not in self._wanted][:size] if not missing else []
            if not missing and not surplus:
                return _SECOND
            wait_ns = self._limit.try_acquire(1)
            if wait_ns:
                return wait_ns
            request_id = next(self._request_ids)
            names = tuple(missing or surplus)
            self._pending[request_id] = (names, monotonic_ns(), bool(missing))
            if missing:
                self._sent.update(dict.fromkeys(names))
                connection.send_text(self._venue.subscribe_message(names, request_id))
            else:
                for name in names:
                    del self._sent[name]
                connection.send_text(self._venue.unsubscribe_message(names, request_id))

    def _check_alive(self) -> int:
        """Asks a silent connection, and drops a dead one; returns when to look again, in ns."""
        connection = self._connection
        if connection is None:
            return _SECOND
        now = monotonic_ns()
        idle = now - connection.last_read_ns
        overdue = any(now - sent_at > _ACK_NS for _, sent_at, _ in self._pending.values())
        if idle > _DEAD_NS or overdue:
            what = "no answer to a subscription" if overdue else f"nothing received for {idle // _SECOND} s"
            if self._closed is not None and not self._closed.done():
                self._closed.set_result(FeedConnectionError(what))
            connection.abort()
            return 0
        if idle > _IDLE_NS:
            connection.ping()
        return _SECOND

    def _fresh_limit(self) -> TokenBucket:
        limits = self._venue.limits
        return TokenBucket(limits.messages_per_s, limits.message_burst)

    def _change(self, state: ConnectionState, reason: str, retry_in_ns: int = 0) -> None:
        if self.state is state and state is not ConnectionState.RECONNECTING:
            return
        self.state = state
        attempts = self._backoff.attempts
        event = ConnectionChanged(self._venue.name, self.name, state, reason, attempts, retry_in_ns, wall_ns())
        self._owner.on_link(self, event)
