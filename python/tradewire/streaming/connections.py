"""A provider's connections: opened as feeds need them, kept alive, renewed, told apart. Reads no message itself.

What they give goes to the `Intake`; what becomes of their feeds is decided here and there.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import TYPE_CHECKING

from tradewire.core import SymbolTable, monotonic_ns, wall_ns
from tradewire.telemetry.latency import latency_histogram
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.websocket import connect

from .bad_messages import BadMessages
from .dispatch import event_class
from .events import BookUpdate, ConnectionChanged, ConnectionState, FeedState, GapDetected, SubscriptionRefused
from .link import Link, StreamSocket
from .roster import FeedRoster
from .successors import Successors

if TYPE_CHECKING:
    from tradewire.core.delivery import WireReaderProtocol
    from tradewire.core.protocols import WireResultProtocol

    from .gate import Gate
    from .health import Feed
    from .intake import Intake
    from .link import LinkOwner
    from .provider import ProviderSettings
    from .stream_requests import Refusal

__all__ = ["Connections"]

_logger = logging.getLogger("tradewire.streaming")
_log = LimitedLog(_logger)


class Connections:
    """The connections of one provider, and which feeds come on them. The event loop owns it; it owns its links.

    Args:
        settings: of the provider.
        symbols: shared by the providers of a gateway.
        intake: takes what the connections give.
        alert: calls a person, in words.
        on_refused: told, again and again, of a feed that the venue refuses, with its connection's name.
        on_trouble: told when the provider needs its fallback, with the reason.
        random: for backoff jitter and margins.
        gate: holds every connection back while the venue wants to be left alone.

    Attributes:
        roster: which feed comes on which connection.
        successors: the renewing of connections.
        connecting: how long connections took to open, in ns.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        symbols: SymbolTable,
        intake: Intake,
        alert: Callable[[str], None],
        on_refused: Callable[[Feed, str, Refusal], None],
        on_trouble: Callable[[str], None],
        random: Random,
        gate: Gate,
    ) -> None:
        self.settings = settings
        self._venue = venue = settings.venue
        self.symbols = symbols
        self.intake = intake
        # One look-up less at every read.
        self._pipeline = intake.pipeline
        self._pump = intake.pipeline.pump
        self._count = intake.pipeline.count
        self._alert = alert
        self._on_refused = on_refused
        self._on_trouble = on_trouble
        self._random = random
        self._gate = gate
        self._bad: dict[Link, BadMessages] = {}
        self._given_up: set[Link] = set()
        # Counted and logged, once until the venue grants them.
        self._told_refused: set[Feed] = set()
        self._request_ids = itertools.count(1)
        self._running = False
        self._opening_ns: dict[Link, int] = {}
        self.connecting = latency_histogram()
        self.roster = FeedRoster(
            venue,
            symbols,
            intake.health,
            intake.books,
            self._make_link,
            dict(settings.stale_after_s),
            intake.forget,
        )
        self.successors = intake.successors = Successors(
            venue.name,
            lambda: self.roster.links,
            lambda: self.settings.limits(),  # noqa: PLW0108 - the settings are replaced
            venue.sequences,
            lambda link, owner: self._open_link(link.name, link.route, owner),
            intake.divert,
            intake.pipeline.deliver,
            self._on_unreadable,
            self._replace,
            self,
            intake.emit,
            intake.counters,
            random,
        )

    @property
    def links(self) -> list[Link]:
        """Those that serve, oldest first."""
        return list(self.roster.links)

    def start(self) -> None:
        """Connects, in the background, and so does every connection made later."""
        self._running = True
        for link in self.roster.links:
            link.start()

    def halt(self) -> None:
        """Connections made from now on stay closed."""
        self._running = False

    def update(self, settings: ProviderSettings) -> None:
        """Takes other settings over, at once. Connections are renewed only when address or credential changed."""
        old, self.settings = self.settings, settings
        self._bad.clear()
        for feed in self.intake.health.feeds():
            self.roster.set_threshold(feed, settings.stale_after_s)
        moved = "the address changed" if settings.url != old.url else None
        if moved is None and settings.credential != old.credential:
            moved = "the credential changed"
        self.successors.abandon()
        for link in self.roster.links:
            link.tune(settings.limits(), settings.ping_interval_s)
            if settings.breaker != old.breaker:
                link.guard(settings.breaker_states())
            if moved is not None:
                link.move(self._venue.stream_url(link.route, settings.url), moved)

    def renew(self, feed: Feed) -> None:
        """Asks the stream of a feed again, on the connection that it has."""
        place = self.roster.link_of(feed)
        if place is not None:
            link, stream = place
            link.renew(stream)

    def reconnect(self, feed: Feed, reason: str) -> None:
        """Gives the connection of a feed up for a new one."""
        place = self.roster.link_of(feed)
        if place is not None:
            place[0].reconnect(reason)

    def opened_ns(self, feed: Feed) -> int:
        """When the connection of a feed was opened last, monotonic; 0: never."""
        place = self.roster.link_of(feed)
        return 0 if place is None else place[0].opened_ns

    def look_for_refused(self) -> None:
        """What the venue refuses is DOWN until it is granted: no remedy for silence could bring it. Called a few times
        a second, too."""
        wall = wall_ns()
        before, self._told_refused = self._told_refused, set()
        for feed, link, stream in self.roster.places():
            refusal = link.refusal(stream)
            if refusal is None:
                if feed.state is FeedState.DOWN and link.grants(stream):
                    self.intake.health.connected([feed], monotonic_ns(), wall)
                continue
            feed.refused = is_sure = link.stands_alone(stream)
            if feed.state is not FeedState.DOWN:
                if event_class(feed.channel) is BookUpdate:
                    self.intake.books.reset(feed.symbol_id)
                self.intake.health.down([feed], f"refused: {refusal.message} (code {refusal.code})", wall)
            if is_sure:
                self._on_refused(feed, link.name, refusal)
            if is_sure or feed in before:
                self._told_refused.add(feed)
            if is_sure and feed not in before:
                self._tell_refused(stream, refusal.code, refusal.message)

    def has_live_peers(self, feed: Feed) -> bool:
        """Whether other feeds on its connection are LIVE."""
        place = self.roster.link_of(feed)
        # What is given up for one feed interrupts nobody more: all of a mute connection ask at once.
        return (
            place is not None
            and place[0].is_held
            and any(
                each.state is FeedState.LIVE and link is place[0] and each is not feed
                for each, link, _ in self.roster.places()
            )
        )

    # what links say

    def on_read(self, link: Link, result: WireResultProtocol, size: int) -> None:
        """A link read its socket."""
        if result.plain:
            # Nobody waits for the counting.
            self._pump()
            self._count(result, size)
            if not link.is_direct:
                link.go_direct(self._pipeline.digest, self._pipeline.asks)
            return
        self._count(result, size)
        if result.error_count:
            self._on_unreadable(link, result)
        self._pump()
        if result.controls:
            self.intake.take_notices(result)

    def on_payload(self, link: Link, payload: bytes, recv_ns: int) -> bool:
        """A whole message came over the plain driver, which these connections do not use."""
        # Only `AdapterConnections` open plain sockets: reaching this is a bug of ours.
        raise NotImplementedError

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        """A link changed state."""
        if event.state is ConnectionState.RECONNECTING and self.successors.lost(link, event.recv_ns):
            return
        feeds = self.roster.feeds_of(link)
        now, wall = monotonic_ns(), wall_ns()
        self.intake.emit(event)
        if event.state is ConnectionState.CONNECTING:
            self._opening_ns[link] = now
        else:
            began = self._opening_ns.pop(link, None)
            if began is not None and event.state is ConnectionState.CONNECTED:
                self.connecting.record(now - began)
        if event.state is ConnectionState.CONNECTED:
            _logger.info("%s %s: connected", event.venue, event.connection)
            self.intake.health.connected(feeds, now, wall)
            self.look_for_refused()
        elif event.state in (ConnectionState.RECONNECTING, ConnectionState.CLOSED):
            if event.state is ConnectionState.RECONNECTING:
                if link.opened_ns:
                    # One that was never open has nothing to come back to.
                    self.intake.counters.add("reconnects")
                _logger.warning(
                    "%s %s: %s; next attempt in %.1f s",
                    event.venue, event.connection, event.reason, event.retry_in_ns / 1e9,
                )  # fmt: skip
            for feed in feeds:
                if event_class(feed.channel) is BookUpdate:
                    self.intake.books.reset(feed.symbol_id)
            self.intake.lost(feeds)
            self.intake.health.down(feeds, event.reason or "closed", wall)
            # The threshold may have been lowered meanwhile; an outage is told once.
            if event.attempt < self.settings.reconnect_attempts:
                self._given_up.discard(link)
            elif link not in self._given_up:
                self._given_up.add(link)
                what = "the connection attempt failed"
                if event.attempt > 1:
                    what = f"{event.attempt} connection attempts in a row failed, the last one"
                reason = f"{link.name}: {what}: {event.reason}"
                self._alert(reason)
                self._on_trouble(reason)

    def on_refused(self, event: SubscriptionRefused) -> None:
        """The venue refused streams, or the whole session."""
        if not event.streams:
            self._tell_refused("the session", event.code, event.message)
        else:
            # Most of them may be good.
            what = ", ".join(event.streams)
            _logger.info("%s refused a message with %s: %s (code %d)", event.venue, what, event.message, event.code)
        self.intake.emit(event)
        self.look_for_refused()

    def on_fatal(self, link: Link, reason: str) -> None:
        """The venue will not serve this connection, however often it is asked."""
        self._alert(f"{link.name}: {reason}")
        self._on_trouble(f"{link.name}: {reason}")

    def on_settled(self, streams: Iterable[str]) -> None:
        """The venue began or ended streams."""
        self.roster.settled(streams)

    def on_ending(self, link: Link, reason: str) -> None:
        """The venue is going to end a connection."""
        self.successors.ask(link, reason)

    def _on_unreadable(self, link: Link, result: WireResultProtocol) -> None:
        _log.say("bad message", "refused: %s", result.errors[0] if result.errors else "?")
        self._on_bad_messages(link, result.error_count)

    def _on_bad_messages(self, link: Link, count: int) -> None:
        bad = self._bad.setdefault(link, BadMessages(self.settings.bad_messages_per_min))
        if not bad.add(count, monotonic_ns()):
            return
        wall = wall_ns()
        reason = f"more than {self.settings.bad_messages_per_min} unreadable messages in a minute"
        self.intake.counters.add("bad_message_storms")
        for feed in self.roster.feeds_of(link):
            self.intake.emit(GapDetected(self._venue.name, feed.channel.name, feed.symbol, 0, wall))
            if feed.channel.diff:
                self.intake.books.reset(feed.symbol_id)
            self.intake.health.gap(feed, reason, wall)
        self._alert(f"{link.name}: {reason}")
        # What serves nothing that can be read may need its fallback.
        link.reconnect(reason, failed=True)

    # inside

    def _tell_refused(self, what: str, code: int, message: str) -> None:
        self.intake.counters.add("subscriptions_refused")
        _logger.error("%s refused %s: %s (code %d)", self._venue.name, what, message, code)

    def _make_link(self, name: str, route: str) -> Link:
        provider = self.settings.name
        full_name = name if provider == self._venue.name else f"{provider}/{name}"
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
            settings.limits(),
            self._venue.stream_url(route, settings.url),
            owner,
            self.intake.pipeline.reader,
            lambda: self._venue.session(self.settings.credential, settings.codec),
            self._request_ids,
            self._random,
            settings.open_timeout_s,
            settings.breaker_states(),
            settings.ping_interval_s,
            self._open_socket,
            self._gate,
        )

    def _replace(self, old: Link, new: Link) -> None:
        self._bad.pop(old, None)
        self._given_up.discard(old)
        self._opening_ns.pop(old, None)
        self.roster.replace(old, new)

    async def _open_socket(
        self,
        url: str,
        reader: WireReaderProtocol,
        owner: Link,
        *,
        open_timeout_s: float,
        headers: Mapping[str, str] | None,
    ) -> StreamSocket:
        return await connect(
            url, reader, owner, open_timeout_s=open_timeout_s, headers=headers, on_paused=self._count_pause
        )

    def _count_pause(self, pause_ns: int) -> None:
        self.intake.counters.add("paused_ns", pause_ns)
