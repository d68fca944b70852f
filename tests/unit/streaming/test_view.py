"""What a gateway says of itself before anything runs; of a running one test_gateway.py and tests/integration tell."""

from __future__ import annotations

import pytest

from tradewire.errors import UnsupportedError
from tradewire.streaming import FeedState, StreamingGateway


def test_a_book_that_nobody_asked_for() -> None:
    assert StreamingGateway().book("BTCUSDT") is None


def test_it_shows_what_it_streams() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT", "ETHUSDT"], channels=["trades", "book"])
    assert repr(gateway) == "<StreamingGateway: binance trades BTCUSDT, ETHUSDT; binance book BTCUSDT, ETHUSDT>"
    assert repr(StreamingGateway()) == "<StreamingGateway: binance>"


def test_states_by_any_spelling() -> None:
    gateway = StreamingGateway(symbols="BTCUSDT", channels="trades")
    assert gateway.state("trades", "btc/usdt") is FeedState.SYNCING
    assert gateway.state("trades", "BTCUSDT", "binance") is FeedState.SYNCING
    with pytest.raises(ValueError, match="channel 'quotes' of BTCUSDT is not subscribed"):
        gateway.state("quotes", "BTCUSDT")
    with pytest.raises(UnsupportedError, match="provider must be one of binance, was 'spot'"):
        gateway.state("trades", "BTCUSDT", "spot")


def test_what_is_given_out_cannot_change_the_gateway() -> None:
    gateway = StreamingGateway(symbols="BTCUSDT", channels="trades")
    gateway.managers.clear()  # type: ignore[attr-defined]
    gateway.subscriptions.clear()
    gateway.links.clear()
    assert list(gateway.managers) == ["binance"]
    assert gateway.subscriptions == {("binance", "trades"): ("BTCUSDT",)}
    assert [link.name for link in gateway.links] == ["public"]
