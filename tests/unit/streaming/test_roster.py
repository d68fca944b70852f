"""Which feeds are wanted, and where they come from."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.core import SequenceTracker, SymbolTable
from tradewire.core.record import Kind
from tradewire.errors import UnsupportedError
from tradewire.streaming.health import FeedHealth
from tradewire.streaming.roster import FeedRoster
from tradewire.venues.registry import load


class Link:
    def __init__(self, name: str, route: str) -> None:
        self.name, self.route = name, route
        self.streams: list[str] = []

    def add(self, stream: str) -> None:
        self.streams.append(stream)

    def discard(self, stream: str) -> None:
        self.streams.remove(stream)

    def __len__(self) -> int:
        return len(self.streams)


class Books:
    def __init__(self) -> None:
        self.watched: list[str] = []

    def watch(self, feed: Any) -> None:
        self.watched.append(feed.symbol)

    def unwatch(self, symbol_id: int) -> None:
        self.watched.pop()


VENUE = load("binance")


@pytest.fixture
def tracker() -> SequenceTracker:
    return SequenceTracker(VENUE.sequences)


@pytest.fixture
def roster(tracker: SequenceTracker) -> FeedRoster:
    health = FeedHealth("binance", lambda _: None)
    return FeedRoster(VENUE, SymbolTable(), health, Books(), Link, {"quotes": 1.5}, tracker.reset)  # type: ignore[arg-type]


def acquire(roster: FeedRoster, channel: str, symbol: str = "BTCUSDT") -> Any:
    return roster.acquire(VENUE.channel(channel), symbol)


def test_one_stream_for_many_users(roster: FeedRoster) -> None:
    first, second = acquire(roster, "trades"), acquire(roster, "trades")
    assert first is second
    (link,) = roster.links
    assert link.streams == ["btcusdt@trade"]  # type: ignore[attr-defined]
    roster.release(first)
    assert len(link) == 1
    roster.release(second)
    assert len(link) == 0
    assert roster.feeds_of(link) == []


def test_routes_have_links_of_their_own(roster: FeedRoster) -> None:
    trades, mark = acquire(roster, "trades"), acquire(roster, "mark_price")
    public, market = roster.links
    assert (public.name, market.name) == ("public", "market")
    assert (roster.feeds_of(public), roster.feeds_of(market)) == ([trades], [mark])


def test_books_are_watched_while_used(roster: FeedRoster) -> None:
    feed = acquire(roster, "book")
    assert roster._books.watched == ["BTCUSDT"]  # type: ignore[attr-defined]
    roster.release(feed)
    assert roster._books.watched == []  # type: ignore[attr-defined]


def test_channels_that_give_the_same_events_exclude_each_other(roster: FeedRoster) -> None:
    acquire(roster, "trades")
    with pytest.raises(UnsupportedError, match="use another gateway for 'agg_trades'"):
        acquire(roster, "agg_trades")
    acquire(roster, "bars_1m")
    acquire(roster, "bars_1h")


def test_thresholds_can_be_replaced(roster: FeedRoster) -> None:
    assert acquire(roster, "quotes").stale_after_ns == 1_500_000_000
    assert acquire(roster, "trades").stale_after_ns == 60_000_000_000


def test_all_or_none_is_acquired(roster: FeedRoster) -> None:
    acquire(roster, "trades", "ETHUSDT")
    with pytest.raises(UnsupportedError, match="ETHUSDT already gets"):
        roster.acquire_all(VENUE.channel("agg_trades"), ["BTCUSDT", "ETHUSDT"])
    assert [len(link) for link in roster.links] == [1, 0]
    acquire(roster, "trades", "BTCUSDT")


def test_numbers_start_anew_with_a_feed_and_with_the_answer_about_it(
    roster: FeedRoster, tracker: SequenceTracker
) -> None:
    feed = acquire(roster, "trades")
    assert tracker.observe(Kind.TRADE, feed.symbol_id, 900) == "expected"
    roster.release(feed)
    acquire(roster, "agg_trades")
    assert tracker.observe(Kind.TRADE, feed.symbol_id, 7) == "expected"
    tracker.observe(Kind.TRADE, feed.symbol_id, 901)  # a trade that was on its way
    roster.settled(["btcusdt@trade"])
    assert tracker.observe(Kind.TRADE, feed.symbol_id, 8) == "expected"


def test_a_connection_takes_the_place_of_another(roster: FeedRoster) -> None:
    trades, mark = acquire(roster, "trades"), acquire(roster, "mark_price")
    old, market = roster.links
    new: Any = Link("public", "public")
    roster.replace(old, new)
    assert roster.links == [new, market]
    assert (roster.feeds_of(old), roster.feeds_of(new), roster.feeds_of(market)) == ([], [trades], [mark])
    acquire(roster, "quotes")
    assert new.streams == ["btcusdt@bookTicker"], "new streams go to it as well"


def test_where_a_feed_comes_from_is_found_without_a_search(roster: FeedRoster) -> None:
    class Entries(dict[Any, Any]):
        def values(self) -> Any:
            raise AssertionError("asked for every silent feed at every tick")

    closed = acquire(roster, "bars_1m")
    roster.release(closed)
    feeds = [acquire(roster, channel) for channel in ("trades", "bars_1m", "bars_5m")]
    roster._entries = Entries(roster._entries)
    assert [place and place[1] for place in map(roster.link_of, [*feeds, closed])] == [
        "btcusdt@trade", "btcusdt@kline_1m", "btcusdt@kline_5m", None
    ]  # fmt: skip
