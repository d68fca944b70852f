"""HTTP face of the simulated Spot venue: market data calls and their weights. No streams."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from tradewire.sim import binance_spot_messages as messages
from tradewire.sim.binance_calls import (
    CallFace,
    Refused,
    empty,
    number_of,
    one,
    wall_ms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiohttp import web

    from tradewire.sim.binance_spot_feed import SpotFeed
    from tradewire.sim.chaos import Chaos
    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit

    Query = Mapping[str, str]

__all__ = ["SpotRestFace"]

_DEEPEST = 5_000
_TIMES = re.compile(r'"(time|T|serverTime|openTime|closeTime)":(\d+)')


class SpotRestFace(CallFace):
    """The calls of Spot."""

    weight_headers: ClassVar[tuple[str, ...]] = ("x-mbx-used-weight", "x-mbx-used-weight-1m")

    def __init__(
        self,
        feed: SpotFeed,
        *,
        weight_limit: int = 6_000,
        now_ms: Callable[[], int] = wall_ms,
        chaos: Chaos | None = None,
    ) -> None:
        super().__init__(feed.market, weight_limit=weight_limit, now_ms=now_ms, chaos=chaos)

    def calls(self) -> list[tuple[str, Callable[[Query], str], Callable[[Query], int]]]:
        """Part of `CallFace`."""
        return [
            ("/api/v3/ping", empty, one),
            ("/api/v3/time", self.server_time, one),
            ("/api/v3/exchangeInfo", self._exchange_info, lambda _query: 20),
            ("/api/v3/depth", self._depth, _depth_weight),
            ("/api/v3/trades", partial(self.trades, row=messages.rest_trade), lambda _query: 25),
            ("/api/v3/aggTrades", partial(self.agg_trades, row=messages.rest_agg_trade), lambda _query: 4),
            ("/api/v3/klines", partial(self.klines, most=1_000), lambda _query: 2),
            ("/api/v3/ticker/24hr", self._day, lambda query: 2 if "symbol" in query else 80),
            ("/api/v3/ticker/bookTicker", self._book_ticker, lambda query: 2 if "symbol" in query else 4),
            ("/api/v3/ticker/price", self._price, lambda query: 2 if "symbol" in query else 4),
        ]

    def in_unit(self, request: web.Request, body: str) -> str:
        """Part of `CallFace`: milliseconds, or microseconds by the header of the request."""
        if request.headers.get("X-MBX-TIME-UNIT", "").upper() != "MICROSECOND":
            return body
        if not request.path.endswith("/klines"):
            return _TIMES.sub(r'"\1":\g<2>000', body)
        rows = [[row[0] * 1_000, *row[1:6], row[6] * 1_000 + 999, *row[7:]] for row in json.loads(body)]
        return json.dumps(rows, separators=(",", ":"))

    def _exchange_info(self, query: Query) -> str:
        pits = [self.pit(query)] if "symbol" in query else self._several(query)
        info: dict[str, Any] = {
            "timezone": "UTC",
            "serverTime": self.now_ms(),
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self.weight_limit},
                {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
            ],
            "exchangeFilters": [],
            "symbols": [_listing(pit.instrument) for pit in pits],
        }
        return json.dumps(info, ensure_ascii=False, separators=(",", ":"))

    def _several(self, query: Query) -> list[Pit]:
        """The markets of the JSON list `symbols`; all without it."""
        text = query.get("symbols")
        if text is None:
            return list(self._market.pits.values())
        try:
            names = json.loads(text)
        except (ValueError, RecursionError):
            names = None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise Refused(-1100, "Illegal characters found in parameter 'symbols'; it is a JSON list of names.")
        return [self.pit({"symbol": name}) for name in names]

    def _rows(self, query: Query, row: Callable[[Pit], str]) -> str:
        if "symbols" not in query:
            return self.each(query, row)
        return f"[{','.join(row(pit) for pit in self._several(query))}]"

    def _depth(self, query: Query) -> str:
        pit = self.pit(query)
        return messages.partial_depth(pit, min(number_of(query, "limit", 1, 1 << 31) or 100, _DEEPEST))

    def _day(self, query: Query) -> str:
        now_ms = self.now_ms()
        return self._rows(
            query, lambda pit: messages.rest_day(pit, pit.history.day(now_ms), pit.history.last_lots, now_ms)
        )

    def _book_ticker(self, query: Query) -> str:
        return self._rows(query, messages.rest_book_ticker)

    def _price(self, query: Query) -> str:
        return self._rows(query, lambda pit: messages.rest_price(pit.instrument, pit.history.last_price))


def _depth_weight(query: Query) -> int:
    text = query.get("limit", "100")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 100
    return next((weight for most, weight in ((100, 5), (500, 25), (1_000, 50)) if limit <= most), 250)


def _listing(item: Instrument) -> dict[str, Any]:
    price, quantity = item.price_text, item.quantity_text
    return {
        "symbol": item.symbol,
        "status": "TRADING",
        "baseAsset": item.base,
        "baseAssetPrecision": 8,
        "quoteAsset": item.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [
            "LIMIT",
            "LIMIT_MAKER",
            "MARKET",
            "STOP_LOSS",
            "STOP_LOSS_LIMIT",
            "TAKE_PROFIT",
            "TAKE_PROFIT_LIMIT",
        ],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": price[1],
                "maxPrice": price[item.start_price * 50],
                "tickSize": price[1],
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": quantity[1],
                "maxQty": quantity[item.typical_lots * 5_000],
                "stepSize": quantity[1],
            },
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {
                "filterType": "MARKET_LOT_SIZE",
                "minQty": "0.00000000",
                "maxQty": quantity[item.typical_lots * 1_000],
                "stepSize": "0.00000000",
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00000000",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }
