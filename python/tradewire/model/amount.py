"""Exact decimal amounts from what people and venues write. Never by way of binary fractions; not for market data."""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["Amount", "amount"]

#: What an amount may be given as.
Amount = Decimal | int | float | str

#: ASCII digits only: Python's own parsers also take `1_000`, ` 1 `, `NaN` and full-width digits.
_TEXT = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_LONGEST = 40


def amount(name: str, value: Amount, *, negative: bool = False, zero: bool = False) -> Decimal:
    """The exact value; a float counts as the shortest text that means it, so 150.1 is 150.1.

    Args:
        name: of the field, for messages.
        value: finite.
        negative: whether it may be below zero.
        zero: whether it may be zero.

    Raises:
        TypeError: no number and no text.
        ValueError: not a plain finite decimal, or out of range; names field and value.
    """
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise TypeError(f"{name} must be a Decimal, int, float or decimal text, was {type(value).__name__}")
    if isinstance(value, str) and (len(value) > _LONGEST or not _TEXT.fullmatch(value)):
        raise ValueError(f"{name} must be a plain decimal such as '0.001', was {value[:_LONGEST]!r}")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise ValueError(f"{name} must be finite, was {value}")
    if exact < 0 and not negative:
        raise ValueError(f"{name} must not be negative, was {value}")
    if exact == 0 and not zero:
        raise ValueError(f"{name} must be above 0, was {value}")
    return exact
