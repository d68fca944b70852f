"""The newest trades of a feed, collected by the core."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from made_batches import message
from tradewire.core import Callbacks, SymbolTable, Trade
from tradewire.core.record import BACKFILL, Kind
from tradewire.streaming import recent
from tradewire.streaming.health import Feed
from tradewire.streaming.recent import RecentTrades
from tradewire.venues.base import Channel


def feed(symbol_id: int = 0) -> Feed:
    return Feed(Channel("trades", Kind.TRADE, None), f"S{symbol_id}", symbol_id, None, 0, 0)


def trades(*numbers: int, symbol: int = 0, flags: int = 0) -> Any:
    return np.concatenate(
        [message(Kind.TRADE, [(1.0, 1.0, number)], symbol=symbol, seq=number, flags=flags) for number in numbers]
    )


def numbers(found: list[Trade]) -> list[int]:
    return [trade.seq for trade in found]


@pytest.fixture
def callbacks() -> Callbacks:
    symbols = SymbolTable()
    for symbol in ("S0", "S1"):
        symbols.add("alpaca", symbol)
    return Callbacks(symbols)


def test_each_feed_has_its_own_and_no_more_than_the_newest(
    callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "_KEPT", 3)
    kept, feeds = RecentTrades(callbacks), [feed(0), feed(1)]
    callbacks.deliver(trades(1), 0)
    for each in feeds:
        assert kept.of(each) == []
        kept.begin(each)
        kept.begin(each)
    callbacks.deliver(trades(2, 3, 4, 5), 0)
    callbacks.deliver(trades(6, symbol=1), 0)
    assert [numbers(kept.of(each)) for each in feeds] == [[3, 4, 5], [6]]


def test_a_later_feed_of_the_symbol_begins_empty(callbacks: Callbacks) -> None:
    kept, first, second = RecentTrades(callbacks), feed(), feed()
    kept.begin(first)
    callbacks.deliver(trades(1), 0)
    kept.begin(second)
    callbacks.deliver(trades(2), 0)
    assert (numbers(kept.of(first)), numbers(kept.of(second))) == ([], [2])


def test_fetched_trades_do_not_count_and_push_none_out(callbacks: Callbacks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_KEPT", 3)
    kept, ours = RecentTrades(callbacks), feed()
    kept.begin(ours)
    callbacks.deliver(trades(1, 2), 0)
    with kept.aside(ours):
        callbacks.deliver(trades(*range(10, 20), flags=BACKFILL), 0)
        callbacks.deliver(trades(3), 0)
    assert numbers(kept.of(ours)) == [1, 2, 3]
    callbacks.deliver(trades(20, flags=BACKFILL), 0)
    assert numbers(kept.of(ours)) == [2, 3]
    with kept.aside(feed(1)):
        callbacks.deliver(trades(4), 0)
    assert numbers(kept.of(ours)) == [3, 4]
