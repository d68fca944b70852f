"""The port that every registered venue fills."""

from __future__ import annotations

import dataclasses

import pytest

from tradewire.venues import registry
from tradewire.venues.base import Channel, MarketDataVenue, Stream

#: Where BTC/USDT is no symbol.
SYMBOLS = {"alpaca": "AAPL", "alpaca_sip": "AAPL", "alpaca_test": "FAKEPACA"}


@pytest.mark.parametrize("name", registry.names())
def test_a_venue_has_all_of_the_port(name: str) -> None:
    venue = registry.load(name)
    wanted = {member for member in vars(MarketDataVenue) if not member.startswith("_")}
    assert {member for member in wanted if not hasattr(venue, member)} == set()


@pytest.mark.parametrize("name", registry.names())
def test_default_channels_exist_and_have_streams(name: str) -> None:
    venue = registry.load(name)
    for text in venue.default_channels:
        channel = venue.channel(text)
        assert isinstance(channel, Channel)
        assert isinstance(venue.stream(channel, venue.symbol(SYMBOLS.get(name, "BTC/USDT"))), Stream)


def test_channels_are_plain_data() -> None:
    channel = registry.load("binance").channel("trades")
    with pytest.raises(dataclasses.FrozenInstanceError):
        channel.name = "other"  # type: ignore[misc]
