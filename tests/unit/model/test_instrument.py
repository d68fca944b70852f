"""Instruments are fixed and exact."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from decimal import Decimal

import pytest

from tradewire.model import Instrument, InstrumentStatus


def test_an_instrument_cannot_be_changed() -> None:
    steps = (Decimal("0.10"), Decimal("0.001"), Decimal("0.001"), Decimal(5))
    one = Instrument("BTCUSDT", "binance", "BTC", "USDT", *steps, InstrumentStatus.TRADING)
    assert one == Instrument("BTCUSDT", "binance", "BTC", "USDT", *steps, InstrumentStatus("trading"))
    with pytest.raises(FrozenInstanceError):
        one.price_step = Decimal(1)  # type: ignore[misc] # reason: what is tested
