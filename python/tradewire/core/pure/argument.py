"""Numeric arguments: one check, one wording, the same as `rust_core/bindings/src/argument.rs`. Not for other types."""

from __future__ import annotations

from operator import index
from time import monotonic_ns
from typing import SupportsFloat, SupportsIndex

__all__ = ["integer", "now", "real"]

_HIGHEST_NOW_NS = 2**62 - 1


def integer(value: SupportsIndex, name: str, lowest: int, highest: int) -> int:
    """The integer `value`, if it lies in `lowest..highest`; anything with `__index__` is an integer.

    Raises:
        TypeError: not an integer.
        ValueError: outside the range.
    """
    try:
        number = index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, was {type(value).__name__}") from None
    if not lowest <= number <= highest:
        raise ValueError(f"{name} must be {lowest}..{highest}, was {value}")
    return number


def real(value: SupportsFloat | SupportsIndex, name: str, lowest: float, highest: float, shown: str) -> float:
    """The number `value` as a float, if it lies in `lowest..highest`, which messages show as `shown`.

    Raises:
        TypeError: not a number.
        ValueError: outside the range, or NaN.
    """
    if not isinstance(value, SupportsFloat | SupportsIndex):
        raise TypeError(f"{name} must be a number, was {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not lowest <= number <= highest:
        raise ValueError(f"{name} must be {shown}, was {value}")
    return number


def now(value: SupportsIndex | None) -> int:
    """The time `value`, or that of the monotonic clock for None; ns."""
    return monotonic_ns() if value is None else integer(value, "now_ns", 0, _HIGHEST_NOW_NS)
