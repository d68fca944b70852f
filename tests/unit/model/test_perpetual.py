"""Figures of perpetuals are fixed and exact."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest

from tradewire.model import FundingRate, OpenInterest


def test_they_cannot_be_changed() -> None:
    rate = FundingRate("BTCUSDT", "binance", Decimal("-0.00001"), None, 7)
    interest = OpenInterest("BTCUSDT", "binance", Decimal("10659.509"), 7)
    assert (rate.mark_price, str(interest.quantity)) == (None, "10659.509")
    with pytest.raises(FrozenInstanceError):
        rate.time_ns = 8  # type: ignore[misc] # reason: what is tested
    with pytest.raises(FrozenInstanceError):
        interest.time_ns = 8  # type: ignore[misc] # reason: what is tested
