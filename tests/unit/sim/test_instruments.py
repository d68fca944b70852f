"""Text of prices and quantities, and what a symbol may be."""

from __future__ import annotations

import re

import pytest

from tradewire.sim.instruments import alpaca_instrument, instrument, spot_instrument


@pytest.mark.parametrize(
    ("symbol", "price", "quantity"),
    [("BTCUSDT", "83084.30", "0.001"), ("DOGEUSDT", "0.165430", "1"), ("币安人生USDT", "0.1472000", "1")],
)
def test_text_of_listed_symbols(symbol: str, price: str, quantity: str) -> None:
    item = instrument(symbol)
    assert item.price_text[item.start_price] == price
    assert item.quantity_text[1] == quantity
    assert item.quantity_text[0].strip("0.") == ""


def test_text_is_exact_for_every_tick() -> None:
    item = instrument("BTCUSDT")
    for ticks in range(1, 5_000_000, 7_919):
        assert item.price_text[ticks] == f"{ticks // 10}.{ticks % 10}0"


def test_text_cache_is_bounded_and_stays_right() -> None:
    item = instrument("ETHUSDT")
    for ticks in range(50_000):
        assert item.price_text[ticks] == f"{ticks // 100}.{ticks % 100:02}"
    assert len(item.price_text) <= 20_000


def test_value_text_is_price_times_quantity() -> None:
    assert instrument("BTCUSDT").value_text(830_843 * 22) == "1827.85460"


def test_unlisted_symbol_has_always_the_same_price() -> None:
    assert instrument("FOOUSDT").start_price == instrument("FOOUSDT").start_price > 0


@pytest.mark.parametrize("symbol", ["btcusdt", "USDT", "BTC", "BTCEUR", ""])
def test_bad_symbol_is_named(symbol: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"was {symbol!r}")):
        instrument(symbol)


def test_spot_writes_eight_digits() -> None:
    item = spot_instrument("BTCUSDT")
    assert (item.price_text[831_000], item.quantity_text[2]) == ("83100.00000000", "0.00200000")
    assert item.value_text(831_000 * 2) == "166.20000000"


@pytest.mark.parametrize("symbol", ["AAPL", "BRK.B", "BTC/USD", "MARS", "DOGE/USDT"])
def test_alpaca_lists_stocks_and_pairs(symbol: str) -> None:
    item = alpaca_instrument(symbol)
    assert (item.symbol, item.quote) == (symbol, symbol.partition("/")[2] or "USD")
    assert item.start_price > 0
    assert item.typical_lots > 0


@pytest.mark.parametrize("symbol", ["", "aapl", "/USD", "BTC/", "A B", "币/USD", "."])
def test_bad_names_at_alpaca(symbol: str) -> None:
    with pytest.raises(ValueError, match="symbol must be like AAPL or BTC/USD"):
        alpaca_instrument(symbol)
