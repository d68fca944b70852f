"""All books of a feed on both cores: which books changed, which messages were incidents; and both in lock-step."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import made_batches
from tradewire import core
from tradewire.core.plan import SequenceRule
from tradewire.core.record import MORE, NO_SYMBOL, PARTIAL, RECORD, Kind

NATIVE, PURE = core.load("native"), core.load("pure")
USDM = SequenceRule(first="straddle", next="prev_link")


def message(
    kind: Kind, symbol: int, seq: int, links: tuple[int, int] = (-1, -1), bids: Any = (), asks: Any = (), **header: Any
) -> np.ndarray:
    return made_batches.book(kind, links, bids, asks, **{"symbol": symbol, "seq": seq, "event_ns": 7, **header})


def delta(symbol: int, first: int, last: int, prev: int = -1, **rest: Any) -> np.ndarray:
    return message(Kind.BOOK_DELTA, symbol, last, (first, prev), **rest)


def snapshot(symbol: int, seq: int, **rest: Any) -> np.ndarray:
    return message(Kind.BOOK_SNAPSHOT, symbol, seq, **rest)


def make(impl: ModuleType, rule: SequenceRule | None = USDM) -> Any:
    symbols = impl.SymbolTable()
    for name in ("AAA", "BBB", "CCC"):
        symbols.add("binance", name)
    return impl.BookSet(rule, symbols)


def batch(*messages: np.ndarray) -> np.ndarray:
    return np.concatenate(messages) if messages else np.zeros(0, RECORD)


def test_a_batch_feeds_all_books(impl: ModuleType) -> None:
    books = make(impl)
    assert (books.ids(), books.book(0)) == ([], None)
    changed, incidents = books.apply(
        batch(
            snapshot(2, 100, bids=[(9.0, 1.0)], asks=[(10.0, 2.0)]),
            message(Kind.TRADE, 0, 5),
            delta(1, 1, 2, bids=[(5.0, 1.0)]),
            delta(2, 90, 110, 80, asks=[(9.5, 3.0)], event_ns=8),
            snapshot(0, 7, bids=[(1.0, 1.0)]),
            delta(2, 115, 120, 110, bids=[(9.0, 0.0)], event_ns=9),
        )
    )
    assert (changed, incidents) == ([2, 0], [])
    assert books.ids() == [0, 1, 2]
    book = books.book(2)
    assert (book.symbol, book.state, book.last_seq, book.event_ns) == ("CCC", "live", 120, 9)
    assert book.levels(5) == ([], [(9.5, 3.0), (10.0, 2.0)])
    assert (books.book(1).state, books.book(1).symbol) == ("syncing", "BBB")


def test_a_book_is_the_live_one(impl: ModuleType) -> None:
    books = make(impl)
    books.apply(snapshot(0, 100, bids=[(9.0, 1.0)]))
    book = books.book(0)
    assert books.book(0) is book
    books.apply(delta(0, 90, 110, bids=[(9.5, 1.0)]))
    assert (book.best()[0], book.last_seq) == ((9.5, 1.0), 110)
    assert book.apply_snapshot([(3.0, 1.0)], [], 200, 1) == "applied"
    assert books.apply(delta(0, 195, 205, asks=[(4.0, 1.0)])) == ([0], [])
    assert book.best() == ((3.0, 1.0), (4.0, 1.0))


def test_incidents_name_row_symbol_and_outcome(impl: ModuleType) -> None:
    books = make(impl)
    one = [(9.0, 1.0)]
    changed, incidents = books.apply(
        batch(
            snapshot(0, 100, bids=one),  # rows 0-1
            snapshot(1, 100, bids=one),  # 2-3
            delta(1, 90, 110, bids=[(8.0, 1.0), (7.0, 1.0)]),  # 4-6
            message(Kind.QUOTE, 1, 5),  # 7
            delta(1, 90, 110, bids=one),  # 8-9: again
            delta(0, 90, 105, bids=one),  # 10-11
            delta(0, 107, 110, 106, bids=one),  # 12-13: 106 is missing
            delta(0, 111, 112, 110, bids=one),  # 14-15
            delta(1, 111, 112, 110, asks=[(8.5, 1.0)]),  # 16-17: crossed
            snapshot(2, 50, bids=one),  # 18-19
            delta(2, 60, 70, 50),  # 20: begins behind the snapshot
        )
    )
    assert changed == [1]
    assert incidents == [(8, 1, "stale"), (12, 0, "gap"), (16, 1, "crossed"), (20, 2, "need_snapshot")]
    changed, incidents = books.apply(batch(snapshot(0, 50, bids=one), snapshot(2, 65, bids=one), snapshot(0, 108)))
    assert (changed, incidents) == ([2, 0], [(0, 0, "need_snapshot")])
    assert (books.book(0).last_seq, books.book(2).last_seq) == (112, 70)


def test_a_top_of_book_replaces(impl: ModuleType) -> None:
    books = make(impl)
    books.apply(delta(0, 5, 6, bids=[(8.0, 1.0)]))
    top = snapshot(0, 9, bids=[(9.0, 1.0)], asks=[(10.0, 1.0)], flags=PARTIAL)
    assert books.apply(top) == ([0], [])
    assert books.apply(snapshot(0, 8, bids=[(7.0, 1.0)], flags=PARTIAL)) == ([0], [])
    assert (books.book(0).levels(5), books.book(0).last_seq) == (([(7.0, 1.0)], []), 8)
    crossed = snapshot(0, 8, bids=[(7.0, 1.0)], asks=[(7.0, 1.0)], flags=PARTIAL)
    assert books.apply(crossed) == ([0], [(0, 0, "crossed")])


def test_reset_puts_a_book_back_to_its_beginning(impl: ModuleType) -> None:
    books = make(impl)
    books.apply(batch(snapshot(0, 100, bids=[(9.0, 1.0)]), delta(1, 5, 6)))
    for symbol_id in (0, 1, 2, 2**32 - 1):
        books.reset(symbol_id)
    book = books.book(0)
    assert (book.state, len(book), book.last_seq, book.event_ns) == ("syncing", 0, 0, 0)
    assert books.apply(snapshot(1, 2)) == ([1], [])
    assert books.ids() == [0, 1]


def test_without_rule_deltas_apply_at_once(impl: ModuleType) -> None:
    books = make(impl, None)
    assert books.apply(delta(0, -1, 0, bids=[(9.0, 1.0)])) == ([0], [])
    assert books.book(0).best()[0] == (9.0, 1.0)


def test_sides_may_come_in_any_order(impl: ModuleType) -> None:
    books = make(impl, None)
    records = delta(
        0, 1, 1, bids=[(price, 1.0) for price in (3.0, 2.0, 1.0)], asks=[(price, 2.0) for price in (4.0, 5.0)]
    )
    mixed = records[[0, 4, 1, 5, 3, 2]].copy()
    mixed["flags"] |= MORE
    mixed["flags"][-1] &= 255 - MORE
    books.apply(mixed)
    assert books.book(0).levels(5) == ([(3.0, 1.0), (2.0, 1.0), (1.0, 1.0)], [(4.0, 2.0), (5.0, 2.0)])


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.BookSet("x", m.SymbolTable()), TypeError("rule must be a SequenceRule or None, was str")),
        (lambda m: m.BookSet(None, ["AAA"]), TypeError("symbols must be a SymbolTable, was list")),
        (lambda m: make(m).apply([1]), TypeError("a batch must be a NumPy array, was list")),
        (
            lambda m: make(m).apply(delta(0, 1, 2, bids=[(1.0, 1.0)])[:1]),
            ValueError("the last message of the batch is incomplete"),
        ),
        (
            lambda m: make(m).apply(batch(delta(0, 1, 2, bids=[(1.0, 1.0)]), delta(3, 1, 2))),
            ValueError("record 2: symbol id 3 is not in the table"),
        ),
        (
            lambda m: make(m).apply(snapshot(NO_SYMBOL, 1)),
            ValueError(f"record 0: symbol id {NO_SYMBOL} is not in the table"),
        ),
        (lambda m: make(m).book(-1), ValueError("symbol_id must be 0..4294967295, was -1")),
        (lambda m: make(m).reset("0"), TypeError("symbol_id must be an integer, was str")),
    ],
)
def test_misuse_is_named(impl: ModuleType, call: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        call(impl)
    assert (type(caught.value), str(caught.value)) == (type(error), str(error))


def test_a_refused_batch_changes_nothing(impl: ModuleType) -> None:
    books = make(impl)
    with pytest.raises(ValueError, match="symbol id 9"):
        books.apply(batch(snapshot(0, 1), snapshot(9, 1)))
    assert books.ids() == []


levels = st.lists(
    st.tuples(st.integers(1, 10).map(lambda tick: tick / 4), st.sampled_from([0.0, 1.0, 2.0])), max_size=6
)
messages = st.tuples(
    st.sampled_from(["delta", "delta", "delta", "snapshot", "top", "trade", "reset"]),
    st.integers(0, 2),
    st.integers(-3, 3),
    st.integers(0, 3),
    levels,
    levels,
)


@pytest.mark.any_core
@settings(deadline=None)
@given(
    rule=st.sampled_from([USDM, SequenceRule("straddle_next", "contiguous", 3), None]),
    feed=st.lists(st.lists(messages)),
)
def test_both_cores_in_lock_step(rule: SequenceRule | None, feed: list[list[Any]]) -> None:
    native, pure = make(NATIVE, rule), make(PURE, rule)
    last = [20, 20, 20]
    for group in feed:
        made = []
        for kind, symbol, offset, width, bids, asks in group:
            first, end = last[symbol] + offset, last[symbol] + offset + width
            if kind == "delta":
                made.append(delta(symbol, first, end, last[symbol] if offset > 0 else end, bids=bids, asks=asks))
                last[symbol] = max(last[symbol], end)
            elif kind == "reset":
                native.reset(symbol)
                pure.reset(symbol)
            elif kind == "trade":
                made.append(message(Kind.TRADE, symbol, end))
            else:
                made.append(snapshot(symbol, end, bids=bids, asks=asks, flags=PARTIAL if kind == "top" else 0))
        assert native.apply(batch(*made)) == pure.apply(batch(*made))
        assert native.ids() == pure.ids()
        for symbol in native.ids():
            one, other = native.book(symbol), pure.book(symbol)
            assert (one.state, one.last_seq, one.levels(99)) == (other.state, other.last_seq, other.levels(99))
