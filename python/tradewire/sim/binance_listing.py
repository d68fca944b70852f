"""The simulated USD-M venue's exchangeInfo: limits, assets and the rules of each symbol. No market state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tradewire.sim.instruments import Instrument

__all__ = ["exchange_info"]

_NEVER_MS = 4_133_404_800_000  # delivery date of a perpetual, as the venue writes it


def exchange_info(instruments: Sequence[Instrument], onboard_ms: int, weight_limit: int) -> dict[str, Any]:
    """The reply of `GET /fapi/v1/exchangeInfo` but for `serverTime`."""
    return {
        "timezone": "UTC",
        "serverTime": 0,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight_limit},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "-10000"}
            for asset in dict.fromkeys(item.quote for item in instruments)
        ],
        "symbols": [_symbol(item, onboard_ms, index) for index, item in enumerate(instruments)],
    }


def _symbol(item: Instrument, onboard_ms: int, index: int) -> dict[str, Any]:
    quantity = item.quantity_text
    filters: list[dict[str, Any]] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": item.price_text[1],
            "maxPrice": item.price_text[item.start_price * 50],
            "tickSize": item.price_text[1],
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": quantity[1],
            "maxQty": quantity[item.typical_lots * 5_000],
            "stepSize": quantity[1],
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": quantity[1],
            "maxQty": quantity[item.typical_lots * 1_000],
            "stepSize": quantity[1],
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.0500",
            "multiplierDown": "0.9500",
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
    if index % 2:  # the order of keys inside filters differs from symbol to symbol on the venue
        filters = [dict(reversed(entry.items())) for entry in filters]
    return {
        "symbol": item.symbol,
        "pair": item.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _NEVER_MS,
        "onboardDate": onboard_ms,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": item.base,
        "quoteAsset": item.quote,
        "marginAsset": item.quote,
        "pricePrecision": item.price_decimals,
        "quantityPrecision": item.quantity_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": ["Crypto"],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10000,
        "filters": filters,
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY", "DCA", "PSB"],
    }
