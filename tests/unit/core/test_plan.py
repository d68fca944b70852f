"""Plans are plain data: immutable, hashable, equal by value, picklable."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from tradewire.core.plan import Field, SequenceRule
from tradewire.venues.binance import SPOT_BOOK_RULE, SPOT_MARKET_DATA, USDM_BOOK_RULE, USDM_MARKET_DATA


@pytest.mark.parametrize("data", [USDM_MARKET_DATA, SPOT_MARKET_DATA, USDM_BOOK_RULE, SPOT_BOOK_RULE])
def test_equal_by_value(data: Any) -> None:
    copy = pickle.loads(pickle.dumps(data))  # noqa: S301 - our own bytes
    assert copy == data
    assert hash(copy) == hash(data)
    assert copy is not data


def test_immutable() -> None:
    field = Field("price", "p")
    with pytest.raises(FrozenInstanceError):
        field.key = "q"  # type: ignore[misc]
    assert replace(field, key="q") == Field("price", "q")


def test_defaults() -> None:
    assert Field("price", "p") == Field("price", "p", "decimal", required=True, sign="any", codes=())
    assert SequenceRule() == SequenceRule("straddle", "prev_link", 1000)
