"""What a provider's messages become: batches, events, books, feed states, back-fills. Knows no connections.

Sources decode into its pipeline, and what comes out goes to the gateway's `Dispatcher`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewire.core import SymbolTable, monotonic_ns, objects, wall_ns
from tradewire.core.record import Kind
from tradewire.telemetry.limited_log import LimitedLog

from .backfill import BackFill
from .books import BookKeeper
from .events import GapDetected
from .health import FeedHealth
from .pipeline import Drained, Pipeline
from .recent import RecentTrades
from .repeats import Repeats
from .twins import Given, Twin

if TYPE_CHECKING:
    from tradewire.core.delivery import Asked
    from tradewire.core.protocols import Batch, WireResultProtocol
    from tradewire.model.notices import Notice
    from tradewire.venues.base import MarketDataRest, RestPayload

    from .dispatch import Dispatcher
    from .events import StatusEvent
    from .health import Feed
    from .provider import ProviderSettings
    from .successors import Successors

__all__ = ["Intake"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))


class Intake:
    """The messages of one provider. The event loop owns it.

    Args:
        settings: of the provider: its venue, codec and ring.
        symbols: shared by the providers of a gateway.
        dispatcher: takes events, batches and status.
        rest: the provider's REST market data, for snapshots and missed trades.
        begin_anew: asks the stream of a feed again, where snapshots come in the stream.
        random: for the jitter of repeated requests.
        on_stuck: told of a book that stays unsynchronised, with the reason.

    Attributes:
        pipeline: the way of every frame.
        counters: its totals.
        health: the states of the feeds.
        books: the books among them.
        backfill: fetches trades that were missed.
        dispatcher: as given.
        twin: what of it consumers have not had from another provider of the venue.
        successors: shown the batches while a connection is renewed; whoever makes them sets it, before any message.
    """

    successors: Successors

    def __init__(
        self,
        settings: ProviderSettings,
        symbols: SymbolTable,
        dispatcher: Dispatcher,
        rest: Callable[[], MarketDataRest],
        begin_anew: Callable[[Feed], None],
        random: Random,
        on_stuck: Callable[[Feed, str], None],
    ) -> None:
        self._venue = venue = settings.venue
        self.dispatcher = dispatcher
        self._clock_offset_ns = 0
        self._repeats = Repeats()
        # Symbols whose trades begin with the batch at hand.
        self._began: set[int] = set()
        self._notices = venue.notice_reader(settings.codec)
        self.pipeline = Pipeline(
            venue,
            self._on_drained,
            symbols=symbols,
            wanted=dispatcher.wanted,
            callbacks=dispatcher.callbacks,
            ring_capacity=settings.ring_capacity,
            codec=settings.codec,
            asks=self._asks,
        )
        self.counters = self.pipeline.counters
        self.health = FeedHealth(venue.name, self.emit, self.pipeline.digest, self._on_heard)
        self.books = BookKeeper(
            venue.name,
            self.pipeline.books,
            rest,
            self._inject,
            self.health,
            self.emit,
            self.counters,
            random,
            on_stuck,
            begin_anew if venue.snapshot_depth == 0 else None,
        )
        self._numbered = venue.sequences.get(Kind.TRADE) == "contiguous"
        self.backfill = BackFill(
            venue.name,
            None if self._numbered else RecentTrades(dispatcher.callbacks),
            rest,
            lambda answer: self.pipeline.decode(answer.payload, answer.recv_ns, answer.stream),
            self._deliver_missed,
            self.health.watches,
            self._on_lost,
            self.emit,
            self.counters,
            random,
        )

        self.twin = Twin(self.backfill.given, self.health, self.counters)

    def join(self, given: Given, instead_of: Intake | None = None) -> Callable[[], Callable[[], None]]:
        """Shares what was delivered with another provider of the venue: see `Twin.join`."""
        self.backfill.given = given
        return self.twin.join(given, None if instead_of is None else instead_of.health)

    def emit(self, event: StatusEvent) -> None:
        """Tells consumers."""
        self.dispatcher.publish_status(event, monotonic_ns())

    def divert(self, result: WireResultProtocol, size: int) -> list[Batch]:
        """Counts what a read gave and takes it from the ring, undelivered."""
        self.pipeline.count(result, size)
        return self.pipeline.divert()

    def forget(self, kind: int, symbol_id: int) -> None:
        """The numbers of these messages start anew, what comes next continues nothing."""
        self.pipeline.tracker.reset(kind, symbol_id)
        if kind == Kind.TRADE:
            self._repeats.forget(symbol_id)

    def lost(self, feeds: Iterable[Feed]) -> None:
        """The connection of these feeds is gone."""
        for feed in feeds:
            if feed.channel.kind is Kind.TRADE:
                self._repeats.forget(feed.symbol_id)
        self.backfill.lost(feeds)

    def take_notices(self, result: WireResultProtocol) -> None:
        """Delivers the notices among the Control messages of a read, whose market data was delivered before."""
        if self._notices is None:
            return
        now, wall = monotonic_ns(), wall_ns()
        notices: list[Notice] = []
        for payload in result.controls:
            try:
                notices += self._notices.read(payload, wall)
            except ValueError as error:
                self._on_lost_notices(1, str(error))
        unseen = result.control_count - len(result.controls)
        if unseen > 0:
            self._on_lost_notices(unseen, "more payloads with notices in one read than are kept")
        if not notices:
            return
        self.counters.add("notices", len(notices))
        symbols, venue = self.pipeline.symbols, self._venue.plan.venue
        for notice in notices:
            symbol_id = symbols.get(venue, notice.symbol)
            feed = None if symbol_id is None else self.health.find_noticed(type(notice), symbol_id)
            if feed is not None:
                self.health.touch(feed, 1, now, wall)
        self.dispatcher.publish(notices, now)

    def set_clock_offset(self, offset_ns: int) -> None:
        """The venue's clock minus ours, for latencies from now on."""
        self._clock_offset_ns = offset_ns

    def check_ring(self, channel: str) -> None:
        """Whether a book's snapshot fits.

        Raises:
            ValueError: it does not.
        """
        depth = self._venue.snapshot_depth
        least, capacity = 2 * depth + 1, self.pipeline.ring.capacity
        if capacity < least:
            raise ValueError(
                f"ring_capacity must be {least} or more for channel {channel!r} of {self._venue.name}, whose snapshots "
                f"have {depth} levels a side, was {capacity}"
            )

    async def close(self) -> None:
        """Ends all requests."""
        await self.books.close()
        await self.backfill.close()

    def _asks(self) -> Asked:
        # Before each batch: attributes, no calls.
        dispatcher = self.dispatcher
        syncing, rotation = self.books.syncing, self.successors.running
        filling = self.twin.active or bool(self.backfill.open_of)
        every = dispatcher.wants_batches or bool(syncing) or rotation is not None or filling
        return every, dispatcher.wants_books, self._clock_offset_ns

    def _on_drained(self, drained: Drained) -> None:
        if self.successors.running:
            self.successors.delivered(drained.batch)
        if self.backfill.observes:
            self.backfill.observe(drained.batch)
        self.health.refresh()
        if self._began:
            self._on_began(drained)
        if drained.sequence_incidents:
            drained = self._on_sequence_incidents(drained)
            if not len(drained.batch):
                return
        self.books.observe(drained)
        if self.twin.active:
            drained = self._sifted(drained)
            if not len(drained.batch):
                return
        updates: list[Any] = []
        if drained.changed and self.dispatcher.wants_books:
            found = (self.books.update(symbol_id, drained.drained_wall_ns) for symbol_id in drained.changed)
            updates = [update for update in found if update is not None]
        self.dispatcher.deliver(drained.batch, drained.events, updates, drained.drained_ns)

    def _sifted(self, drained: Drained) -> Drained:
        batch = self.twin.sift(drained.batch)
        if batch is drained.batch:
            return drained
        changed = [each for each in drained.changed if not self.twin.withholds(Kind.BOOK_DELTA, each)]
        return drained._replace(batch=batch, events=objects(batch, self.dispatcher.wanted), changed=changed)

    def _on_heard(self, feed: Feed) -> None:
        if self._numbered and feed.channel.kind is Kind.TRADE:
            self._began.add(feed.symbol_id)
        self.backfill.begin(feed)

    def _on_began(self, drained: Drained) -> None:
        """Notes from which numbers on all trades are known."""
        batch = drained.batch
        not_above = {row for row, outcome, _ in drained.sequence_incidents if outcome != "gap"}
        for symbol_id in self._began:
            rows = np.flatnonzero((batch["kind"] == Kind.TRADE) & (batch["symbol"] == symbol_id))
            # One that is below the last of before: the venue may count anew.
            if len(rows) and int(rows[0]) not in not_above:
                self._repeats.begin(symbol_id, int(batch["seq"][rows[0]]))
        self._began.clear()

    def _on_sequence_incidents(self, drained: Drained) -> Drained:
        """Tells of them; gives the batch without trades that were delivered before."""
        repeated: list[int] = []
        for row, outcome, missing in drained.sequence_incidents:
            record = drained.batch[row]
            symbol_id, seq, is_trade = int(record["symbol"]), int(record["seq"]), record["kind"] == Kind.TRADE
            feed = self.health.find(int(record["kind"]), symbol_id)
            if is_trade and outcome == "gap":
                self._repeats.gap(symbol_id, seq, missing)
            if outcome == "gap" and feed is not None:
                lost = missing - self.backfill.given.count(feed, seq - missing, seq)
                if not lost:
                    continue
                if not feed.channel.holes:
                    self._on_lost(feed, lost)
                self.backfill.gap(feed, seq, int(record["event_ns"]), missing)
                continue
            is_missed = is_trade and outcome == "reordered" and self._repeats.misses(symbol_id, seq)
            if is_trade and (outcome == "duplicate" or (outcome == "reordered" and self._repeats.came(symbol_id, seq))):
                self._count_incident("duplicate", feed)
                repeated.append(row)
                continue
            self._count_incident(outcome, feed)
            if outcome == "reordered" and feed is not None:
                is_awaited = self.backfill.late(feed, seq)
                is_fetched = self.backfill.gave(feed, seq)
                # What another provider gave was never counted, and a hole that may be nothing not yet.
                is_counted = is_fetched or not self.backfill.given.has(feed, seq, 0)
                if is_missed and is_counted and not (feed.channel.holes and is_awaited):
                    self.counters.add("messages_late")
                if is_fetched:
                    self.counters.add("backfill_repeats")
                    repeated.append(row)
        if not repeated:
            return drained
        # Trades are messages of one record.
        batch = np.delete(drained.batch, repeated)
        batch.flags.writeable = False
        return drained._replace(batch=batch, events=objects(batch, self.dispatcher.wanted))

    def _on_lost(self, feed: Feed, missing: int) -> None:
        self._count_incident("gap", feed)
        self.counters.add("messages_missing", missing)
        self.emit(GapDetected(self._venue.name, feed.channel.name, feed.symbol, missing, wall_ns()))

    def _on_lost_notices(self, payloads: int, reason: str) -> None:
        self.counters.add("notices_lost", payloads)
        _log.say(
            f"notices {self._venue.name}",
            "%s: %d payloads with notices are lost: %s",
            self._venue.name,
            payloads,
            reason,
        )

    def _count_incident(self, outcome: str, feed: Feed | None) -> None:
        self.counters.add(f"sequence_{outcome}")
        if feed is not None:
            self.counters.add(f"sequence_{outcome}.{feed.channel.name}")

    def _deliver_missed(self, trades: Batch) -> None:
        if self.twin.active:
            self.twin.note(trades)
        self.dispatcher.deliver(trades, objects(trades, self.dispatcher.wanted), [], monotonic_ns())

    def _inject(self, snapshot: RestPayload) -> None:
        self.pipeline.inject(snapshot.payload, snapshot.recv_ns, snapshot.stream)
