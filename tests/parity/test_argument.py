"""Numeric arguments are judged alike, with the same words, on both cores."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from tradewire import core

NATIVE, PURE = core.load("native"), core.load("pure")


class Index:
    def __index__(self) -> int:
        return 3


def outcome(made: Any, *arguments: Any) -> tuple[str, Any]:
    """What a constructor says: its burst and rate, or its error."""
    try:
        bucket = made.TokenBucket(*arguments)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error)
    return "made", (bucket.rate_per_s, bucket.burst)


INTEGERS = [1, 0, -1, True, 2**31, 2**31 + 1, 2**63, -(2**63) - 1, 10**30, 1.0, "1", None, b"1", Index(), np.int64(4)]
REALS = [1, 1.5, 0, -1, 1e-6, 1e9, 1.1e9, float("nan"), float("inf"), 10**400, "1", None, Decimal(2), np.float32(3)]


@pytest.mark.parametrize("value", INTEGERS, ids=repr)
def test_integers(value: object) -> None:
    assert outcome(NATIVE, 1000.0, value) == outcome(PURE, 1000.0, value)


@pytest.mark.parametrize("value", REALS, ids=lambda value: repr(value)[:20])
def test_reals(value: object) -> None:
    assert outcome(NATIVE, value, 1) == outcome(PURE, value, 1)


def test_the_words() -> None:
    assert outcome(PURE, 1000.0, "1") == ("TypeError", "burst must be an integer, was str")
    assert outcome(PURE, 1000.0, 0) == ("ValueError", "burst must be 1..2147483648, was 0")
    assert outcome(PURE, "fast", 1) == ("TypeError", "rate_per_s must be a number, was str")
    assert outcome(PURE, float("nan"), 1) == ("ValueError", "rate_per_s must be 1e-6..1e9, was nan")
