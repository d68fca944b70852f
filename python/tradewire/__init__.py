"""tradewire connects trading strategies to venues: market data in, every hop measured.

The public names are loaded when they are first used, so that `import tradewire` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import ConfigLoader, ExchangeConfig, Secret
    from .core import (
        Bar,
        BookDelta,
        BookSet,
        BookSnapshot,
        BucketSet,
        Control,
        Decoder,
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
        WireReader,
        monotonic_ns,
        objects,
        view,
        wall_ns,
    )
    from .errors import CircuitOpenError
    from .model import (
        Imbalance,
        OrderRequest,
        OrderResponse,
        OrderSide,
        OrderType,
        PriceBand,
        TradeCancel,
        TradeCorrection,
        TradingStatus,
    )
    from .streaming import StreamingGateway, WebSocketManager
    from .transport.adaptive_limit import AdaptiveRateLimiter
    from .transport.auth import AuthManager
    from .transport.circuit_breaker import CircuitBreaker, circuit_breaker
    from .transport.connection_pool import ConnectionPool
    from .transport.rate_limit import RateLimitManager
    from .venues.adapter import DataProviderAdapter, RawMessage
    from .venues.base import TradingAPIInterface

    __version__: str

#: Public name -> module that holds it.
_HOMES = {
    **dict.fromkeys(
        (
            "Bar",
            "BookDelta",
            "BookSet",
            "BookSnapshot",
            "BucketSet",
            "Control",
            "Decoder",
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
            "WireReader",
            "monotonic_ns",
            "objects",
            "view",
            "wall_ns",
        ),
        "tradewire.core",
    ),
    "AdaptiveRateLimiter": "tradewire.transport.adaptive_limit",
    "AuthManager": "tradewire.transport.auth",
    "CircuitBreaker": "tradewire.transport.circuit_breaker",
    "CircuitOpenError": "tradewire.errors",
    "RateLimitManager": "tradewire.transport.rate_limit",
    "ConnectionPool": "tradewire.transport.connection_pool",
    **dict.fromkeys(("ConfigLoader", "ExchangeConfig", "Secret"), "tradewire.config"),
    **dict.fromkeys(
        (
            "Imbalance",
            "OrderRequest",
            "OrderResponse",
            "OrderSide",
            "OrderType",
            "PriceBand",
            "TradeCancel",
            "TradeCorrection",
            "TradingStatus",
        ),
        "tradewire.model",
    ),
    "DataProviderAdapter": "tradewire.venues.adapter",
    "RawMessage": "tradewire.venues.adapter",
    "StreamingGateway": "tradewire.streaming",
    "TradingAPIInterface": "tradewire.venues.base",
    "WebSocketManager": "tradewire.streaming",
    "circuit_breaker": "tradewire.transport.circuit_breaker",
}

__all__ = [
    "AdaptiveRateLimiter",
    "AuthManager",
    "Bar",
    "BookDelta",
    "BookSet",
    "BookSnapshot",
    "BucketSet",
    "CircuitBreaker",
    "CircuitOpenError",
    "ConfigLoader",
    "ConnectionPool",
    "Control",
    "DataProviderAdapter",
    "Decoder",
    "ExchangeConfig",
    "Histogram",
    "Imbalance",
    "Liquidation",
    "MarkPrice",
    "OrderBook",
    "OrderRequest",
    "OrderResponse",
    "OrderSide",
    "OrderType",
    "PriceBand",
    "Quote",
    "RateLimitManager",
    "RawMessage",
    "Ring",
    "Secret",
    "SequenceTracker",
    "Signer",
    "StreamingGateway",
    "SymbolTable",
    "Ticker",
    "TokenBucket",
    "Trade",
    "TradeCancel",
    "TradeCorrection",
    "TradingAPIInterface",
    "TradingStatus",
    "WebSocketManager",
    "WireReader",
    "circuit_breaker",
    "monotonic_ns",
    "objects",
    "view",
    "wall_ns",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from .core import BUILD

        return BUILD["version"]
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'tradewire' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
