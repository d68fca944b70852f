"""Notices: named fields, by attribute and by key."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

import tradewire
from tradewire import model
from tradewire.model.notices import NOTICES, Notice, TradingStatus

HALT = TradingStatus("alpaca", "AAPL", 1, 2, True, "H", "Trading Halt", "T12", "Halted", "C")


def test_fields_by_key() -> None:
    assert (HALT["symbol"], HALT["halted"], HALT["reason_code"]) == ("AAPL", True, "T12")
    with pytest.raises(KeyError, match="price"):
        HALT["price"]
    with pytest.raises(KeyError, match="__class__"):
        HALT["__class__"]


def test_they_are_values() -> None:
    assert TradingStatus("alpaca", "AAPL", 1, 2, True, "H", "Trading Halt", "T12", "Halted", "C") == HALT
    with pytest.raises(FrozenInstanceError):
        HALT.halted = False  # type: ignore[misc]


@pytest.mark.parametrize("sort", NOTICES)
def test_all_are_public_and_begin_alike(sort: type[Notice]) -> None:
    assert getattr(tradewire, sort.__name__) is getattr(model, sort.__name__) is sort
    assert [each.name for each in fields(sort)][:4] == ["venue", "symbol", "event_ns", "recv_ns"]
