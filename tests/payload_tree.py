"""Payloads as trees that tests change: objects whose keys may repeat, and every place in them. Not for writing them."""

from __future__ import annotations

from typing import Any


class Members(list[tuple[Any, Any]]):
    """An object (MessagePack: a map) of which keys may repeat."""


def places(value: Any) -> list[tuple[Any, int]]:
    """Every (object or array, index) in a value."""
    found: list[tuple[Any, int]] = []
    for index, each in enumerate(value if isinstance(value, list) else ()):
        found.append((value, index))
        found.extend(places(each[1] if isinstance(value, Members) else each))
    return found
