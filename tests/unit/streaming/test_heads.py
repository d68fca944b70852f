"""First records of messages: the small and the large way give the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.core.record import INTERVALS, MORE, NO_SYMBOL, RECORD, Kind
from tradewire.streaming import heads as heads_module
from tradewire.streaming.heads import Heads, read_heads


def batch(messages: list[tuple[Kind, int, int]]) -> Any:
    """(kind, symbol, levels) of each message; a bar has a second record."""
    rows = []
    for number, (kind, symbol, levels) in enumerate(messages):
        if kind is Kind.BAR:
            rows += [(kind, MORE, 1, symbol, number, number + 10, 5), (kind, 0, 1, symbol, number, 0, INTERVALS["5m"])]
            continue
        size = levels if kind is Kind.BOOK_DELTA else 0
        rows.append((kind, MORE if size else 0, 1, symbol, number, number + 10, 5))
        rows += [(Kind.LEVEL, MORE if left else 0, 1, symbol, number, 0, 5) for left in reversed(range(size))]
    return np.array([(*row, 0.0, 0.0, 0.0, 0.0) for row in rows], RECORD)


def plain(heads: Heads) -> Any:
    return heads.counts, heads.intervals, list(heads.event_ns), list(heads.recv_ns)


def test_messages_are_counted_once_whatever_their_size() -> None:
    messages = [(Kind.TRADE, 1, 0), (Kind.BOOK_DELTA, 2, 3), (Kind.BAR, 1, 0), (Kind.TRADE, 1, 0)]
    messages.append((Kind.CONTROL, NO_SYMBOL, 0))
    counts = {1 << 8 | Kind.TRADE: 2, 2 << 8 | Kind.BOOK_DELTA: 1, 1 << 8 | Kind.BAR: 1, -1 << 8 | Kind.CONTROL: 1}
    heads = read_heads(batch(messages))
    assert plain(heads) == (counts, [(1, INTERVALS["5m"])], [0, 1, 2, 3, 4], [10, 11, 12, 13, 14])


KINDS = st.sampled_from([Kind.TRADE, Kind.QUOTE, Kind.BOOK_DELTA, Kind.BAR, Kind.CONTROL])
MESSAGE = st.tuples(KINDS, st.sampled_from([0, 1, 70_000, NO_SYMBOL]), st.integers(0, 4))


@given(st.lists(MESSAGE, min_size=1, max_size=40))
def test_both_ways_give_the_same(messages: list[tuple[Kind, int, int]]) -> None:
    records = batch(messages)
    words = records.view(np.int64).reshape(-1, 8)
    assert plain(heads_module._small(words)) == plain(heads_module._large(words))


@pytest.mark.parametrize("size", [1, heads_module._SMALL, heads_module._SMALL + 1])
def test_the_size_decides(size: int) -> None:
    heads = read_heads(batch([(Kind.TRADE, 0, 0)] * size))
    assert isinstance(heads.recv_ns, list) == (size <= heads_module._SMALL)
    assert heads.counts == {Kind.TRADE: size}
