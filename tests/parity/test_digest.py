"""`Digest`: what happens to each batch, who is asked, and what is counted."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_batches import batches, book, message, table
from tradewire import core
from tradewire.core.record import INTERVALS, NO_SYMBOL, Kind
from tradewire.venues.registry import load

NEVER_NS = 10**15
VENUE_NS, RECV_NS, WALL_NS = 1_000, 3_000, 7_000


def trade(number: int, symbol: int = 1, event_ns: int = VENUE_NS) -> Any:
    head = {"symbol": symbol, "venue": 0, "event_ns": event_ns, "recv_ns": RECV_NS, "seq": number}
    return message(Kind.TRADE, [(1.5, 2.5, number)], **head)


def top(price: float) -> Any:
    head = {"symbol": 1, "venue": 0, "event_ns": 0, "recv_ns": RECV_NS, "seq": 7}
    return book(Kind.BOOK_DELTA, (3, 2), [(price, 2.0)], [], **head)


class Desk:
    """A digest with all its parts."""

    def __init__(self, impl: ModuleType, rules: Any = None, capacity: int = 20_000) -> None:
        symbols = table(impl)
        self.impl = impl
        self.ring = impl.Ring(capacity)
        self.wanted = impl.Wanted(symbols)
        self.books = impl.BookSet(None, symbols)
        self.callbacks = impl.Callbacks(symbols)
        self.venue, self.queue = (impl.Histogram(1, 10**15, 5) for _ in range(2))
        tracker = impl.SequenceTracker({} if rules is None else rules)
        self.digest = impl.Digest(self.ring, tracker, self.books, self.wanted, self.callbacks, (self.venue, self.queue))
        self.seen: list[Any] = []
        self.callback = impl.Callback(self.seen.append, impl.Histogram(1, 10**15, 3), NEVER_NS, print)
        self.callbacks.add(Kind.TRADE, 1, self.callback)

    def run(self, *messages: Any, every: bool = False, books: bool = False, offset_ns: int = 0) -> Any:
        for one in messages:
            self.ring.push(one)
        return self.digest.run(every, books, offset_ns, 50, WALL_NS)

    def numbers(self) -> list[int]:
        return [event.seq for event in self.seen]


@pytest.fixture
def desk(impl: ModuleType) -> Desk:
    return Desk(impl)


def test_what_nobody_asks_about_is_delivered(desk: Desk) -> None:
    assert desk.run(trade(1), trade(2, symbol=0), trade(3)) is None
    assert (desk.numbers(), len(desk.ring)) == ([1, 3], 0)


def test_an_empty_ring_is_nothing(desk: Desk) -> None:
    assert desk.run(every=True) is None
    assert desk.digest.news() == []


def test_every_batch_for_those_who_ask(desk: Desk) -> None:
    batch, changed, book_incidents, sequence_incidents, now, wall = desk.run(trade(1), trade(2), every=True)
    assert batch.tolist() == np.concatenate([trade(1), trade(2)]).tolist()
    assert not batch.flags.writeable
    assert (changed, book_incidents, sequence_incidents, now, wall) == ([], [], [], 50, WALL_NS)
    assert desk.seen == [], "the caller delivers it"
    assert desk.run(every=True) is None


def test_batches_with_wanted_messages(desk: Desk) -> None:
    desk.wanted.add(Kind.QUOTE, None)
    desk.wanted.add(Kind.TRADE, 0)
    assert desk.run(trade(1)) is None
    assert len(desk.run(trade(2), trade(3, symbol=0))[0]) == 2
    desk.wanted.discard(Kind.TRADE, 0)
    assert desk.run(trade(4, symbol=0)) is None


def test_batches_with_messages_of_watched_feeds(desk: Desk) -> None:
    desk.digest.watch(Kind.TRADE, 1, 0, True)
    desk.digest.watch(Kind.TRADE, 4_000_000_000, 0, True)
    assert desk.run(trade(1, symbol=0)) is None
    assert desk.run(trade(2)) is not None
    desk.digest.watch(Kind.TRADE, 1, 0, False)
    assert desk.run(trade(3)) is None


def test_bars_are_watched_by_interval(desk: Desk) -> None:
    def bar(interval: str) -> Any:
        head = {"symbol": 1, "venue": 0, "event_ns": 0, "recv_ns": RECV_NS, "seq": 0}
        made = message(Kind.BAR, [(1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1, 1)], **head)
        made["seq"][1] = INTERVALS[interval]
        return made

    desk.digest.watch(Kind.BAR, 1, INTERVALS["1h"], True)
    assert desk.run(bar("1m")) is None
    assert desk.run(bar("1h")) is not None
    assert [news[:4] for news in desk.digest.news()] == [
        (Kind.BAR, 1, INTERVALS["1m"], 1), (Kind.BAR, 1, INTERVALS["1h"], 1),
    ]  # fmt: skip


def test_batches_that_change_books(desk: Desk) -> None:
    assert desk.run(top(1.0)) is None
    assert desk.books.book(1).best()[0] == (1.0, 2.0), "applied all the same"
    _, changed, incidents, *_ = desk.run(top(2.0), books=True)
    assert (changed, incidents) == ([1], [])
    assert desk.run(trade(1), books=True) is None


def test_incidents_are_always_told(impl: ModuleType) -> None:
    desk = Desk(impl, {Kind.TRADE: "contiguous"})
    assert desk.run(trade(1), trade(2)) is None
    assert desk.run(trade(5), trade(5))[3] == [(0, "gap", 2), (1, "duplicate", 0)]
    assert desk.run(trade(6)) is None


def test_incidents_of_books_are_always_told(impl: ModuleType) -> None:
    desk = Desk(impl)
    symbols = table(impl)
    books = impl.BookSet(load("binance").book_rule, symbols)
    digest = impl.Digest(desk.ring, impl.SequenceTracker({}), books, impl.Wanted(symbols), impl.Callbacks(symbols))
    snapshot = book(Kind.BOOK_SNAPSHOT, (-1, -1), [(1.0, 1.0)], [], symbol=1, venue=0, event_ns=0, recv_ns=1, seq=5)
    stray = book(Kind.BOOK_DELTA, (9, 8), [(1.0, 2.0)], [], symbol=1, venue=0, event_ns=0, recv_ns=1, seq=9)
    desk.ring.push(snapshot)
    desk.ring.push(stray)
    assert digest.run(False, False, 0)[2] == [(2, 1, "need_snapshot")]


def test_a_book_message_of_an_unknown_symbol_is_refused(desk: Desk) -> None:
    stray = top(1.0)
    stray["symbol"] = 99
    with pytest.raises(ValueError, match="record 0: symbol id 99 is not in the table"):
        desk.run(stray)
    assert desk.run(trade(1)) is None


def test_news_of_feeds(desk: Desk) -> None:
    desk.run(trade(1), trade(2), trade(3, symbol=0))
    assert desk.digest.news() == [(Kind.TRADE, 1, 0, 2, 50, WALL_NS), (Kind.TRADE, 0, 0, 1, 50, WALL_NS)]
    assert desk.digest.news() == []
    desk.run(trade(4), every=True)
    assert desk.digest.news() == [(Kind.TRADE, 1, 0, 1, 50, WALL_NS)]


def test_messages_without_a_symbol_have_no_feed(desk: Desk) -> None:
    head = {"symbol": NO_SYMBOL, "venue": 0, "event_ns": 0, "recv_ns": RECV_NS, "seq": 0}
    assert desk.run(message(Kind.CONTROL, [(1, 2, 3)], **head)) is None
    assert (desk.digest.news(), desk.digest.totals()["records"]) == ([], 1)


def test_hops_are_timed(desk: Desk) -> None:
    hour = 3_600_000_000_000
    desk.run(trade(1), trade(2, event_ns=0), offset_ns=500)
    assert (desk.queue.count, desk.queue.min, desk.queue.max) == (2, WALL_NS - RECV_NS, WALL_NS - RECV_NS)
    assert (desk.venue.count, desk.venue.max) == (1, RECV_NS + 500 - VENUE_NS)
    assert desk.digest.totals()["time_jumps"] == 0
    desk.run(trade(3), offset_ns=2 * hour)
    desk.run(trade(4), offset_ns=-2 * hour, every=True)
    assert desk.digest.totals()["time_jumps"] == 2
    assert desk.venue.negative == 1


def test_reads_are_counted(desk: Desk) -> None:
    symbols = desk.impl.SymbolTable()
    symbols.add("binance", "BTCUSDT")
    decoder = desk.impl.Decoder(load("binance").plan, symbols)
    reader = desk.impl.WireReader(decoder, desk.ring)
    good = (
        b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":1,"s":"BTCUSDT","b":"1","B":"2","a":"3","A":"4",'
        b'"T":1,"E":1}}'
    )
    for payload in (good, good, b"{"):
        data = bytes((0x81, len(payload))) + payload
        desk.digest.count(reader.feed(data, 1), len(data))
    desk.digest.count(reader.feed(b"\x83\x00", 1), 2)
    desk.digest.count(reader.resume(), 0)
    desk.run()
    assert desk.digest.totals() == {
        "messages": 2, "messages.quote": 2, "bytes": 2 * (len(good) + 2) + 5, "reads": 4, "decode_errors": 1,
        "protocol_errors": 1, "protocol_errors.1002": 1,
        "batches": 1, "records": 2, "time_jumps": 0,
    }  # fmt: skip


def test_long_backlogs_come_in_several_batches(desk: Desk) -> None:
    many = np.concatenate([trade(number) for number in range(1, 10_001)])
    assert desk.run(many) is None
    assert desk.numbers() == list(range(1, 10_001))
    assert desk.digest.totals()["batches"] == 2


def test_what_a_function_puts_in_the_ring_comes_next(desk: Desk) -> None:
    def more(event: Any) -> None:
        desk.seen.append(event)
        if event.seq == 1:
            desk.ring.push(trade(3))
            assert desk.digest.news() == [(Kind.TRADE, 1, 0, 2, 50, WALL_NS)]

    desk.callbacks.discard(Kind.TRADE, 1, desk.callback)
    desk.callbacks.add(Kind.TRADE, 1, desk.impl.Callback(more, desk.queue, NEVER_NS, print))
    assert desk.run(trade(1), trade(2)) is None
    assert desk.numbers() == [1, 2, 3]


def test_an_interrupt_in_a_function_ends_the_run_and_no_later_one(desk: Desk) -> None:
    def interrupted(event: Any) -> None:
        if event.seq == 1:
            raise KeyboardInterrupt

    made = desk.impl.Callback(interrupted, desk.queue, NEVER_NS, print)
    desk.callbacks.add(Kind.TRADE, 1, made)
    with pytest.raises(KeyboardInterrupt):
        desk.run(trade(1), trade(2))
    assert desk.run(trade(3)) is None
    assert desk.numbers() == [1, 3]


@given(st.lists(batches, max_size=4), st.booleans(), st.booleans())
def test_both_say_the_same(made: list[Any], every: bool, books: bool) -> None:
    said = []
    for name in ("native", "pure"):
        desk = Desk(core.load(name), {Kind.TRADE: "contiguous", Kind.QUOTE: "increasing"}, 200)
        found = []
        for one in made:
            desk.ring.push(one)
            while (batch := desk.digest.run(every, books, 3, 50, WALL_NS)) is not None:
                found.append((batch[0].tobytes(), *batch[1:]))
        said.append((found, desk.digest.news(), desk.digest.totals(), desk.numbers(), desk.venue.count))
    assert said[0] == said[1]


def test_refusals(desk: Desk) -> None:
    impl, parts = desk.impl, [desk.ring, desk.impl.SequenceTracker({}), desk.books, desk.wanted, desk.callbacks]
    names = ["ring", "tracker", "books", "wanted", "callbacks"]
    kinds = ["Ring", "SequenceTracker", "BookSet", "Wanted", "Callbacks"]
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        given_parts = [*parts[:at], 7, *parts[at + 1 :]]
        with pytest.raises(TypeError, match=f"{name} must be a {kind} of this core, was int"):
            impl.Digest(*given_parts)
    with pytest.raises(TypeError, match=r"latencies\[1\] must be a Histogram of this core, was int"):
        impl.Digest(*parts, (desk.venue, 7))
    with pytest.raises(TypeError, match="result must be a WireResult, was int"):
        desk.digest.count(7, 0)
    with pytest.raises(ValueError, match=r"kind must be 1\.\.9, was 10"):
        desk.digest.watch(Kind.LEVEL, 0, 0, True)
