"""Where the feeds are."""

from __future__ import annotations

import pytest

from tradewire.venues.alpaca.stream import CRYPTO, IEX, SIP, TEST, AlpacaMarketData


@pytest.mark.parametrize(
    ("venue", "address"),
    [
        (IEX, "wss://stream.data.alpaca.markets/v2/iex"),
        (SIP, "wss://stream.data.alpaca.markets/v2/sip"),
        (TEST, "wss://stream.data.alpaca.markets/v2/test"),
        (CRYPTO, "wss://stream.data.alpaca.markets/v1beta3/crypto/us"),
    ],
)
def test_the_venues_own_addresses(venue: AlpacaMarketData, address: str) -> None:
    assert venue.stream_url("") == address
    assert venue.urls.rest() == "https://data.alpaca.markets"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("ws://127.0.0.1:8700", "ws://127.0.0.1:8700/v2/iex"),
        ("ws://127.0.0.1:8700/", "ws://127.0.0.1:8700/v2/iex"),
        ("wss://stream.data.alpaca.markets/v2/iex", "wss://stream.data.alpaca.markets/v2/iex"),
        (
            "wss://stream.data.sandbox.alpaca.markets/v2/delayed_sip/",
            "wss://stream.data.sandbox.alpaca.markets/v2/delayed_sip",
        ),
    ],
)
def test_another_host_or_a_whole_address(given: str, address: str) -> None:
    assert IEX.stream_url("", given) == address
