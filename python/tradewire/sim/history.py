"""What the simulated venue remembers of one symbol's trades: last trades, aggregate trades, bars, 24-hour statistics.

Nothing here knows message formats. Everything starts when the market opens: an earlier past is not made up.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["INTERVALS", "AggTrade", "Bar", "History", "Trade", "bar_span"]

MINUTE_MS = 60_000
_HOUR_MS = 60 * MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_WEEK_MS = 7 * _DAY_MS
_FIRST_MONDAY_MS = 4 * _DAY_MS
_AGGREGATION_MS = 100
_KEPT_TRADES = 1_000
_KEPT_AGG_TRADES = 10_000  # gaps of some minutes can be filled from them
_KEPT_MINUTES = 14 * 24 * 60

#: Bar intervals by name, in milliseconds; a calendar month has no fixed length and counts as 0.
INTERVALS: dict[str, int] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": _HOUR_MS,
    "2h": 2 * _HOUR_MS,
    "4h": 4 * _HOUR_MS,
    "6h": 6 * _HOUR_MS,
    "8h": 8 * _HOUR_MS,
    "12h": 12 * _HOUR_MS,
    "1d": _DAY_MS,
    "3d": 3 * _DAY_MS,
    "1w": _WEEK_MS,
    "1M": 0,
}


def bar_span(interval: str, at_ms: int) -> tuple[int, int]:
    """First millisecond of the bar that holds `at_ms`, and the first one after it (weeks begin on Monday, UTC)."""
    length = INTERVALS[interval]
    if length:
        offset = _FIRST_MONDAY_MS if length == _WEEK_MS else 0
        start = (at_ms - offset) // length * length + offset
        return start, start + length
    month = datetime.fromtimestamp(at_ms / 1000, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    after = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    return int(month.timestamp() * 1000), int(after.timestamp() * 1000)


class Trade(NamedTuple):
    """One match between a taker and one resting order; prices in ticks, quantities in lots."""

    trade_id: int
    price: int
    lots: int
    time_ms: int
    seller_took: bool


@dataclass(slots=True)
class AggTrade:
    """Consecutive trades of one price and one taker side within 100 ms."""

    agg_id: int
    price: int
    lots: int
    first_id: int
    last_id: int
    time_ms: int
    seller_took: bool


@dataclass(slots=True)
class Bar:
    """Open, high, low, close and volumes; `value` and `taker_value` are sums of ticks x lots."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int = 0
    value: int = 0
    count: int = 0
    taker_lots: int = 0
    taker_value: int = 0
    first_id: int = -1
    last_id: int = -1

    def absorb(self, later: Bar) -> None:
        """Make this the bar of both spans."""
        if later.high > self.high:
            self.high = later.high
        if later.low < self.low:
            self.low = later.low
        self.close = later.close
        self.lots += later.lots
        self.value += later.value
        self.count += later.count
        self.taker_lots += later.taker_lots
        self.taker_value += later.taker_value
        if later.count:
            self.last_id = later.last_id
            if self.first_id < 0:
                self.first_id = later.first_id


class History:
    """Records one symbol's trades.

    Attributes:
        trades: the last thousand, oldest first.
        agg_trades: the last ten thousand finished ones, oldest first.
    """

    def __init__(self, open_price: int, now_ms: int, first_trade_id: int, first_agg_id: int) -> None:
        self.trades: deque[Trade] = deque(maxlen=_KEPT_TRADES)
        self.agg_trades: deque[AggTrade] = deque(maxlen=_KEPT_AGG_TRADES)
        self._next_trade_id = first_trade_id
        self._next_agg_id = first_agg_id
        self._open_agg: AggTrade | None = None
        self._fresh: list[AggTrade] = []
        self._minutes: deque[Bar] = deque(maxlen=_KEPT_MINUTES)
        self._bar = self._new_minute(now_ms // MINUTE_MS * MINUTE_MS, open_price)

    @property
    def last_price(self) -> int:
        """Price of the last trade, in ticks; the opening price before the first one."""
        return self._bar.close

    @property
    def last_lots(self) -> int:
        """Quantity of the last trade; 0 before the first one."""
        return self.trades[-1].lots if self.trades else 0

    def trade(self, price: int, lots: int, now_ms: int, seller_took: bool) -> Trade:
        """Record a match."""
        trade_id = self._next_trade_id
        self._next_trade_id = trade_id + 1
        trade = Trade(trade_id, price, lots, now_ms, seller_took)
        self.trades.append(trade)
        agg = self._open_agg
        if (
            agg is not None
            and agg.price == price
            and agg.seller_took is seller_took
            and agg.time_ms // _AGGREGATION_MS == now_ms // _AGGREGATION_MS
        ):
            agg.lots += lots
            agg.last_id = trade_id
            agg.time_ms = now_ms
        else:
            self._close_agg()
            self._open_agg = AggTrade(self._next_agg_id, price, lots, trade_id, trade_id, now_ms, seller_took)
            self._next_agg_id += 1
        bar = self._bar
        if now_ms >= bar.start_ms + MINUTE_MS:
            self.roll(now_ms)
            bar = self._bar
        if not bar.count:
            bar.open = bar.high = bar.low = price
            bar.first_id = trade_id
        elif price > bar.high:
            bar.high = price
        elif price < bar.low:
            bar.low = price
        bar.close = price
        bar.lots += lots
        bar.value += price * lots
        bar.count += 1
        bar.last_id = trade_id
        if not seller_took:
            bar.taker_lots += lots
            bar.taker_value += price * lots
        return trade

    def take_agg_trades(self) -> list[AggTrade]:
        """Finish the open aggregate and give all finished since the last call."""
        self._close_agg()
        self._open_agg = None
        fresh, self._fresh = self._fresh, []
        return fresh

    def roll(self, now_ms: int) -> None:
        """Begin new minutes up to now; a minute without trades is flat."""
        while now_ms >= self._bar.start_ms + MINUTE_MS:
            self._bar = self._new_minute(self._bar.start_ms + MINUTE_MS, self._bar.close)

    def bar(self, interval: str, at_ms: int) -> Bar | None:
        """The bar of an interval that holds `at_ms`, as far as it is known; None before the market opened."""
        start, end = bar_span(interval, at_ms)
        return self._between(start, end, start)

    def bars(self, interval: str, start_ms: int | None, end_ms: int, limit: int) -> list[Bar]:
        """Bars that open in `start_ms`..`end_ms`, oldest first, at most `limit`: the last ones without a start."""
        spans: dict[int, Bar] = {}
        span = (0, 0)
        for minute in self._minutes:
            if not span[0] <= minute.start_ms < span[1]:
                span = bar_span(interval, minute.start_ms)
            bar = spans.get(span[0])
            if bar is None:
                spans[span[0]] = _begin(minute, span[0])
            else:
                bar.absorb(minute)
        wanted = [bar for start, bar in spans.items() if (start_ms or 0) <= start <= end_ms]
        return wanted[-limit:] if start_ms is None else wanted[:limit]

    def day(self, now_ms: int) -> Bar:
        """Statistics of the last 24 hours; `start_ms` is where they begin."""
        start = now_ms // MINUTE_MS * MINUTE_MS - _DAY_MS
        # A wall clock that was set back by more than a day leaves only the running minute.
        return self._between(start, now_ms + MINUTE_MS, start) or _begin(self._bar, start)

    def _between(self, start_ms: int, end_ms: int, label_ms: int) -> Bar | None:
        whole: Bar | None = None
        skipped = max(0, (start_ms - self._minutes[0].start_ms) // MINUTE_MS)
        for index in range(skipped, len(self._minutes)):
            minute = self._minutes[index]
            if minute.start_ms >= end_ms:
                break
            if whole is None:
                whole = _begin(minute, label_ms)
            else:
                whole.absorb(minute)
        return whole

    def _new_minute(self, start_ms: int, price: int) -> Bar:
        bar = Bar(start_ms, price, price, price, price)
        self._minutes.append(bar)
        return bar

    def _close_agg(self) -> None:
        if self._open_agg is not None:
            self._fresh.append(self._open_agg)
            self.agg_trades.append(self._open_agg)


def _begin(minute: Bar, start_ms: int) -> Bar:
    bar = Bar(start_ms, minute.open, minute.high, minute.low, minute.close)
    bar.absorb(minute)
    return bar
