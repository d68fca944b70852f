"""Venues by name. A venue is loaded when it is first asked for; third parties `register` theirs."""

from __future__ import annotations

import importlib
from typing import cast

from tradewire.errors import UnsupportedError

from .base import MarketDataVenue

__all__ = ["load", "names", "register"]

#: name -> "module:attribute" of a `MarketDataVenue`.
_VENUES = {
    "binance": "tradewire.venues.binance.stream:USDM",
    "binance_spot": "tradewire.venues.binance.stream:SPOT",
}


def names() -> list[str]:
    """The known venues, in alphabetical order."""
    return sorted(_VENUES)


def register(name: str, path: str) -> None:
    """Makes a venue known.

    Args:
        name: as in `StreamingGateway(venue=name)`.
        path: `"package.module:ATTRIBUTE"` of a `MarketDataVenue`.

    Raises:
        ValueError: the path is not written so, or the name belongs to another venue.
    """
    if path.count(":") != 1:
        raise ValueError(f"path must be 'package.module:ATTRIBUTE', was {path!r}")
    if _VENUES.get(name, path) != path:
        raise ValueError(f"venue {name!r} is already registered as {_VENUES[name]}")
    _VENUES[name] = path


def load(name: str) -> MarketDataVenue:
    """The venue of that name.

    Raises:
        UnsupportedError: no such venue; the message lists the known ones.
    """
    path = _VENUES.get(name)
    if path is None:
        raise UnsupportedError(f"venue must be one of {', '.join(names())}, was {name!r}")
    module, attribute = path.split(":")
    return cast(MarketDataVenue, getattr(importlib.import_module(module), attribute))
