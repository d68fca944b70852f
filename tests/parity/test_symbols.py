"""`SymbolTable`: ids are stable, bounded and shared between threads; both implementations give out the same ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tradewire import core


def test_ids_are_given_out_in_order_and_kept(impl: ModuleType) -> None:
    table = impl.SymbolTable()
    assert [table.add("a", "X"), table.add("a", "Y"), table.add("b", "X"), table.add("a", "X")] == [0, 1, 2, 0]
    assert [table.lookup(each) for each in range(3)] == [("a", "X"), ("a", "Y"), ("b", "X")]
    assert (table.get("b", "X"), table.get("b", "Y"), table.get("c", "X")) == (2, None, None)
    assert len(table) == 3


def test_venues_have_numbers_of_their_own(impl: ModuleType) -> None:
    table = impl.SymbolTable()
    table.add("a", "X")
    assert [table.add_venue("b"), table.add_venue("a"), table.add("b", "X")] == [1, 0, 1]
    assert [table.venue(0), table.venue(1)] == ["a", "b"]
    with pytest.raises(KeyError, match=r"^2$"):
        table.venue(2)


def test_a_full_table_knows_what_it_knows(impl: ModuleType) -> None:
    table = impl.SymbolTable(2)
    table.add("a", "X")
    table.add("a", "Y")
    for venue, symbol in (("a", "Z"), ("b", "X")):
        with pytest.raises(ValueError, match=r"^the table is full: it holds 2 symbols$"):
            table.add(venue, symbol)
    assert table.add("a", "Y") == 1
    with pytest.raises(KeyError):
        table.venue(1)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda table: table.add("", "X"), ValueError, "venue must be 1..64 bytes, was 0"),
        (lambda table: table.add("a", "é" * 33), ValueError, "symbol must be 1..64 bytes, was 66"),
        (lambda table: table.add("a", 1), TypeError, "symbol must be a str, was int"),
        (lambda table: table.add_venue(None), TypeError, "venue must be a str, was NoneType"),
        (lambda table: table.add_venue("a" * 65), ValueError, "venue must be 1..64 bytes, was 65"),
        (lambda table: table.get("a", b"X"), TypeError, "symbol must be a str, was bytes"),
        (lambda table: table.lookup(-1), ValueError, "symbol_id must be 0..4294967295, was -1"),
        (lambda table: table.lookup("0"), TypeError, "symbol_id must be an integer, was str"),
        (lambda table: table.lookup(7), KeyError, "7"),
        (lambda table: table.venue(65536), ValueError, "venue_id must be 0..65535, was 65536"),
        (lambda table: type(table)(0), ValueError, "capacity must be 1..2147483648, was 0"),
        (lambda table: type(table)(2**31 + 1), ValueError, "capacity must be 1..2147483648, was 2147483649"),
        (lambda table: type(table)("9"), TypeError, "capacity must be an integer, was str"),
        (
            lambda table: table.add("a", "\ud800"),
            UnicodeEncodeError,
            "'utf-8' codec can't encode character '\\ud800' in position 0: surrogates not allowed",
        ),
    ],
)
def test_refusals(impl: ModuleType, call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        call(impl.SymbolTable())
    assert (type(caught.value), str(caught.value)) == (error, text)


def test_names_of_64_bytes_fit(impl: ModuleType) -> None:
    table = impl.SymbolTable()
    name = "é" * 32
    assert table.lookup(table.add(name, name)) == (name, name)


def test_threads_agree_on_ids(impl: ModuleType) -> None:
    table = impl.SymbolTable()
    names = [f"S{number}" for number in range(200)]

    def add_all(turn: int) -> dict[str, int]:
        order = names[turn:] + names[:turn]
        return {name: table.add("a", name) for name in order}

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(add_all, (0, 50, 100, 150)))
    assert all(result == results[0] for result in results)
    assert sorted(results[0].values()) == list(range(200))


names = st.text("abcé", max_size=2)


class BothTables(RuleBasedStateMachine):
    """The same calls on both implementations give the same results."""

    @initialize(capacity=st.integers(1, 6))
    def start(self, capacity: int) -> None:
        self.tables = [core.load(which).SymbolTable(capacity) for which in ("native", "pure")]

    def both(self, call: Any) -> None:
        results = []
        for table in self.tables:
            try:
                results.append(call(table))
            except (ValueError, KeyError) as error:
                results.append((type(error), error.args))
        assert results[0] == results[1]

    @rule(venue=names, symbol=names)
    def add(self, venue: str, symbol: str) -> None:
        self.both(lambda table: table.add(venue, symbol))

    @rule(venue=names)
    def add_venue(self, venue: str) -> None:
        self.both(lambda table: table.add_venue(venue))

    @rule(venue=names, symbol=names)
    def get(self, venue: str, symbol: str) -> None:
        self.both(lambda table: table.get(venue, symbol))

    @rule(number=st.integers(-1, 8))
    def look_up(self, number: int) -> None:
        self.both(lambda table: table.lookup(number))
        self.both(lambda table: table.venue(number))

    @invariant()
    def same_length(self) -> None:
        if hasattr(self, "tables"):
            self.both(len)


TestBothTables = BothTables.TestCase
TestBothTables.settings = settings(max_examples=60, stateful_step_count=20)
