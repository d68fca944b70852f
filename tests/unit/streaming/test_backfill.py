"""Lost trades, fetched from a made-up venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import numpy as np
import pytest

from made_batches import message
from tradewire.core import Callbacks, SymbolTable
from tradewire.core.record import BACKFILL, Kind
from tradewire.errors import QueryError, RateLimitError, UnsupportedError
from tradewire.streaming import backfill
from tradewire.streaming.backfill import BackFill
from tradewire.streaming.events import BackFilled
from tradewire.streaming.health import Feed
from tradewire.streaming.recent import RecentTrades
from tradewire.telemetry import Counters
from tradewire.venues.base import Channel, LastTrade, RestPayload

TRADES = Channel("trades", Kind.TRADE, None)
SECOND = 1_000_000_000


def trade(number: int, event_ns: int = 0, symbol: int = 0) -> Any:
    return message(Kind.TRADE, [(100.0, 1.0, number)], symbol=symbol, seq=number, event_ns=event_ns or number * SECOND)


class Venue:
    """Trades by request, in answers of ten; and who gets them."""

    def __init__(self, *, numbered: bool = True) -> None:
        self.trades: list[Any] = [trade(number) for number in range(1, 100)]
        self.failures: list[Exception] = []
        self.asked: list[tuple[LastTrade, LastTrade]] = []
        self.slept: list[float] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.delivered: list[Any] = []
        self.emitted: list[BackFilled] = []
        self.counters = Counters()
        self.watched = True
        self.lost: list[int] = []
        self.now_ns = 1_000 * SECOND
        symbols = SymbolTable()
        symbols.add("alpaca", "S0")
        self.callbacks = Callbacks(symbols)
        self.fill = BackFill(
            "binance",
            None if numbered else RecentTrades(self.callbacks),
            lambda: self,  # type: ignore[arg-type, return-value]
            lambda payload: [np.concatenate(self.trades[slice(*map(int, payload.payload.split()))])],
            self.deliver,
            lambda feed: self.watched,
            lambda feed, missing: self.lost.append(missing),
            self.emitted.append,
            self.counters,
            Random(1),
            self.sleep,
            lambda: self.now_ns,
        )

    def deliver(self, batch: Any) -> None:
        self.delivered.append(batch)
        self.callbacks.deliver(batch, 0)

    def stream(self, *trades: Any) -> None:
        """They come over the stream."""
        batch = np.concatenate(trades)
        if self.fill.observes:
            self.fill.observe(batch)
        self.callbacks.deliver(batch, 0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def missed_trades(
        self, channel: Channel, symbol: str, first: LastTrade, last: LastTrade
    ) -> list[RestPayload]:
        self.asked.append((first, last))
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        found = [index for index, each in enumerate(self.trades) if first.seq <= each["seq"][0] <= last.seq]
        if first.seq > last.seq or not first.seq:
            found = list(range(len(self.trades)))
        pages = [found[start : start + 10] for start in range(0, len(found), 10)]
        return [RestPayload(b"%d %d" % (page[0], page[-1] + 1), 0, "x") for page in pages]

    @property
    def numbers(self) -> list[int]:
        return [int(seq) for batch in self.delivered for seq in batch["seq"]]


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    venue = Venue()
    yield venue
    await venue.fill.close()


@pytest.fixture
def feed() -> Feed:
    return Feed(TRADES, "BTCUSDT", 0, None, 0, 0)


async def test_exactly_the_missing_numbers_marked(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.fill.gap(feed, 40, 7, 25)
    await eventually(lambda: venue.emitted)
    assert venue.numbers == list(range(15, 40))
    (batch,) = venue.delivered
    assert (batch["flags"] & BACKFILL).all()
    assert not batch.flags.writeable
    assert venue.asked == [(LastTrade(14, 0), LastTrade(40, 7))]
    (event,) = venue.emitted
    assert (event.channel, event.symbol, event.count, event.still_missing) == ("trades", "BTCUSDT", 25, 0)
    assert venue.counters["backfilled"] == 25


async def test_as_far_as_the_venue_reaches(venue: Venue, feed: Feed, eventually: Any) -> None:
    del venue.trades[:20]
    venue.fill.gap(feed, 40, 0, 25)
    await eventually(lambda: venue.emitted)
    assert venue.numbers == list(range(21, 40))
    assert (venue.emitted[0].count, venue.emitted[0].still_missing) == (19, 6)


async def test_the_newest_of_a_great_gap(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.trades = [trade(number) for number in range(94_000, 100_001)]
    venue.fill.gap(feed, 100_000, 0, 90_000)
    await eventually(lambda: venue.emitted)
    assert venue.numbers == list(range(95_000, 100_000))
    assert venue.emitted[0].still_missing == 85_000


async def test_trades_of_other_symbols_are_left_out(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.trades = [trade(1), trade(2, symbol=1), trade(3), trade(4)]
    venue.fill.gap(feed, 4, 0, 2)
    await eventually(lambda: venue.emitted)
    assert venue.numbers == [3]


async def test_a_failed_question_is_asked_again(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.failures = [QueryError("no answer"), QueryError("no answer")]
    venue.fill.gap(feed, 5, 0, 1)
    await eventually(lambda: venue.emitted)
    assert (venue.numbers, len(venue.slept), venue.counters["backfill_errors"]) == ([4], 2, 2)


async def test_it_gives_up_after_two_minutes_and_says_so_once(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.failures = [QueryError("no answer") for _ in range(99)]
    venue.fill.gap(feed, 5, 0, 3)
    await eventually(lambda: venue.emitted and not venue.fill._tasks)
    assert len(venue.asked) == 10
    assert sum(venue.slept) == pytest.approx(120, rel=0.2)
    assert max(venue.slept) <= 30
    assert [(event.count, event.still_missing) for event in venue.emitted] == [(0, 3)]
    assert venue.lost == []


async def test_an_outage_of_a_minute_costs_no_trade(venue: Venue, feed: Feed, eventually: Any) -> None:
    async def sleep(seconds: float) -> None:
        venue.slept.append(seconds)
        if sum(venue.slept) > 60:
            venue.failures.clear()

    venue.fill._sleep = sleep
    venue.failures = [QueryError("HTTP 503"), RateLimitError("256 requests are waiting"), *[QueryError("busy")] * 97]
    venue.fill.gap(feed, 40, 0, 3)
    await eventually(lambda: venue.emitted)
    assert (venue.numbers, venue.emitted[0].still_missing) == ([37, 38, 39], 0)


async def test_trades_that_the_venue_does_not_have_are_not_asked_for_over_minutes(
    venue: Venue, feed: Feed, eventually: Any
) -> None:
    venue.trades = [trade(3)]
    venue.fill.gap(feed, 9, 0, 2)
    await eventually(lambda: venue.emitted)
    assert (len(venue.asked), venue.emitted[0].still_missing) == (3, 2)
    assert sum(venue.slept) < 2


async def test_a_feed_let_go_while_requests_fail_is_not_asked_for_again(
    venue: Venue, feed: Feed, eventually: Any
) -> None:
    async def sleep(seconds: float) -> None:
        venue.watched = False

    venue.fill._sleep = sleep
    venue.failures = [QueryError("busy")] * 99
    venue.fill.gap(feed, 5, 0, 3)
    await eventually(lambda: venue.asked and not venue.fill._tasks)
    assert (len(venue.asked), venue.emitted) == (1, [])


async def test_answers_that_lag_are_asked_for_again(venue: Venue, feed: Feed, eventually: Any) -> None:
    late, venue.trades = venue.trades, []

    async def sleep(seconds: float) -> None:
        venue.trades = late

    venue.fill._sleep = sleep
    venue.fill.gap(feed, 5, 0, 1)
    await eventually(lambda: venue.emitted)
    assert (venue.numbers, len(venue.asked)) == ([4], 2)


async def test_one_at_a_time_and_bounded(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.gate.clear()
    for seq in range(10, 90, 2):
        venue.fill.gap(feed, seq, 0, 1)
        await asyncio.sleep(0)
    assert len(venue.asked) == 1
    venue.gate.set()
    await eventually(lambda: not venue.fill._tasks)
    assert venue.numbers == list(range(9, 9 + 32 * 2, 2)), "32 are open"
    assert venue.counters["backfill_errors"] == 40 - 32
    assert [event.still_missing for event in venue.emitted] == [1] * 8 + [0] * 32, "of the others it is told at once"


async def test_what_comes_late_is_not_delivered_twice(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.gate.clear()
    venue.fill.gap(feed, 10, 0, 3)
    venue.fill.late(feed, 8)
    venue.gate.set()
    await eventually(lambda: venue.emitted)
    assert venue.numbers == [7, 9]
    assert venue.emitted[0].still_missing == 0


async def test_all_that_was_missing_came_late(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.gate.clear()
    venue.fill.gap(feed, 10, 0, 1)
    venue.fill.late(feed, 9)
    venue.gate.set()
    await eventually(lambda: venue.emitted)
    assert (venue.delivered, len(venue.asked), venue.emitted[0].still_missing) == ([], 1, 0)


async def test_what_was_fetched_is_known_until_it_cannot_come_any_more(
    venue: Venue, feed: Feed, eventually: Any
) -> None:
    other = Feed(TRADES, "ETHUSDT", 1, None, 0, 0)
    venue.fill.gap(feed, 10, 0, 2)
    await eventually(lambda: venue.emitted)
    assert [venue.fill.gave(feed, seq) for seq in (7, 8, 9, 10)] == [False, True, True, False]
    assert not venue.fill.gave(other, 8)
    venue.now_ns += 60 * SECOND
    assert venue.fill.gave(feed, 8)
    venue.now_ns += 1
    assert not venue.fill.gave(feed, 8)
    assert venue.fill._delivered == {}


@pytest.fixture
def holed() -> Feed:
    return Feed(Channel("trades", Kind.TRADE, None, holes=True), "BTCUSDT", 0, None, 0, 0)


def without(venue: Venue, *numbers: int) -> None:
    venue.trades = [each for each in venue.trades if each["seq"][0] not in numbers]


async def test_a_number_that_the_venue_skipped_is_no_loss(venue: Venue, holed: Feed, eventually: Any) -> None:
    without(venue, 8, 9, 14)
    venue.fill.gap(holed, 10, 0, 2)
    venue.fill.gap(holed, 15, 0, 1)
    await eventually(lambda: venue.counters["sequence_skipped"] == 3)
    assert (venue.lost, venue.delivered, venue.emitted) == ([], [], [])
    assert len(venue.asked) == 1, "one question answers all"


async def test_what_came_otherwise_was_not_skipped(venue: Venue, holed: Feed, eventually: Any) -> None:
    without(venue, 8)
    venue.fill.gap(holed, 11, 0, 3)
    venue.fill.given.add(holed, 9, 0)
    venue.fill.late(holed, 10)
    await eventually(lambda: venue.counters["sequence_skipped"])
    assert venue.counters["sequence_skipped"] == 1
    assert (venue.lost, venue.delivered, venue.emitted) == ([], [], [])


async def test_what_the_venue_has_in_a_hole_was_lost(venue: Venue, holed: Feed, eventually: Any) -> None:
    without(venue, 8)
    venue.fill.gap(holed, 10, 0, 2)
    venue.fill.gap(holed, 15, 0, 2)
    venue.fill.late(holed, 14)
    await eventually(lambda: venue.emitted)
    assert (venue.lost, venue.numbers) == ([2], [9, 13])
    assert (venue.emitted[0].count, venue.emitted[0].still_missing) == (2, 0)
    assert venue.fill.gave(holed, 9)


async def test_what_no_answer_covers_counts_as_lost(venue: Venue, holed: Feed, eventually: Any) -> None:
    venue.trades = [each for each in venue.trades if 9 <= each["seq"][0] <= 12]
    venue.fill.gap(holed, 11, 0, 4)
    await eventually(lambda: venue.emitted)
    assert (venue.lost, venue.numbers, venue.emitted[0].still_missing) == ([4], [9, 10], 2)
    venue.failures = [QueryError("busy")] * 10
    venue.fill.gap(holed, 20, 0, 1)
    await eventually(lambda: len(venue.emitted) == 2)
    assert (venue.lost, venue.emitted[1].count, venue.emitted[1].still_missing) == ([4, 1], 0, 1)


async def test_a_hole_is_judged_by_an_answer_that_has_what_follows_it(
    venue: Venue, holed: Feed, eventually: Any
) -> None:
    trades, venue.trades = venue.trades, venue.trades[:5]
    sleep = venue.sleep

    async def catching_up(seconds: float) -> None:
        await sleep(seconds)
        if len(venue.slept) == 2:
            venue.trades = trades
            without(venue, 8)

    venue.fill._sleep = catching_up
    venue.fill.gap(holed, 9, 0, 1)
    await eventually(lambda: venue.counters["sequence_skipped"] == 1)
    assert len(venue.asked) == 2
    assert venue.emitted == []


async def test_holes_that_nobody_will_look_into_count_as_lost(
    venue: Venue, holed: Feed, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "_HOLES", 2)
    venue.gate.clear()
    for seq in (10, 20, 30):
        venue.fill.gap(holed, seq, 0, 2)
    assert venue.lost == [2]
    assert [(event.count, event.still_missing) for event in venue.emitted] == [(0, 2)]


async def test_only_trades(venue: Venue) -> None:
    quotes = Feed(Channel("quotes", Kind.QUOTE, None), "BTCUSDT", 0, None, 0, 0)
    venue.fill.gap(quotes, 5, 0, 1)
    await asyncio.sleep(0)
    assert venue.asked == []


async def test_a_feed_let_go_gets_nothing(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.gate.clear()
    venue.fill.gap(feed, 10, 0, 3)
    await eventually(lambda: venue.asked)
    venue.watched = False
    venue.gate.set()
    await eventually(lambda: not venue.fill._tasks)
    assert (venue.delivered, venue.emitted) == ([], [])


async def test_a_venue_that_cannot_is_not_an_error(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.failures = [UnsupportedError("no trades by request")]
    venue.fill.gap(feed, 10, 0, 3)
    await eventually(lambda: venue.asked and not venue.fill._tasks)
    assert (venue.emitted, venue.counters["backfill_errors"]) == ([], 0)


async def test_without_numbers_the_time_between_two_connections_is_filled(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.fill.begin(feed)
    # Ids in no order; two trades of one moment.
    times = {7: 10, 3: 10, 9: 11, 1: 12, 5: 13, 2: 13, 8: 14}
    venue.trades = [trade(number, second * SECOND) for number, second in times.items()]
    venue.stream(trade(4, 9 * SECOND), trade(7, 10 * SECOND))
    assert not venue.fill.observes
    venue.fill.lost([feed])
    venue.fill.lost([feed])
    assert venue.asked == []
    venue.stream(trade(5, 13 * SECOND), trade(8, 14 * SECOND))
    await eventually(lambda: venue.emitted)
    assert venue.asked == [(LastTrade(7, 10 * SECOND), LastTrade(5, 13 * SECOND))]
    assert venue.numbers == [3, 9, 1, 2]
    assert (venue.emitted[0].count, venue.emitted[0].still_missing) == (4, 0)
    await eventually(lambda: not venue.fill.observes)
    venue.stream(trade(6, 15 * SECOND))
    assert len(venue.asked) == 1
    venue.fill.lost([feed])
    venue.stream(trade(10, 17 * SECOND))
    await eventually(lambda: len(venue.asked) == 2)
    assert venue.asked[1] == (LastTrade(6, 15 * SECOND), LastTrade(10, 17 * SECOND)), "not from what was fetched"
    await venue.fill.close()


async def test_a_feed_that_had_no_trade_has_no_gap(feed: Feed) -> None:
    venue = Venue(numbered=False)
    venue.fill.begin(feed)
    venue.fill.lost([feed])
    assert not venue.fill.observes
    venue.stream(trade(1, SECOND))
    venue.fill.begin(Feed(TRADES, "BTCUSDT", 0, None, 0, 0))
    venue.fill.lost([feed])
    assert not venue.fill.observes, "those are of a subscription that ended"


def broken(venue: Venue, feed: Feed, first_s: int, last_s: int) -> None:
    """One trade, a loss of the connection, and one trade after it; the ids are the times."""
    venue.fill.begin(feed)
    venue.stream(trade(first_s))
    venue.fill.lost([feed])
    venue.stream(trade(last_s))


async def test_without_numbers_a_break_that_could_not_be_asked_about_is_a_gap(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.failures = [QueryError("no answer") for _ in range(99)]
    broken(venue, feed, 10, 20)
    assert venue.lost == []
    await eventually(lambda: venue.lost and not venue.fill._tasks)
    assert (venue.lost, venue.emitted, venue.counters["backfill_errors"]) == ([0], [], 10)


async def test_without_numbers_a_venue_that_cannot_be_asked_has_gaps(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.gate.clear()
    venue.failures = [UnsupportedError("no trades by request")]
    broken(venue, feed, 10, 20)
    broken(venue, feed, 30, 40)
    await eventually(lambda: venue.asked)
    venue.gate.set()
    await eventually(lambda: not venue.fill._tasks)
    assert (venue.lost, venue.emitted, venue.fill.open_of) == ([0, 0], [], {})


async def test_without_numbers_breaks_beyond_those_that_may_be_open_are_gaps(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.gate.clear()
    for number in range(1, 34):
        broken(venue, feed, number * 10, number * 10 + 5)
    assert venue.lost == [0]
    await venue.fill.close()


async def test_without_numbers_what_came_while_requests_failed_is_not_given_again(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.fill.begin(feed)
    venue.trades = [trade(number, second * SECOND) for number, second in {7: 10, 9: 11, 5: 13, 6: 13, 2: 12}.items()]
    venue.failures = [QueryError("busy")]

    async def sleep(seconds: float) -> None:
        # One of the moment of the first, one that is late, and more than are remembered.
        venue.stream(trade(6, 13 * SECOND), trade(2, 12 * SECOND))
        for number in range(100, 3_000, 100):
            venue.stream(*(trade(each, 14 * SECOND) for each in range(number, number + 100)))

    venue.fill._sleep = sleep
    venue.stream(trade(7, 10 * SECOND))
    venue.fill.lost([feed])
    venue.stream(trade(5, 13 * SECOND))
    await eventually(lambda: venue.emitted)
    assert venue.numbers == [9]


async def test_trades_are_owed_from_the_loss_of_the_connection_to_the_end_of_the_back_fill(
    feed: Feed, eventually: Any
) -> None:
    venue = Venue(numbered=False)
    venue.fill.begin(feed)
    venue.gate.clear()
    venue.stream(trade(4, 9 * SECOND))
    assert not venue.fill.owes(0)
    venue.fill.lost([feed])
    assert (venue.fill.owes(0), venue.fill.owes(1)) == (True, False)
    venue.watched = False
    assert not venue.fill.owes(0), "nobody will come for them"
    venue.watched = True
    venue.stream(trade(5, 13 * SECOND))
    await eventually(lambda: venue.asked)
    assert (venue.fill.owes(0), venue.fill.owes(1)) == (True, False)
    venue.gate.set()
    await eventually(lambda: venue.emitted)
    await eventually(lambda: not venue.fill.owes(0))


async def test_a_long_absence_is_filled_in_part(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.fill.begin(feed)
    venue.stream(trade(1, SECOND))
    venue.fill.lost([feed])
    venue.stream(trade(2, 86_400 * SECOND))
    await eventually(lambda: venue.asked)
    assert venue.asked[0][0].event_ns == (86_400 - 600) * SECOND
    assert venue.lost == [0], "what is left out is a gap"
    await eventually(lambda: not venue.fill._tasks)
    assert venue.lost == [0]
    assert venue.emitted == [], "nothing was fetched"


async def test_a_long_absence_whose_end_cannot_be_fetched_is_told_once(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.failures = [QueryError("no answer") for _ in range(99)]
    broken(venue, feed, 1, 86_400)
    await eventually(lambda: not venue.fill._tasks)
    assert (venue.lost, venue.emitted) == ([0], [])


async def test_without_numbers_what_is_left_out_is_told_as_well(feed: Feed, eventually: Any) -> None:
    venue = Venue(numbered=False)
    venue.fill.begin(feed)
    venue.trades = [trade(number, SECOND + number) for number in range(10_000)]
    venue.stream(trade(20_002, SECOND))
    venue.fill.lost([feed])
    venue.stream(trade(20_001, 2 * SECOND))
    await eventually(lambda: venue.emitted)
    assert venue.numbers == list(range(5_000, 10_000))
    assert (venue.emitted[0].count, venue.emitted[0].still_missing) == (5_000, 5_000)


async def test_closing_ends_a_question(venue: Venue, feed: Feed, eventually: Any) -> None:
    venue.gate.clear()
    venue.fill.gap(feed, 10, 0, 3)
    await eventually(lambda: venue.asked)
    await venue.fill.close()
    assert venue.emitted == []
