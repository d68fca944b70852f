"""`WebSocketManager`: everything of one provider: its connections, feeds, books and the path of its frames.

Knows no consumers: the gateway's `Dispatcher` does. Users reach it as `gateway.managers[name]`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import TYPE_CHECKING, Any

from tradewire.core import Histogram, SymbolTable, monotonic_ns, objects, wall_ns
from tradewire.core.record import Kind
from tradewire.errors import StateError, UnsupportedError
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.telemetry.throughput import Throughput
from tradewire.transport.http import HttpClient
from tradewire.transport.rate_limit import RateLimitManager
from tradewire.transport.websocket import connect

from .backfill import BackFill
from .bad_messages import BadMessages
from .books import BookKeeper
from .clock import VenueClock
from .dispatch import EVENT_CLASSES
from .events import BookUpdate, ConnectionChanged, ConnectionState, FeedAlert, GapDetected, SubscriptionRefused
from .evidence import Verdict, judge
from .health import Feed, FeedHealth
from .ladder import Rung
from .link import Link, StreamSocket
from .pipeline import Drained, Pipeline
from .provider import ProviderSettings
from .remedies import Remedies
from .roster import FeedRoster
from .successors import Successors

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch, OrderBookProtocol, WireReaderProtocol, WireResultProtocol
    from tradewire.telemetry import Counters, LatencySpans
    from tradewire.telemetry.alerts import AlertPort
    from tradewire.telemetry.clock_offset import ClockOffset
    from tradewire.transport.rate_limit import RateLimitStatistics
    from tradewire.venues.base import Channel, MarketDataRest, MarketDataVenue, RestPayload

    from .dispatch import Dispatcher
    from .events import StatusEvent
    from .link import LinkOwner

__all__ = ["WebSocketManager"]

_logger = logging.getLogger("tradewire.streaming")
_log = LimitedLog(_logger)

#: Together with the callbacks' share under the 2 s in which a gateway must be stopped.
_GOODBYE_S = 0.5
_HIGHEST_NS = 3_600_000_000_000


class WebSocketManager:
    """One provider's connections, kept alive, and what comes over them. The event loop owns it.

    Args:
        settings: of the provider.
        symbols: shared by the managers of a gateway.
        dispatcher: takes events, batches and status.
        random: for backoff jitter.
        alerts: calls a person.
        on_trouble: told when the provider needs its fallback, with the reason.

    Raises:
        MissingCredentialError: the venue asks for a key, and `settings` has none that it can use.
        UnsupportedError: a codec that the venue does not speak.

    Attributes:
        connecting: how long connections took to open, in ns.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        symbols: SymbolTable,
        dispatcher: Dispatcher,
        random: Random,
        alerts: AlertPort,
        on_trouble: Callable[[WebSocketManager, str], None],
    ) -> None:
        self.settings = settings
        self._venue = venue = settings.venue
        # A key or a codec that cannot be shows now, not in a task that nobody awaits.
        venue.session(settings.credential, settings.codec)
        self._symbols = symbols
        self._dispatcher = dispatcher
        self._random = random
        self._alerts = alerts
        self._on_trouble = on_trouble
        self._rest: MarketDataRest | None = None
        self._bad: dict[Link, BadMessages] = {}
        self._given_up: set[Link] = set()
        self._request_ids = itertools.count(1)
        self._http = HttpClient()
        self._http.limiter = settings.request_limiter()
        self._running = False
        self._opening_ns: dict[Link, int] = {}
        self.connecting = Histogram(1, _HIGHEST_NS, 3)
        self._pipeline = Pipeline(
            venue,
            self._on_drained,
            symbols=symbols,
            wanted=dispatcher.wanted,
            callbacks=dispatcher.callbacks,
            ring_capacity=settings.ring_capacity,
            codec=settings.codec,
            asks=self._asks,
        )
        self._health = FeedHealth(venue.name, self._emit, self._pipeline.digest)
        self._books = BookKeeper(
            venue.name,
            self._pipeline.books,
            self.rest,
            self._inject,
            self._health,
            self._emit,
            self._pipeline.counters,
            random,
            self._begin_anew if venue.snapshot_depth == 0 else None,
        )
        self._roster = FeedRoster(
            venue,
            symbols,
            self._health,
            self._books,
            self._make_link,
            dict(settings.stale_after_s),
            self._pipeline.tracker.reset,
        )
        self._clock_wanted = False
        self._clock = VenueClock(
            self.rest, self._on_clock, lambda reason: self.alert("", "", reason), self._pipeline.counters
        )
        self._throughput = Throughput(self._pipeline.counters)
        self._backfill = BackFill(
            venue.name,
            venue.sequences.get(Kind.TRADE) == "contiguous",
            self.rest,
            lambda answer: self._pipeline.decode(answer.payload, answer.recv_ns, answer.stream),
            self._deliver_missed,
            self._health.watches,
            self._emit,
            self._pipeline.counters,
            random,
        )
        self._successors = Successors(
            venue.name,
            lambda: self._roster.links,
            lambda: self.settings.limits(),  # noqa: PLW0108 - the settings are replaced
            venue.sequences,
            lambda link, owner: self._open_link(link.name, link.route, owner),
            self._divert,
            self._pipeline.deliver,
            self._replace,
            self,
            self._emit,
            self._pipeline.counters,
            random,
        )
        self._remedies = Remedies(venue.name, self._health, self._judge, self._act, self._emit, self._pipeline.counters)

    # life

    def start(self) -> None:
        """Connects, in the background."""
        self._running = True
        for link in self._roster.links:
            link.start()

    async def stop(self) -> None:
        """Closes every connection."""
        self._running = False
        await self._remedies.close()
        await self._books.close()
        await self._clock.close()
        await self._backfill.close()
        await asyncio.gather(self._successors.close(), *(link.stop(_GOODBYE_S) for link in self._roster.links))
        await self._http.close()

    def update(self, settings: ProviderSettings) -> None:
        """Takes other settings over, at once. Connections are renewed only when address or credential changed.

        Raises:
            StateError: another venue or codec, which needs a provider of another name.
        """
        old = self.settings
        if settings == old:
            return
        if settings.venue is not old.venue or settings.codec != old.codec:
            raise StateError(f"venue and codec of provider {self.name!r} cannot change; give it another name")
        self.settings = settings
        self._bad.clear()
        for feed in self._health.feeds():
            self._roster.set_threshold(feed, settings.stale_after_s)
        moved = (settings.url, settings.credential) != (old.url, old.credential)
        self._successors.abandon()
        if (settings.rest_url, settings.credential) != (old.rest_url, old.credential):
            self._rest = None
            self._clock.forget()
        if settings.rate_limit != old.rate_limit:
            self._http.limiter = settings.request_limiter()
        for link in self._roster.links:
            link.tune(self.settings.limits(), settings.ping_interval_s)
            if settings.breaker != old.breaker:
                link.guard(self.settings.breaker_states())
            if moved:
                link.move(self._venue.stream_url(link.route, settings.url))

    def tick(self, now_ns: int, wall_time_ns: int) -> None:
        """Looks for silence and does something about it; called a few times a second.

        Args:
            now_ns: monotonic.
            wall_time_ns: for events.
        """
        self._throughput.tick(now_ns)
        self._successors.tick(now_ns, wall_time_ns)
        # A replaced venue without a REST address of its own: the real one's clock says nothing about it.
        if self._clock_wanted and (self.settings.url is None or self.settings.rest_url is not None):
            self._clock.start()
        self._health.tick(now_ns, wall_time_ns)
        self._remedies.tick(now_ns, wall_time_ns)

    # feeds

    def acquire(self, channel: Channel, symbols: Iterable[str]) -> list[Feed]:
        """One more use of each symbol's feed, or, where one of them raises, of none.

        Raises:
            UnsupportedError: a symbol gets the same events from another channel.
            ValueError: a ring too small for the book's snapshots; an address that is not one.
        """
        if channel.diff:
            self._check_ring(channel.name)
        return self._roster.acquire_all(channel, symbols)

    def release(self, feed: Feed) -> None:
        """One use less."""
        self._roster.release(feed)

    def feeds(self) -> list[Feed]:
        """All feeds with their states, in order of subscription."""
        return self._health.feeds()

    def feed(self, channel: str, symbol: str) -> Feed | None:
        """The feed of a channel and a symbol, in any spelling; None: not subscribed.

        Raises:
            UnsupportedError: no such channel.
            ValueError: not a symbol.
        """
        found, name = self._venue.channel(channel), self._venue.symbol(symbol)
        for feed in self._health.feeds():
            if feed.symbol == name and feed.channel.name == found.name:
                return feed
        return None

    def has_channel(self, name: str) -> bool:
        """Whether the venue has such a channel."""
        try:
            self._venue.channel(name)
        except UnsupportedError:
            return False
        return True

    def symbol_id(self, symbol: str) -> int:
        """The id of a symbol in any spelling, new ones included."""
        return self._symbols.add(self._venue.plan.venue, self._venue.symbol(symbol))

    def book(self, symbol: str) -> OrderBookProtocol | None:
        """The live book of a symbol; None between a gap (or a lost connection) and the resync."""
        symbol_id = self._symbols.get(self._venue.plan.venue, self._venue.symbol(symbol))
        return None if symbol_id is None else self._books.book(symbol_id)

    # what is going on

    @property
    def name(self) -> str:
        """The provider's name."""
        return self.settings.name

    @property
    def venue(self) -> MarketDataVenue:
        """The venue."""
        return self._venue

    @property
    def counters(self) -> Counters:
        """Totals: `messages`, `messages.<kind>`, `bytes`, `decode_errors`, `protocol_errors`, `book_gaps`, `resyncs`,
        `reconnects`, ..."""
        return self._pipeline.counters

    @property
    def latency(self) -> LatencySpans:
        """Latency of the hops up to the batch; `callback` stays empty here, the gateway has it."""
        self._clock_wanted = True
        return self._pipeline.latency

    @property
    def rate_limit(self) -> RateLimitStatistics | None:
        """Use and waiting of the limits of REST calls; None before the first call, or where there are none."""
        limits = getattr(self._rest, "limits", None)
        return limits.statistics(self._venue.name) if isinstance(limits, RateLimitManager) else None

    @property
    def drop_rate(self) -> float:
        """Numbered messages that never came, as a share of all that should have come."""
        missing = self.counters["messages_missing"]
        return missing / max(self.counters["messages"] + missing, 1)

    @property
    def throughput(self) -> Throughput:
        """Messages and bytes a second, now."""
        return self._throughput

    @property
    def clock(self) -> ClockOffset:
        """The venue's clock minus ours, as far as it is known: asked for from the first look at it, at latencies, or
        the first use of REST. A gateway that does none of these does not pay for an HTTP client."""
        self._clock_wanted = True
        return self._clock.offset

    @property
    def links(self) -> list[Link]:
        """The connections."""
        return list(self._roster.links)

    # what links, books and the pipeline say

    def on_read(self, link: Link, result: WireResultProtocol, size: int) -> None:
        """A link read its socket."""
        if result.plain:
            # Nobody waits for the counting.
            self._pipeline.pump()
            self._pipeline.count(result, size)
            return
        self._pipeline.count(result, size)
        if result.error_count:
            self._on_bad_messages(link, result)
        self._pipeline.pump()

    def on_payload(self, link: Link, payload: bytes, recv_ns: int) -> None:
        """A whole message came over the plain driver, which this manager does not use."""
        # Only links of `AdapterManager` open plain sockets: reaching this is a bug of ours.
        raise NotImplementedError

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        """A link changed state."""
        if event.state is ConnectionState.RECONNECTING and self._successors.lost(link, event.recv_ns):
            return
        feeds = self._roster.feeds_of(link)
        now, wall = monotonic_ns(), wall_ns()
        self._emit(event)
        if event.state is ConnectionState.CONNECTING:
            self._opening_ns[link] = now
        else:
            began = self._opening_ns.pop(link, None)
            if began is not None and event.state is ConnectionState.CONNECTED:
                self.connecting.record(now - began)
        if event.state is ConnectionState.CONNECTED:
            _logger.info("%s %s: connected", event.venue, event.connection)
            self._health.connected(feeds, now, wall)
        elif event.state in (ConnectionState.RECONNECTING, ConnectionState.CLOSED):
            if event.state is ConnectionState.RECONNECTING:
                self.counters.add("reconnects")
                _logger.warning(
                    "%s %s: %s; next attempt in %.1f s",
                    event.venue, event.connection, event.reason, event.retry_in_ns / 1e9,
                )  # fmt: skip
            for feed in feeds:
                if EVENT_CLASSES[feed.channel.kind] is BookUpdate:
                    self._books.reset(feed.symbol_id)
            self._backfill.lost(feeds)
            self._health.down(feeds, event.reason or "closed", wall)
            # The threshold may have been lowered meanwhile; an outage is told once.
            if event.attempt < self.settings.reconnect_attempts:
                self._given_up.discard(link)
            elif link not in self._given_up:
                self._given_up.add(link)
                reason = (
                    f"{link.name}: {event.attempt} connection attempts in a row failed, the last one: {event.reason}"
                )
                self.alert("", "", reason)
                self._on_trouble(self, reason)

    def on_refused(self, event: SubscriptionRefused) -> None:
        """The venue refused streams, or the whole session."""
        self.counters.add("subscriptions_refused", max(len(event.streams), 1))
        what = ", ".join(event.streams) or "the session"
        _logger.error("%s refused %s: %s (code %d)", event.venue, what, event.message, event.code)
        self._emit(event)

    def on_fatal(self, link: Link, reason: str) -> None:
        """The venue will not serve this connection, however often it is asked."""
        self.alert("", "", f"{link.name}: {reason}")
        self._on_trouble(self, f"{link.name}: {reason}")

    def on_settled(self, streams: Iterable[str]) -> None:
        """The venue began or ended streams."""
        self._roster.settled(streams)

    def on_ending(self, link: Link, reason: str) -> None:
        """The venue is going to end a connection."""
        self._successors.ask(link, reason)

    def _asks(self) -> tuple[bool, bool]:
        dispatcher = self._dispatcher
        every = dispatcher.wants_batches or self._books.syncing or self._successors.running or self._backfill.observes
        return every, dispatcher.wants_books

    def _on_drained(self, drained: Drained) -> None:
        if self._successors.running:
            self._successors.delivered(drained.batch)
        if self._backfill.observes:
            self._backfill.observe(drained.batch)
        self._health.refresh()
        if drained.sequence_incidents:
            self._on_sequence_incidents(drained)
        self._books.observe(drained)
        updates: list[Any] = []
        if drained.changed and self._dispatcher.wants_books:
            found = (self._books.update(symbol_id, drained.drained_wall_ns) for symbol_id in drained.changed)
            updates = [update for update in found if update is not None]
        self._dispatcher.deliver(drained.batch, drained.events, updates, drained.drained_ns)

    def _on_sequence_incidents(self, drained: Drained) -> None:
        for row, outcome, missing in drained.sequence_incidents:
            self.counters.add(f"sequence_{outcome}")
            record = drained.batch[row]
            feed = self._health.find(int(record["kind"]), int(record["symbol"]))
            if feed is None:
                continue
            self.counters.add(f"sequence_{outcome}.{feed.channel.name}")
            if outcome == "gap":
                self.counters.add("messages_missing", missing)
                self._emit(
                    GapDetected(self._venue.name, feed.channel.name, feed.symbol, missing, drained.drained_wall_ns)
                )
                self._backfill.gap(feed, int(record["seq"]), int(record["event_ns"]), missing)
            elif outcome == "reordered":
                self._backfill.late(feed, int(record["seq"]))

    def _on_clock(self, offset_ns: int) -> None:
        self._pipeline.clock_offset_ns = offset_ns

    def _deliver_missed(self, trades: Batch) -> None:
        self._dispatcher.deliver(trades, objects(trades, self._dispatcher.wanted), [], monotonic_ns())

    def alert(self, channel: str, symbol: str, reason: str) -> None:
        """Calls a person.

        Args:
            channel: empty: all.
            symbol: empty: all.
            reason: in words.
        """
        try:
            self._alerts.alert("streaming", f"{self.name} needs a look", f"{channel} {symbol} {reason}".strip())
        except Exception as error:
            # The user's own port; what it is told about must not suffer from it.
            _log.say("alert", "the alert port raised %r on: %s", error, reason, error=error)
        self._emit(FeedAlert(self._venue.name, channel, symbol, reason, wall_ns()))

    # inside: what is wrong, and what is done about it

    def rest(self) -> MarketDataRest:
        """The venue's REST market data."""
        self._clock_wanted = True
        if self._rest is None:
            self._rest = self._venue.rest(self._http, self.settings.rest_url, self.settings.credential)
        return self._rest

    async def _judge(self, feed: Feed) -> Verdict:
        trades = self._venue.evidence_channel
        found = self._venue.channel(trades) if trades is not None else None
        return await judge(feed, self._health.siblings(feed), found, self.rest, self.clock.offset_ns)

    def _act(self, feed: Feed, rung: Rung) -> None:
        place = self._roster.link_of(feed)
        if place is None:
            return
        link, stream = place
        reason = f"{feed.channel.name} of {feed.symbol} is silent while the venue is not"
        match rung:
            case Rung.RESUBSCRIBE:
                link.renew(stream)
            case Rung.RESNAPSHOT:
                self._books.reset(feed.symbol_id)
                self._health.gap(feed, "the book is built anew", wall_ns())
                if self._venue.snapshot_depth == 0:
                    link.renew(stream)
            case Rung.RECONNECT:
                link.reconnect(reason)
            case Rung.FALLBACK:
                self._on_trouble(self, reason)
            case Rung.ALERT:
                self.alert(feed.channel.name, feed.symbol, reason)

    def _on_bad_messages(self, link: Link, result: WireResultProtocol) -> None:
        _log.say("bad message", "refused: %s", result.errors[0] if result.errors else "?")
        bad = self._bad.setdefault(link, BadMessages(self.settings.bad_messages_per_min))
        if not bad.add(result.error_count, monotonic_ns()):
            return
        wall = wall_ns()
        reason = f"more than {self.settings.bad_messages_per_min} unreadable messages in a minute"
        self.counters.add("bad_message_storms")
        for feed in self._roster.feeds_of(link):
            self._emit(GapDetected(self._venue.name, feed.channel.name, feed.symbol, 0, wall))
            if feed.channel.diff:
                self._books.reset(feed.symbol_id)
            self._health.gap(feed, reason, wall)
        self.alert("", "", f"{link.name}: {reason}")
        link.reconnect(reason)

    # inside

    def _check_ring(self, channel: str) -> None:
        depth = self._venue.snapshot_depth
        least, capacity = 2 * depth + 1, self._pipeline.ring.capacity
        if capacity < least:
            raise ValueError(
                f"ring_capacity must be {least} or more for channel {channel!r} of {self._venue.name}, whose snapshots "
                f"have {depth} levels a side, was {capacity}"
            )

    def _begin_anew(self, feed: Feed) -> None:
        place = self._roster.link_of(feed)
        if place is not None:
            link, stream = place
            link.renew(stream)

    def _make_link(self, name: str, route: str) -> Link:
        full_name = name if self.name == self._venue.name else f"{self.name}/{name}"
        link = self._open_link(full_name, route, self)
        if self._running:
            link.start()
        return link

    def _open_link(self, name: str, route: str, owner: LinkOwner) -> Link:
        settings = self.settings
        return Link(
            self._venue.name,
            route,
            name,
            self.settings.limits(),
            self._venue.stream_url(route, settings.url),
            owner,
            self._pipeline.reader,
            lambda: self._venue.session(self.settings.credential, settings.codec),
            self._request_ids,
            self._random,
            settings.open_timeout_s,
            self.settings.breaker_states(),
            settings.ping_interval_s,
            self._open_socket,
        )

    def _replace(self, old: Link, new: Link) -> None:
        self._bad.pop(old, None)
        self._roster.replace(old, new)

    def _divert(self, result: WireResultProtocol, size: int) -> list[Batch]:
        self._pipeline.count(result, size)
        return self._pipeline.divert()

    async def _open_socket(
        self,
        url: str,
        reader: WireReaderProtocol,
        owner: Link,
        *,
        open_timeout_s: float,
        headers: Mapping[str, str] | None,
    ) -> StreamSocket:
        return await connect(url, reader, owner, open_timeout_s=open_timeout_s, headers=headers)

    def _inject(self, snapshot: RestPayload) -> None:
        self._pipeline.inject(snapshot.payload, snapshot.recv_ns, snapshot.stream)

    def _emit(self, event: StatusEvent) -> None:
        self._dispatcher.publish_status(event, monotonic_ns())
