"""One book on both cores: the sequence rules of the venue sheets, levels, digest, misuse; and both in lock-step."""

from __future__ import annotations

import hashlib
import math
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire import core
from tradewire.core.plan import SequenceRule
from tradewire.errors import PlanError

NATIVE, PURE = core.load("native"), core.load("pure")
USDM = SequenceRule(first="straddle", next="prev_link")
SPOT = SequenceRule(first="straddle_next", next="contiguous")
UNNUMBERED = SequenceRule(next="none")
BIDS, ASKS = [(100.0, 1.0), (99.5, 2.0)], [(100.5, 3.0), (101.0, 4.0)]


def delta(impl: ModuleType, first: int, last: int, prev: int | None = None, **levels: Any) -> Any:
    event_ns = levels.pop("event_ns", last)
    return impl.BookDelta(
        symbol="BTCUSDT", venue="binance", event_ns=event_ns, seq=last, first_seq=first, prev_seq=prev, **levels
    )


def synced(impl: ModuleType, rule: SequenceRule | None, last_seq: int = 100) -> Any:
    book = impl.OrderBook(rule)
    assert book.apply_snapshot(BIDS, ASKS, last_seq, 5) == "applied"
    return book


def is_empty(book: Any) -> bool:
    return (book.state, len(book), book.best(), book.levels(5)) == ("syncing", 0, (None, None), ([], []))


def test_it_says_what_it_holds(impl: ModuleType) -> None:
    book = impl.OrderBook(USDM, symbol="BTC'USDT")
    none = "0 bids, 0 asks, best bid none, best ask none"
    assert repr(book) == f"""OrderBook("BTC'USDT", syncing, {none}, last_seq 0)"""
    book.apply_snapshot([(1e-05, 2.0), (9e-06, 1.0)], [(1e16, 0.5)], 7, 5)
    held = "2 bids, 1 asks, best bid 1e-05, best ask 1e+16"
    assert repr(book) == f"""OrderBook("BTC'USDT", live, {held}, last_seq 7)"""
    assert book.apply(delta(impl, 20, 21, 19)) == "need_snapshot"
    assert repr(book) == f"""OrderBook("BTC'USDT", syncing, {none}, last_seq 7)"""
    assert repr(synced(impl, None)) == (
        "OrderBook('', live, 2 bids, 2 asks, best bid 100.0, best ask 100.5, last_seq 100)"
    )


def test_a_new_book_waits_for_its_snapshot(impl: ModuleType) -> None:
    book = impl.OrderBook(USDM, symbol="BTCUSDT")
    assert is_empty(book)
    assert (book.symbol, book.last_seq, book.event_ns) == ("BTCUSDT", 0, 0)
    assert book.apply(delta(impl, 1, 2, bids=BIDS)) == "buffered"
    assert is_empty(book)


def test_a_book_without_rule_takes_everything(impl: ModuleType) -> None:
    book = impl.OrderBook()
    assert (book.state, book.symbol) == ("live", "")
    assert book.apply(delta(impl, 7, 9, bids=BIDS)) == "applied"
    assert book.apply(delta(impl, 1, 2, asks=ASKS)) == "applied"
    assert (book.best(), book.last_seq) == (((100.0, 1.0), (100.5, 3.0)), 2)
    assert book.apply_snapshot([], ASKS, 0, 0) == "applied"
    assert (book.best(), book.state) == ((None, (100.5, 3.0)), "live")


@pytest.mark.parametrize(
    ("rule", "first", "last", "outcome"),
    [
        (USDM, 90, 99, "stale"),
        (USDM, 90, 100, "applied"),
        (USDM, 100, 100, "applied"),
        (USDM, 90, 110, "applied"),
        (USDM, 101, 110, "need_snapshot"),
        (SPOT, 90, 100, "stale"),
        (SPOT, 90, 101, "applied"),
        (SPOT, 101, 110, "applied"),
        (SPOT, 102, 110, "need_snapshot"),
        (UNNUMBERED, 7, 1, "applied"),
    ],
)
@pytest.mark.parametrize("waits", [True, False])
def test_the_first_delta_straddles_the_snapshot(
    impl: ModuleType, rule: SequenceRule, first: int, last: int, outcome: str, waits: bool
) -> None:
    """Section 12, futures 3-4 and spot 3-4: the same whether the delta came before the snapshot or after it."""
    change = delta(impl, first, last, bids=[(100.0, 9.0)])
    book = impl.OrderBook(rule)
    if waits and rule is not UNNUMBERED:
        assert book.apply(change) == "buffered"
        result = book.apply_snapshot(BIDS, ASKS, 100, 5)
        assert result == ("applied" if outcome == "stale" else outcome)
    else:
        assert book.apply_snapshot(BIDS, ASKS, 100, 5) == "applied"
        assert book.apply(change) == outcome
    if outcome == "need_snapshot":
        assert is_empty(book)
        assert book.last_seq == 100
        assert book.apply(delta(impl, last + 1, last + 2, last)) == "buffered"
        assert book.apply_snapshot(BIDS, ASKS, first + 1, 6) == "applied"
        assert book.best()[0] == (100.0, 9.0)
        assert book.last_seq == last + 2
    else:
        assert book.state == "live"
        assert book.last_seq == (100 if outcome == "stale" else last)
        assert book.best()[0] == (100.0, 1.0 if outcome == "stale" else 9.0)


@pytest.mark.parametrize(
    ("rule", "first", "last", "prev", "outcome"),
    [
        (USDM, 300, 310, 200, "applied"),
        (USDM, 201, 210, 199, "gap"),
        (USDM, 201, 210, None, "gap"),
        (USDM, 150, 200, 140, "stale"),
        (USDM, 101, 150, 100, "stale"),
        (SPOT, 201, 210, None, "applied"),
        (SPOT, 150, 210, None, "applied"),
        (SPOT, 202, 210, None, "gap"),
        (SPOT, 201, 200, None, "stale"),
        (SPOT, 101, 150, None, "stale"),
        (UNNUMBERED, 0, 0, None, "applied"),
    ],
)
def test_later_deltas_chain(
    impl: ModuleType, rule: SequenceRule, first: int, last: int, prev: int | None, outcome: str
) -> None:
    """Section 12, futures 5 and spot 5."""
    book = synced(impl, rule)
    assert book.apply(delta(impl, 90, 200, 80)) == "applied"
    assert book.apply(delta(impl, first, last, prev, bids=[(100.0, 9.0)], event_ns=200)) == outcome
    if outcome == "gap":
        assert is_empty(book)
        assert (book.last_seq, book.event_ns) == (200, 200)
        assert book.apply(delta(impl, last + 1, last + 5, last, asks=[(100.5, 8.0)])) == "buffered"
        assert book.apply_snapshot(BIDS, ASKS, first, 300) == "applied"
        assert book.best() == ((100.0, 9.0), (100.5, 8.0))
        assert (book.state, book.last_seq) == ("live", last + 5)
    else:
        assert book.best()[0] == (100.0, 1.0 if outcome == "stale" else 9.0)


def test_linked_numbers_that_begin_anew_are_a_gap(impl: ModuleType) -> None:
    book = synced(impl, USDM)
    book.apply(delta(impl, 90, 200, 80, event_ns=1000))
    assert book.apply(delta(impl, 1, 5, 0, event_ns=1000)) == "stale"
    assert book.apply(delta(impl, 1, 5, 0, event_ns=1001)) == "gap"
    assert book.apply_snapshot(BIDS, ASKS, 3, 1002) == "applied"
    assert (book.state, book.last_seq) == ("live", 5)


def test_an_unnumbered_feed_keeps_nothing_from_before_its_snapshot(impl: ModuleType) -> None:
    book = impl.OrderBook(UNNUMBERED)
    assert book.apply(delta(impl, 0, 0, bids=[(100.0, 9.0)])) == "stale"
    assert book.apply_snapshot(BIDS, ASKS, 0, 0) == "applied"
    assert book.best()[0] == (100.0, 1.0)


def test_a_hole_in_the_buffer_is_found_by_the_snapshot(impl: ModuleType) -> None:
    book = impl.OrderBook(USDM)
    for first, last, prev in [(90, 100, 80), (101, 110, 100), (121, 130, 120), (131, 140, 130)]:
        assert book.apply(delta(impl, first, last, prev)) == "buffered"
    assert book.apply_snapshot(BIDS, ASKS, 95, 5) == "gap"
    assert is_empty(book)
    assert book.last_seq == 110
    assert book.apply_snapshot(BIDS, ASKS, 120, 6) == "need_snapshot"
    assert is_empty(book)
    assert book.apply_snapshot(BIDS, ASKS, 125, 7) == "applied"
    assert (book.state, book.last_seq) == ("live", 140)


def test_a_duplicate_in_the_buffer_does_no_harm(impl: ModuleType) -> None:
    book = impl.OrderBook(SPOT)
    for first, last in [(90, 100), (101, 110), (101, 110), (90, 100), (111, 120)]:
        assert book.apply(delta(impl, first, last, event_ns=1)) == "buffered"
    assert book.apply_snapshot(BIDS, ASKS, 95, 5) == "applied"
    assert book.last_seq == 120


def test_the_buffer_drops_its_oldest(impl: ModuleType) -> None:
    book = impl.OrderBook(SequenceRule(buffer=2))
    for first, last, prev in [(90, 100, 80), (101, 110, 100), (111, 120, 110)]:
        assert book.apply(delta(impl, first, last, prev)) == "buffered"
    assert book.apply_snapshot(BIDS, ASKS, 95, 5) == "need_snapshot"
    assert book.apply_snapshot(BIDS, ASKS, 105, 5) == "applied"
    assert book.last_seq == 120


def test_a_snapshot_replaces_a_live_book(impl: ModuleType) -> None:
    book = synced(impl, SPOT)
    book.apply(delta(impl, 101, 110, bids=[(100.25, 1.0)]))
    assert book.apply_snapshot([(50.0, 1.0)], [(51.0, 1.0)], 120, 9) == "applied"
    assert (book.levels(9), book.last_seq, book.event_ns) == (([(50.0, 1.0)], [(51.0, 1.0)]), 120, 9)
    assert book.apply(delta(impl, 111, 120)) == "stale"
    assert book.apply(delta(impl, 122, 130)) == "need_snapshot"


@pytest.mark.parametrize("bid", [100.5, 100.6])
def test_a_crossed_book_is_applied_and_told(impl: ModuleType, bid: float) -> None:
    book = synced(impl, None)
    assert book.apply(delta(impl, 1, 1, bids=[(bid, 1.0)])) == "crossed"
    assert book.best() == ((bid, 1.0), (100.5, 3.0))
    assert book.apply(delta(impl, 2, 2, bids=[(bid, 0.0)])) == "applied"
    assert book.apply_snapshot([(3.0, 1.0)], [(2.0, 1.0)], 1, 1) == "crossed"


def test_levels_are_absolute_and_zero_deletes(impl: ModuleType) -> None:
    book = synced(impl, None)
    assert len(book) == 4
    changes = [(99.5, 0.0), (99.25, 7.0), (100.0, 6.0), (1.0, 0.0), (99.25, 8.0)]
    assert book.apply(delta(impl, 1, 1, bids=changes, asks=[(100.5, 0.0)])) == "applied"
    assert book.levels(10) == ([(100.0, 6.0), (99.25, 8.0)], [(101.0, 4.0)])
    assert book.levels(1) == ([(100.0, 6.0)], [(101.0, 4.0)])
    assert (book.best(), len(book)) == (((100.0, 6.0), (101.0, 4.0)), 3)
    assert book.apply(delta(impl, 2, 2, bids=[(100.0, 0.0), (99.25, 0.0)], asks=[(101.0, 0.0)])) == "applied"
    assert (book.best(), len(book), book.state) == ((None, None), 0, "live")


def test_a_snapshot_may_come_in_any_order(impl: ModuleType) -> None:
    book = impl.OrderBook(USDM)
    bids = [(1.0, 1.0), (3.0, 3.0), (2.0, 2.0), (4.0, 0.0), (3.0, 5.0), (1.0, 0.0)]
    assert book.apply_snapshot(bids, [[7, 1], (6, 2)], 1, 1) == "applied"
    assert book.levels(9) == ([(3.0, 5.0), (2.0, 2.0)], [(6.0, 2.0), (7.0, 1.0)])


def test_negative_prices_have_their_place(impl: ModuleType) -> None:
    book = impl.OrderBook()
    book.apply(delta(impl, 1, 1, bids=[(-37.63, 1.0), (-40.0, 2.0)], asks=[(-37.0, 1.0), (0.0, 2.0)]))
    assert book.levels(5) == ([(-37.63, 1.0), (-40.0, 2.0)], [(-37.0, 1.0), (0.0, 2.0)])


def test_what_is_no_level_in_a_delta(impl: ModuleType) -> None:
    book = synced(impl, None)
    bids = [(math.nan, 1.0), (math.inf, 1.0), (-math.inf, 1.0), (100.0, math.nan), (99.5, -1.0)]
    assert book.apply(delta(impl, 1, 1, bids=bids)) == "applied"
    assert book.levels(5) == ([], ASKS)


def test_a_digest_is_that_of_normalised_decimals(impl: ModuleType) -> None:
    book = impl.OrderBook()
    bids = [("61659.7", "3"), ("0.01734", "100000"), ("0.0000001", "12345678.125")]
    asks = [("100000", "0.001"), ("1e22", "1e-9")]
    levels = [[(float(price), float(quantity)) for price, quantity in side] for side in (bids, asks)]
    book.apply_snapshot(*levels, 1, 1)
    lines = [
        f"{name} {format(Decimal(price).normalize(), 'f')} {format(Decimal(quantity).normalize(), 'f')}"
        for name, side in (("B", bids), ("A", asks))
        for price, quantity in side
    ]
    assert book.digest() == hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    assert impl.OrderBook(USDM).digest() == hashlib.sha256(b"").hexdigest()[:16]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.OrderBook("x"), TypeError("rule must be a SequenceRule or None, was str")),
        (lambda m: m.OrderBook(symbol=1), TypeError("symbol must be a str, was int")),
        (lambda m: m.OrderBook().apply("x"), TypeError("delta must be a BookDelta, was str")),
        (
            lambda m: m.OrderBook().apply(m.BookSnapshot(symbol="", venue="")),
            TypeError("delta must be a BookDelta, was BookSnapshot"),
        ),
        (lambda m: m.OrderBook().levels(0), ValueError("depth must be 1..2147483648, was 0")),
        (lambda m: m.OrderBook().levels(1.0), TypeError("depth must be an integer, was float")),
        (
            lambda m: m.OrderBook().apply_snapshot([], [], -1, 0),
            ValueError("last_seq must be 0..9223372036854775807, was -1"),
        ),
        (
            lambda m: m.OrderBook().apply_snapshot([], [], 0, 2**63),
            ValueError("event_ns must be 0..9223372036854775807, was 9223372036854775808"),
        ),
        (
            lambda m: m.OrderBook().apply_snapshot([1.0], [], 0, 0),
            TypeError("bids must hold (price, quantity) pairs"),
        ),
        (
            lambda m: m.OrderBook().apply_snapshot([], [(1.0,)], 0, 0),
            ValueError("asks must hold (price, quantity) pairs"),
        ),
        (
            lambda m: m.OrderBook().apply_snapshot([("1", "2")], [], 0, 0),
            TypeError("bids must be a float, was str"),
        ),
        (
            lambda m: m.OrderBook().apply_snapshot([(math.nan, 1.0)], [], 0, 0),
            ValueError("bids must hold finite prices and quantities from 0, had (nan, 1.0)"),
        ),
        (
            lambda m: m.OrderBook().apply_snapshot([], [(1.0, 1.0), (1.0, -0.5)], 0, 0),
            ValueError("asks must hold finite prices and quantities from 0, had (1.0, -0.5)"),
        ),
    ],
)
def test_misuse_is_named(impl: ModuleType, call: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        call(impl)
    assert (type(caught.value), str(caught.value)) == (type(error), str(error))


def test_a_refused_snapshot_changes_nothing(impl: ModuleType) -> None:
    book = synced(impl, USDM)
    with pytest.raises(ValueError, match="finite"):
        book.apply_snapshot([(math.inf, 1.0)], [], 200, 0)
    assert (book.last_seq, len(book)) == (100, 4)


@pytest.mark.parametrize(
    "wrong", [{"first": "x"}, {"next": None}, {"buffer": 0}, {"buffer": 2**20 + 1}, {"buffer": 1.0}]
)
def test_a_rule_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match=f"SequenceRule: {next(iter(wrong))} must be"):
        SequenceRule(**wrong)


ticks = st.integers(1, 12).map(lambda tick: tick / 4)
level_lists = st.lists(st.tuples(ticks, st.sampled_from([0.0, 0.0, 1.0, 2.5])), max_size=8)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("apply"), st.integers(-2, 4), st.integers(-1, 4), st.booleans(), level_lists, level_lists),
        st.tuples(st.just("snapshot"), st.integers(-6, 4), level_lists, level_lists),
    ),
    max_size=40,
)
rules = st.sampled_from(
    [None, USDM, SPOT, UNNUMBERED, SequenceRule(buffer=2), SequenceRule("straddle_next", "contiguous", 3)]
)


@pytest.mark.any_core
@settings(deadline=None)
@given(rule=rules, steps=steps)
def test_both_cores_in_lock_step(rule: SequenceRule | None, steps: list[Any]) -> None:
    books = {impl: impl.OrderBook(rule) for impl in (NATIVE, PURE)}
    seq = 50
    for name, offset, *rest in steps:
        outcomes = set()
        if name == "apply":
            width, linked, bids, asks = rest
            first, last, prev = seq + offset, seq + offset + width, seq if linked else seq - 1
            for impl, book in books.items():
                outcomes.add(book.apply(delta(impl, first, max(last, 0), prev, bids=bids, asks=asks)))
            seq = max(seq, last)
        else:
            bids, asks = rest
            for book in books.values():
                outcomes.add(book.apply_snapshot(bids, asks, seq + offset, seq))
        assert len(outcomes) == 1
        seen = {
            (str(book.levels(50)), book.best(), book.state, book.last_seq, book.event_ns, len(book), book.digest())
            for book in books.values()
        }
        assert len(seen) == 1
