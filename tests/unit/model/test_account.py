"""Positions and balances are fixed and exact."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from tradewire.model import Balance, Position


def test_total() -> None:
    assert Balance("USDT", Decimal("10.5"), Decimal("0.25")).total == Decimal("10.75")
    assert Balance("USD", Decimal(1)).locked == 0


def test_fixed() -> None:
    position = Position("AAPL", Decimal(-3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        position.quantity = Decimal(0)  # type: ignore[misc]
    assert position.entry_price is None
