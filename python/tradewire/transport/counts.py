"""Checks numbers of limiters and breakers: whole ones from a least one on, and times. Pools: `pool_settings.py`."""

from __future__ import annotations

__all__ = ["check_count", "check_seconds"]


def check_count(name: str, value: object, most: tuple[str, int] | None = None) -> None:
    """Passes 1, 2, 3 and so on.

    Args:
        name: of the argument.
        value: as given.
        most: name and value of the argument that it must not exceed.

    Raises:
        TypeError: not a whole number.
        ValueError: out of range.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, was {value!r}")
    if value < 1 or (most is not None and value > most[1]):
        allowed = "at least 1" if most is None else f"1..{most[0]} ({most[1]})"
        raise ValueError(f"{name} must be {allowed}, was {value}")


def check_seconds(name: str, value: object) -> None:
    """Passes times over 0, up to thirty years.

    Raises:
        TypeError: not a number.
        ValueError: out of range, or NaN.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number of seconds, was {value!r}")
    if not 0 < value <= 1e9:
        raise ValueError(f"{name} must be over 0 and at most 1e9 seconds, was {value}")
