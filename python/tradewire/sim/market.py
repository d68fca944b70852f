"""The simulated market: random orders meet in a real limit order book for each symbol. No sockets, no text, no clock.

The flow is of the zero-intelligence kind (Poisson arrivals of limit orders, cancels and market orders; Smith, Farmer,
Gillemot, Krishnamurthy, Quantitative Finance 3, 2003) with a slow mood that makes prices move. One seed gives one
sequence of orders whatever the clock does; times only label what happens.
"""

from __future__ import annotations

import random
from typing import Protocol

from tradewire.sim.history import History, Trade
from tradewire.sim.instruments import Instrument
from tradewire.sim.matching import BUY, SELL, LimitOrderBook

__all__ = ["DEFAULT_RATE", "Market", "Pit", "Tape"]

#: Trades and quotes a second over all symbols; one busy symbol of the venue makes as many.
DEFAULT_RATE = 300.0

_LEVELS = 700  # opening levels a side
_MAX_LEVELS = 950  # kept below 1000, so that the deepest REST snapshot is the whole book
_MIN_LEVELS = 50
_DEEP_SHARE = 0.3
_TAKE_SHARE = 0.15  # of all orders; gives about one trade for three quotes, as recorded on the venue
_LIQUIDATION_SHARE = 0.004  # of market orders
_SWEEP_TICKS = 20  # a market order does not go further than this
_WARM_UP = 300  # orders per symbol before the market opens
_MOOD_SHARE = 0.002
_FIRST_UPDATE_ID = 11_757_092_000_000
_UPDATE_ID_STEP = 3  # update ids jump on this venue; readers must not expect the next integer
_FIRST_TRADE_ID = 8_153_634_001
_FIRST_AGG_ID = 3_477_868_001
_SIZES = 1_024
_SLOTS = 256


class Tape(Protocol):
    """Hears what happens in the market, in order. Called once per message: must be quick, must not raise."""

    def trade(self, pit: Pit, trade: Trade) -> None:
        """Two orders matched."""

    def quote(self, pit: Pit) -> None:
        """The best price or quantity of a side changed; `pit.bid`, `bid_lots`, `ask`, `ask_lots` are the new ones."""

    def liquidation(self, pit: Pit, side: int, price: int, trades: list[Trade]) -> None:
        """A forced market order of `side`, limited to `price`, matched `trades` (already told one by one)."""


class Pit:
    """One symbol's market.

    Attributes:
        update_id: id of the last change of the book.
        first_change: id of the first change since `book.changed` was last emptied.
        changed_ms: time of the last change.
        quote_id: id of the change that made the present best prices and quantities.
        quote_ms: time of that change.
    """

    __slots__ = (
        "ask",
        "ask_lots",
        "bid",
        "bid_lots",
        "book",
        "changed_ms",
        "first_change",
        "history",
        "instrument",
        "mood",
        "quote_id",
        "quote_ms",
        "sizes",
        "update_id",
    )

    def __init__(self, instrument: Instrument, history: History, sizes: list[int], update_id: int) -> None:
        self.instrument = instrument
        self.history = history
        self.book = LimitOrderBook()
        self.sizes = sizes
        self.mood = 0.5
        self.update_id = self.first_change = update_id
        self.quote_id = update_id
        self.changed_ms = self.quote_ms = 0
        self.bid = self.bid_lots = self.ask = self.ask_lots = 0

    def take_changes(self) -> tuple[set[int], int]:
        """Book keys changed since the last call (see `LimitOrderBook`), and the update id of the first change."""
        changed = self.book.changed
        self.book.changed = set()
        return changed, self.first_change


class _Silence:
    """Hears the warm-up."""

    def trade(self, pit: Pit, trade: Trade) -> None:
        pass

    def quote(self, pit: Pit) -> None:
        pass

    def liquidation(self, pit: Pit, side: int, price: int, trades: list[Trade]) -> None:
        pass


class Market:
    """All symbols of the venue.

    Attributes:
        pits: symbol -> its market. The first symbols are the busiest.
        messages: trades and quotes told to the tape so far.
        now_ms: the time that the last `advance` was given.
    """

    def __init__(self, instruments: tuple[Instrument, ...], *, seed: int, now_ms: int, tape: Tape) -> None:
        if not instruments:
            raise ValueError("instruments must name at least 1 symbol, was empty")
        self._random = random.Random(seed).random
        self._gauss = random.Random(seed + 1)
        self._tape: Tape = _Silence()
        self._order_id = 0
        self._update_id = _FIRST_UPDATE_ID
        self.messages = 0
        self.now_ms = now_ms
        self.pits = {item.symbol: self._open(item) for item in instruments}
        pits = list(self.pits.values())
        weights = [1 / (1 + index / 2) for index in range(len(pits))]
        total = sum(weights)
        self._open_slots = self._slots = [
            pit
            for pit, weight in zip(pits, weights, strict=True)
            for _ in range(max(1, round(_SLOTS * weight / total)))
        ]
        self._halted: set[Pit] = set()
        for pit in pits:
            for _ in range(_WARM_UP):
                self._act(pit)
            pit.take_changes()
            pit.history.take_agg_trades()
        self.messages = 0
        self._tape = tape

    def advance(self, now_ms: int, messages: int) -> None:
        """Let orders arrive until at least `messages` more trades and quotes have been told (a sweep may add some), or
        every symbol is halted."""
        self.now_ms = now_ms
        target = self.messages + messages
        slots, draw, act = self._open_slots, self._random, self._act
        count = len(slots)
        while count and self.messages < target:
            act(slots[int(draw() * count)])

    def halt(self, pit: Pit, halted: bool) -> None:
        """Let no order of a symbol arrive any more, or let them arrive again; what rests in its book stays."""
        (self._halted.add if halted else self._halted.discard)(pit)
        self._open_slots = [each for each in self._slots if each not in self._halted]

    def halted(self, pit: Pit) -> bool:
        """Whether a symbol is halted."""
        return pit in self._halted

    def _open(self, item: Instrument) -> Pit:
        """A market with both sides filled: dense near the middle, sparse far away."""
        sizes = [max(1, round(item.typical_lots * self._gauss.lognormvariate(-0.5, 1.2))) for _ in range(_SIZES)]
        history = History(item.start_price, self.now_ms, _FIRST_TRADE_ID, _FIRST_AGG_ID)
        pit = Pit(item, history, sizes, self._update_id)
        for side in (BUY, SELL):
            distance = 0
            for level in range(_LEVELS):
                price = item.start_price - side * distance - (side == BUY)
                if price < 1:
                    break
                for _ in range(1 + (level < 20)):
                    self._order_id += 1
                    pit.book.submit(self._order_id, side, price, sizes[int(self._random() * _SIZES)])
                distance += 1 + int(self._random() * level / 40)
        self._look(pit)
        return pit

    def _act(self, pit: Pit) -> None:
        """One order of one participant; every one changes the book."""
        draw = self._random
        book = pit.book
        self._update_id += _UPDATE_ID_STEP
        if not book.changed:
            pit.first_change = self._update_id
        pit.update_id = self._update_id
        pit.changed_ms = self.now_ms
        start = pit.instrument.start_price
        choice = draw()
        if choice < _MOOD_SHARE:
            # Drifts, but is pulled back to where it started, so that a long run keeps its price level.
            pit.mood = 0.5 + 0.16 * (draw() - 0.5) + 2.0 * (start - pit.bid) / start
        side = BUY if draw() < pit.mood else SELL
        favoured, other = (book.bids, book.asks) if side == BUY else (book.asks, book.bids)
        if choice < _TAKE_SHARE and len(other) > _MIN_LEVELS:
            self._take(pit, side)
        elif draw() * (2 * _LEVELS) < len(other) + len(book) / 16:
            # Cancels come to the side that is out of favour, and the more the fuller it is: that keeps its size.
            book.cancel(book.newest(other[-min(self._depth(), len(other))]))
        elif len(favoured) < _MAX_LEVELS:
            self._place(pit, side)
        else:
            book.cancel(book.newest(favoured[0]))
        self._look(pit)

    def _take(self, pit: Pit, side: int) -> None:
        draw = self._random
        lots = pit.sizes[int(draw() * _SIZES)]
        limit = pit.ask + _SWEEP_TICKS if side == BUY else max(1, pit.bid - _SWEEP_TICKS)
        self._order_id += 1
        seller_took = side == SELL
        record, tell = pit.history.trade, self._tape.trade
        trades = []
        for price, done in pit.book.submit(self._order_id, side, limit, lots, rest=False):
            trade = record(price, done, self.now_ms, seller_took)
            tell(pit, trade)
            trades.append(trade)
        self.messages += len(trades)
        if draw() < _LIQUIDATION_SHARE:
            self._tape.liquidation(pit, side, limit, trades)

    def _place(self, pit: Pit, side: int) -> None:
        # Measured from the other side's best price (as in the paper), so that an open spread closes again.
        other = pit.ask if side == BUY else pit.bid
        price = max(1, other - side * self._depth())
        self._order_id += 1
        pit.book.submit(self._order_id, side, price, pit.sizes[int(self._random() * _SIZES)])

    def _depth(self) -> int:
        """How far from the middle something happens, 1 = at the touch: P(depth > n) = 1/n, plus a flat part."""
        draw = self._random
        if draw() < _DEEP_SHARE:
            return 1 + int(draw() * draw() * _MAX_LEVELS)
        return min(int(1.0 / (1.0 - draw())), _MAX_LEVELS)

    def _look(self, pit: Pit) -> None:
        """Tell the tape if the top of the book is not what it was."""
        book = pit.book
        bid, minus_ask = book.bids[-1], book.asks[-1]
        bid_lots, ask_lots = book.totals[bid], book.totals[minus_ask]
        if bid != pit.bid or bid_lots != pit.bid_lots or minus_ask != -pit.ask or ask_lots != pit.ask_lots:
            pit.bid, pit.bid_lots, pit.ask, pit.ask_lots = bid, bid_lots, -minus_ask, ask_lots
            pit.quote_id, pit.quote_ms = pit.update_id, self.now_ms
            self.messages += 1
            self._tape.quote(pit)
