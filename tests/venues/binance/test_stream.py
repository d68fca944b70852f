"""Binance's channels, stream names and control messages."""

from __future__ import annotations

import pytest

from tradewire.core.record import Kind
from tradewire.errors import UnsupportedError
from tradewire.venues.binance.stream import SPOT, USDM


@pytest.mark.parametrize("text", ["BTCUSDT", "btcusdt", "BTC/USDT", "btc/usdt"])
def test_symbols_have_one_spelling(text: str) -> None:
    assert USDM.symbol(text) == "BTCUSDT"


def test_deliveries_have_an_underscore() -> None:
    assert USDM.symbol("btcusdt_261225") == "BTCUSDT_261225"


def test_symbols_may_be_of_any_script() -> None:
    assert USDM.symbol("币安人生USDT") == "币安人生USDT"


@pytest.mark.parametrize(
    "text", ["", "BTC USDT", "a/b/c", "btc@usdt", "BTC\x00", "x" * 65, "!ticker", "BTC-USDT", "BTC:USDT"]
)
def test_what_is_not_a_symbol(text: str) -> None:
    with pytest.raises(ValueError, match="symbol must be like BTCUSDT or BTC/USDT, was"):
        USDM.symbol(text)


@pytest.mark.parametrize(
    ("channel", "stream", "route"),
    [
        ("trades", "btcusdt@trade", "public"),
        ("agg_trades", "btcusdt@aggTrade", "market"),
        ("quotes", "btcusdt@bookTicker", "public"),
        ("book", "btcusdt@depth@100ms", "public"),
        ("book20", "btcusdt@depth20@100ms", "public"),
        ("mark_price", "btcusdt@markPrice@1s", "market"),
        ("bars", "btcusdt@kline_1m", "market"),
        ("bars_4h", "btcusdt@kline_4h", "market"),
        ("bars_1M", "btcusdt@kline_1M", "market"),
        ("ticker", "btcusdt@ticker", "market"),
        ("mini_ticker", "btcusdt@miniTicker", "market"),
        ("liquidations", "btcusdt@forceOrder", "market"),
    ],
)
def test_streams_of_channels(channel: str, stream: str, route: str) -> None:
    found = USDM.stream(USDM.channel(channel), "BTCUSDT")
    assert (found.name, found.route) == (stream, route)


def test_bars_without_interval_are_one_minute() -> None:
    assert USDM.channel("bars") == USDM.channel("bars_1m")


def test_only_the_diff_book_needs_a_snapshot() -> None:
    assert USDM.channel("book").diff
    assert not USDM.channel("book20").diff
    assert USDM.channel("book20").kind is Kind.BOOK_SNAPSHOT


@pytest.mark.parametrize("name", ["candles", "bars_7m", "bars_", ""])
def test_unknown_channels_list_the_known_ones(name: str) -> None:
    with pytest.raises(UnsupportedError, match=r"has no channel .*; it has trades, agg_trades"):
        USDM.channel(name)


def test_spot_has_no_routes_and_no_futures_channels() -> None:
    assert SPOT.stream(SPOT.channel("trades"), "BTCUSDT").route == ""
    assert SPOT.stream_url("") == "wss://stream.binance.com:9443/stream"
    with pytest.raises(UnsupportedError):
        SPOT.channel("mark_price")


def test_addresses_can_be_replaced() -> None:
    assert USDM.stream_url("market") == "wss://fstream.binance.com/market/stream"
    assert USDM.stream_url("public", "ws://127.0.0.1:8700/") == "ws://127.0.0.1:8700/public/stream"


def test_market_streams_speak_json() -> None:
    assert USDM.session().ready
    with pytest.raises(UnsupportedError, match="codec was 'msgpack'"):
        USDM.session(codec="msgpack")


@pytest.mark.parametrize(("venue", "per_second"), [(USDM, 10), (SPOT, 5)])
def test_control_messages_stay_below_the_venues_limit_in_any_second(venue: object, per_second: int) -> None:
    limits = venue.limits  # type: ignore[attr-defined]
    assert limits.message_burst + limits.messages_per_s < per_second


def test_bars_of_a_second_are_spots_alone() -> None:
    assert SPOT.channel("bars_1s").interval == "1s"
    with pytest.raises(UnsupportedError, match=r"binance has no channel 'bars_1s'.*bars_1m"):
        USDM.channel("bars_1s")
