"""Integer arguments: one check, one wording, the same as `rust_core/bindings/src/argument.rs`. Not for other types."""

from __future__ import annotations

from operator import index
from typing import SupportsIndex

__all__ = ["integer"]


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
