"""`WebSocketManager`: everything of one provider: its connections, feeds, books and REST, and what heals them.

Knows no consumers: the gateway's `Dispatcher` does. Users reach it as `gateway.managers[name]`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from tradewire.core import SymbolTable, monotonic_ns, wall_ns
from tradewire.core.record import Kind
from tradewire.errors import StateError, UnsupportedError
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.telemetry.throughput import Throughput

from .complaints import Complaints
from .connections import Connections
from .events import FeedAlert
from .evidence import Verdict, judge
from .health import Feed
from .intake import Intake
from .ladder import Rung
from .provider import ProviderSettings
from .provider_rest import ProviderRest
from .remedies import Remedies

if TYPE_CHECKING:
    from tradewire.core.protocols import OrderBookProtocol
    from tradewire.telemetry import Counters, LatencySpans
    from tradewire.telemetry.alerts import AlertPort
    from tradewire.telemetry.clock_offset import ClockOffset
    from tradewire.transport.rate_limit import RateLimitStatistics
    from tradewire.venues.base import Channel, MarketDataRest, MarketDataVenue

    from .budgets import Budgets
    from .complaints import Call
    from .dispatch import Dispatcher
    from .gate import Bans
    from .link import Link
    from .stream_requests import Refusal
    from .twins import Given

__all__ = ["WebSocketManager"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

#: What is wrong with a silent feed.
_CAUSES = {
    Verdict.MUTE: "silent while the venue is not",
    Verdict.UNKNOWN: "silent, and nobody can say whether the venue is",
    Verdict.REFUSED: "silent, and the venue says that it has no such symbol",
}

#: Together with the callbacks' share under the 2 s in which a gateway must be stopped.
_GOODBYE_S = 0.5


class WebSocketManager:
    """One provider's connections, kept alive, and what comes over them. The event loop owns it.

    Args:
        settings: of the provider.
        symbols: shared by the managers of a gateway.
        dispatcher: takes events, batches and status.
        random: for backoff jitter.
        alerts: calls a person.
        on_trouble: told when the provider needs its fallback, with the reason.
        connections: the sort of connections.
        bans: shared by the managers of a gateway; None: its own.
        budgets: the same.

    Raises:
        MissingCredentialError: the venue asks for a key, and `settings` has none that it can use.
        UnsupportedError: a codec that the venue does not speak.
        ValueError: a custom provider without an address.

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
        connections: type[Connections] = Connections,
        bans: Bans | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        self.settings = settings
        self._venue = venue = settings.venue
        # An address, a key or a codec that cannot be shows now, not in a task that nobody awaits.
        venue.stream_url("", settings.url)
        venue.session(settings.credential, settings.codec)
        self._symbols = symbols
        self._alerts = alerts
        self._on_trouble = on_trouble
        self._intake = intake = Intake(
            settings, symbols, dispatcher, self.rest, self._begin_anew, random, self._on_stuck_book
        )
        self._emit = intake.emit
        self._health = intake.health
        self._books = intake.books
        self._rest = ProviderRest(settings, intake.set_clock_offset, self._call, intake.counters, bans, budgets)
        self._complaints = Complaints()
        self._connections = connections(
            settings, symbols, intake, self._call, self._on_refused, self._trouble, random, self._rest
        )
        self._roster = self._connections.roster
        self.connecting = self._connections.connecting
        self._throughput = Throughput(intake.counters)
        self._remedies = Remedies(
            venue.name,
            self._health,
            self._judge,
            self._act,
            self._emit,
            self._connections.opened_ns,
            self._connections.has_live_peers,
            self._has_fallback,
            intake.counters,
        )

    # life

    def start(self) -> None:
        """Connects, in the background."""
        self._connections.start()

    async def stop(self) -> None:
        """Closes every connection."""
        self._connections.halt()
        await self._remedies.close()
        self._make_calls(self._complaints.rest())
        await self._intake.close()
        await asyncio.gather(
            self._connections.successors.close(), *(link.stop(_GOODBYE_S) for link in self._roster.links)
        )
        await self._rest.close()

    def update(self, settings: ProviderSettings) -> None:
        """Takes other settings over, at once. Connections are renewed only when address or credential changed.

        Raises:
            StateError: another venue or codec, which needs a provider of another name.
        """
        old = self.settings
        if settings == old:
            return
        if settings.venue != old.venue or settings.codec != old.codec:
            raise StateError(f"venue and codec of provider {self.name!r} cannot change; give it another name")
        # Each plan makes a custom provider anew; the one that is connected goes on.
        self.settings = settings = replace(settings, venue=old.venue)
        self._rest.update(settings)
        self._connections.update(settings)

    def tick(self, now_ns: int, wall_time_ns: int) -> None:
        """Looks for silence and does something about it; called a few times a second.

        Args:
            now_ns: monotonic.
            wall_time_ns: for events.
        """
        self._throughput.tick(now_ns)
        self._connections.successors.tick(now_ns, wall_time_ns)
        self._rest.tick()
        self._connections.look_for_refused()
        self._health.tick(now_ns, wall_time_ns)
        self._remedies.tick(now_ns, wall_time_ns)
        self._make_calls(self._complaints.due(now_ns))

    def excuse(self, held_up_ns: int, now_ns: int) -> None:
        """This process stood still for so long, and read nothing: to be told before the next `tick`."""
        self._health.excuse(held_up_ns, now_ns)
        self._remedies.excuse(held_up_ns)

    # feeds

    def acquire(self, channel: Channel, symbols: Iterable[str]) -> list[Feed]:
        """One more use of each symbol's feed, or, where one of them raises, of none.

        Raises:
            UnsupportedError: a symbol gets the same events from another channel.
            ValueError: a ring too small for the book's snapshots; an address that is not one.
        """
        if channel.diff:
            self._intake.check_ring(channel.name)
        return self._roster.acquire_all(channel, symbols)

    def release(self, feed: Feed) -> None:
        """One use less."""
        self._roster.release(feed)

    def join(self, given: Given, instead_of: WebSocketManager | None = None) -> Callable[[], Callable[[], None]]:
        """Shares what consumers got with another provider of the venue, for which it stands in: see `Twin.join`."""
        return self._intake.join(given, None if instead_of is None else instead_of._intake)

    def owes(self, symbol_id: int) -> bool:
        """Whether missed trades of a symbol are still to come: see `BackFill.owes`."""
        return self._intake.backfill.owes(symbol_id)

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
        return self._intake.counters

    @property
    def latency(self) -> LatencySpans:
        """Latency of the hops up to the batch; `callback` stays empty here, the gateway has it."""
        self._rest.want_clock()
        return self._intake.pipeline.latency

    @property
    def rate_limit(self) -> RateLimitStatistics | None:
        """Use and waiting of the limits of REST calls, by all providers that share them; None before the first call, or
        where there are none."""
        return self._rest.rate_limit

    @property
    def drop_rate(self) -> float:
        """Messages that never came over the stream, as a share of all that should have come, where every one is
        numbered; 0.0 where none is."""
        missing = max(self.counters["messages_missing"] - self.counters["messages_late"], 0)
        kinds = [Kind(kind) for kind, rule in self._venue.sequences.items() if rule == "contiguous"]
        came = sum(self.counters[f"messages.{kind.name.lower()}"] for kind in kinds)
        return missing / max(came + missing, 1)

    @property
    def throughput(self) -> Throughput:
        """Messages and bytes a second, now."""
        return self._throughput

    @property
    def clock(self) -> ClockOffset:
        """The venue's clock minus ours, as far as it is known: asked for from the first look at it, at latencies
        (the thresholds of a configuration look at them, unless `streaming_health.monitoring` is off), or the first use
        of REST. A gateway that does none of these does not pay for an HTTP client."""
        self._rest.want_clock()
        return self._rest.clock

    @property
    def links(self) -> list[Link]:
        """The connections."""
        return self._connections.links

    def rest(self) -> MarketDataRest:
        """The venue's REST market data."""
        return self._rest.market_data()

    def alert(self, channel: str, symbol: str, reason: str) -> None:
        """Calls a person.

        Args:
            channel: empty: all.
            symbol: empty: all.
            reason: in words, which name the feeds.
        """
        try:
            self._alerts.alert("streaming", f"{self.name} needs a look", reason)
        except Exception as error:
            # The user's own port; what it is told about must not suffer from it.
            _log.say("alert", "the alert port raised %r on: %s", error, reason, error=error)
        self._emit(FeedAlert(self._venue.name, channel, symbol, reason, wall_ns()))

    # inside: what is wrong, and what is done about it

    def _call(self, reason: str) -> None:
        self.alert("", "", reason)

    def _trouble(self, reason: str) -> None:
        self._on_trouble(self, reason)

    def _on_refused(self, feed: Feed, connection: str, refusal: Refusal) -> None:
        cause = f"refused with code {refusal.code}"
        self._complaints.add(feed, connection, cause, monotonic_ns(), refusal.message, its_own=True)

    def _on_stuck_book(self, feed: Feed, reason: str) -> None:
        place = self._roster.link_of(feed)
        if place is not None:
            self._complaints.add(feed, place[0].name, "cannot be synchronised", monotonic_ns(), reason, its_own=True)

    def _make_calls(self, calls: list[Call]) -> None:
        for call in calls:
            self.alert(call.channel, call.symbol, call.reason)

    def _has_fallback(self) -> bool:
        return self.settings.fallback is not None

    def _begin_anew(self, feed: Feed) -> None:
        self._connections.renew(feed)

    async def _judge(self, feed: Feed) -> Verdict:
        trades = self._venue.evidence_channel
        found = self._venue.channel(trades) if trades is not None else None
        return await judge(feed, self._health.siblings(feed), found, self.rest, self.clock.offset_ns)

    def _act(self, feed: Feed, rung: Rung, verdict: Verdict) -> None:
        place = self._roster.link_of(feed)
        if place is None:
            return
        self._complaints.remind(feed, monotonic_ns())
        cause = _CAUSES[verdict]
        reason = f"{feed.channel.name} of {feed.symbol} is {cause}"
        match rung:
            case Rung.RESUBSCRIBE:
                self._connections.renew(feed)
            case Rung.RESNAPSHOT:
                self._books.reset(feed.symbol_id)
                self._health.gap(feed, "the book is built anew", wall_ns())
                if self._venue.snapshot_depth == 0:
                    self._connections.renew(feed)
            case Rung.RECONNECT:
                self._connections.reconnect(feed, reason)
            case Rung.FALLBACK:
                self._trouble(reason)
            case Rung.ALERT:
                its_own = verdict is Verdict.REFUSED
                self._complaints.add(feed, place[0].name, cause, monotonic_ns(), its_own=its_own)
