"""The pure-Python core: clear first, fast second; the reference for what the native core must do."""

from __future__ import annotations

from time import monotonic_ns
from time import time_ns as wall_ns

from .book import OrderBook
from .bookset import BookSet
from .decoder import Decoder
from .events import Bar, BookDelta, BookSnapshot, Control, Liquidation, MarkPrice, Quote, Ticker, Trade
from .objects import Wanted, objects
from .ring import Ring
from .sequence import SequenceTracker
from .symbols import SymbolTable
from .wire import WireReader, WireResult

__all__ = [
    "PROFILE",
    "VERSION",
    "Bar",
    "BookDelta",
    "BookSet",
    "BookSnapshot",
    "Control",
    "Decoder",
    "Liquidation",
    "MarkPrice",
    "OrderBook",
    "Quote",
    "Ring",
    "SequenceTracker",
    "SymbolTable",
    "Ticker",
    "Trade",
    "Wanted",
    "WireReader",
    "WireResult",
    "monotonic_ns",
    "objects",
    "wall_ns",
]

VERSION = "0.1.0"
PROFILE = "pure"
