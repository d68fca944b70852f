"""The pure-Python core: clear first, fast second; the reference for what the native core must do."""

from __future__ import annotations

from .book import OrderBook
from .bookset import BookSet
from .callbacks import Callback, Callbacks
from .clock import monotonic_ns, wall_ns
from .decoder import Decoder
from .digest import Digest
from .events import Bar, BookDelta, BookSnapshot, Control, Liquidation, MarkPrice, Quote, Ticker, Trade
from .histogram import Histogram
from .limiter import BucketSet, TokenBucket
from .objects import Wanted, objects
from .ring import Ring
from .sequence import SequenceTracker
from .signer import Signer
from .symbols import SymbolTable
from .wire import WireReader
from .wire_result import WireResult

__all__ = [
    "PROFILE",
    "VERSION",
    "Bar",
    "BookDelta",
    "BookSet",
    "BookSnapshot",
    "BucketSet",
    "Callback",
    "Callbacks",
    "Control",
    "Decoder",
    "Digest",
    "Histogram",
    "Liquidation",
    "MarkPrice",
    "OrderBook",
    "Quote",
    "Ring",
    "SequenceTracker",
    "Signer",
    "SymbolTable",
    "Ticker",
    "TokenBucket",
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
