"""What strategies and venues talk about: orders, positions, balances, market data events. Immutable types, no I/O."""

from __future__ import annotations

from tradewire.core import (
    Bar,
    BookDelta,
    BookSnapshot,
    Control,
    Liquidation,
    MarkPrice,
    Quote,
    Ticker,
    Trade,
)

from .account import Balance, Position
from .instrument import Instrument, InstrumentStatus
from .notices import Imbalance, PriceBand, TradeCancel, TradeCorrection, TradingStatus
from .orders import OrderRequest, OrderResponse, OrderSide, OrderStatus, OrderType, TimeInForce
from .perpetual import FundingRate, OpenInterest

__all__ = [
    "Balance",
    "Bar",
    "BookDelta",
    "BookSnapshot",
    "Control",
    "FundingRate",
    "Imbalance",
    "Instrument",
    "InstrumentStatus",
    "Liquidation",
    "MarkPrice",
    "OpenInterest",
    "OrderRequest",
    "OrderResponse",
    "OrderSide",
    "OrderStatus",
    "OrderType",
    "Position",
    "PriceBand",
    "Quote",
    "Ticker",
    "TimeInForce",
    "Trade",
    "TradeCancel",
    "TradeCorrection",
    "TradingStatus",
]
