"""Continuity of numbered streams on both cores, and both in lock-step."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire import core
from tradewire.core.record import BACKFILL, MORE, RECORD, Kind

NATIVE, PURE = core.load("native"), core.load("pure")
RULES = {Kind.TRADE: "contiguous", Kind.QUOTE: "increasing"}


def batch(*rows: tuple[int, int, int, int]) -> np.ndarray:
    """Records of (kind, symbol, seq, flags)."""
    records = np.zeros(len(rows), RECORD)
    for name, column in zip(("kind", "symbol", "seq", "flags"), zip(*rows, strict=True), strict=False):
        records[name] = column
    return records


def test_contiguous_numbers(impl: ModuleType) -> None:
    tracker = impl.SequenceTracker(RULES)
    seen = [tracker.observe(Kind.TRADE, 7, seq) for seq in (5, 6, 7, 7, 6, 8, 11, 10, 11, 12)]
    assert seen == [
        *("expected", "expected", "expected", "duplicate", "reordered"),
        *("expected", "gap", "reordered", "duplicate", "expected"),
    ]


def test_increasing_numbers(impl: ModuleType) -> None:
    tracker = impl.SequenceTracker(RULES)
    seen = [tracker.observe(Kind.QUOTE, 7, seq) for seq in (0, 9, 9, 8, 1000)]
    assert seen == ["expected", "expected", "duplicate", "reordered", "expected"]


def test_streams_are_apart(impl: ModuleType) -> None:
    tracker = impl.SequenceTracker(RULES)
    assert {tracker.observe(kind, symbol, 5 + symbol) for kind in RULES for symbol in range(50)} == {"expected"}
    assert tracker.observe(Kind.TRADE, 3, 9) == "expected"
    assert tracker.observe(Kind.TRADE, 4, 9) == "duplicate"


def test_reset_forgets_one_stream(impl: ModuleType) -> None:
    tracker = impl.SequenceTracker(RULES)
    tracker.observe(Kind.TRADE, 1, 50)
    tracker.observe(Kind.QUOTE, 1, 50)
    tracker.reset(Kind.TRADE, 1)
    tracker.reset(Kind.BAR, 9)
    assert tracker.observe(Kind.TRADE, 1, 3) == "expected"
    assert tracker.observe(Kind.QUOTE, 1, 3) == "reordered"


def test_a_batch_is_read_message_by_message(impl: ModuleType) -> None:
    tracker = impl.SequenceTracker(RULES)
    trade, quote = int(Kind.TRADE), int(Kind.QUOTE)
    rows = [
        (trade, 1, 10, 0),
        (quote, 1, 10, 0),
        (int(Kind.BAR), 1, 3, MORE),
        (int(Kind.BAR), 1, 60, 0),
        (trade, 1, 14, 0),  # row 4: 11, 12 and 13 are missing
        (quote, 1, 99, 0),
        (quote, 1, 99, 0),  # row 6
        (trade, 1, 13, BACKFILL),
        (trade, 1, 0, 0),
        (trade, 1, 12, 0),  # row 9
        (trade, 2, 2**64 - 2, 0),
        (trade, 2, 2**64 - 1, 0),
    ]
    assert tracker.apply(batch(*rows)) == [(4, "gap", 3), (6, "duplicate", 0), (9, "reordered", 0)]
    assert tracker.observe(trade, 1, 15) == "expected"
    assert tracker.apply(np.zeros(0, RECORD)) == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda m: m.SequenceTracker([1]), TypeError("rules must be a mapping, was list")),
        (lambda m: m.SequenceTracker({10: "contiguous"}), ValueError("kind must be 1..9, was 10")),
        (lambda m: m.SequenceTracker({"1": "contiguous"}), TypeError("kind must be an integer, was str")),
        (
            lambda m: m.SequenceTracker({1: "sorted"}),
            ValueError("a rule must be 'contiguous' or 'increasing', was 'sorted'"),
        ),
        (lambda m: m.SequenceTracker({1: 5}), ValueError("a rule must be 'contiguous' or 'increasing', was 5")),
        (
            lambda m: m.SequenceTracker({2: "increasing", 1: "contiguous"}).observe(3, 0, 0),
            ValueError("kind must be one that has a rule (1, 2), was 3"),
        ),
        (lambda m: m.SequenceTracker(RULES).observe(0, 0, 0), ValueError("kind must be 1..9, was 0")),
        (
            lambda m: m.SequenceTracker(RULES).observe(1, 2**32, 0),
            ValueError("symbol_id must be 0..4294967295, was 4294967296"),
        ),
        (
            lambda m: m.SequenceTracker(RULES).observe(1, 0, -1),
            ValueError("seq must be 0..9223372036854775807, was -1"),
        ),
        (lambda m: m.SequenceTracker(RULES).reset(1, 1.5), TypeError("symbol_id must be an integer, was float")),
        (
            lambda m: m.SequenceTracker(RULES).apply(batch((1, 0, 1, MORE))),
            ValueError("the last message of the batch is incomplete"),
        ),
        (lambda m: m.SequenceTracker(RULES).apply(None), TypeError("a batch must be a NumPy array, was NoneType")),
    ],
)
def test_misuse_is_named(impl: ModuleType, call: Any, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        call(impl)
    assert (type(caught.value), str(caught.value)) == (type(error), str(error))


rows = st.tuples(st.integers(0, 10), st.integers(0, 2), st.integers(0, 12), st.sampled_from([0, 0, 0, MORE, BACKFILL]))


@pytest.mark.any_core
@settings(deadline=None)
@given(batches=st.lists(st.lists(rows, max_size=30), max_size=5))
def test_both_cores_in_lock_step(batches: list[list[Any]]) -> None:
    native, pure = NATIVE.SequenceTracker(RULES), PURE.SequenceTracker(RULES)
    for group in batches:
        records = batch(*group, (1, 0, 0, 0))
        found = native.apply(records)
        assert found == pure.apply(records)
        assert {row for row, _, _ in found}.isdisjoint(np.flatnonzero(records["seq"] == 0).tolist())
        assert native.observe(1, 1, 5) == pure.observe(1, 1, 5)
