"""What both Binance HTTP faces share: request weights, refusals with the venue's codes, reading of parameters."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from aiohttp import web

from tradewire.sim.binance_messages import rest_kline
from tradewire.sim.history import INTERVALS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tradewire.sim.chaos import Chaos
    from tradewire.sim.faults import Refusal
    from tradewire.sim.history import AggTrade, Trade
    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Market, Pit

    Query = Mapping[str, str]

__all__ = [
    "CallFace",
    "Refused",
    "agg_trades_of",
    "empty",
    "limit_of",
    "number_of",
    "one",
    "refusal_body",
    "span_of",
    "wall_ms",
]

_MINUTE_MS = 60_000
_HOUR_MS = 3_600_000
_DIGITS = 19
ENDLESS = 1 << 62


def wall_ms() -> int:
    """Milliseconds of the wall clock."""
    return time.time_ns() // 1_000_000


class Refused(Exception):  # noqa: N818 # reason: a reply of the venue, not an error of ours
    """A call is answered with the venue's error code."""

    def __init__(self, code: int, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status
        self.body = json.dumps({"code": code, "msg": text}, separators=(",", ":"))


def number_of(query: Query, name: str, least: int, greatest: int) -> int | None:
    """A parameter that is a whole number, or None."""
    text = query.get(name)
    if text is None:
        return None
    # The length first: Python refuses to read numbers of thousands of digits.
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS or not least <= int(text) <= greatest:
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
    return int(text)


def limit_of(query: Query, greatest: int) -> int:
    """How many rows are wanted."""
    return number_of(query, "limit", 1, greatest) or 500


def start_of(query: Query, name: str) -> int | None:
    """A time or an id from which on; 0 is one, and not the same as none."""
    return number_of(query, name, 0, ENDLESS)


def span_of(query: Query) -> tuple[int | None, int]:
    """`startTime`, and `endTime` or the end of all times."""
    start_ms, end_ms = start_of(query, "startTime"), start_of(query, "endTime")
    end_ms = ENDLESS if end_ms is None else end_ms
    if (start_ms or 0) > end_ms:
        raise Refused(-1023, "Start time is greater than end time.")
    return start_ms, end_ms


def agg_trades_of(pit: Pit, query: Query) -> list[AggTrade]:
    """Aggregate trades from an id or a time on, or the last ones."""
    limit = limit_of(query, 1_000)
    first_id = start_of(query, "fromId")
    start_ms, end_ms = span_of(query)
    if start_ms is not None and "endTime" in query and end_ms - start_ms > _HOUR_MS:
        raise Refused(-1127, "More than 1 hours between startTime and endTime.")
    items = [
        item
        for item in pit.history.agg_trades
        if item.agg_id >= (first_id or 0) and (start_ms or 0) <= item.time_ms <= end_ms
    ]
    return items[-limit:] if first_id is None and start_ms is None else items[:limit]


def empty(_query: Query) -> str:
    """The body of a ping."""
    return "{}"


def one(_query: Query) -> int:
    """The weight of most calls."""
    return 1


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


class CallFace(ABC):
    """The calls of a venue, as an aiohttp application. A subclass names them.

    Attributes:
        weight_limit: weight a minute and address (the UTC clock minute, as measured on the venue).
        now_ms: the venue's clock.
    """

    #: Header names, in the spelling of the wire, that tell the weight used.
    weight_headers: ClassVar[tuple[str, ...]] = ("x-mbx-used-weight-1m",)

    def __init__(
        self,
        market: Market,
        *,
        weight_limit: int,
        now_ms: Callable[[], int] = wall_ms,
        chaos: Chaos | None = None,
    ) -> None:
        self.weight_limit = weight_limit
        self.now_ms = now_ms
        self._market = market
        self._chaos = chaos
        self._minute = 0
        self._used: dict[str, int] = {}

    @abstractmethod
    def calls(self) -> list[tuple[str, Callable[[Query], str], Callable[[Query], int]]]:
        """Path, body and weight of each call."""

    def server_time(self, _query: Query) -> str:
        """The body of `time`."""
        return f'{{"serverTime":{self.now_ms()}}}'

    def in_unit(self, request: web.Request, body: str) -> str:  # reason: for the venue that has units
        """A body with its times in the unit that the caller asked for."""
        return body

    def application(self) -> web.Application:
        """A fresh aiohttp application with all calls."""
        app = web.Application()
        for path, call, weight in self.calls():
            app.router.add_get(path, self._serve(call, weight))
        return app

    def _serve(
        self, call: Callable[[Query], str], weight: Callable[[Query], int]
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            used = self._charge(request.remote or "", weight(request.query))
            headers = dict.fromkeys(self.weight_headers, str(used))
            try:
                if "X-MBX-APIKEY" in request.headers and self._chaos and self._chaos.refuses_credentials():
                    raise Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
                if used > self.weight_limit:
                    headers["retry-after"] = str(60 - self.now_ms() // 1000 % 60)
                    raise Refused(
                        -1003,
                        f"Too many requests; current limit of IP({request.remote}) is {self.weight_limit} requests "
                        "per minute. Please use the websocket for live updates to avoid polling the API.",
                        429,
                    )
                status, body = 200, self.in_unit(request, call(request.query))
            except Refused as refusal:
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

    def pit(self, query: Query) -> Pit:
        """The market of the parameter `symbol`."""
        symbol = query.get("symbol")
        if not symbol:
            raise Refused(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        pit = self._market.pits.get(symbol.upper())
        if pit is None:
            raise Refused(-1121, "Invalid symbol.")
        return pit

    def each(self, query: Query, row: Callable[[Pit], str]) -> str:
        """One object for a symbol, an array of all without one."""
        if "symbol" in query:
            return row(self.pit(query))
        return f"[{','.join(row(pit) for pit in self._market.pits.values())}]"

    def trades(self, query: Query, row: Callable[[Instrument, Trade], str]) -> str:
        """The last trades."""
        pit = self.pit(query)
        found = list(pit.history.trades)[-limit_of(query, 1_000) :]
        return f"[{','.join(row(pit.instrument, item) for item in found)}]"

    def agg_trades(self, query: Query, row: Callable[[Instrument, AggTrade], str]) -> str:
        """Aggregate trades, as `agg_trades_of` chooses them."""
        pit = self.pit(query)
        return f"[{','.join(row(pit.instrument, item) for item in agg_trades_of(pit, query))}]"

    def klines(self, query: Query, most: int) -> str:
        """Bars of one interval; at most so many."""
        pit, interval = self.pit(query), query.get("interval")
        if not interval:
            raise Refused(-1102, "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.")
        if interval not in INTERVALS:
            raise Refused(-1120, "Invalid interval.")
        limit = limit_of(query, most)
        start_ms, end_ms = span_of(query)
        bars = pit.history.bars(interval, start_ms, end_ms, limit)
        return f"[{','.join(rest_kline(pit.instrument, bar, interval) for bar in bars)}]"
