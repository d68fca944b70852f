"""What a gateway says of itself: states, books, totals, incidents. Read only: `gateway.py` changes things."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tradewire.telemetry import Counters, LatencySpans

from .incidents import write_incidents

if TYPE_CHECKING:
    import asyncio

    from tradewire.core import Histogram
    from tradewire.core.protocols import OrderBookProtocol

    from .configured import Configured
    from .dispatch import Backlog, Dispatcher
    from .events import FeedState
    from .health import Feed
    from .incidents import Incident
    from .link import Link
    from .manager import WebSocketManager
    from .providers import Providers
    from .watch import Watch

__all__ = ["GatewayView"]


class GatewayView:
    """The side of `StreamingGateway` that is looked at. The event loop owns it."""

    _providers: Providers
    _dispatcher: Dispatcher
    _watch: Watch
    _totals: Counters
    _configured: Configured | None
    _callback_latency: Histogram
    _loop: asyncio.AbstractEventLoop | None

    def __repr__(self) -> str:
        parts = [f"{by} {channel} {', '.join(symbols)}" for (by, channel), symbols in self.subscriptions.items()]
        return f"<{type(self).__name__}: {'; '.join(parts) or ', '.join(self._providers.managers)}>"

    @property
    def managers(self) -> Mapping[str, WebSocketManager]:
        """What runs each provider, by its name."""
        return dict(self._providers.managers)

    @property
    def counters(self) -> Counters:
        """Totals of all providers: `messages`, `messages.<kind>`, `bytes`, `decode_errors`, `protocol_errors`,
        `book_gaps`, `resyncs`, `reconnects`, ..., and of the gateway: `alerts`, `reloads.applied`, `reloads.refused`.
        A snapshot; each provider's own go on counting (`managers[name].counters`)."""
        return Counters.sum([*(manager.counters for manager in self._providers.managers.values()), self._totals])

    @property
    def latency(self) -> LatencySpans:
        """Latency per hop, of all providers. A snapshot when there are several."""
        return LatencySpans.sum(
            (manager.latency for manager in self._providers.managers.values()), self._callback_latency
        )

    @property
    def links(self) -> list[Link]:
        """The connections."""
        return [link for manager in self._providers.managers.values() for link in manager.links]

    @property
    def dropped(self) -> int:
        """Events and messages that full consumer queues lost or replaced."""
        return self._dispatcher.dropped()

    @property
    def subscriptions(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """(provider, channel) -> symbols, as the configuration, or the constructor, asks for them now."""
        return {key: subscription.symbols for key, subscription in self._providers.planned.items()}

    @property
    def configured_ns(self) -> int:
        """Since when the present configuration holds, ns since 1970; 0: there is none."""
        return self._configured.applied_ns if self._configured is not None else 0

    @property
    def fallbacks(self) -> dict[str, str]:
        """Provider -> the one that stands in for it now."""
        return self._providers.fallbacks.active

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The event loop that owns it; None before the start."""
        return self._loop

    @property
    def backlogs(self) -> dict[str, Backlog]:
        """What waits and what was lost in consumer queues, by sort: `callback`, `events`, `batches`."""
        return self._dispatcher.backlogs()

    @property
    def callback_faults(self) -> tuple[int, int]:
        """(calls that raised, calls that held the event loop for more than 5 ms) of all callbacks, also of those that
        are closed."""
        return self._dispatcher.callback_faults

    @property
    def failing(self) -> set[tuple[str, str]]:
        """(provider, check) of the thresholds of `streaming_health` that do not hold now; no provider: consumers."""
        return {(provider, str(check)) for provider, check in self._watch.failing}

    def incidents(self) -> list[Incident]:
        """The last thousand: gaps, resyncs, lost connections, silences, remedies, alerts; oldest first."""
        return list(self._watch.incidents)

    def export_incidents(self, path: str | os.PathLike[str]) -> int:
        """Writes `incidents()` as JSON lines, replacing what the file held; returns how many.

        Raises:
            OSError: the file cannot be written.
        """
        return write_incidents(self._watch.incidents, path)

    def feeds(self) -> list[Feed]:
        """All feeds with their states, by provider, in order of subscription."""
        return [feed for manager in self._providers.managers.values() for feed in manager.feeds()]

    def state(self, channel: str, symbol: str, provider: str | None = None) -> FeedState:
        """The state of one feed, of the first provider that has it.

        Raises:
            ValueError: not subscribed.
            UnsupportedError: no such channel or provider.
        """
        managers = self._providers.shares.asked(symbol, provider)
        for manager in managers:
            feed = manager.feed(channel, symbol) if manager.has_channel(channel) else None
            if feed is not None:
                return feed.state
        raise ValueError(f"channel {channel!r} of {symbol} is not subscribed")

    def book(self, symbol: str, provider: str | None = None) -> OrderBookProtocol | None:
        """The live book of a symbol; None between a gap (or a lost connection) and the resync.

        Args:
            symbol: in any spelling.
            provider: whose book; None: the first provider that has one.

        Raises:
            ValueError: not a symbol.
            UnsupportedError: no such provider.
        """
        managers = self._providers.shares.asked(symbol, provider)
        return next((book for book in (manager.book(symbol) for manager in managers) if book is not None), None)
