"""Turns what happens in the simulated market into Spot stream messages, each at the speed of its stream.

No sockets: listeners are anything with a list of frames. No clock: the owner says what time it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.sim import binance_spot_messages as messages
from tradewire.sim.binance_desk import Desk
from tradewire.sim.binance_topics import UNROUTED, Topic
from tradewire.sim.history import INTERVALS
from tradewire.sim.market import Market
from tradewire.sim.timetable import Timetable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewire.sim.chaos import Chaos
    from tradewire.sim.history import Trade
    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit

__all__ = ["SpotFeed"]

_SPEEDS = {"@100ms": 100, "": 1_000}
_PARTIAL_LEVELS = (5, 10, 20)


class _Window:
    """Changes of one book since the last message of one depth speed."""

    __slots__ = ("changed", "differences", "partials", "told")

    def __init__(self, told: int, differences: Topic, partials: list[tuple[int, Topic]]) -> None:
        self.changed: set[int] = set()
        self.told = told
        self.differences = differences
        self.partials = partials

    def flush(self, pit: Pit, now_ms: int) -> None:
        """Send the changes and begin anew: ids are continuous, whether or not anybody listens."""
        first, self.told = self.told + 1, pit.update_id
        changed, self.changed = self.changed, set()
        if self.differences.listeners:
            totals = pit.book.totals.get
            keys = sorted(changed)
            bids = [(key, totals(key, 0)) for key in reversed(keys) if key > 0]
            asks = [(-key, totals(key, 0)) for key in reversed(keys) if key < 0]
            self.differences.publish(messages.depth_update(pit, now_ms, first, pit.update_id, bids, asks))
        for levels, topic in self.partials:
            if topic.listeners:
                topic.publish(messages.partial_depth(pit, levels))


class _SpotDesk(Desk):
    """One symbol's streams and what they remember between messages."""

    def __init__(self, pit: Pit, topic: Callable[[str], Topic]) -> None:
        name = pit.instrument.stream_name
        super().__init__(pit, {interval: topic(f"{name}@kline_{interval}") for interval in INTERVALS})
        self.trade = topic(f"{name}@trade")
        self.agg_trade = topic(f"{name}@aggTrade")
        self.quote = topic(f"{name}@bookTicker")
        self.windows = {
            speed: _Window(
                pit.update_id,
                topic(f"{name}@depth{suffix}"),
                [(levels, topic(f"{name}@depth{levels}{suffix}")) for levels in _PARTIAL_LEVELS],
            )
            for suffix, speed in _SPEEDS.items()
        }
        self.mini_ticker = topic(f"{name}@miniTicker")
        self.ticker = topic(f"{name}@ticker")


class SpotFeed:
    """All streams of the venue, and the market behind them.

    Attributes:
        market: the market; `advance` it through `SpotFeed.advance` only.
        topics: stream name -> topic.
    """

    def __init__(
        self, instruments: tuple[Instrument, ...], *, seed: int, now_ms: int, chaos: Chaos | None = None
    ) -> None:
        self.topics: dict[str, Topic] = {}
        self._chaos = chaos
        self.market = Market(instruments, seed=seed, now_ms=now_ms, tape=self)
        self._desks = {pit: _SpotDesk(pit, self._topic) for pit in self.market.pits.values()}
        self._all_mini_tickers = self._topic("!miniTicker@arr")
        self._timetable = Timetable(
            [
                (100, self._on_100ms),
                (1_000, self._on_1s),
                (2_000, self._on_2s),
            ]
        )

    def advance(self, now_ms: int, count: int) -> None:
        """Let at least `count` trades and quotes happen now, then send whatever is due by the clock."""
        self.market.advance(now_ms, count)
        self._timetable.advance(now_ms)

    def trade(self, pit: Pit, trade: Trade) -> None:
        """Part of `Tape`."""
        topic = self._desks[pit].trade
        if topic.listeners:
            topic.publish(messages.trade(pit.instrument, trade, self.market.now_ms))

    def quote(self, pit: Pit) -> None:
        """Part of `Tape`."""
        topic = self._desks[pit].quote
        if topic.listeners:
            topic.publish(messages.book_ticker(pit))

    def liquidation(self, pit: Pit, side: int, price: int, trades: list[Trade]) -> None:
        """Part of `Tape`: Spot knows none."""

    def _topic(self, name: str) -> Topic:
        topic = self.topics[name] = Topic(name, UNROUTED, self._chaos)
        return topic

    def _flush_depth(self, now_ms: int, speed: int) -> None:
        for pit, desk in self._desks.items():
            if pit.book.changed:
                changed, _ = pit.take_changes()
                for window in desk.windows.values():
                    window.changed |= changed
            if desk.windows[speed].changed:
                desk.windows[speed].flush(pit, now_ms)

    def _on_100ms(self, now_ms: int) -> None:
        self._flush_depth(now_ms, 100)
        for desk in self._desks.values():
            for item in desk.pit.history.take_agg_trades():
                if desk.agg_trade.listeners:
                    desk.agg_trade.publish(messages.agg_trade(desk.instrument, item, now_ms))

    def _on_1s(self, now_ms: int) -> None:
        self._flush_depth(now_ms, 1_000)
        mini_tickers = []
        for desk in self._desks.values():
            wanted = desk.mini_ticker.listeners or desk.ticker.listeners
            if not (wanted or self._all_mini_tickers.listeners):
                continue
            day, last_lots = desk.day(now_ms)
            mini_ticker = messages.mini_ticker(desk.instrument, day, now_ms)
            if wanted:
                desk.mini_ticker.publish(mini_ticker)
                desk.ticker.publish(messages.ticker(desk.pit, day, last_lots, now_ms))
            if day.last_id != desk.told_trade:
                desk.told_trade = day.last_id
                mini_tickers.append(mini_ticker)
        if mini_tickers and self._all_mini_tickers.listeners:
            self._all_mini_tickers.publish(f"[{','.join(mini_tickers)}]")

    def _on_2s(self, now_ms: int) -> None:
        for desk in self._desks.values():
            desk.pit.history.roll(now_ms)
            desk.publish_klines(now_ms)
