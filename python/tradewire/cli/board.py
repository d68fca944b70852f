"""What a live view shows, collected from a gateway: last trades, best prices, rates, faults. Draws nothing."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from tradewire.core import monotonic_ns
from tradewire.streaming.events import ConnectionChanged, ConnectionState, FeedState
from tradewire.telemetry import Rate

from .story import Line, noticed, told

if TYPE_CHECKING:
    from tradewire.core import Quote, Trade
    from tradewire.model.notices import Notice
    from tradewire.streaming import BookUpdate, StreamingGateway
    from tradewire.streaming.queues import EventQueue
    from tradewire.streaming.subscription import Subscription

__all__ = ["Board", "Row"]

#: More than a screen shows.
_NOTICES_KEPT = 100


@dataclass(slots=True)
class Row:
    """One symbol of one provider.

    Attributes:
        trade: the last one.
        bid, ask: best (price, quantity), from quotes, else from the book.
        notices: how many came: halts, price bands, ...; None: none are asked for.
        decimals: of prices and of quantities: the most that any had at an `update`, so that columns keep still.
    """

    trade: Trade | None = None
    bid: tuple[float, float] | None = None
    ask: tuple[float, float] | None = None
    notices: int | None = None
    decimals: tuple[int, int] = (0, 0)

    def measure(self) -> None:
        """Takes the decimals of what it holds now into account."""
        pairs = [pair for pair in (self.bid, self.ask) if pair is not None]
        if self.trade is not None:
            pairs.append((self.trade.price, self.trade.quantity))
        for price, quantity in pairs:
            prices, quantities = self.decimals
            self.decimals = max(prices, _decimals(price)), max(quantities, _decimals(quantity))


def _decimals(value: float) -> int:
    """How many it takes to write a number in full: 2 of 83084.35, 0 of 1e5."""
    if not math.isfinite(value):
        return 0
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -int(exponent))


class Board:
    """Follows what a gateway subscribes to, reloads included, and keeps what a person wants to see.

    Args:
        gateway: with its subscriptions, not started.

    Attributes:
        rows: by (provider, symbol), in the order of the subscriptions.
        channels: their names, in order.
        states: (provider, channel, symbol) -> state, at the last `update`.
        silent: (provider, symbol) of which nothing had come by then.
        calm: (provider, symbol) whose feeds are all of the sort whose silence is normal.
        trouble: why a connection could not be opened, or was lost, the last time.
        queue: of the consumer that prints, if there is one.
        injected: faults that were made on purpose.
        metrics: where they are served, if they are.
    """

    def __init__(self, gateway: StreamingGateway) -> None:
        self.gateway = gateway
        self.rows: dict[tuple[str, str], Row] = {}
        self.channels: list[str] = []
        self._started_ns = now = monotonic_ns()
        self._ended_ns: int | None = None
        self.states: dict[tuple[str, str, str], FeedState] = {}
        self.silent: set[tuple[str, str]] = set()
        self.calm: set[tuple[str, str]] = set()
        self.trouble = ""
        self.queue: EventQueue | None = None
        self.injected: list[Line] = []
        self._notices: deque[Line] = deque(maxlen=_NOTICES_KEPT)
        self.metrics = ""
        self._message_rate = Rate(0, now)
        self._byte_rate = Rate(0, now)
        self.messages_per_s = 0.0
        self.bytes_per_s = 0.0
        self._asked: dict[tuple[str, str], tuple[str, ...]] = {}
        self._own: dict[tuple[str, str], Subscription] = {}
        gateway.on_status(self._on_status)
        self._follow()

    @property
    def seconds(self) -> float:
        """Time since it was made, or that it lasted."""
        return ((self._ended_ns or monotonic_ns()) - self._started_ns) / 1e9

    @property
    def conflated(self) -> int:
        """Quotes and books that a newer one of their symbol replaced before they were printed."""
        return self.queue.conflated if self.queue is not None else 0

    @property
    def lost(self) -> int:
        """Events that a full queue dropped."""
        return self.gateway.dropped - self.conflated

    @property
    def story(self) -> list[Line]:
        """What went wrong, on purpose or not, what was done about it, and the last notices; oldest first."""
        lines = [*told(self.gateway.incidents()), *self.injected, *self._notices]
        return sorted(lines, key=lambda line: line.recv_ns)

    @property
    def is_calm(self) -> bool:
        """Whether it is normal that nothing came: all that is asked for may be silent, and nothing is down."""
        return self.calm == set(self.rows) and FeedState.DOWN not in self.states.values()

    def finish(self) -> None:
        """Takes the last figures while everything is still connected; later updates change nothing."""
        self.update()
        self._ended_ns = monotonic_ns()

    def update(self) -> None:
        """Feed states, decimals, and messages and bytes a second since the last call."""
        if self._ended_ns is not None:
            return
        self._follow()
        for row in self.rows.values():
            row.measure()
        self.states.clear()
        restless: set[tuple[str, str]] = set()
        for provider, manager in self.gateway.managers.items():
            for feed in manager.feeds():
                self.states[provider, feed.channel.name, feed.symbol] = feed.state
                if feed.messages:
                    self.silent.discard((provider, feed.symbol))
                if feed.usual_ns is not None:
                    restless.add((provider, feed.symbol))
        self.calm = set(self.rows) - restless
        now = monotonic_ns()
        counters = self.gateway.counters
        self.messages_per_s = self._message_rate.update(counters["messages"], now)
        self.bytes_per_s = self._byte_rate.update(counters["bytes"], now)

    def _follow(self) -> None:
        """Shows what the gateway subscribes to now."""
        asked = self.gateway.subscriptions
        if asked == self._asked:
            return
        for key, own in list(self._own.items()):
            if asked.get(key) != self._asked[key]:
                own.close()
                del self._own[key]
        self._asked = asked
        keys = [(provider, symbol) for (provider, _), symbols in asked.items() for symbol in symbols]
        # By provider, each with its symbols in their order.
        order = {provider: number for number, (provider, _) in enumerate(reversed(asked))}
        keys = sorted(dict.fromkeys(keys), key=lambda key: -order[key[0]])
        self.silent |= {key for key in keys if key not in self.rows}
        self.silent &= set(keys)
        self.rows = {key: self.rows.get(key) or Row() for key in keys}
        self.channels = list(dict.fromkeys(channel for _, channel in asked))
        for (provider, channel), symbols in asked.items():
            callback = self._callback(provider, channel, symbols)
            if callback is not None and (provider, channel) not in self._own:
                self._own[provider, channel] = self.gateway.subscribe(
                    channel, symbols, partial(callback, provider), provider=provider
                )

    def _callback(self, provider: str, channel: str, symbols: Iterable[str]) -> Callable[[str, Any], None] | None:
        if channel in ("trades", "agg_trades"):
            return self._on_trade
        if channel == "quotes":
            return self._on_quote
        if channel.startswith("book") and (provider, "quotes") not in self._asked:
            return self._on_book
        if self.gateway.managers[provider].venue.channel(channel).notice is not None:
            for symbol in symbols:
                row = self.rows[provider, symbol]
                row.notices = row.notices or 0
            return partial(self._on_notice, channel)
        return None

    def _on_status(self, event: object) -> None:
        if isinstance(event, ConnectionChanged) and event.state is ConnectionState.RECONNECTING:
            self.trouble = event.reason

    def _on_trade(self, provider: str, trade: Trade) -> None:
        row = self.rows.get((provider, trade.symbol))
        # A fallback may spell its symbols in another way.
        if row is not None:
            row.trade = trade

    def _on_notice(self, channel: str, provider: str, notice: Notice) -> None:
        self._notices.append(noticed(provider, channel, notice))
        row = self.rows.get((provider, notice.symbol))
        if row is not None:
            row.notices = (row.notices or 0) + 1

    def _on_quote(self, provider: str, quote: Quote) -> None:
        row = self.rows.get((provider, quote.symbol))
        if row is not None:
            row.bid = (quote.bid_price, quote.bid_quantity)
            row.ask = (quote.ask_price, quote.ask_quantity)

    def _on_book(self, provider: str, update: BookUpdate) -> None:
        row = self.rows.get((provider, update.symbol))
        if row is not None:
            row.bid, row.ask = update.bid, update.ask
