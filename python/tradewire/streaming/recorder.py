"""Records what a venue sends, frame by frame as it came, with a book snapshot after each (re)connect and in each file.

Uses the plain WebSocket driver, which gives payloads; the gateway's fast path never makes them. Writes nothing itself.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable
from random import Random
from typing import TYPE_CHECKING, Protocol

from tradewire.core import monotonic_ns
from tradewire.errors import FeedConnectionError, QueryError
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.telemetry.origin import origin_of
from tradewire.transport.address import check_address
from tradewire.transport.http import HttpClient
from tradewire.transport.plain import PlainConnection, connect_plain
from tradewire.transport.policy.backoff import Backoff
from tradewire.venues.base import ONE_MESSAGE
from tradewire.venues.session import Broken, Refused, Reply, Settled, framed

from .plan import credential_of

if TYPE_CHECKING:
    from tradewire.transport.auth import Credential
    from tradewire.venues.base import MarketDataRest, MarketDataVenue
    from tradewire.venues.session import StreamSession

__all__ = ["Recorder", "WriteLine"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))


class WriteLine(Protocol):
    """Takes a line of a recording: `RecordingWriter.write`, which says what the arguments and the result mean."""

    def __call__(self, recv_ns: int, frame: bytes, *, may_rotate: bool = True) -> bool:
        """Appends the line; whether it is the first one of a file."""
        ...


class Recorder:
    """Connects, subscribes and hands on every frame until cancelled.

    Args:
        venue: what to talk to.
        symbols: in any spelling.
        channels: by name.
        write: takes each line. When one begins a file, the books' snapshots are fetched again: each file replays alone.
        url: replaces the venue's streaming address.
        rest_url: replaces the venue's REST address.
        credential: where the venue asks for one; None: from the environment (`AuthManager`).
        random: for backoff.

    Raises:
        MissingCredentialError: the venue asks for a key, and none is given.
        UnsupportedError: an unknown channel.
        ValueError: not a symbol; not an address, or an unencrypted one beyond loopback.

    Attributes:
        reconnects: connections lost, and attempts to renew them that failed.
        snapshots: snapshots written.
        trouble: why a connection could not be opened, or was lost, the last time.
    """

    def __init__(
        self,
        venue: MarketDataVenue,
        symbols: Iterable[str],
        channels: Iterable[str],
        write: WriteLine,
        *,
        url: str | None = None,
        rest_url: str | None = None,
        credential: Credential | None = None,
        random: Random | None = None,
    ) -> None:
        check_address("url", url, ("ws", "wss"))
        check_address("rest_url", rest_url, ("http", "https"))
        self._venue = venue
        self._credential = credential if credential is not None else credential_of(venue)
        self._write = write
        self._url = url
        self._rest_url = rest_url
        self._random = random or Random()
        self._request_ids = itertools.count(1)
        self.reconnects = 0
        self.snapshots = 0
        self.trouble = ""
        names = list(dict.fromkeys(venue.symbol(symbol) for symbol in symbols))
        # A single symbol's snapshots go in as they came; with several, only the envelope says whose they are.
        self._enveloped = len(names) > 1
        # route -> stream -> symbol that needs a snapshot once the stream flows, or ""
        self._routes: dict[str, dict[str, str]] = {}
        # Of the file being written: the symbol by a stream's name as frames quote it, until its snapshot is asked for.
        self._waiting: dict[bytes, str] = {}
        self._files = 0
        # How a stream's name is written in its frames, quotes included: one name can be the end of another. -> symbol
        self._unseen: dict[bytes, str] = {}
        self._without_snapshot: dict[str, None] = {}
        self._silent = dict.fromkeys(names)
        self._symbols = len(names)
        for channel in map(venue.channel, channels):
            for name in names:
                stream = venue.stream(channel, name)
                self._routes.setdefault(stream.route, {})[stream.name] = name if channel.diff else ""
                # Where frames do not name their stream, they name the symbol.
                self._unseen[_quoted(stream.name if venue.plan.envelope else name)] = name

    @property
    def silent(self) -> list[str]:
        """Symbols of which nothing has come."""
        return list(self._silent)

    @property
    def heard(self) -> bool:
        """Whether market data of any symbol has come."""
        return len(self._silent) < self._symbols

    @property
    def without_snapshot(self) -> list[str]:
        """Symbols whose book updates come since the last connect, but whose snapshot does not."""
        return list(self._without_snapshot)

    async def run(self) -> None:
        """Records until cancelled; reconnects by itself."""
        async with HttpClient() as http, asyncio.TaskGroup() as tasks:
            source = self._venue.rest(http, self._rest_url, self._credential)
            for route, streams in self._routes.items():
                tasks.create_task(self._follow(route, streams, source))

    async def _follow(self, route: str, streams: dict[str, str], source: MarketDataRest) -> None:
        backoff = Backoff(self._random)
        url = self._venue.stream_url(route, self._url)
        origin = origin_of(url)
        opened = False
        while True:
            try:
                session = self._venue.session(self._credential)
                async with connect_plain(url, headers=session.headers) as connection, asyncio.TaskGroup() as tasks:
                    opened = True
                    talk = _Conversation(session, connection)
                    subscribing = tasks.create_task(self._subscribe(talk, list(streams)))
                    self._await_snapshots(streams)
                    async for recv_ns, frame in connection.messages():
                        if self._write(recv_ns, frame):
                            self._files += 1
                            for names in self._routes.values():
                                self._await_snapshots(names)
                        answered = talk.settled
                        if not answered:
                            await talk.take(frame)
                        if subscribing.done():
                            backoff.reset()
                        head = frame[:128]
                        if self._venue.plan.envelope or answered:
                            # Answers to subscriptions name symbols, too.
                            named = head if self._venue.plan.envelope else frame
                            for stream in [name for name in self._unseen if name in named]:
                                self._silent.pop(self._unseen.pop(stream), None)
                        for stream in [name for name in self._waiting if name in head]:
                            tasks.create_task(self._snapshot(self._waiting.pop(stream), source))
            except* FeedConnectionError as group:
                self.trouble = str(group.exceptions[0])
                if origin not in self.trouble:
                    self.trouble = f"{origin}: {self.trouble}"
                _log.say(f"record {url}", "%s", self.trouble)
            self.reconnects += opened
            await asyncio.sleep(backoff.next_delay_ns() / 1e9)

    def _await_snapshots(self, streams: dict[str, str]) -> None:
        self._waiting |= {b'"%s"' % name.encode(): symbol for name, symbol in streams.items() if symbol}

    async def _subscribe(self, talk: _Conversation, streams: list[str]) -> None:
        await talk.begin()
        limits = self._venue.limits
        limiter = limits.limiter()
        for start in range(0, len(streams), limits.names_per_message):
            while ready_ns := limiter.try_take(  # noqa: ASYNC110 - waits for time to pass, not for a task
                ONE_MESSAGE, now_ns := monotonic_ns(), now_ns, reserve=True
            ):
                await asyncio.sleep((ready_ns - now_ns) / 1e9)
            names = streams[start : start + limits.names_per_message]
            await talk.subscribe(names, next(self._request_ids))
        talk.asked_all = True

    async def _snapshot(self, symbol: str, source: MarketDataRest) -> None:
        backoff = Backoff(self._random, base_ns=250_000_000, cap_ns=10_000_000_000)
        file = self._files
        self._without_snapshot[symbol] = None
        while True:
            try:
                snapshot = await source.snapshot(symbol)
            except QueryError as error:
                _log.say(f"record {symbol}", "%s", error)
                await asyncio.sleep(backoff.next_delay_ns() / 1e9)
                continue
            if file != self._files:
                # The differences that it belongs to are in an earlier file; this file's first one fetches another.
                return
            frame = snapshot.payload
            if self._enveloped:
                frame = b'{"stream":"%s","data":%s}' % (snapshot.stream.encode(), frame)
            self._write(snapshot.recv_ns, frame, may_rotate=False)
            self.snapshots += 1
            self._without_snapshot.pop(symbol, None)
            return


class _Conversation:
    """A session on a plain connection, which gives its answers among the market data."""

    def __init__(self, session: StreamSession, connection: PlainConnection) -> None:
        self._session = session
        self._connection = connection
        self._ready = asyncio.Event()
        self._open_requests: set[int] = set()
        self.asked_all = False

    @property
    def settled(self) -> bool:
        """Whether nothing is to be answered any more."""
        return self.asked_all and not self._open_requests

    async def begin(self) -> None:
        """Says what comes first, and waits until subscriptions may be sent."""
        for payload in self._session.opened():
            await self._send(payload)
        if not self._session.ready:
            await self._ready.wait()

    async def subscribe(self, names: list[str], request_id: int) -> None:
        """Asks for streams."""
        if self._session.acknowledges:
            self._open_requests.add(request_id)
        for payload in self._session.subscribe(names, request_id):
            await self._send(payload)

    async def _send(self, message: bytes | str) -> None:
        payload, binary = framed(self._session, message)
        await self._connection.send(payload, binary=binary)

    async def take(self, frame: bytes) -> None:
        """Looks for an answer in a message.

        Raises:
            FeedConnectionError: the venue ended the session.
        """
        for outcome in self._session.take(frame):
            if isinstance(outcome, Reply):
                await self._send(outcome.payload)
            elif isinstance(outcome, Broken):
                raise FeedConnectionError(f"the venue ended the session: {outcome.message} (code {outcome.code})")
            elif isinstance(outcome, Refused):
                self._open_requests.discard(outcome.request_id)
                _log.say("record refused", "the venue refused streams: %s (code %d)", outcome.message, outcome.code)
            elif isinstance(outcome, Settled):
                self._open_requests.discard(outcome.request_id)
        if self._session.ready:
            self._ready.set()


def _quoted(stream: str) -> bytes:
    return b'"%s"' % stream.encode()
