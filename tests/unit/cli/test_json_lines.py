"""One JSON object a line: every field of every class of events, under its name."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from tradewire import core
from tradewire.cli.json_lines import field_names, json_line
from tradewire.streaming.events import (
    BookUpdate,
    ConnectionChanged,
    ConnectionState,
    FeedStateChanged,
    GapDetected,
    Resynced,
    SubscriptionRefused,
)

HEAD = {"symbol": "BTCUSDT", "venue": "binance", "event_ns": 1_700_000_000_000_000_001, "recv_ns": 5, "seq": 7}
CLASSES = ["Trade", "Quote", "BookDelta", "BookSnapshot", "MarkPrice", "Bar", "Ticker", "Liquidation", "Control"]


def test_a_trade() -> None:
    trade = core.Trade(price=0.1, quantity=2.0, side="sell", trade_id=None, **HEAD)
    assert json.loads(json_line(trade)) == {
        "event": "Trade",
        **HEAD,
        "flags": trade.flags,
        "price": 0.1,
        "quantity": 2.0,
        "side": "sell",
        "trade_id": None,
        "buyer_is_maker": True,
    }
    assert json_line(trade).startswith('{"event": "Trade", "symbol": "BTCUSDT", ')


def test_levels_are_pairs() -> None:
    delta = core.BookDelta(first_seq=1, prev_seq=None, bids=[(1.0, 2.0)], asks=[], **HEAD)
    said = json.loads(json_line(delta))
    assert (said["bids"], said["asks"], said["last_seq"], said["prev_seq"]) == ([[1.0, 2.0]], [], 7, None)


@pytest.mark.parametrize("name", CLASSES)
def test_every_public_field_of_the_core_is_there(impl: ModuleType, name: str) -> None:
    kind = getattr(impl, name)
    public = {each for each in dir(kind) if not each.startswith("_") and not callable(getattr(kind, each))}
    assert set(field_names(kind)) == public


def test_a_changed_book_without_the_live_book() -> None:
    update = BookUpdate("binance", "BTCUSDT", 1, 2, 3, (1.0, 2.0), None, core.OrderBook())
    assert json.loads(json_line(update)) == {
        "event": "BookUpdate",
        "venue": "binance",
        "symbol": "BTCUSDT",
        "event_ns": 1,
        "recv_ns": 2,
        "seq": 3,
        "bid": [1.0, 2.0],
        "ask": None,
    }


def test_states_are_their_words() -> None:
    changed = ConnectionChanged("binance", "public", ConnectionState.RECONNECTING, "lost", 2, 5, 9)
    said = json.loads(json_line(changed))
    assert (said["event"], said["state"], said["retry_in_ns"]) == ("ConnectionChanged", "reconnecting", 5)
    for kind in (FeedStateChanged, GapDetected, Resynced, SubscriptionRefused):
        assert {"venue", "recv_ns"} <= set(field_names(kind))
