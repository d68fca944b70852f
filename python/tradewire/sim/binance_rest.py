"""HTTP face of the simulated USD-M venue: market data calls, request weights and error bodies. No streams."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from aiohttp import web

from tradewire.sim import binance_messages as messages
from tradewire.sim.binance_listing import exchange_info
from tradewire.sim.history import INTERVALS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tradewire.sim.binance_feed import Feed
    from tradewire.sim.chaos import Chaos
    from tradewire.sim.faults import Refusal
    from tradewire.sim.market import Pit

    Query = Mapping[str, str]

__all__ = ["RestFace", "refusal_body"]

_MINUTE_MS = 60_000
_DIGITS = 19
_ENDLESS = 1 << 62
_DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1_000: 20}


class _Refused(Exception):  # noqa: N818 # reason: a reply of the venue, not an error of ours
    def __init__(self, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status
        self.body = json.dumps({"code": code, "msg": text}, separators=(",", ":"))


def _number(query: Query, name: str, least: int, greatest: int) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    # The length first: Python refuses to read numbers of thousands of digits.
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS or not least <= int(text) <= greatest:
        raise _Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return int(text)


def _limit(query: Query, greatest: int) -> int:
    return _number(query, "limit", 1, greatest) or 500


def _start(query: Query, name: str) -> int | None:
    """A time or an id from which on; 0 is one, and not the same as none."""
    return _number(query, name, 0, _ENDLESS)


def _span(query: Query) -> tuple[int | None, int]:
    start_ms, end_ms = _start(query, "startTime"), _start(query, "endTime")
    end_ms = _ENDLESS if end_ms is None else end_ms
    if (start_ms or 0) > end_ms:
        raise _Refused(-1023, "Start time is greater than end time.")
    return start_ms, end_ms


class RestFace:
    """The calls, as an aiohttp application.

    Attributes:
        weight_limit: weight a minute and address (the UTC clock minute, as measured on the venue).
        now_ms: the venue's clock.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        weight_limit: int = 2_400,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        chaos: Chaos | None = None,
    ) -> None:
        self.weight_limit = weight_limit
        self._feed = feed
        self.now_ms = now_ms
        self._chaos = chaos
        self._minute = 0
        self._used: dict[str, int] = {}
        self._info = exchange_info([pit.instrument for pit in feed.market.pits.values()], now_ms(), weight_limit)

    def application(self) -> web.Application:
        """A fresh aiohttp application with all calls."""
        app = web.Application()
        calls: list[tuple[str, Callable[[Query], str], Callable[[Query], int]]] = [
            ("/fapi/v1/ping", lambda _query: "{}", _one),
            ("/fapi/v1/time", lambda _query: f'{{"serverTime":{self.now_ms()}}}', _one),
            ("/fapi/v1/exchangeInfo", self._exchange_info, _one),
            ("/fapi/v1/depth", self._depth, _depth_weight),
            ("/fapi/v1/trades", self._trades, lambda _query: 5),
            ("/fapi/v1/aggTrades", self._agg_trades, lambda _query: 20),
            ("/fapi/v1/klines", self._klines, _klines_weight),
            ("/fapi/v1/premiumIndex", self._premium_index, lambda query: 1 if "symbol" in query else 10),
            ("/fapi/v1/ticker/24hr", self._day, lambda query: 1 if "symbol" in query else 40),
            ("/fapi/v1/ticker/bookTicker", self._book_ticker, lambda query: 2 if "symbol" in query else 5),
            ("/fapi/v1/ticker/price", self._price, lambda query: 1 if "symbol" in query else 2),
            ("/fapi/v2/ticker/price", self._price, lambda query: 1 if "symbol" in query else 2),
        ]
        for path, call, weight in calls:
            app.router.add_get(path, self._serve(call, weight))
        return app

    def _serve(
        self, call: Callable[[Query], str], weight: Callable[[Query], int]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            used = self._charge(request.remote or "", weight(request.query))
            headers = {"x-mbx-used-weight-1m": str(used)}
            try:
                if "X-MBX-APIKEY" in request.headers and self._chaos and self._chaos.refuses_credentials():
                    raise _Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
                if used > self.weight_limit:
                    headers["retry-after"] = str(60 - self.now_ms() // 1000 % 60)
                    raise _Refused(
                        -1003,
                        f"Too many requests; current limit of IP({request.remote}) is {self.weight_limit} requests "
                        "per minute. Please use the websocket for live updates to avoid polling the API.",
                        429,
                    )
                status, body = 200, call(request.query)
            except _Refused as refusal:
                status, body = refusal.status, refusal.body
            response = web.Response(text=body, status=status, headers=headers, content_type="application/json")
            if len(body) > 1_000:
                response.enable_compression()
            return response

        return handle

    def _charge(self, address: str, weight: int) -> int:
        """Count a request, refused ones too; the weight used in this minute."""
        minute = self.now_ms() // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._used.clear()
        self._used[address] = used = self._used.get(address, 0) + weight
        return used

    def _pit(self, query: Query) -> Pit:
        symbol = query.get("symbol")
        if not symbol:
            raise _Refused(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        pit = self._feed.market.pits.get(symbol.upper())
        if pit is None:
            raise _Refused(-1121, "Invalid symbol.")
        return pit

    def _each(self, query: Query, row: Callable[[Pit], str]) -> str:
        """One object for a symbol, an array of all without one."""
        if "symbol" in query:
            return row(self._pit(query))
        return f"[{','.join(row(pit) for pit in self._feed.market.pits.values())}]"

    def _exchange_info(self, _query: Query) -> str:
        return json.dumps({**self._info, "serverTime": self.now_ms()}, ensure_ascii=False, separators=(",", ":"))

    def _depth(self, query: Query) -> str:
        pit = self._pit(query)
        text = query.get("limit", "500")
        if text not in map(str, _DEPTH_WEIGHTS):
            raise _Refused(-4021, f"{text} is not valid depth limit.")
        return messages.rest_depth(pit, int(text), self.now_ms())

    def _trades(self, query: Query) -> str:
        pit = self._pit(query)
        items = list(pit.history.trades)[-_limit(query, 1_000) :]
        return f"[{','.join(messages.rest_trade(pit.instrument, item) for item in items)}]"

    def _agg_trades(self, query: Query) -> str:
        pit = self._pit(query)
        limit = _limit(query, 1_000)
        first_id = _start(query, "fromId")
        start_ms, end_ms = _span(query)
        items = [
            item
            for item in pit.history.agg_trades
            if item.agg_id >= (first_id or 0) and (start_ms or 0) <= item.time_ms <= end_ms
        ]
        items = items[-limit:] if first_id is None and start_ms is None else items[:limit]
        return f"[{','.join(messages.rest_agg_trade(pit.instrument, item) for item in items)}]"

    def _klines(self, query: Query) -> str:
        pit = self._pit(query)
        interval = query.get("interval")
        if not interval:
            raise _Refused(-1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.")
        if interval not in INTERVALS:
            raise _Refused(-1120, "Invalid interval.")
        limit = _limit(query, 1_500)
        start_ms, end_ms = _span(query)
        bars = pit.history.bars(interval, start_ms, end_ms, limit)
        return f"[{','.join(messages.rest_kline(pit.instrument, bar, interval) for bar in bars)}]"

    def _premium_index(self, query: Query) -> str:
        now_ms = self.now_ms()
        return self._each(
            query,
            lambda pit: messages.rest_premium_index(pit.instrument, *self._feed.mark_and_index(pit), now_ms),
        )

    def _day(self, query: Query) -> str:
        now_ms = self.now_ms()
        return self._each(
            query,
            lambda pit: messages.rest_day(
                pit.instrument,
                pit.history.day(now_ms),
                pit.history.trades[-1].lots if pit.history.trades else 0,
                now_ms,
            ),
        )

    def _book_ticker(self, query: Query) -> str:
        return self._each(query, messages.rest_book_ticker)

    def _price(self, query: Query) -> str:
        now_ms = self.now_ms()
        return self._each(query, lambda pit: messages.rest_price(pit.instrument, pit.history.last_price, now_ms))


def refusal_body(refusal: Refusal, now_ms: int) -> str:
    """What the venue says with an HTTP error that a fault asked for."""
    until_ms = now_ms + 1_000 * (refusal.retry_after_s or 120)
    texts = {
        418: (-1003, f"Way too many requests; IP banned until {until_ms}. Please use the websocket for live updates."),
        429: (-1003, "Too many requests; please use the websocket for live updates to avoid polling the API."),
        401: (-2015, "Invalid API-key, IP, or permissions for action."),
        408: (-1007, "Timeout waiting for response from backend server. Send status unknown."),
        503: (-1001, "Internal error; unable to process your request. Please try again."),
    }
    code, text = texts.get(refusal.status, (-1000, "An unknown error occurred while processing the request."))
    return json.dumps({"code": code, "msg": text}, separators=(",", ":"))


def _one(_query: Query) -> int:
    return 1


def _depth_weight(query: Query) -> int:
    """Without a limit only 1 was charged when it was measured; a bad limit costs as much."""
    text = query.get("limit", "")
    return _DEPTH_WEIGHTS.get(int(text), 1) if text.isascii() and text.isdigit() and len(text) < 5 else 1


def _klines_weight(query: Query) -> int:
    """The measured edges are inclusive, and a request without a limit cost 5."""
    text = query.get("limit", "1000")
    limit = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1
    return next((weight for most, weight in ((100, 1), (500, 2), (1_000, 5)) if limit <= most), 10)
