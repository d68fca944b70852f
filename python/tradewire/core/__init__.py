"""The hot core: decoding, rings, books, limits, histograms, signing. Native or pure, chosen once at import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._select import BUILD, IMPLEMENTATION, IMPORT_ERROR, load, selected
from .delivery import Digested, News
from .plan import Field, FieldPlan, Filter, Levels, SequenceRule, Shape, StreamName
from .protocols import FULL, REASONS, Batch, Event
from .record import (
    BACKFILL,
    CLOSED,
    INEXACT,
    INTERVALS,
    LAST,
    MORE,
    NO_SYMBOL,
    PARTIAL,
    RECORD,
    RECORD_VERSION,
    SIDE,
    SIDELESS,
    SLOTS,
    ControlStatus,
    Kind,
    view,
)

if TYPE_CHECKING:
    # Both implementations have the same names and types; the checker reads those of the native one.
    from ._native import (
        Bar,
        BookDelta,
        BookSet,
        BookSnapshot,
        BucketSet,
        Callback,
        Callbacks,
        Control,
        Decoder,
        Digest,
        Histogram,
        Liquidation,
        MarkPrice,
        OrderBook,
        Quote,
        Ring,
        SequenceTracker,
        Signer,
        SymbolTable,
        Ticker,
        TokenBucket,
        Trade,
        Wanted,
        WireReader,
        WireResult,
        monotonic_ns,
        objects,
        wall_ns,
    )

__all__ = [
    "BACKFILL",
    "BUILD",
    "CLOSED",
    "FULL",
    "IMPLEMENTATION",
    "IMPORT_ERROR",
    "INEXACT",
    "INTERVALS",
    "LAST",
    "MORE",
    "NO_SYMBOL",
    "PARTIAL",
    "REASONS",
    "RECORD",
    "RECORD_VERSION",
    "SIDE",
    "SIDELESS",
    "SLOTS",
    "Bar",
    "Batch",
    "BookDelta",
    "BookSet",
    "BookSnapshot",
    "BucketSet",
    "Callback",
    "Callbacks",
    "Control",
    "ControlStatus",
    "Decoder",
    "Digest",
    "Digested",
    "Event",
    "Field",
    "FieldPlan",
    "Filter",
    "Histogram",
    "Kind",
    "Levels",
    "Liquidation",
    "MarkPrice",
    "News",
    "OrderBook",
    "Quote",
    "Ring",
    "SequenceRule",
    "SequenceTracker",
    "Shape",
    "Signer",
    "StreamName",
    "SymbolTable",
    "Ticker",
    "TokenBucket",
    "Trade",
    "Wanted",
    "WireReader",
    "WireResult",
    "load",
    "monotonic_ns",
    "objects",
    "view",
    "wall_ns",
]

# What is not imported above comes from the chosen implementation.
globals().update({name: getattr(selected, name) for name in __all__ if name not in globals()})


def _rebuild_event(name: str, values: tuple[Any, ...]) -> Any:
    """Unpickles an event, as the class of the running implementation."""
    made = getattr(selected, name)
    return made(**dict(zip(made.__match_args__, values, strict=True)))
