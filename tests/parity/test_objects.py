"""`objects` and `Wanted`: every kind of message becomes its event, only what is asked for, and the same in both."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_batches import SYMBOLS, batches, book, message, shown, table
from tradewire import core
from tradewire.core import record
from tradewire.core.record import Kind

NAN = float("nan")
HEADER = {"symbol": 1, "venue": 0, "event_ns": 5, "recv_ns": 6, "seq": 7}
COMMON = {"symbol": "ETHUSDT", "venue": "alpha", "event_ns": 5, "recv_ns": 6, "seq": 7}

CASES: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "trade": (
        message(Kind.TRADE, [(1.5, 2.5, 8)], flags=record.SIDE, **HEADER),
        "Trade",
        {"flags": record.SIDE, "price": 1.5, "quantity": 2.5, "side": "sell", "trade_id": 8},
    ),
    "quote": (
        message(Kind.QUOTE, [(1.0, 2.0, 3.0, 4.0)], flags=record.LAST, **HEADER),
        "Quote",
        {"flags": record.LAST, "bid_price": 1.0, "bid_quantity": 2.0, "ask_price": 3.0, "ask_quantity": 4.0},
    ),
    "delta": (
        book(Kind.BOOK_DELTA, (3, 2), [(1.0, 2.0)], [(3.0, 0.0), (4.0, 5.0)], **HEADER),
        "BookDelta",
        {"first_seq": 3, "prev_seq": 2, "bids": ((1.0, 2.0),), "asks": ((3.0, 0.0), (4.0, 5.0))},
    ),
    "empty delta": (book(Kind.BOOK_DELTA, (3, -1), [], [], **HEADER), "BookDelta", {"first_seq": 3}),
    "snapshot": (
        book(Kind.BOOK_SNAPSHOT, (-1, -1), [(1.0, 2.0)], [], flags=record.PARTIAL, **HEADER),
        "BookSnapshot",
        {"flags": record.PARTIAL, "bids": ((1.0, 2.0),)},
    ),
    "mark price": (
        message(Kind.MARK_PRICE, [(1.0, 2.0, 0.0001, 9), (NAN, 3.0)], **HEADER),
        "MarkPrice",
        {"mark_price": 1.0, "index_price": 2.0, "funding_rate": 0.0001, "next_funding_ns": 9, "average_price": 3.0},
    ),
    "bar": (
        message(Kind.BAR, [(1.0, 4.0, 0.5, 2.0), (9.0, 18.0, 3, 60)], flags=record.CLOSED, **HEADER),
        "Bar",
        {
            "open": 1.0,
            "high": 4.0,
            "low": 0.5,
            "close": 2.0,
            "volume": 9.0,
            "quote_volume": 18.0,
            "trades": 3,
            "start_ns": 60,
            "interval": "",
            "closed": True,
        },
    ),
    "ticker": (
        message(Kind.TICKER, [(1.0, 2.0, 3.0, 4.0), (0.5, 6.0, NAN, 8)], **HEADER),
        "Ticker",
        {
            "last_price": 1.0,
            "last_quantity": 2.0,
            "open": 3.0,
            "high": 4.0,
            "low": 0.5,
            "volume": 6.0,
            "quote_volume": None,
            "trades": 8,
        },
    ),
    "liquidation": (
        message(Kind.LIQUIDATION, [(1.0, 2.0, NAN, 4.0)], flags=record.SIDELESS, **HEADER),
        "Liquidation",
        {"flags": record.SIDELESS, "price": 1.0, "quantity": 2.0, "side": None, "filled_quantity": 4.0},
    ),
    "control": (
        message(Kind.CONTROL, [(2, 12, -1)], **(HEADER | {"symbol": record.NO_SYMBOL})),
        "Control",
        {"symbol": "", "status": "error", "request_id": 12},
    ),
    "control of a later version": (
        message(Kind.CONTROL, [(77, -1, 5)], **HEADER),
        "Control",
        {"status": "unknown", "code": 5},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_message_becomes_its_event(impl: ModuleType, case: str) -> None:
    batch, name, fields = CASES[case]
    [event] = impl.objects(batch, table(impl))
    assert event == getattr(impl, name)(**{**COMMON, **fields})
    assert shown(event) == shown(getattr(impl, name)(**{**COMMON, **fields}))


@pytest.mark.parametrize("interval", record.INTERVALS.items(), ids=lambda item: str(item[0]))
def test_the_second_record_of_a_bar_names_its_interval(impl: ModuleType, interval: tuple[str, int]) -> None:
    batch = CASES["bar"][0].copy()
    batch["seq"][1] = interval[1]
    [event] = impl.objects(batch, table(impl))
    assert (event.interval, event.seq) == (interval[0], 7)


@given(batches)
def test_both_implementations_agree(batch: Any) -> None:
    found = [core.load(which).objects(batch, table(core.load(which))) for which in ("native", "pure")]
    assert [shown(event) for event in found[0]] == [shown(event) for event in found[1]]
    assert len(found[0]) == sum(1 for flags in batch["flags"] if not flags & record.MORE)


choices = st.lists(
    st.tuples(st.booleans(), st.integers(1, 9), st.none() | st.integers(0, len(SYMBOLS) - 1)), max_size=12
)


@given(batches, choices)
def test_only_what_is_wanted(batch: Any, choices: list[tuple[bool, int, int | None]]) -> None:
    asked: set[tuple[int, int | None]] = set()
    for adds, kind, symbol in choices:
        (asked.add if adds else asked.discard)((kind, symbol))
    for which in ("native", "pure"):
        impl = core.load(which)
        symbols = table(impl)
        wanted = impl.Wanted(symbols)
        for adds, kind, symbol in choices:
            (wanted.add if adds else wanted.discard)(kind, symbol)
        starts = np.concatenate([[True], (batch["flags"] & record.MORE) == 0])[:-1] if len(batch) else []
        heads = [(int(row["kind"]), int(row["symbol"])) for row in batch[starts]] if len(batch) else []
        every = impl.objects(batch, symbols)
        expected = [
            event
            for event, (kind, symbol_id) in zip(every, heads, strict=True)
            if (kind, None) in asked or (kind, symbol_id) in asked
        ]
        assert [shown(event) for event in impl.objects(batch, wanted)] == [shown(event) for event in expected]


def test_a_symbol_added_later_can_be_wanted(impl: ModuleType) -> None:
    symbols = table(impl)
    wanted = impl.Wanted(symbols)
    assert impl.objects(CASES["trade"][0], wanted) == []
    late = symbols.add("alpha", "LATE")
    wanted.add(Kind.TRADE, late)
    batch = message(Kind.TRADE, [(1.0, 1.0, 1)], **(HEADER | {"symbol": late}))
    assert [event.symbol for event in impl.objects(batch, wanted)] == ["LATE"]


def test_symbols_far_apart(impl: ModuleType) -> None:
    symbols = impl.SymbolTable()
    for number in range(300):
        symbols.add("alpha", f"S{number}")
    wanted = impl.Wanted(symbols)
    chosen = (0, 63, 64, 65, 255, 299)
    for number in chosen:
        wanted.add(Kind.TRADE, number)
    wanted.discard(Kind.TRADE, 65)
    rows = [message(Kind.TRADE, [(1.0, 1.0, 1)], **(HEADER | {"symbol": number})) for number in range(300)]
    found = impl.objects(np.concatenate(rows), wanted)
    assert [event.symbol for event in found] == [f"S{number}" for number in chosen if number != 65]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda batch: batch[:-1], "the last message of the batch is incomplete"),
        (lambda batch: _put(batch, "symbol", 0, 3), "record 0: symbol id 3 is not in the table"),
        (lambda batch: _put(batch, "venue", 0, 2), "record 0: venue id 2 is not in the table"),
        (lambda batch: _put(batch, "kind", 0, 10), "record 0: no message begins with kind 10"),
        (lambda batch: _put(batch, "kind", 0, 0), "record 0: no message begins with kind 0"),
        (lambda batch: _put(batch, "kind", 0, 6), "record 0: a message of kind 6 has 2 records, had 1"),
        (lambda batch: _put(batch, "kind", 1, 2), "record 1: a message of kind 2 has 1 records, had 3"),
        (lambda batch: _put(batch, "kind", 2, 1), "record 2: kind 1 inside a book message"),
        (lambda batch: batch["price"] if "price" in batch.dtype.names else batch["a"], None),
    ],
)
def test_refused_batches(impl: ModuleType, change: Any, text: str | None) -> None:
    whole = np.concatenate([CASES["trade"][0], book(Kind.BOOK_DELTA, (1, 1), [(1.0, 1.0)], [(2.0, 1.0)], **HEADER)])
    nothing = impl.Wanted(table(impl))
    for wanted in (nothing, table(impl)):
        with pytest.raises(ValueError, match=None if text is None else f"^{text}$"):
            impl.objects(change(whole.copy()), wanted)


def _put(batch: Any, field: str, row: int, value: int) -> Any:
    batch[field][row] = value
    return batch


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda impl, _: impl.objects(CASES["trade"][0], 5),
            TypeError,
            "wanted must be a Wanted or a SymbolTable, was int",
        ),
        (lambda impl, _: impl.Wanted({}), TypeError, "symbols must be a SymbolTable, was dict"),
        (lambda _, wanted: wanted.add(0), ValueError, "kind must be 1..9, was 0"),
        (lambda _, wanted: wanted.add(Kind.LEVEL, 1), ValueError, "kind must be 1..9, was 10"),
        (lambda _, wanted: wanted.add("trade"), TypeError, "kind must be an integer, was str"),
        (lambda _, wanted: wanted.add(1, 3), ValueError, "symbol_id must be one that the table gave out, was 3"),
        (lambda _, wanted: wanted.add(1, -1), ValueError, "symbol_id must be 0..4294967295, was -1"),
        (lambda _, wanted: wanted.discard(10), ValueError, "kind must be 1..9, was 10"),
        (lambda _, wanted: wanted.discard(1, "x"), TypeError, "symbol_id must be an integer, was str"),
    ],
)
def test_refused_arguments(impl: ModuleType, call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        call(impl, impl.Wanted(table(impl)))
    shown_text = str(caught.value).replace("<Kind.LEVEL: 10>", "10")
    assert (type(caught.value), shown_text) == (error, text)


def test_discard_of_what_was_never_asked_is_nothing(impl: ModuleType) -> None:
    wanted = impl.Wanted(table(impl))
    wanted.discard(1)
    wanted.discard(1, 4_000_000_000)
    assert impl.objects(CASES["trade"][0], wanted) == []


def test_text_of_equal_symbols_is_shared(impl: ModuleType) -> None:
    batch = np.concatenate([CASES["trade"][0], CASES["quote"][0]])
    first, second = impl.objects(batch, table(impl))
    assert first.symbol is second.symbol
    assert first.venue is second.venue
