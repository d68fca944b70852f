"""HTTP face of the simulated USD-M venue: market data calls and their weights. No streams."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from tradewire.sim import binance_messages as messages
from tradewire.sim.binance_calls import (
    CallFace,
    Refused,
    empty,
    number_of,
    one,
    span_of,
    wall_ms,
)
from tradewire.sim.binance_listing import exchange_info

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tradewire.sim.binance_feed import Feed
    from tradewire.sim.chaos import Chaos

    Query = Mapping[str, str]

__all__ = ["RestFace"]

_DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1_000: 20}


class RestFace(CallFace):
    """The calls of USD-M."""

    def __init__(
        self,
        feed: Feed,
        *,
        weight_limit: int = 2_400,
        now_ms: Callable[[], int] = wall_ms,
        chaos: Chaos | None = None,
    ) -> None:
        super().__init__(feed.market, weight_limit=weight_limit, now_ms=now_ms, chaos=chaos)
        self._feed = feed
        self._info = exchange_info([pit.instrument for pit in feed.market.pits.values()], now_ms(), weight_limit)

    def calls(self) -> list[tuple[str, Callable[[Query], str], Callable[[Query], int]]]:
        """Part of `CallFace`."""
        return [
            ("/fapi/v1/ping", empty, one),
            ("/fapi/v1/time", self.server_time, one),
            ("/fapi/v1/exchangeInfo", self._exchange_info, one),
            ("/fapi/v1/depth", self._depth, _depth_weight),
            ("/fapi/v1/trades", partial(self.trades, row=messages.rest_trade), lambda _query: 5),
            ("/fapi/v1/aggTrades", partial(self.agg_trades, row=messages.rest_agg_trade), lambda _query: 20),
            ("/fapi/v1/klines", partial(self.klines, most=1_500), _klines_weight),
            ("/fapi/v1/premiumIndex", self._premium_index, lambda query: 1 if "symbol" in query else 10),
            ("/fapi/v1/openInterest", self._open_interest, one),
            # These have a limit of their own, which is not counted here.
            ("/fapi/v1/fundingRate", self._funding, lambda _query: 0),
            ("/fapi/v1/ticker/24hr", self._day, lambda query: 1 if "symbol" in query else 40),
            ("/fapi/v1/ticker/bookTicker", self._book_ticker, lambda query: 2 if "symbol" in query else 5),
            ("/fapi/v1/ticker/price", self._price, lambda query: 1 if "symbol" in query else 2),
            ("/fapi/v2/ticker/price", self._price, lambda query: 1 if "symbol" in query else 2),
        ]

    def _exchange_info(self, _query: Query) -> str:
        return json.dumps({**self._info, "serverTime": self.now_ms()}, ensure_ascii=False, separators=(",", ":"))

    def _depth(self, query: Query) -> str:
        pit = self.pit(query)
        text = query.get("limit", "500")
        if text not in map(str, _DEPTH_WEIGHTS):
            raise Refused(-4021, f"{text} is not valid depth limit.")
        return messages.rest_depth(pit, int(text), self.now_ms())

    def _premium_index(self, query: Query) -> str:
        now_ms = self.now_ms()
        return self.each(
            query,
            lambda pit: messages.rest_premium_index(pit.instrument, *self._feed.mark_and_index(pit), now_ms),
        )

    def _open_interest(self, query: Query) -> str:
        pit = self.pit(query)
        return messages.rest_open_interest(pit.instrument, pit.instrument.typical_lots * 10_000, self.now_ms())

    def _funding(self, query: Query) -> str:
        """The payments of eight hours each, as far back as anybody asks."""
        pit, limit = self.pit(query), number_of(query, "limit", 1, 1_000) or 100
        start_ms, end_ms = span_of(query)
        last = min(end_ms, self.now_ms()) // messages.FUNDING_MS
        first = max(-(-(start_ms or 0) // messages.FUNDING_MS), 0 if start_ms is not None else last - limit + 1)
        mark, every_ms = self._feed.mark_and_index(pit)[0], messages.FUNDING_MS
        times = range(first, min(last, first + limit - 1) + 1)
        return f"[{','.join(messages.rest_funding(pit.instrument, mark, time * every_ms) for time in times)}]"

    def _day(self, query: Query) -> str:
        now_ms = self.now_ms()
        return self.each(
            query,
            lambda pit: messages.rest_day(pit.instrument, pit.history.day(now_ms), pit.history.last_lots, now_ms),
        )

    def _book_ticker(self, query: Query) -> str:
        return self.each(query, messages.rest_book_ticker)

    def _price(self, query: Query) -> str:
        now_ms = self.now_ms()
        return self.each(query, lambda pit: messages.rest_price(pit.instrument, pit.history.last_price, now_ms))


def _depth_weight(query: Query) -> int:
    """Without a limit only 1 was charged when it was measured; a bad limit costs as much."""
    text = query.get("limit", "")
    return _DEPTH_WEIGHTS.get(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 5 else 1


def _klines_weight(query: Query) -> int:
    """The measured edges are inclusive, and a request without a limit cost 5."""
    text = query.get("limit", "1000")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1
    return next((weight for most, weight in ((100, 1), (500, 2), (1_000, 5)) if limit <= most), 10)
