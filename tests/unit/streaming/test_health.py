"""Feed states, on invented time."""

from __future__ import annotations

from collections import Counter

import pytest

from tradewire.core.delivery import News
from tradewire.core.record import INTERVALS, Kind
from tradewire.model import PriceBand, TradingStatus
from tradewire.streaming.events import FeedState, FeedStateChanged
from tradewire.streaming.health import Feed, FeedHealth
from tradewire.venues.base import Channel

SECOND = 1_000_000_000
TRADES = Channel("trades", Kind.TRADE, 60 * SECOND)
QUOTES = Channel("quotes", Kind.QUOTE, 10 * SECOND)
BOOK = Channel("book", Kind.BOOK_DELTA, 10 * SECOND, diff=True)
LIQUIDATIONS = Channel("liquidations", Kind.LIQUIDATION, None)


@pytest.fixture
def emitted() -> list[FeedStateChanged]:
    return []


@pytest.fixture
def health(emitted: list[FeedStateChanged]) -> FeedHealth:
    return FeedHealth("binance", emitted.append)


def add(health: FeedHealth, channel: Channel, symbol_id: int = 0) -> Feed:
    return health.add(channel, f"S{symbol_id}", symbol_id, 0, 0, channel.stale_after_ns)


def observe(health: FeedHealth, *rows: tuple[Kind, int], now_ns: int = SECOND) -> None:
    health.observe([(kind, symbol_id, 0, count, now_ns, 7) for (kind, symbol_id), count in Counter(rows).items()])


def test_the_first_message_makes_a_feed_live(health: FeedHealth, emitted: list[FeedStateChanged]) -> None:
    feed = add(health, TRADES)
    assert feed.state is FeedState.SYNCING
    observe(health, (Kind.TRADE, 0), (Kind.TRADE, 0))
    assert (feed.state, feed.messages, feed.last_ns) == (FeedState.LIVE, 2, SECOND)
    assert emitted == [
        FeedStateChanged("binance", "trades", "S0", FeedState.LIVE, FeedState.SYNCING, "messages arrive", 7)
    ]


def test_messages_of_others_do_not_count(health: FeedHealth) -> None:
    feed = add(health, TRADES)
    observe(health, (Kind.TRADE, 1), (Kind.QUOTE, 0), (Kind.CONTROL, -1))
    assert (feed.state, feed.messages) == (FeedState.SYNCING, 0)


def test_silence_beyond_the_threshold_is_stale(health: FeedHealth, emitted: list[FeedStateChanged]) -> None:
    feed = add(health, QUOTES)
    observe(health, (Kind.QUOTE, 0), now_ns=SECOND)
    health.tick(11 * SECOND, 8)
    assert feed.state is FeedState.LIVE
    health.tick(11 * SECOND + 1, 8)
    assert feed.state is FeedState.STALE
    assert emitted[-1].reason == "silent for 10.0 s"
    observe(health, (Kind.QUOTE, 0), now_ns=20 * SECOND)
    assert feed.state is FeedState.LIVE


def test_subscribed_and_never_answered_is_silence_too(health: FeedHealth) -> None:
    feed = add(health, QUOTES)
    health.tick(11 * SECOND, 8)
    assert feed.state is FeedState.STALE


def test_channels_that_are_sparse_by_nature_never_go_stale(health: FeedHealth) -> None:
    feed = add(health, LIQUIDATIONS)
    health.tick(10**18, 8)
    assert feed.state is FeedState.SYNCING


def test_a_book_is_live_only_when_synchronised(health: FeedHealth) -> None:
    feed = add(health, BOOK)
    observe(health, (Kind.BOOK_DELTA, 0))
    assert feed.state is FeedState.SYNCING
    health.synced(feed, 1)
    assert feed.state is FeedState.LIVE
    health.gap(feed, "broken", 2)
    observe(health, (Kind.BOOK_DELTA, 0))
    assert feed.state is FeedState.GAP, "messages alone do not heal it"
    health.synced(feed, 3)
    assert feed.state is FeedState.LIVE


def test_a_stale_book_comes_back_as_what_it_was(health: FeedHealth) -> None:
    feed = add(health, BOOK)
    health.synced(feed, 1)
    health.tick(20 * SECOND, 2)
    assert feed.state is FeedState.STALE
    observe(health, (Kind.BOOK_DELTA, 0), now_ns=21 * SECOND)
    assert feed.state is FeedState.LIVE
    health.gap(feed, "broken", 3)
    health.tick(60 * SECOND, 4)
    observe(health, (Kind.BOOK_DELTA, 0), now_ns=61 * SECOND)
    assert feed.state is FeedState.SYNCING, "still without its snapshot"


def test_a_lost_connection_is_down_and_never_stale(health: FeedHealth, emitted: list[FeedStateChanged]) -> None:
    trades, book = add(health, TRADES), add(health, BOOK)
    health.synced(book, 1)
    health.down([trades, book], "connection lost", 2)
    health.tick(10**15, 3)
    assert (trades.state, book.state) == (FeedState.DOWN, FeedState.DOWN)
    assert emitted[-1].reason == "connection lost"
    health.connected([trades, book], 10**15, 4)
    assert (trades.state, book.state) == (FeedState.SYNCING, FeedState.SYNCING)
    observe(health, (Kind.TRADE, 0), (Kind.BOOK_DELTA, 0), now_ns=10**15 + 1)
    assert (trades.state, book.state) == (FeedState.LIVE, FeedState.SYNCING), "the book waits for a new snapshot"


def test_bars_of_two_intervals_are_two_feeds(health: FeedHealth) -> None:
    minute = add(health, Channel("bars_1m", Kind.BAR, 30 * SECOND, "1m"))
    hour = add(health, Channel("bars_1h", Kind.BAR, 30 * SECOND, "1h"))
    health.observe([(Kind.BAR, 0, INTERVALS["1h"], 1, SECOND, 7)])
    assert (minute.messages, hour.messages) == (0, 1)


def test_notices_of_several_sorts_are_several_feeds(health: FeedHealth) -> None:
    halts, bands = (
        add(health, Channel(sort.__name__, Kind.CONTROL, None, notice=sort)) for sort in (TradingStatus, PriceBand)
    )
    observe(health, (Kind.CONTROL, 0))
    assert halts.state is bands.state is FeedState.SYNCING, "records do not say whose they are"
    found = health.find_noticed(PriceBand, 0)
    assert found is bands
    health.touch(bands, 1, SECOND, 7)
    assert (halts.state, bands.state) == (FeedState.SYNCING, FeedState.LIVE)
    assert halts.well
    assert health.find_noticed(PriceBand, 1) is None


def test_removed_feeds_are_forgotten(health: FeedHealth, emitted: list[FeedStateChanged]) -> None:
    feed = add(health, TRADES)
    observe(health, (Kind.TRADE, 0))
    health.remove(feed, 3)
    observe(health, (Kind.TRADE, 0))
    health.tick(10**15, 4)
    assert health.feeds() == []
    assert [(event.state, event.reason, event.recv_ns) for event in emitted[1:]] == [
        (FeedState.DOWN, "no longer wanted", 3)
    ]


def test_a_removed_feed_that_was_down_is_not_told_again(health: FeedHealth, emitted: list[FeedStateChanged]) -> None:
    feed = add(health, TRADES)
    health.down([feed], "closed", 3)
    health.remove(feed, 4)
    assert [event.reason for event in emitted] == ["closed"]


def test_a_listener_may_add_and_remove_feeds_during_a_tick() -> None:
    emitted: list[FeedStateChanged] = []

    def on_change(event: FeedStateChanged) -> None:
        emitted.append(event)
        if event.symbol == "S0":
            add(health, TRADES, 2)
            health.remove(second, 8)

    health = FeedHealth("binance", on_change)
    add(health, QUOTES, 0)
    second = add(health, QUOTES, 1)
    health.tick(100 * SECOND, 7)
    assert [(event.symbol, event.state) for event in emitted] == [
        ("S0", FeedState.STALE),
        ("S1", FeedState.DOWN),
    ], "the removed one is not judged any more"
    assert len(health.feeds()) == 2


class Digest:
    """What the core says of messages."""

    def __init__(self) -> None:
        self.told: list[News] = []
        self.watched: set[tuple[int, int, int]] = set()

    def news(self) -> list[News]:
        told, self.told = self.told, []
        return told

    def watch(self, kind: int, symbol_id: int, interval_ns: int, watched: bool) -> None:
        key = (int(kind), symbol_id, interval_ns)
        (self.watched.add if watched else self.watched.discard)(key)

    def got(self, kind: Kind, now_ns: int) -> None:
        self.told.append((kind, 0, 0, 1, now_ns, 7))


def test_the_core_tells_of_feeds_whose_next_message_changes_something(emitted: list[FeedStateChanged]) -> None:
    digest = Digest()
    health = FeedHealth("binance", emitted.append, digest)  # type: ignore[arg-type]
    feed = add(health, QUOTES)
    assert digest.watched == {(Kind.QUOTE, 0, 0)}
    digest.got(Kind.QUOTE, SECOND)
    assert health.feeds() == [feed]
    assert (feed.state, feed.messages, digest.watched) == (FeedState.LIVE, 1, set())
    health.tick(100 * SECOND, 8)
    assert digest.watched == {(Kind.QUOTE, 0, 0)}, "it is stale"
    health.remove(feed, 9)
    assert digest.watched == set()
    add(health, Channel("statuses", Kind.CONTROL, None, notice=TradingStatus))
    assert digest.watched == set(), "its records do not say that they are its own"


def test_the_first_message_after_silence_is_told_even_of_a_feed_that_was_proven_quiet() -> None:
    digest, began = Digest(), []
    health = FeedHealth("binance", lambda _: None, digest, began.append)  # type: ignore[arg-type]
    feed = add(health, QUOTES)
    digest.got(Kind.QUOTE, SECOND)
    digest.got(Kind.QUOTE, SECOND)
    health.refresh()
    assert began == [feed]
    health.tick(100 * SECOND, 8)
    health.quiet(feed, 100 * SECOND, 8)
    assert (feed.state, digest.watched) == (FeedState.LIVE, {(Kind.QUOTE, 0, 0)})
    digest.got(Kind.QUOTE, 101 * SECOND)
    digest.got(Kind.QUOTE, 101 * SECOND)
    health.refresh()
    assert (began, digest.watched) == ([feed, feed], set())
    health.down([feed], "connection lost", 2)
    health.connected([feed], 102 * SECOND, 2)
    digest.got(Kind.QUOTE, 103 * SECOND)
    health.refresh()
    assert (len(began), digest.watched) == (3, set())


def test_what_the_core_knows_is_known_before_silence_is_judged(emitted: list[FeedStateChanged]) -> None:
    digest = Digest()
    health = FeedHealth("binance", emitted.append, digest)  # type: ignore[arg-type]
    feed = add(health, QUOTES)
    digest.got(Kind.QUOTE, 95 * SECOND)
    health.tick(100 * SECOND, 8)
    assert (feed.state, feed.last_ns) == (FeedState.LIVE, 95 * SECOND)


def test_messages_from_before_a_loss_do_not_bring_a_feed_back(emitted: list[FeedStateChanged]) -> None:
    digest = Digest()
    health = FeedHealth("binance", emitted.append, digest)  # type: ignore[arg-type]
    feed = add(health, QUOTES)
    digest.got(Kind.QUOTE, SECOND)
    health.down([feed], "connection lost", 2)
    health.tick(2 * SECOND, 8)
    assert (feed.state, feed.messages) == (FeedState.DOWN, 1)


@pytest.mark.parametrize(("usual_s", "most_s"), [(10, 600), (60, 600), (3_600, 3_600)])
def test_however_long_a_market_is_quiet_it_is_looked_at_every_ten_minutes(
    health: FeedHealth, usual_s: int, most_s: int
) -> None:
    feed = health.add(QUOTES, "S0", 0, 0, 0, usual_s * SECOND)
    thresholds: list[int | None] = []
    now = 0
    for _ in range(20):
        assert feed.stale_after_ns is not None
        now += feed.stale_after_ns + 1
        health.tick(now, 8)
        health.quiet(feed, now, 8)
        thresholds.append(feed.stale_after_ns)
    assert thresholds[0] == min(2 * usual_s, most_s) * SECOND
    assert thresholds[-1] == most_s * SECOND
    observe(health, (Kind.QUOTE, 0), now_ns=now)
    assert feed.stale_after_ns == usual_s * SECOND, "a busy market again"


def test_a_market_is_quiet_until_it_speaks_or_is_silent_for_too_long_again(health: FeedHealth) -> None:
    feed = add(health, QUOTES)
    health.quiet(feed, SECOND, 8)
    assert not feed.unheard, "nobody has asked the venue"

    def be_quiet(now_ns: int) -> None:
        health.tick(now_ns, 8)
        health.quiet(feed, now_ns, 8)
        assert feed.unheard

    be_quiet(11 * SECOND)
    observe(health, (Kind.QUOTE, 0), now_ns=12 * SECOND)
    assert not feed.unheard
    be_quiet(23 * SECOND)
    health.tick(44 * SECOND, 8)
    assert not feed.unheard
    be_quiet(44 * SECOND)
    health.down([feed], "lost", 8)
    assert not feed.unheard


def test_a_process_that_stood_still_blames_nobody(health: FeedHealth) -> None:
    quiet, busy = add(health, QUOTES), add(health, QUOTES, 1)
    observe(health, (Kind.QUOTE, 0))
    observe(health, (Kind.QUOTE, 1), now_ns=29 * SECOND)
    health.excuse(20 * SECOND, 30 * SECOND)
    health.tick(31 * SECOND, 0)
    assert (quiet.state, busy.state) == (FeedState.LIVE, FeedState.LIVE)
    assert busy.last_ns == 30 * SECOND, "never in the future"
    health.tick(31 * SECOND + 1, 0)
    assert quiet.state is FeedState.STALE, "its own silence counts in full"
