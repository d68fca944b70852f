"""Checks of event constructor arguments: one function per type of field. Not for payloads: the decoder checks those."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any, Literal

from tradewire.core import record

from .argument import integer

__all__ = [
    "U8",
    "U64",
    "check_bool",
    "check_float",
    "check_int",
    "check_interval",
    "check_levels",
    "check_side",
    "check_status",
    "check_text",
    "optional_float",
    "optional_int",
]

I64 = (-(2**63), 2**63 - 1)
U64 = (0, 2**64 - 1)
U8 = (0, 255)
Status = Literal["ack", "error", "notice", "unknown"]

_SIDES = {"buy": 0, "sell": record.SIDE, None: record.SIDELESS}
_STATUSES: tuple[Status, ...] = ("ack", "error", "notice", "unknown")


def check_text(name: str, value: object) -> str:
    """An exact str."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, was {type(value).__name__}")
    return str.__str__(value)


def check_bool(name: str, value: object) -> bool:
    """A bool."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, was {type(value).__name__}")
    return value


def check_int(name: str, value: Any, limits: tuple[int, int] = I64) -> int:
    """An exact int within `limits`."""
    return int(integer(value, name, *limits))


def optional_int(name: str, value: Any) -> int | None:
    """An int, or None, which -1 stands for in records."""
    number = None if value is None else check_int(name, value)
    return None if number == -1 else number


def check_float(name: str, value: Any) -> float:
    """An exact float; ints are converted."""
    if isinstance(value, float):
        return float.__float__(value)
    try:
        return float(index(value))
    except TypeError:
        raise TypeError(f"{name} must be a float, was {type(value).__name__}") from None
    except OverflowError:
        raise ValueError(f"{name} must be within the range of a float") from None


def optional_float(name: str, value: Any) -> float | None:
    """A float, or None, which NaN stands for in records."""
    number = None if value is None else check_float(name, value)
    return None if number != number else number


def check_levels(name: str, value: Iterable[Any]) -> tuple[tuple[float, float], ...]:
    """An iterable of (price, quantity) pairs."""
    try:
        pairs = [tuple(pair) for pair in value]
    except TypeError:
        raise TypeError(f"{name} must hold (price, quantity) pairs") from None
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{name} must hold (price, quantity) pairs")
    return tuple((check_float(name, price), check_float(name, quantity)) for price, quantity in pairs)


def check_side(side: object) -> int:
    """The flag bits of a side."""
    if isinstance(side, str | None) and side in _SIDES:
        return _SIDES[side]
    raise ValueError(f"side must be 'buy', 'sell' or None, was {side!r}")


def check_status(status: Any) -> Status:
    """A status of a Control message."""
    if not isinstance(status, str) or status not in _STATUSES:
        raise ValueError(f"status must be one of {', '.join(_STATUSES)}, was {status!r}")
    return _STATUSES[_STATUSES.index(status)]


def check_interval(interval: Any) -> str:
    """A name of a bar interval, or "" where the venue gave another one."""
    if not isinstance(interval, str) or (interval and interval not in record.INTERVALS):
        raise ValueError(f"interval must be one of {', '.join(record.INTERVALS)}, was {interval!r}")
    return str.__str__(interval)
