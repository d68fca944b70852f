"""The port that every registered venue fills."""

from __future__ import annotations

import dataclasses

import pytest

from tradewire.venues import registry
from tradewire.venues.base import ONE_MESSAGE, Channel, MarketDataVenue, Stream, StreamLimits

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


@pytest.mark.parametrize(("rate", "burst"), [(4.0, 4), (2.0, 2), (5.0, 5), (100 / 60, 4), (1.0, 1)])
def test_no_window_holds_more_control_messages_than_a_burst(rate: float, burst: int) -> None:
    limiter = StreamLimits(names_per_message=1, streams=1, messages_per_s=rate, message_burst=burst).limiter()
    now_ns, sent = 10**12, []
    while len(sent) < 200:
        ready_ns = limiter.try_take(ONE_MESSAGE, now_ns, now_ns, reserve=True)
        if ready_ns:
            assert ready_ns > now_ns
            now_ns = ready_ns
        else:
            sent.append(now_ns)
            if len(sent) == 50:
                now_ns += 60 * 10**9  # a pause earns no second burst
    window_ns = int(burst / rate * 1e9)
    for begin in sent:
        assert sum(begin <= at < begin + window_ns for at in sent) <= burst
    assert len(sent) / (sent[-1] - sent[0] - 60 * 10**9) * 1e9 > 0.95 * rate
