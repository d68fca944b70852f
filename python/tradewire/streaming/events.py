"""What a gateway says besides market data: connections, gaps, resyncs, feed states, and changed books.

They come in the same stream as trades and quotes. Not for market data itself: those classes are the core's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from .ladder import Rung

if TYPE_CHECKING:
    from tradewire.core.protocols import OrderBookProtocol

__all__ = [
    "BackFilled",
    "BookUpdate",
    "ConnectionChanged",
    "ConnectionRotated",
    "ConnectionState",
    "FallbackChanged",
    "FeedAlert",
    "FeedState",
    "FeedStateChanged",
    "GapDetected",
    "RemedyTaken",
    "Resynced",
    "StatusEvent",
    "SubscriptionRefused",
]


class FeedState(StrEnum):
    """How far a feed, one channel of one symbol, can be trusted."""

    SYNCING = "syncing"
    """Asked for; nothing valid yet, or a book still waits for its snapshot."""
    LIVE = "live"
    """Messages arrive, and nothing is known to be missing."""
    GAP = "gap"
    """Messages are missing; a book is not served until it is rebuilt."""
    STALE = "stale"
    """Connected, and silent for longer than is normal for the channel."""
    DOWN = "down"
    """No connection."""


class ConnectionState(StrEnum):
    """Where a connection is in its life."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ConnectionChanged:
    """A connection changed state.

    Attributes:
        venue: the gateway's venue.
        connection: its name within the gateway (`public`, `market`, `public-2`).
        state: the new state.
        reason: why, in words; empty where it was asked for.
        attempt: connection attempts in a row that failed, since it last served.
        retry_in_ns: for `reconnecting`: the wait before the next attempt.
        recv_ns: when, ns since 1970.
    """

    venue: str
    connection: str
    state: ConnectionState
    reason: str
    attempt: int
    retry_in_ns: int
    recv_ns: int

    @property
    def symbol(self) -> str:
        """Concerns every symbol of the connection."""
        return ""


@dataclass(frozen=True, slots=True)
class ConnectionRotated:
    """A connection was renewed before the venue ended it, without a gap: its successor serves from now on.

    Attributes:
        connection: its name, which the successor keeps.
        reason: why, in words.
        duplicates: messages that came on both and were delivered once.
        recv_ns: when, ns since 1970.
    """

    venue: str
    connection: str
    reason: str
    duplicates: int
    recv_ns: int

    @property
    def symbol(self) -> str:
        """Concerns every symbol of the connection."""
        return ""


@dataclass(frozen=True, slots=True)
class FeedStateChanged:
    """A feed changed state."""

    venue: str
    channel: str
    symbol: str
    state: FeedState
    previous: FeedState
    reason: str
    recv_ns: int


@dataclass(frozen=True, slots=True)
class GapDetected:
    """Messages of a feed are missing.

    Attributes:
        missing: how many, where the venue numbers each message; 0 where only the break is known (books, and trades
            without numbers that could not be fetched: some may be missing).
    """

    venue: str
    channel: str
    symbol: str
    missing: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class BackFilled:
    """Trades that a stream had lost were fetched by request and delivered, each with the flag `record.BACKFILL`.

    Attributes:
        count: how many; 0 where none was needed, for all came after all, or none was given.
        still_missing: how many the venue did not give, or more than are delivered for one gap. Where the venue does not
            number its trades, only the latter are known.
    """

    venue: str
    channel: str
    symbol: str
    count: int
    still_missing: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class Resynced:
    """A book was rebuilt from a snapshot and is served again.

    Attributes:
        last_seq: the book's sequence number.
        duration_ns: from the gap, or from the first asking, to now.
    """

    venue: str
    channel: str
    symbol: str
    last_seq: int
    duration_ns: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class SubscriptionRefused:
    """The venue answered a subscription with an error.

    Attributes:
        streams: the venue's names of what was asked for; empty where the whole session was refused. Those that are not
            the reason themselves are asked for again, and granted: the state of a feed says which.
        code: the venue's error code.
        message: the venue's words.
    """

    venue: str
    connection: str
    streams: tuple[str, ...]
    code: int
    message: str
    recv_ns: int

    @property
    def symbol(self) -> str:
        """Concerns every symbol of the message."""
        return ""


@dataclass(frozen=True, slots=True)
class RemedyTaken:
    """Something was done about a silent feed.

    Attributes:
        rung: what.
        step: 1 for the first action since the feed went silent.
    """

    venue: str
    channel: str
    symbol: str
    rung: Rung
    step: int
    recv_ns: int


@dataclass(frozen=True, slots=True)
class FallbackChanged:
    """A provider's feeds come from its fallback from now on, or from itself again.

    Attributes:
        provider: whose feeds.
        fallback: the provider that stands in.
        active: whether it stands in now.
        reason: why, in words.
    """

    venue: str
    provider: str
    fallback: str
    active: bool
    reason: str
    recv_ns: int

    @property
    def symbol(self) -> str:
        """Concerns every symbol of the provider."""
        return ""


@dataclass(frozen=True, slots=True)
class FeedAlert:
    """A person should look: nothing that the gateway can do by itself has helped, or may help.

    Attributes:
        channel: empty where all channels are concerned.
        symbol: empty where all symbols are concerned.
        reason: what happened, in words.
    """

    venue: str
    channel: str
    symbol: str
    reason: str
    recv_ns: int


#: What no queue may ever drop.
StatusEvent: TypeAlias = (
    BackFilled
    | ConnectionChanged
    | ConnectionRotated
    | FallbackChanged
    | FeedAlert
    | FeedStateChanged
    | GapDetected
    | RemedyTaken
    | Resynced
    | SubscriptionRefused
)


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """A synchronised book changed. Only the latest one matters: queues keep one per symbol.

    Attributes:
        event_ns: venue time of the last delta applied; 0 where the venue gives none.
        recv_ns: when the batch with that delta was processed, ns since 1970.
        seq: the book's sequence number.
        bid, ask: best (price, quantity); None for an empty side.
        book: the live book itself, for deeper levels. It goes on changing, and is only read on the event loop.
    """

    venue: str
    symbol: str
    event_ns: int
    recv_ns: int
    seq: int
    bid: tuple[float, float] | None
    ask: tuple[float, float] | None
    book: OrderBookProtocol = field(repr=False, compare=False)
