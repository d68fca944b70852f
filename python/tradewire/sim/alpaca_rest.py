"""HTTP face of the simulated Alpaca venue: historical and latest market data, which agrees with what was streamed.

Stocks are under `/v2/stocks`, crypto pairs under `/v1beta3/crypto/us`. Trading calls are not here.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from tradewire.sim import alpaca_messages as messages
from tradewire.sim.alpaca_tape import between
from tradewire.sim.history import MINUTE_MS, bar_span

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from tradewire.sim.alpaca_accounts import Accounts
    from tradewire.sim.alpaca_feed import AlpacaFeed
    from tradewire.sim.alpaca_messages import Message
    from tradewire.sim.chaos import Chaos
    from tradewire.sim.faults import Refusal
    from tradewire.sim.instruments import Instrument

__all__ = ["AlpacaRestFace", "refusal_body"]

_MS_NS = 1_000_000
_MINUTE_NS = MINUTE_MS * _MS_NS
_ENDLESS_NS = 1 << 62
_MOST_ROWS = 10_000
_ROWS = 1_000
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d))?", re.ASCII)
_FRAMES = {"1Min": "1m", "3Min": "3m", "5Min": "5m", "15Min": "15m", "30Min": "30m", "1Hour": "1h", "2Hour": "2h",
           "4Hour": "4h", "6Hour": "6h", "12Hour": "12h", "1Day": "1d", "1Week": "1w", "1Month": "1M"}  # fmt: skip
_FRAMES |= {"1T": "1m", "5T": "5m", "15T": "15m", "30T": "30m", "1H": "1h", "1D": "1d", "1W": "1w", "1M": "1M"}
_text = msgspec.json.Encoder().encode


class _Refused(Exception):  # noqa: N818 # reason: a reply of the venue, not an error of ours
    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def refusal_body(refusal: Refusal) -> str:
    """What the venue says with an HTTP error that a fault asked for."""
    texts = {401: "unauthorized.", 403: "forbidden.", 429: "too many requests.", 504: "gateway timeout"}
    return _text({"message": texts.get(refusal.status, "internal server error")}).decode()


def _time_ns(name: str, text: str) -> int:
    """RFC 3339 with up to nine digits, or a date."""
    found = _TIME.fullmatch(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    if found is None:
        raise _Refused(f"invalid {name}: {text}")
    day, clock, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}{(zone or 'Z').replace('Z', '+00:00')}")
    except ValueError:
        raise _Refused(f"invalid {name}: {text}") from None
    return int(moment.astimezone(UTC).timestamp()) * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


class _Query:
    """What the historical calls take; `symbols` is given by the caller."""

    def __init__(self, query: Mapping[str, str], symbols: list[str]) -> None:
        self.symbols = sorted(dict.fromkeys(symbols))
        self.start_ns = _time_ns("start", query["start"]) if "start" in query else 0
        self.end_ns = _time_ns("end", query["end"]) if "end" in query else _ENDLESS_NS
        if self.start_ns > self.end_ns:
            raise _Refused("end should not be before start")
        text = query.get("limit", str(_ROWS))
        if not (text.isascii() and text.isdigit() and len(text) < 9 and 1 <= int(text) <= _MOST_ROWS):
            raise _Refused(f"invalid limit: {text[:20]}")
        self.limit = int(text)
        self.sort = query.get("sort", "asc")
        if self.sort not in ("asc", "desc"):
            raise _Refused(f"invalid sort: {self.sort}")
        self.after = _read_token(query["page_token"]) if query.get("page_token") else None


def _read_token(token: str) -> tuple[str, int, int]:
    """Symbol, time and id of the last row of the page before."""
    try:
        symbol, ns, number = base64.urlsafe_b64decode(token).decode().split("|")
        return symbol, int(ns), int(number)
    except (ValueError, binascii.Error):
        raise _Refused("invalid page token") from None


def _write_token(symbol: str, ns: int, number: int) -> str:
    return base64.urlsafe_b64encode(f"{symbol}|{ns}|{number}".encode()).decode()


Row = tuple[int, int, "Message"]  # time, id, fields


class AlpacaRestFace:
    """The calls, as an aiohttp application."""

    def __init__(
        self, feed: AlpacaFeed, accounts: Accounts, *, now_ms: Callable[[], int], chaos: Chaos | None = None
    ) -> None:
        self._feed = feed
        self._accounts = accounts
        self._now_ms = now_ms
        self._chaos = chaos
        self._minute = 0
        self._used: dict[str, int] = {}
        self._instruments = {symbol: pit.instrument for symbol, pit in feed.market.pits.items()}
        self._sources: dict[str, Callable[[str, _Query], Iterable[Row]]] = {
            "trades": self._trades,
            "quotes": self._quotes,
        }

    def application(self) -> web.Application:
        """A fresh aiohttp application with all calls."""
        app = web.Application()
        stocks, crypto, kind = "/v2/stocks", "/v1beta3/crypto/us", "{kind:trades|quotes|bars}"
        for path, call in (
            (f"{stocks}/snapshots", self._snapshots),
            (f"{stocks}/{{symbol}}/snapshot", self._snapshot),
            (f"{stocks}/{kind}/latest", self._latest),
            (f"{stocks}/{{symbol}}/{kind}/latest", self._latest_of_one),
            (f"{stocks}/{kind}", self._history),
            (f"{stocks}/{{symbol}}/{kind}", self._history_of_one),
            (f"{crypto}/snapshots", self._snapshots),
            (f"{crypto}/latest/{{kind:trades|quotes|bars|orderbooks}}", self._latest),
            (f"{crypto}/{kind}", self._history),
        ):
            app.router.add_get(path, self._serve(call, is_public=path.startswith(crypto)))
        return app

    def _serve(
        self, call: Callable[[web.Request], Any], *, is_public: bool
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            key = request.headers.get("APCA-API-KEY-ID", "")
            headers, is_over = self._charge(key or request.remote or "")
            try:
                if is_over:
                    raise _Refused("too many requests.", 429)
                self._check(key, request.headers.get("APCA-API-SECRET-KEY", ""), is_public)
                status, body = 200, call(request)
            except _Refused as refusal:
                status, body = refusal.status, {"message": str(refusal)}
            return web.Response(body=_text(body), status=status, headers=headers, content_type="application/json")

        return handle

    def _charge(self, caller: str) -> tuple[dict[str, str], bool]:
        """Count a call; the headers that tell how many are left, and whether this one was too many."""
        now_ms, limit = self._now_ms(), self._accounts.calls_per_minute
        if now_ms // MINUTE_MS != self._minute:
            self._minute = now_ms // MINUTE_MS
            self._used.clear()
        self._used[caller] = used = self._used.get(caller, 0) + 1
        reset_s = (self._minute + 1) * MINUTE_MS // 1_000
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used)),
            "X-RateLimit-Reset": str(reset_s),
        }
        return headers, used > limit

    def _check(self, key: str, secret: str, is_public: bool) -> None:
        if is_public and not key:
            return
        if not key or not secret:
            raise _Refused("unauthorized.", 401)
        if self._accounts.problem(key, secret) or (self._chaos is not None and self._chaos.refuses_credentials()):
            raise _Refused("forbidden.", 403)

    def _symbols(self, request: web.Request) -> list[str]:
        """The list `symbols`, of the right kind; a symbol nobody knows has no data, and no error."""
        text = request.query.get("symbols", "")
        symbols = [symbol for symbol in text.split(",") if symbol]
        if not symbols:
            raise _Refused("symbols is required")
        is_crypto = request.path.startswith("/v1beta3")
        for symbol in symbols:
            if symbol != symbol.upper() or ("/" in symbol) != is_crypto:
                raise _Refused(f"invalid symbol: {symbol}")
        return symbols

    def _known(self, symbols: Iterable[str]) -> list[tuple[str, Instrument]]:
        return [(symbol, self._instruments[symbol]) for symbol in symbols if symbol in self._instruments]

    def _history(self, request: web.Request) -> Any:
        kind = request.match_info["kind"]
        rows, token = self._page(kind, request, self._symbols(request))
        return {kind: rows, "next_page_token": token}

    def _history_of_one(self, request: web.Request) -> Any:
        kind, symbol = request.match_info["kind"], request.match_info["symbol"]
        rows, token = self._page(kind, request, [symbol])
        return {kind: rows.get(symbol), "symbol": symbol, "next_page_token": token}

    def _page(self, kind: str, request: web.Request, symbols: list[str]) -> tuple[dict[str, Any], str | None]:
        """Rows of a page, and the token of the next one: by symbol, then time; the limit counts all of them."""
        query = _Query(request.query, symbols)
        source = self._bars(request.query.get("timeframe", "")) if kind == "bars" else self._sources[kind]
        page: dict[str, Any] = {}
        left = query.limit
        last = ("", 0, 0)
        for symbol, _ in self._known(query.symbols):
            rows = list(source(symbol, query))
            if query.sort == "desc":
                rows.reverse()
            if query.after is not None:
                rows = [row for row in rows if _is_after((symbol, row[0], row[1]), query.after, query.sort)]
            if not rows:
                continue
            if not left:
                return page, _write_token(*last)
            page[symbol] = [_row(fields) for _, _, fields in rows[:left]]
            last = (symbol, rows[:left][-1][0], rows[:left][-1][1])
            if len(rows) > left:
                return page, _write_token(*last)
            left -= len(rows)
        return page, None

    def _trades(self, symbol: str, query: _Query) -> Iterable[Row]:
        item = self._instruments[symbol]
        for trade in between(self._feed.tapes[symbol].prints, query.start_ns, query.end_ns):
            fields = messages.trade(item, trade)
            yield trade.ns, trade.trade_id, fields | {"u": trade.update} if trade.update else fields

    def _quotes(self, symbol: str, query: _Query) -> Iterable[Row]:
        item = self._instruments[symbol]
        for top in between(self._feed.tapes[symbol].tops, query.start_ns, query.end_ns):
            yield top.ns, 0, messages.quote(item, top)

    def _bars(self, timeframe: str) -> Callable[[str, _Query], Iterable[Row]]:
        interval = _FRAMES.get(timeframe)
        if interval is None:
            raise _Refused(f"invalid timeframe: {timeframe}")

        def rows(symbol: str, query: _Query) -> Iterable[Row]:
            item, tape = self._instruments[symbol], self._feed.tapes[symbol]
            first_ms, last_ms = -(-query.start_ns // _MS_NS), query.end_ns // _MS_NS
            now_ms = self._now_ms()
            for bar in self._feed.market.pits[symbol].history.bars(interval, first_ms, last_ms, _MOST_ROWS):
                is_minute = interval == "1m"
                if not bar.count or (is_minute and bar_span(interval, bar.start_ms)[1] > now_ms):
                    continue  # the running minute is not told before it is over
                shown = tape.corrected.get(bar.start_ms, bar) if is_minute else bar
                yield bar.start_ms * _MS_NS, 0, messages.bar(item, shown, "b")

        return rows

    def _latest(self, request: web.Request) -> Any:
        kind = request.match_info["kind"]
        found = {symbol: self._newest(kind, symbol) for symbol, _ in self._known(self._symbols(request))}
        return {kind: {symbol: row for symbol, row in found.items() if row is not None}}

    def _latest_of_one(self, request: web.Request) -> Any:
        kind, symbol = request.match_info["kind"], request.match_info["symbol"]
        if symbol not in self._instruments:
            raise _Refused(f"no {kind[:-1]} found for {symbol}", 404)
        return {"symbol": symbol, kind[:-1]: self._newest(kind, symbol)}

    def _newest(self, kind: str, symbol: str) -> Message | None:
        item, tape, pit = self._instruments[symbol], self._feed.tapes[symbol], self._feed.market.pits[symbol]
        if kind == "orderbooks":
            return {key: value for key, value in _row(self._feed.snapshot(symbol)).items() if key != "r"}
        if kind == "quotes":
            return _row(messages.quote(item, tape.tops[-1])) if tape.tops else None
        if kind == "trades":
            return _row(messages.trade(item, tape.prints[-1])) if tape.prints else None
        now_ms = self._now_ms()
        bars = pit.history.bars("1m", None, now_ms, 2)
        done = [bar for bar in bars if bar.count and bar.start_ms + MINUTE_MS <= now_ms]
        return _row(messages.bar(item, done[-1], "b")) if done else None

    def _snapshots(self, request: web.Request) -> Any:
        found = {symbol: self._overview(symbol) for symbol, _ in self._known(self._symbols(request))}
        return {"snapshots": found} if request.path.startswith("/v1beta3") else found

    def _snapshot(self, request: web.Request) -> Any:
        symbol = request.match_info["symbol"]
        if symbol not in self._instruments:
            raise _Refused(f"no snapshot found for {symbol}", 404)
        return {"symbol": symbol} | self._overview(symbol)

    def _overview(self, symbol: str) -> dict[str, Any]:
        history, item = self._feed.market.pits[symbol].history, self._instruments[symbol]
        now_ms = self._now_ms()
        minute, today = history.bar("1m", now_ms), history.bar("1d", now_ms)
        before = history.bar("1d", bar_span("1d", now_ms)[0] - 1)
        return {
            "latestTrade": self._newest("trades", symbol),
            "latestQuote": self._newest("quotes", symbol),
            "minuteBar": None if minute is None else _row(messages.bar(item, minute, "b")),
            "dailyBar": None if today is None else _row(messages.bar(item, today, "d")),
            "prevDailyBar": None if before is None else _row(messages.bar(item, before, "d")),
        }


def _is_after(row: tuple[str, int, int], last: tuple[str, int, int], sort: str) -> bool:
    """Whether a row comes after the last one of the page before: symbols always rise, times as asked."""
    if row[0] != last[0]:
        return row[0] > last[0]
    return row[1:] > last[1:] if sort == "asc" else row[1:] < last[1:]


def _row(message: Message) -> Message:
    """A message without its kind and symbol, its time as text."""
    return {
        key: messages.timestamp_text(value) if key == "t" else value
        for key, value in message.items()
        if key not in ("T", "S")
    }
