"""Live market data: the gateway, its subscriptions, feed health, book keeping, recordings and their replay."""

from __future__ import annotations

from .events import (
    BackFilled,
    BookUpdate,
    ConnectionChanged,
    ConnectionRotated,
    ConnectionState,
    FallbackChanged,
    FeedAlert,
    FeedState,
    FeedStateChanged,
    GapDetected,
    RemedyTaken,
    Resynced,
    SubscriptionRefused,
)
from .gateway import StreamingGateway
from .ladder import Rung
from .manager import WebSocketManager

__all__ = [
    "BackFilled",
    "BookUpdate",
    "ConnectionChanged",
    "ConnectionRotated",
    "ConnectionState",
    "FallbackChanged",
    "FeedAlert",
    "FeedState",
    "FeedStateChanged",
    "GapDetected",
    "RemedyTaken",
    "Resynced",
    "Rung",
    "StreamingGateway",
    "SubscriptionRefused",
    "WebSocketManager",
]
