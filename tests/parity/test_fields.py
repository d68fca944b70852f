"""Checks of event arguments: the same type of error with the same text from both implementations."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from made_batches import example

U64 = 2**64 - 1
I64 = 2**63 - 1
INTERVALS = "1s, 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d, 3d, 1w, 1M"
PAIRS = "must hold (price, quantity) pairs"


class Fails:
    """Cannot be shown; whoever shows it gets this error and not another one."""

    def __repr__(self) -> str:
        raise OSError("no repr")


@pytest.mark.parametrize(
    ("name", "field", "value", "error", "text"),
    [
        ("Trade", "symbol", 1, TypeError, "symbol must be a str, was int"),
        ("Trade", "venue", None, TypeError, "venue must be a str, was NoneType"),
        ("Trade", "event_ns", 1.0, TypeError, "event_ns must be an integer, was float"),
        ("Trade", "recv_ns", "1", TypeError, "recv_ns must be an integer, was str"),
        ("Trade", "event_ns", I64 + 1, ValueError, f"event_ns must be {-I64 - 1}..{I64}, was {I64 + 1}"),
        ("Trade", "seq", None, TypeError, "seq must be an integer, was NoneType"),
        ("Trade", "seq", -1, ValueError, f"seq must be 0..{U64}, was -1"),
        ("Trade", "seq", U64 + 1, ValueError, f"seq must be 0..{U64}, was {U64 + 1}"),
        ("Trade", "flags", 256, ValueError, "flags must be 0..255, was 256"),
        ("Trade", "flags", "1", TypeError, "flags must be an integer, was str"),
        ("Trade", "price", "1.5", TypeError, "price must be a float, was str"),
        ("Trade", "price", None, TypeError, "price must be a float, was NoneType"),
        ("Trade", "quantity", Fraction(1, 2), TypeError, "quantity must be a float, was Fraction"),
        ("Trade", "price", 10**400, ValueError, "price must be within the range of a float"),
        ("Trade", "side", "SELL", ValueError, "side must be 'buy', 'sell' or None, was 'SELL'"),
        ("Trade", "side", [], ValueError, "side must be 'buy', 'sell' or None, was []"),
        ("Trade", "side", Fails(), OSError, "no repr"),
        ("Trade", "trade_id", 2**63, ValueError, f"trade_id must be {-I64 - 1}..{I64}, was {2**63}"),
        ("MarkPrice", "index_price", "x", TypeError, "index_price must be a float, was str"),
        ("Bar", "closed", 1, TypeError, "closed must be a bool, was int"),
        ("Bar", "interval", "7m", ValueError, f"interval must be one of {INTERVALS}, was '7m'"),
        ("Bar", "interval", None, ValueError, f"interval must be one of {INTERVALS}, was None"),
        ("Bar", "start_ns", None, TypeError, "start_ns must be an integer, was NoneType"),
        ("Control", "status", "fine", ValueError, "status must be one of ack, error, notice, unknown, was 'fine'"),
        ("Control", "status", 1, ValueError, "status must be one of ack, error, notice, unknown, was 1"),
        ("BookDelta", "bids", 1, TypeError, f"bids {PAIRS}"),
        ("BookDelta", "asks", [1], TypeError, f"asks {PAIRS}"),
        ("BookDelta", "asks", [(1.0, 2.0, 3.0)], ValueError, f"asks {PAIRS}"),
        ("BookDelta", "asks", [(1.0, "2")], TypeError, "asks must be a float, was str"),
    ],
)
def test_refusals(impl: ModuleType, name: str, field: str, value: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        example(impl, name, **{field: value})
    assert type(caught.value) is error
    assert str(caught.value) == text


class Name(StrEnum):
    BTC = "BTCUSDT"


class Text(str):
    """Not an exact str."""


class Number(float):
    """Not an exact float."""


def test_values_become_exact_types(impl: ModuleType) -> None:
    trade = example(
        impl,
        "Trade",
        symbol=Name.BTC,
        venue=Text("v"),
        event_ns=np.int64(5),
        seq=np.uint64(U64),
        price=np.float64(1.5),
        quantity=3,
        side=Text("sell"),
        trade_id=True,
    )
    fields = ("symbol", "venue", "event_ns", "seq", "price", "quantity", "side", "trade_id")
    values = tuple(getattr(trade, field) for field in fields)
    assert values == ("BTCUSDT", "v", 5, U64, 1.5, 3.0, "sell", 1)
    assert [type(value) for value in values] == [str, str, int, int, float, float, str, int]
    assert type(example(impl, "Trade", price=Number(1.5)).price) is float


def test_an_error_inside_an_iterable_is_passed_on(impl: ModuleType) -> None:
    with pytest.raises(ZeroDivisionError):
        example(impl, "BookDelta", bids=(1 // zero for zero in (0,)))
