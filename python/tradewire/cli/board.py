"""What a live view shows, collected from a gateway: last trades, best prices, rates. Draws nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tradewire.core import monotonic_ns
from tradewire.streaming.events import ConnectionChanged, ConnectionState
from tradewire.telemetry import Rate

if TYPE_CHECKING:
    from tradewire.core import Quote, Trade
    from tradewire.streaming import BookUpdate, FeedState, StreamingGateway
    from tradewire.streaming.queues import EventQueue

__all__ = ["Board", "Row"]


@dataclass(slots=True)
class Row:
    """One symbol.

    Attributes:
        trade: the last one.
        bid, ask: best (price, quantity), from quotes, else from the book.
        trades: how many were seen.
    """

    trade: Trade | None = None
    bid: tuple[float, float] | None = None
    ask: tuple[float, float] | None = None
    trades: int = 0


class Board:
    """Subscribes to a gateway and keeps what a person wants to see.

    Args:
        gateway: not started.
        symbols: in the order in which they are shown.
        channels: to subscribe to.

    Attributes:
        rows: by symbol.
        channels: their names, in order.
        states: (channel, symbol) -> state, at the last `update`.
        silent: symbols of which nothing had come by then.
        trouble: why a connection could not be opened, or was lost, the last time.
        queue: of the consumer that prints, if there is one.
    """

    def __init__(self, gateway: StreamingGateway, symbols: list[str], channels: list[str]) -> None:
        self.gateway = gateway
        self.rows: dict[str, Row] = {}
        self.channels: list[str] = []
        self._started_ns = now = monotonic_ns()
        self._ended_ns: int | None = None
        self.states: dict[tuple[str, str], FeedState] = {}
        self.silent: set[str] = set()
        self.trouble = ""
        self.queue: EventQueue | None = None
        self._message_rate = Rate(0, now)
        self._byte_rate = Rate(0, now)
        self.messages_per_s = 0.0
        self.bytes_per_s = 0.0
        gateway.on_status(self._on_status)
        has_quotes = "quotes" in channels
        for channel in channels:
            callback: Callable[[Any], None] | None = None
            if channel in ("trades", "agg_trades"):
                callback = self._on_trade
            elif channel == "quotes":
                callback = self._on_quote
            elif channel.startswith("book") and not has_quotes:
                callback = self._on_book
            subscription = gateway.subscribe(channel, symbols, callback)
            self.channels.append(subscription.channel)
            self.rows |= {symbol: Row() for symbol in subscription.symbols}
        self.silent.update(self.rows)

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

    def finish(self) -> None:
        """Takes the last figures while everything is still connected; later updates change nothing."""
        self.update()
        self._ended_ns = monotonic_ns()

    def update(self) -> None:
        """Feed states, and messages and bytes a second since the last call."""
        if self._ended_ns is not None:
            return
        feeds = self.gateway.feeds()
        self.states = {(feed.channel.name, feed.symbol): feed.state for feed in feeds}
        self.silent.difference_update(feed.symbol for feed in feeds if feed.messages)
        now = monotonic_ns()
        counters = self.gateway.counters
        self.messages_per_s = self._message_rate.update(counters["messages"], now)
        self.bytes_per_s = self._byte_rate.update(counters["bytes"], now)

    def _on_status(self, event: object) -> None:
        if isinstance(event, ConnectionChanged) and event.state is ConnectionState.RECONNECTING:
            self.trouble = event.reason

    def _on_trade(self, trade: Trade) -> None:
        row = self.rows[trade.symbol]
        row.trade = trade
        row.trades += 1

    def _on_quote(self, quote: Quote) -> None:
        row = self.rows[quote.symbol]
        row.bid = (quote.bid_price, quote.bid_quantity)
        row.ask = (quote.ask_price, quote.ask_quantity)

    def _on_book(self, update: BookUpdate) -> None:
        row = self.rows[update.symbol]
        row.bid, row.ask = update.bid, update.ask
