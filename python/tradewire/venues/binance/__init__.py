"""Binance USD-M futures and Spot: market data by request, and how their messages look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import BinanceMarketDataClient
    from .plans import (
        SPOT_BOOK_RULE,
        SPOT_MARKET_DATA,
        USDM_BOOK_RULE,
        USDM_MARKET_DATA,
    )

__all__ = [
    "SPOT_BOOK_RULE",
    "SPOT_MARKET_DATA",
    "USDM_BOOK_RULE",
    "USDM_MARKET_DATA",
    "BinanceMarketDataClient",
]


def __getattr__(name: str) -> Any:
    if name == "BinanceMarketDataClient":
        from .client import BinanceMarketDataClient

        return BinanceMarketDataClient
    if name in __all__:
        from . import plans

        return getattr(plans, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
