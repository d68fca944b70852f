"""Alpaca stocks and crypto: field plans and the sequence rule of their market data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .plans import ALPACA_BOOK_RULE, market_data

__all__ = ["ALPACA_BOOK_RULE", "market_data"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import plans

        return getattr(plans, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
