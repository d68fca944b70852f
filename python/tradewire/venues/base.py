"""What a market data venue is, as the gateway sees it. Holds no venue's words: those stay in the venue's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from tradewire.core.plan import FieldPlan, SequenceRule
    from tradewire.core.record import Kind
    from tradewire.transport.http import HttpClient

__all__ = ["Channel", "MarketDataVenue", "Snapshot", "SnapshotSource", "Stream", "StreamLimits"]


@dataclass(frozen=True, slots=True)
class Channel:
    """One sort of market data under the name users know.

    Attributes:
        name: `trades`, `quotes`, `book`, ...
        kind: what its messages become.
        stale_after_ns: silence longer than this makes it STALE; None: silence is normal.
        interval: of bars (`1m`), empty otherwise. Tells several bar channels of one symbol apart.
        diff: whether its messages are changes to a book that needs a snapshot.
    """

    name: str
    kind: Kind
    stale_after_ns: int | None
    interval: str = ""
    diff: bool = False


@dataclass(frozen=True, slots=True)
class Stream:
    """What the venue calls one channel of one symbol, and which of its endpoints serves it."""

    name: str
    route: str


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """What a venue allows on one streaming connection.

    Attributes:
        names_per_message: stream names in one subscription message.
        streams: subscriptions on one connection.
        messages_per_s: control messages, kept below the venue's own limit.
        message_burst: control messages back to back.
    """

    names_per_message: int
    streams: int
    messages_per_s: float
    message_burst: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A book snapshot as received: the gateway's decoder reads it like any message, under the name `stream`."""

    payload: bytes
    recv_ns: int
    stream: str


class SnapshotSource(Protocol):
    """Where a gateway gets book snapshots."""

    async def fetch(self, symbol: str) -> Snapshot:
        """One snapshot, as soon as the venue's request limits allow; one attempt.

        Raises:
            SnapshotError: no usable answer; the venue's limits are kept by the next call.
        """


class MarketDataVenue(Protocol):
    """Market data of one venue: names, addresses, messages, rules. Immutable and without I/O.

    Attributes:
        name: as in `StreamingGateway(venue=...)`.
        plan: how its messages are read.
        book_rule: how its book deltas chain.
        sequences: which numbered streams are contiguous, which only increase (`SequenceTracker`).
        limits: of one streaming connection.
        snapshot_depth: levels a side of the snapshots that `snapshots` gives.
        default_channels: what `tradewire stream` shows when nothing else is asked for.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - above
    @property
    def plan(self) -> FieldPlan: ...  # noqa: D102 - above
    @property
    def book_rule(self) -> SequenceRule: ...  # noqa: D102 - above
    @property
    def sequences(self) -> Mapping[int, Literal["contiguous", "increasing"]]: ...  # noqa: D102 - above
    @property
    def limits(self) -> StreamLimits: ...  # noqa: D102 - above
    @property
    def snapshot_depth(self) -> int: ...  # noqa: D102 - above
    @property
    def default_channels(self) -> Sequence[str]: ...  # noqa: D102 - above

    def symbol(self, text: str) -> str:
        """The venue's spelling of `BTCUSDT`, `btcusdt` or `BTC/USDT`.

        Raises:
            ValueError: not a symbol.
        """

    def channel(self, name: str) -> Channel:
        """A channel by name.

        Raises:
            UnsupportedError: this venue has no such channel; the message lists what it has.
        """

    def stream(self, channel: Channel, symbol: str) -> Stream:
        """The venue's stream of a channel for a symbol (in the venue's spelling)."""

    def stream_url(self, route: str, base: str | None = None) -> str:
        """Address of a route; `base` replaces the venue's production host (`ws://127.0.0.1:8700`)."""

    def subscribe_message(self, streams: Sequence[str], request_id: int) -> bytes:
        """Asks for streams; answered by a Control message with `request_id`."""

    def unsubscribe_message(self, streams: Sequence[str], request_id: int) -> bytes:
        """Takes streams back."""

    def snapshots(self, http: HttpClient, base: str | None = None) -> SnapshotSource:
        """Where book snapshots come from; `base` replaces the venue's production host."""
