"""Alpaca's feeds, channels and symbols."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tradewire import Secret
from tradewire.core import SequenceTracker
from tradewire.core.record import Kind
from tradewire.errors import MissingCredentialError, UnsupportedError
from tradewire.model import Imbalance, PriceBand, TradeCancel, TradeCorrection, TradingStatus
from tradewire.transport.auth import Credential
from tradewire.venues import registry
from tradewire.venues.alpaca.stream import CRYPTO, IEX, SIP, TEST, AlpacaMarketData

KEY = Credential(Secret("PK1"), Secret("hush"))


@pytest.mark.parametrize("venue", [IEX, SIP, TEST, CRYPTO])
def test_registered_under_their_names(venue: AlpacaMarketData) -> None:
    assert registry.load(venue.name) is venue


@pytest.mark.parametrize(
    ("text", "symbol"), [("AAPL", "AAPL"), ("aapl", "AAPL"), ("brk.b", "BRK.B"), ("FAKEPACA", "FAKEPACA")]
)
def test_stock_symbols(text: str, symbol: str) -> None:
    assert IEX.symbol(text) == symbol


@pytest.mark.parametrize("text", ["", "BTC/USD", "A B", "*", "AAPL@trades", "1A", ".B", "A" * 65])
def test_what_is_no_stock(text: str) -> None:
    with pytest.raises(ValueError, match=r"symbol must be like AAPL or BRK\.B, was"):
        IEX.symbol(text)


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("BTC/USD", "BTC/USD"),
        ("btc/usd", "BTC/USD"),
        ("BTCUSD", "BTC/USD"),
        ("ETHUSDT", "ETH/USDT"),
        ("USDTUSD", "USDT/USD"),
        ("ETHBTC", "ETH/BTC"),
    ],
)
def test_crypto_symbols(text: str, symbol: str) -> None:
    assert CRYPTO.symbol(text) == symbol


@pytest.mark.parametrize("text", ["", "AAPL", "USD", "/USD", "BTC/", "BTC/USD/X", "BTC USD", "*"])
def test_what_is_no_pair(text: str) -> None:
    with pytest.raises(ValueError, match="symbol must be like BTC/USD, was"):
        CRYPTO.symbol(text)


@pytest.mark.parametrize(
    ("venue", "channel", "stream"),
    [
        (IEX, "trades", "AAPL@trades"),
        (IEX, "quotes", "AAPL@quotes"),
        (IEX, "bars", "AAPL@bars"),
        (IEX, "bars_1m", "AAPL@bars"),
        (IEX, "updated_bars", "AAPL@updatedBars"),
        (IEX, "bars_1d", "AAPL@dailyBars"),
        (IEX, "statuses", "AAPL@statuses"),
        (SIP, "lulds", "AAPL@lulds"),
        (IEX, "imbalances", "AAPL@imbalances"),
        (IEX, "corrections", "AAPL@corrections"),
        (IEX, "cancels", "AAPL@cancelErrors"),
        (CRYPTO, "book", "AAPL@orderbooks"),
    ],
)
def test_streams_of_channels(venue: AlpacaMarketData, channel: str, stream: str) -> None:
    found = venue.stream(venue.channel(channel), "AAPL")
    assert (found.name, found.route) == (stream, "")


def test_bars_are_told_apart_by_their_interval() -> None:
    names = ("bars_1m", "updated_bars", "bars_1d")
    assert [IEX.channel(name).interval for name in names] == ["1m", "1m", "1d"]
    assert {IEX.channel(name).kind for name in names} == {Kind.BAR}


def test_books_are_cryptos_alone_and_begin_with_a_snapshot_in_the_stream() -> None:
    book = CRYPTO.channel("book")
    assert (book.kind, book.diff) == (Kind.BOOK_DELTA, True)
    assert (CRYPTO.snapshot_depth, CRYPTO.book_rule.next) == (0, "none")
    with pytest.raises(UnsupportedError, match="alpaca has no channel 'book'; it has trades, quotes, bars_1m"):
        IEX.channel("book")


def test_notices_are_of_stocks_and_may_be_silent_for_ever() -> None:
    names = ("statuses", "lulds", "imbalances", "corrections", "cancels")
    channels = [IEX.channel(name) for name in names]
    assert [each.notice for each in channels] == [TradingStatus, PriceBand, Imbalance, TradeCorrection, TradeCancel]
    assert {(each.kind, each.stale_after_ns) for each in channels} == {(Kind.CONTROL, None)}
    for venue in (CRYPTO, TEST):
        assert venue.notice_reader() is None
        with pytest.raises(UnsupportedError, match="has no channel 'statuses'"):
            venue.channel("statuses")


def test_nothing_is_numbered() -> None:
    assert IEX.sequences == {}
    SequenceTracker(IEX.sequences)


def test_one_connection_holds_everything_and_never_two_at_once() -> None:
    assert IEX.limits.links_per_credential == 1
    assert not IEX.limits.overlap
    assert IEX.limits.streams >= 100_000


def test_it_asks_for_a_key() -> None:
    assert IEX.needs_credential
    assert IEX.session(KEY, "msgpack").binary
    with pytest.raises(MissingCredentialError):
        IEX.session()


def test_the_newest_trade_is_evidence_but_on_the_test_feed() -> None:
    assert IEX.evidence_channel == "trades"
    assert TEST.evidence_channel is None


def test_a_feed_is_plain_data() -> None:
    assert replace(IEX, name="mine").plan is IEX.plan
