"""Turns what happens in the simulated market into Alpaca stream messages, and remembers it for the historical calls.

No sockets: listeners are anything that takes messages. No clock: the owner says what time it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from tradewire.sim import alpaca_messages as messages
from tradewire.sim.alpaca_tape import Print, Tape, Top
from tradewire.sim.faults import Link
from tradewire.sim.history import MINUTE_MS
from tradewire.sim.market import Market
from tradewire.sim.timetable import Timetable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tradewire.sim.alpaca_messages import Message
    from tradewire.sim.chaos import Chaos
    from tradewire.sim.history import Trade
    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit

__all__ = ["CHANNELS", "AlpacaFeed", "Listener", "Topic"]

#: The venue's word for a channel -> the neutral one.
CHANNELS = {
    "trades": "trades",
    "quotes": "quotes",
    "bars": "bars",
    "updatedBars": "updated_bars",
    "dailyBars": "daily_bars",
    "statuses": "statuses",
    "lulds": "lulds",
    "imbalances": "imbalances",
    "corrections": "corrections",
    "cancelErrors": "cancel_errors",
    "orderbooks": "book",
}
_MS_NS = 1_000_000
_SECOND_NS = 1_000_000_000
_EXCHANGES = "VQNPKZJYBX"
_CRYPTO_IDS = 1 << 61  # beyond what a double holds, as on the venue
_CORRECTED_IDS = 1_000_000_000_000  # a corrected trade has an id of its own
_CANCELED, _CORRECTED = 701, 499  # one trade in so many
_UPDATED_BAR_MS = 30_000
_MOST_MINUTES = 10  # told together, when the clock was set forward


class Listener(Link, Protocol):
    """A connection: takes encoded messages, to be sent together a moment later."""

    @property
    def encode(self) -> Callable[[Message], bytes]:
        """Its codec."""


class Topic:
    """One channel of one symbol.

    Attributes:
        name: `AAPL@trades`.
        channel: the neutral word.
        symbol: as the venue spells it.
        listeners: connections that get it.
    """

    __slots__ = ("_chaos", "channel", "listeners", "name", "symbol")

    def __init__(self, word: str, symbol: str, chaos: Chaos | None) -> None:
        self.name = f"{symbol}@{word}"
        self.channel = CHANNELS[word]
        self.symbol = symbol
        self.listeners: dict[Listener, None] = {}
        self._chaos = chaos

    def publish(self, message: Message) -> None:
        """Give a message to all listeners, encoded once for each codec."""
        encoded: dict[Callable[[Message], bytes], bytes] = {}
        is_messing = self._chaos is not None and self._chaos.is_messing
        for listener in tuple(self.listeners):
            encode = listener.encode
            item = encoded.get(encode)
            if item is None:
                item = encoded[encode] = encode(message)
            if is_messing and self._chaos is not None and self._chaos.knows(listener):
                self._chaos.deliver(listener, self, item)
            else:
                listener.put(item)


@dataclass(slots=True)
class _Later:
    due_ns: int
    item: Print


class _Desk:
    """One symbol's topics and memory."""

    def __init__(self, pit: Pit, chaos: Chaos | None) -> None:
        self.pit = pit
        self.instrument: Instrument = pit.instrument
        self.is_stock = messages.is_stock(pit.instrument)
        words = [word for word in CHANNELS if self.is_stock == (word != "orderbooks") or word in _EVERYWHERE]
        self.topics = {word: Topic(word, pit.instrument.symbol, chaos) for word in words}
        self.tape = Tape()
        self.changed: set[int] = set()
        self.amended: set[int] = set()  # starts of minutes whose bar has to be told again
        self.told_minute_ms = 0


_EVERYWHERE = ("trades", "quotes", "bars", "updatedBars", "dailyBars")


class AlpacaFeed:
    """All channels of all symbols, and the market behind them.

    Attributes:
        market: the market; `advance` it through `AlpacaFeed.advance` only.
        tapes: symbol -> what was traded and quoted.
    """

    def __init__(
        self, instruments: tuple[Instrument, ...], *, seed: int, now_ms: int, chaos: Chaos | None = None
    ) -> None:
        self.market = Market(instruments, seed=seed, now_ms=now_ms, tape=self)
        self._desks = {pit: _Desk(pit, chaos) for pit in self.market.pits.values()}
        self._by_symbol = {desk.instrument.symbol: desk for desk in self._desks.values()}
        self.tapes = {symbol: desk.tape for symbol, desk in self._by_symbol.items()}
        self._later: list[tuple[_Desk, _Later]] = []
        self._ns = now_ms * _MS_NS
        self._count = 0
        for desk in self._desks.values():
            desk.told_minute_ms = now_ms // MINUTE_MS * MINUTE_MS
            self.quote(desk.pit)
        self._timetable = Timetable([(100, self._on_100ms), (1_000, self._on_1s), (30_000, self._on_30s)])

    def topics(self) -> Iterator[Topic]:
        """All channels of all symbols."""
        for desk in self._desks.values():
            yield from desk.topics.values()

    def topic(self, word: str, symbol: str) -> Topic | None:
        """A channel of a symbol, if both exist."""
        desk = self._by_symbol.get(symbol)
        return None if desk is None else desk.topics.get(word)

    def advance(self, now_ms: int, count: int) -> None:
        """Let at least `count` trades and quotes happen now, then send whatever is due by the clock."""
        base_ns = now_ms * _MS_NS
        if base_ns > self._ns or base_ns < self._ns - _SECOND_NS:  # the second: a clock that was set back
            self._ns = base_ns
        self.market.advance(now_ms, count)
        self._timetable.advance(now_ms)

    def snapshot(self, symbol: str) -> Message:
        """The whole book of a pair; what changed since the last message has been told to everybody before."""
        desk = self._by_symbol[symbol]
        self._flush_book(desk)
        return messages.book_snapshot(desk.pit, self._tick_ns())

    def notices(self) -> dict[str, tuple[str, Callable[[str], bool]]]:
        """What stocks can be made to say, for `Chaos`: word -> (channel, what says it of a symbol; whether it could).

        `halt` and `resume` stop and start trading. `correct` and `cancel` concern the newest trade of which nothing was
        said yet: it was one lot larger, or does not count.
        """
        return {
            "halt": ("statuses", lambda symbol: self._halt(symbol, True)),
            "resume": ("statuses", lambda symbol: self._halt(symbol, False)),
            "band": ("lulds", self._band),
            "imbalance": ("imbalances", self._imbalance),
            "correct": ("corrections", lambda symbol: self._amend_newest(symbol, canceled=False)),
            "cancel": ("cancel_errors", lambda symbol: self._amend_newest(symbol, canceled=True)),
        }

    def trade(self, pit: Pit, trade: Trade) -> None:
        """Part of `market.Tape`."""
        desk = self._desks[pit]
        number = trade.trade_id
        item = Print(
            number if desk.is_stock else _CRYPTO_IDS + number,
            trade.price,
            trade.lots,
            self._tick_ns(),
            trade.seller_took,
            _EXCHANGES[number % len(_EXCHANGES)],
            ("@",) if trade.lots >= 100 else ("@", "I"),
        )
        desk.tape.prints.append(item)
        topic = desk.topics["trades"]
        if topic.listeners:
            topic.publish(messages.trade(desk.instrument, item))
        if desk.is_stock and (number % _CANCELED == 0 or number % _CORRECTED == 0):
            self._later.append((desk, _Later(item.ns + _SECOND_NS, item)))

    def quote(self, pit: Pit) -> None:
        """Part of `market.Tape`."""
        desk = self._desks[pit]
        top = Top(pit.bid, pit.bid_lots, pit.ask, pit.ask_lots, self._tick_ns())
        desk.tape.tops.append(top)
        topic = desk.topics["quotes"]
        if topic.listeners:
            topic.publish(messages.quote(desk.instrument, top))

    def liquidation(self, pit: Pit, side: int, price: int, trades: list[Trade]) -> None:
        """Part of `market.Tape`: this venue knows none."""

    def _halt(self, symbol: str, halted: bool) -> bool:
        desk = self._by_symbol[symbol]
        self.market.halt(desk.pit, halted)
        self._tell_status(desk)
        return True

    def _band(self, symbol: str) -> bool:
        self._tell_band(self._by_symbol[symbol])
        return True

    def _imbalance(self, symbol: str) -> bool:
        desk = self._by_symbol[symbol]
        self._tell_imbalance(desk, desk.pit.history.last_price)
        return True

    def _amend_newest(self, symbol: str, *, canceled: bool) -> bool:
        desk = self._by_symbol[symbol]
        item = next((each for each in reversed(desk.tape.prints) if not each.update), None)
        if item is not None:
            self._amend(desk, item, canceled=canceled)
        return item is not None

    def _tick_ns(self) -> int:
        """A time after all those given before."""
        self._count += 1
        self._ns += 1 + self._count * 7_919 % 977
        return self._ns

    def _on_100ms(self, now_ms: int) -> None:
        for desk in self._desks.values():
            desk.pit.history.take_agg_trades()
            if desk.is_stock:
                desk.pit.take_changes()
            else:
                self._flush_book(desk)

    def _flush_book(self, desk: _Desk) -> None:
        if desk.pit.book.changed:
            changed, _ = desk.pit.take_changes()
            topic = desk.topics["orderbooks"]
            if topic.listeners:
                topic.publish(messages.book_delta(desk.pit, changed, self._tick_ns()))

    def _on_1s(self, now_ms: int) -> None:
        due = [entry for entry in self._later if entry[1].due_ns <= self._ns]
        self._later = [entry for entry in self._later if entry[1].due_ns > self._ns]
        for desk, later in due:
            if not later.item.update:
                self._amend(desk, later.item, canceled=later.item.trade_id % _CANCELED == 0)
        minute_ms = now_ms // MINUTE_MS * MINUTE_MS
        for desk in self._desks.values():
            desk.pit.history.roll(now_ms)
            first_ms = max(desk.told_minute_ms, minute_ms - _MOST_MINUTES * MINUTE_MS)
            for start_ms in range(first_ms, minute_ms, MINUTE_MS):
                self._end_minute(desk, start_ms)
            desk.told_minute_ms = minute_ms

    def _amend(self, desk: _Desk, item: Print, *, canceled: bool) -> None:
        """A trade turns out to be wrong: it is canceled, or one lot larger than was said."""
        ns = self._tick_ns()
        if canceled:
            item.update = "canceled"
            desk.topics["cancelErrors"].publish(messages.cancel_error(desk.instrument, item, ns))
        else:
            item.update = "incorrect"
            right = replace(
                item, trade_id=item.trade_id + _CORRECTED_IDS, lots=item.lots + 1, ns=ns, update="corrected"
            )
            desk.tape.prints.append(right)
            desk.topics["corrections"].publish(messages.correction(desk.instrument, item, right, ns))
        desk.amended.add(item.ns // _MS_NS // MINUTE_MS * MINUTE_MS)

    def _end_minute(self, desk: _Desk, start_ms: int) -> None:
        minute, day = desk.pit.history.bar("1m", start_ms), desk.pit.history.bar("1d", start_ms)
        if minute is None or day is None or not minute.count:
            return
        desk.topics["bars"].publish(messages.bar(desk.instrument, minute, "b"))
        desk.topics["dailyBars"].publish(messages.bar(desk.instrument, day, "d"))
        if desk.is_stock:
            self._tell_imbalance(desk, minute.close)

    def _tell_imbalance(self, desk: _Desk, price: int) -> None:
        desk.topics["imbalances"].publish(messages.imbalance(desk.instrument, price, self._tick_ns()))

    def _tell_band(self, desk: _Desk) -> None:
        message = messages.luld(desk.instrument, desk.pit.history.last_price, self._tick_ns())
        desk.topics["lulds"].publish(message)

    def _tell_status(self, desk: _Desk) -> None:
        message = messages.status(desk.instrument, self.market.halted(desk.pit), self._tick_ns())
        desk.topics["statuses"].publish(message)

    def _on_30s(self, now_ms: int) -> None:
        for desk in self._desks.values():
            if desk.is_stock:
                self._tell_band(desk)
                self._tell_status(desk)
            for start_ms in [start_ms for start_ms in desk.amended if start_ms + MINUTE_MS + _UPDATED_BAR_MS <= now_ms]:
                desk.amended.discard(start_ms)
                bar = desk.tape.minute(start_ms)
                if bar is not None:
                    desk.tape.corrected[start_ms] = bar
                    desk.topics["updatedBars"].publish(messages.bar(desk.instrument, bar, "u"))
