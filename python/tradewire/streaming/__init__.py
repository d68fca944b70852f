"""Live market data: the gateway, its subscriptions, feed health, book keeping, recordings and their replay."""

from __future__ import annotations

from .events import (
    BookUpdate,
    ConnectionChanged,
    ConnectionState,
    FeedState,
    FeedStateChanged,
    GapDetected,
    Resynced,
    SubscriptionRefused,
)
from .gateway import StreamingGateway

__all__ = [
    "BookUpdate",
    "ConnectionChanged",
    "ConnectionState",
    "FeedState",
    "FeedStateChanged",
    "GapDetected",
    "Resynced",
    "StreamingGateway",
    "SubscriptionRefused",
]
