"""What a symbol's streams remember on both Binance markets: bars, and what was told last. No books: they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.sim.binance_messages import kline
from tradewire.sim.history import Bar, bar_span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tradewire.sim.binance_topics import Topic
    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit

__all__ = ["Desk"]


class Desk:
    """One symbol.

    Args:
        pit: its market.
        klines: interval -> stream of its bars.

    Attributes:
        pit: as above.
        told_trade: the last trade of the last statistics that were told to those who hear all symbols.
    """

    def __init__(self, pit: Pit, klines: Mapping[str, Topic]) -> None:
        self.pit = pit
        self.told_trade = 0
        self._klines = klines
        self._told_bars: dict[str, tuple[int, int]] = {}  # interval -> (open time, last trade) of the last message

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self.pit.instrument

    def publish_klines(self, now_ms: int) -> None:
        """The bars under way that changed, and those that have just ended, once more as closed."""
        for interval, topic in self._klines.items():
            if not topic.listeners:
                self._told_bars.pop(interval, None)
                continue
            start, end = bar_span(interval, now_ms)
            told_start, told_trade = self._told_bars.get(interval, (start, -2))
            if told_start != start and (done := self.pit.history.bar(interval, told_start)):
                topic.publish(kline(self.instrument, done, interval, now_ms, closed=True))
            bar = self.pit.history.bar(interval, end - 1)
            if bar is not None and (told_start, told_trade) != (start, bar.last_id):
                topic.publish(kline(self.instrument, bar, interval, now_ms, closed=False))
                self._told_bars[interval] = (start, bar.last_id)

    def day(self, now_ms: int) -> tuple[Bar, int]:
        """Statistics of the last 24 hours, and the quantity of the last trade."""
        return self.pit.history.day(now_ms), self.pit.history.last_lots
