"""The pure-Python core: clear first, fast second; the reference for what the native core must do."""

from __future__ import annotations

from time import monotonic_ns
from time import time_ns as wall_ns

from .decoder import Decoder
from .events import Bar, BookDelta, BookSnapshot, Control, Liquidation, MarkPrice, Quote, Ticker, Trade
from .objects import Wanted, objects
from .ring import Ring
from .symbols import SymbolTable

__all__ = [
    "PROFILE",
    "VERSION",
    "Bar",
    "BookDelta",
    "BookSnapshot",
    "Control",
    "Decoder",
    "Liquidation",
    "MarkPrice",
    "Quote",
    "Ring",
    "SymbolTable",
    "Ticker",
    "Trade",
    "Wanted",
    "monotonic_ns",
    "objects",
    "wall_ns",
]

VERSION = "0.1.0"
PROFILE = "pure"
