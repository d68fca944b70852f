"""Two providers of one venue, one standing in for the other, on batches made by hand."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from made_batches import book, message
from tradewire.core.record import BACKFILL, NO_SYMBOL, Kind
from tradewire.streaming import twins
from tradewire.streaming.events import FeedState
from tradewire.streaming.health import Feed, FeedHealth
from tradewire.streaming.twins import Given, Twin
from tradewire.telemetry import Counters
from tradewire.venues.base import Channel

TRADES = Channel("trades", Kind.TRADE, None)
AGG_TRADES = Channel("agg_trades", Kind.TRADE, None)
QUOTES = Channel("quotes", Kind.QUOTE, None)
BOOK = Channel("book", Kind.BOOK_DELTA, None)
BARS = Channel("bars_1m", Kind.BAR, None, interval="1m")
MINUTE_NS = 60_000_000_000


def trades(*numbers: int, symbol: int = 0, event_ns: int = 7) -> Any:
    made = [message(Kind.TRADE, [(1.0, 1.0, each)], symbol=symbol, seq=each, event_ns=event_ns) for each in numbers]
    return np.concatenate(made)


def quote(seq: int = 0) -> Any:
    return message(Kind.QUOTE, [(1.0, 1.0, 1.0, 1.0)], symbol=0, seq=seq)


def numbers(batch: Any) -> list[int]:
    return [int(seq) for seq in batch["seq"]]


class Pair:
    """A provider and its stand-in, whose feeds can be set live."""

    def __init__(self, *channels: Channel, numbered: bool = True, theirs: tuple[Channel, ...] | None = None) -> None:
        self.given = Given(numbered)
        self.counters = Counters()
        self.health = [FeedHealth("binance", lambda _: None) for _ in range(2)]
        self.feeds = [
            [self._feed(health, channel) for channel in (channels if theirs is None or not at else theirs)]
            for at, health in enumerate(self.health)
        ]
        self.main, self.spare = (Twin(Given(numbered), health, self.counters) for health in self.health)
        self.ends = [self.main.join(self.given, None), self.spare.join(self.given, self.health[0])]

    @staticmethod
    def _feed(health: FeedHealth, channel: Channel) -> Feed:
        return health.add(channel, "S0", 0, 0, 0, None)

    def live(self, state: FeedState = FeedState.LIVE) -> None:
        for feed in self.feeds[0]:
            feed.state = state


def test_whoever_is_first_with_a_trade_delivers_it() -> None:
    pair = Pair(TRADES)
    assert numbers(pair.main.sift(trades(1, 2))) == [1, 2]
    assert numbers(pair.spare.sift(trades(1, 2, 3))) == [3]
    assert numbers(pair.main.sift(trades(3, 4))) == [4]
    assert len(pair.spare.sift(trades(3, 4))) == 0
    assert pair.counters["duplicates"] == 5


def test_a_trade_behind_others_is_marked() -> None:
    pair = Pair(TRADES)
    pair.main.sift(trades(1, 5))
    batch = pair.spare.sift(trades(1, 2, 6))
    assert [(int(row["seq"]), bool(row["flags"] & BACKFILL)) for row in batch] == [(2, True), (6, False)]
    assert not batch.flags.writeable


def test_what_nobody_can_repeat_any_more_is_forgotten() -> None:
    for numbered in (True, False):
        pair = Pair(TRADES, numbered=numbered)
        (one,) = pair.feeds[0]
        owed = pair.health[0].add(TRADES, "S1", 1, 0, 0, None)
        for feed in (one, owed):
            pair.given.add(feed, 7, 70)
        pair.given.forget(lambda symbol_id: symbol_id == 1)
        assert [pair.given.has(feed, 7, 70) for feed in (one, owed)] == [numbered, True]


def test_a_batch_of_which_all_is_new_is_not_copied() -> None:
    batch = trades(1, 2)
    assert Pair(TRADES).main.sift(batch) is batch


def test_what_a_back_fill_delivered_comes_no_more() -> None:
    pair = Pair(TRADES)
    pair.main.note(trades(1, 2))
    assert numbers(pair.spare.sift(trades(1, 2, 3))) == [3]


def test_symbols_and_channels_have_numbers_of_their_own() -> None:
    pair = Pair(TRADES, theirs=(AGG_TRADES,))
    for health in pair.health:
        health.add(TRADES, "S1", 1, 0, 0, None)
    pair.main.sift(trades(1, 2))
    assert numbers(pair.spare.sift(trades(1, 2))) == [1, 2], "other trades, numbered by another channel"
    assert numbers(pair.main.sift(trades(1, symbol=1))) == [1]
    assert len(pair.spare.sift(trades(1, symbol=1))) == 0


def test_numbers_that_do_not_grow_tell_trades_of_one_moment_apart() -> None:
    pair = Pair(TRADES, numbered=False)
    pair.main.sift(trades(9))
    fresh = pair.spare.sift(np.concatenate([trades(9), trades(9, event_ns=8), trades(4)]))
    assert numbers(fresh) == [9, 4]
    assert not (fresh["flags"] & BACKFILL).any(), "a lower number says nothing about time"
    assert pair.given.count(pair.feeds[0][0], 0, 10) == 0


@pytest.mark.parametrize(
    ("channel", "batch"),
    [
        (QUOTES, quote()),
        (BOOK, book(Kind.BOOK_DELTA, (1, 1), [(1.0, 1.0)], [], symbol=0)),
        (BOOK, book(Kind.BOOK_SNAPSHOT, (1, 1), [(1.0, 1.0)], [], symbol=0)),
        (BARS, message(Kind.BAR, [(1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1)], symbol=0)),
        (TRADES, message(Kind.TRADE, [(1.0, 1.0, 0)], symbol=0)),
    ],
)
def test_what_has_no_identity_comes_from_the_stand_in_until_the_provider_is_live(channel: Channel, batch: Any) -> None:
    if channel is BARS:
        batch["seq"][1] = MINUTE_NS
    pair = Pair(channel)
    for state in (FeedState.DOWN, FeedState.SYNCING, FeedState.STALE, FeedState.GAP):
        pair.live(state)
        assert pair.spare.sift(batch) is batch
    pair.live()
    assert len(pair.spare.sift(batch)) == 0
    assert pair.main.sift(batch) is batch


def test_messages_are_left_out_whole_and_others_stay() -> None:
    pair = Pair(QUOTES, BOOK)
    pair.feeds[0][1].state = FeedState.LIVE
    delta = book(Kind.BOOK_DELTA, (1, 1), [(1.0, 1.0)], [(2.0, 1.0)], symbol=0)
    control = message(Kind.CONTROL, [(0, 0)], symbol=NO_SYMBOL)
    fresh = pair.spare.sift(np.concatenate([quote(1), delta, control, quote(2)]))
    assert fresh["kind"].tolist() == [Kind.QUOTE, Kind.CONTROL, Kind.QUOTE]


def test_a_feed_of_another_channel_or_of_the_stand_ins_own_is_not_left_out() -> None:
    pair = Pair(Channel("book_5", Kind.BOOK_SNAPSHOT, None), theirs=(BOOK, QUOTES))
    pair.live()
    delta = book(Kind.BOOK_DELTA, (1, 1), [(1.0, 1.0)], [], symbol=0)
    assert pair.spare.sift(delta) is delta
    assert len(pair.spare.sift(quote())) == 1


def test_what_is_on_its_way_when_the_stand_in_goes_is_left_out() -> None:
    pair = Pair(TRADES, QUOTES)
    for feed in pair.feeds[1]:
        pair.health[1].remove(feed, 7)
    settle = [end() for end in pair.ends]
    assert len(pair.spare.sift(np.concatenate([trades(5), quote()]))) == 0
    pair.health[1].add(QUOTES, "S0", 0, 0, 0, None)
    assert len(pair.spare.sift(quote())) == 1, "wanted of itself"
    for each in settle:
        each()
    assert not pair.spare.active
    assert not pair.main.active


def test_a_provider_that_lags_when_its_stand_in_goes_repeats_nothing() -> None:
    pair = Pair(TRADES, QUOTES)
    pair.spare.sift(trades(1, 2, 3))
    for feed in pair.feeds[1]:
        pair.health[1].remove(feed, 7)
    settle = [end() for end in pair.ends]
    assert numbers(pair.main.sift(trades(1, 2, 3, 4))) == [4]
    assert len(pair.main.sift(quote())) == 1
    for each in settle:
        each()
    assert not pair.main.active


def test_a_provider_in_two_parts_is_sifted_until_both_end() -> None:
    pair = Pair(TRADES)
    end = pair.main.join(pair.given, pair.health[1])
    pair.ends[0]()()
    assert pair.main.active
    end()()
    assert not pair.main.active


def test_counts_and_membership_are_those_of_a_set() -> None:
    random = Random(5)
    given, feed, known = Given(True), Pair(TRADES).feeds[0][0], set[int]()
    for _ in range(400):
        number = random.randrange(300)
        given.add(feed, number, 0)
        known.add(number)
        first, stop = sorted((random.randrange(310), random.randrange(310)))
        assert given.count(feed, first, stop) == len([each for each in known if first <= each < stop])
    assert [given.has(feed, each, 0) for each in range(310)] == [each in known for each in range(310)]
    assert given.count(feed, 7, 7) == given.count(feed, 9, 3) == 0


def test_memory_is_bounded_and_the_latest_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twins, "_RUNS", 10)
    given, feed = Given(True), Pair(TRADES).feeds[0][0]
    for number in range(0, 200, 2):
        given.add(feed, number, 0)
    kept = [number for number in range(200) if given.has(feed, number, 0)]
    assert 5 <= len(kept) <= 10
    assert kept[-5:] == [190, 192, 194, 196, 198]
    given = Given(True)
    for number in range(100_000):
        given.add(feed, number, 0)
    assert given.has(feed, 0, 0), "an unbroken row takes no room"
