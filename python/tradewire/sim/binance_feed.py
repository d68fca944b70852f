"""Turns what happens in the simulated market into USD-M stream messages, each at the speed of its stream.

No sockets: listeners are anything with a list of frames. No clock: the owner says what time it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.sim import binance_messages as messages
from tradewire.sim.binance_desk import Desk
from tradewire.sim.binance_topics import MARKET, PUBLIC, Topic
from tradewire.sim.history import INTERVALS
from tradewire.sim.market import Market
from tradewire.sim.matching import BUY, SELL
from tradewire.sim.timetable import Timetable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewire.sim.chaos import Chaos
    from tradewire.sim.history import Trade
    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit

__all__ = ["Feed"]

#: Suffix of the depth streams -> milliseconds between two messages; 0 = whenever the book changed.
_DEPTH_SPEEDS = {"@0ms": 0, "@100ms": 100, "": 250, "@500ms": 500}
_PARTIAL_LEVELS = (5, 10, 20)
_INDEX_WEIGHT = 0.1  # the index follows the middle price as a moving average with this weight a second


class _DepthWindow:
    """Changes of one book since the last message of one depth speed."""

    __slots__ = ("changed", "differences", "first", "partials", "previous")

    def __init__(self, previous: int, differences: Topic, partials: list[tuple[int, Topic]]) -> None:
        self.changed: set[int] = set()
        self.first = 0
        self.previous = previous
        self.differences = differences
        self.partials = partials

    def flush(self, pit: Pit, now_ms: int) -> None:
        """Send the changes and begin anew. The chain of ids goes on whether or not anybody listens."""
        update_ids = (self.first, pit.update_id, self.previous)
        self.previous = pit.update_id
        changed, self.changed = self.changed, set()
        if self.differences.listeners:
            totals = pit.book.totals.get
            keys = sorted(changed)
            bids = [(key, totals(key, 0)) for key in keys if key > 0]
            asks = [(-key, totals(key, 0)) for key in reversed(keys) if key < 0]
            self.differences.publish(messages.depth_update(pit, now_ms, update_ids, bids, asks))
        for levels, topic in self.partials:
            if topic.listeners:
                bids, asks = pit.book.top(BUY, levels), pit.book.top(SELL, levels)
                topic.publish(messages.depth_update(pit, now_ms, update_ids, bids, asks))


class _UsdmDesk(Desk):
    """One symbol's streams and what they remember between messages."""

    def __init__(self, pit: Pit, topic: Callable[[str, str], Topic]) -> None:
        name = pit.instrument.stream_name
        super().__init__(pit, {interval: topic(f"{name}@kline_{interval}", MARKET) for interval in INTERVALS})
        self.trade = topic(f"{name}@trade", PUBLIC)
        self.quote = topic(f"{name}@bookTicker", PUBLIC)
        self.windows = {
            speed: _DepthWindow(
                pit.update_id,
                topic(f"{name}@depth{suffix}", PUBLIC),
                [(levels, topic(f"{name}@depth{levels}{suffix}", PUBLIC)) for levels in _PARTIAL_LEVELS],
            )
            for suffix, speed in _DEPTH_SPEEDS.items()
        }
        self.agg_trade = topic(f"{name}@aggTrade", MARKET)
        self.mark = topic(f"{name}@markPrice", MARKET)
        self.mark_1s = topic(f"{name}@markPrice@1s", MARKET)
        self.mini_ticker = topic(f"{name}@miniTicker", MARKET)
        self.ticker = topic(f"{name}@ticker", MARKET)
        self.force_order = topic(f"{name}@forceOrder", MARKET)
        self.index = (pit.bid + pit.ask) / 2
        self.forced: tuple[int, int, int, list[Trade]] | None = None  # lots, side, price, trades
        self.told_quote = pit.quote_id

    @property
    def mark_price(self) -> float:
        """Half way between index and middle price, in ticks."""
        return (self.index + (self.pit.bid + self.pit.ask) / 2) / 2


class Feed:
    """All streams of the venue, and the market behind them.

    Attributes:
        market: the market; `advance` it through `Feed.advance` only.
        topics: stream name -> topic.
    """

    def __init__(
        self, instruments: tuple[Instrument, ...], *, seed: int, now_ms: int, chaos: Chaos | None = None
    ) -> None:
        self.topics: dict[str, Topic] = {}
        self._chaos = chaos
        self.market = Market(instruments, seed=seed, now_ms=now_ms, tape=self)
        self._desks = {pit: _UsdmDesk(pit, self._topic) for pit in self.market.pits.values()}
        self._all_quotes = self._topic("!bookTicker", PUBLIC)
        self._all_marks = self._topic("!markPrice@arr", MARKET)
        self._all_marks_1s = self._topic("!markPrice@arr@1s", MARKET)
        self._all_mini_tickers = self._topic("!miniTicker@arr", MARKET)
        self._all_tickers = self._topic("!ticker@arr", MARKET)
        self._all_forced = self._topic("!forceOrder@arr", MARKET)
        self._depth_speeds = tuple(_DEPTH_SPEEDS.values())
        self._timetable = Timetable(
            [
                (100, self._on_100ms),
                (250, self._on_250ms),
                (1_000, self._on_1s),
                (2_000, self._on_2s),
                (3_000, self._on_3s),
                (5_000, self._on_5s),
            ]
        )
        self._depth_due = dict.fromkeys(self._depth_speeds, 0)

    def advance(self, now_ms: int, count: int) -> None:
        """Let at least `count` trades and quotes happen now, then send whatever is due by the clock."""
        self.market.advance(now_ms, count)
        self._advance_depth(now_ms)
        self._timetable.advance(now_ms)

    def mark_and_index(self, pit: Pit) -> tuple[float, float]:
        """Mark and index price of a symbol, in ticks."""
        desk = self._desks[pit]
        return desk.mark_price, desk.index

    def trade(self, pit: Pit, trade: Trade) -> None:
        """Part of `Tape`."""
        topic = self._desks[pit].trade
        if topic.listeners:
            topic.publish(messages.trade(pit.instrument, trade, self.market.now_ms))

    def quote(self, pit: Pit) -> None:
        """Part of `Tape`."""
        topic = self._desks[pit].quote
        if topic.listeners:
            topic.publish(messages.book_ticker(pit, self.market.now_ms))

    def liquidation(self, pit: Pit, side: int, price: int, trades: list[Trade]) -> None:
        """Part of `Tape`: the largest of each second is told at its end."""
        desk = self._desks[pit]
        lots = sum(trade.lots for trade in trades)
        if desk.forced is None or lots > desk.forced[0]:
            desk.forced = (lots, side, price, trades)

    def _topic(self, name: str, route: str) -> Topic:
        topic = self.topics[name] = Topic(name, route, self._chaos)
        return topic

    def _advance_depth(self, now_ms: int) -> None:
        due = [speed for speed in self._depth_speeds if self._is_depth_due(speed, now_ms)]
        for pit, desk in self._desks.items():
            if pit.book.changed:
                changed, first = pit.take_changes()
                for window in desk.windows.values():
                    if not window.changed:
                        window.first = first
                    window.changed |= changed
            for speed in due:
                window = desk.windows[speed]
                if window.changed:
                    window.flush(pit, now_ms)

    def _is_depth_due(self, speed: int, now_ms: int) -> bool:
        due = self._depth_due[speed]
        if speed and due - speed <= now_ms < due:
            return False
        self._depth_due[speed] = (now_ms // speed + 1) * speed if speed else 0
        return True

    def _on_100ms(self, now_ms: int) -> None:
        for desk in self._desks.values():
            for item in desk.pit.history.take_agg_trades():
                if desk.agg_trade.listeners:
                    desk.agg_trade.publish(messages.agg_trade(desk.instrument, item, now_ms))

    def _on_250ms(self, now_ms: int) -> None:
        for desk in self._desks.values():
            desk.pit.history.roll(now_ms)
            desk.publish_klines(now_ms)

    def _on_1s(self, now_ms: int) -> None:
        for desk in self._desks.values():
            desk.index += _INDEX_WEIGHT * ((desk.pit.bid + desk.pit.ask) / 2 - desk.index)
            if desk.forced is not None:
                _, side, price, trades = desk.forced
                desk.forced = None
                if desk.force_order.listeners or self._all_forced.listeners:
                    text = messages.force_order(desk.instrument, side, price, trades, now_ms)
                    desk.force_order.publish(text)
                    self._all_forced.publish(text)
        self._publish_marks(now_ms, self._all_marks_1s, lambda desk: desk.mark_1s)
        self._publish_changed_tickers(now_ms)

    def _on_2s(self, now_ms: int) -> None:
        for desk in self._desks.values():
            if desk.mini_ticker.listeners or desk.ticker.listeners:
                day, last_lots = desk.day(now_ms)
                desk.mini_ticker.publish(messages.mini_ticker(desk.instrument, day, now_ms))
                desk.ticker.publish(messages.ticker(desk.instrument, day, last_lots, now_ms))

    def _on_3s(self, now_ms: int) -> None:
        self._publish_marks(now_ms, self._all_marks, lambda desk: desk.mark)

    def _on_5s(self, now_ms: int) -> None:
        for desk in self._desks.values():
            if desk.pit.quote_id != desk.told_quote:
                desk.told_quote = desk.pit.quote_id
                if self._all_quotes.listeners:
                    self._all_quotes.publish(messages.book_ticker(desk.pit, now_ms))

    def _publish_marks(self, now_ms: int, everybody: Topic, own: Callable[[_UsdmDesk], Topic]) -> None:
        rows = []
        for desk in self._desks.values():
            topic = own(desk)
            if topic.listeners or everybody.listeners:
                text = messages.mark_price_update(desk.instrument, desk.mark_price, desk.index, now_ms)
                topic.publish(text)
                rows.append(text)
        if everybody.listeners:
            everybody.publish(f"[{','.join(rows)}]")

    def _publish_changed_tickers(self, now_ms: int) -> None:
        if not (self._all_tickers.listeners or self._all_mini_tickers.listeners):
            return
        tickers, mini_tickers = [], []
        for desk in self._desks.values():
            day, last_lots = desk.day(now_ms)
            if day.last_id != desk.told_trade:
                desk.told_trade = day.last_id
                tickers.append(messages.ticker(desk.instrument, day, last_lots, now_ms))
                mini_tickers.append(messages.mini_ticker(desk.instrument, day, now_ms))
        if tickers:
            self._all_tickers.publish(f"[{','.join(tickers)}]")
            self._all_mini_tickers.publish(f"[{','.join(mini_tickers)}]")
