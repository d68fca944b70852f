"""What a market data venue is, as the gateway sees it. Holds no venue's words: those stay in the venue's folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from tradewire.transport.policy.limiter import Limiter
from tradewire.transport.policy.quota import Quota

from .trading import TradingAPIInterface

if TYPE_CHECKING:
    from tradewire.core.plan import FieldPlan, SequenceRule
    from tradewire.core.record import Kind
    from tradewire.model.notices import Notice
    from tradewire.transport.auth import Credential
    from tradewire.transport.http import HttpClient

    from .session import StreamSession

__all__ = [
    "ONE_MESSAGE",
    "Channel",
    "LastTrade",
    "MarketDataRest",
    "MarketDataVenue",
    "NoticeReader",
    "RestPayload",
    "Stream",
    "StreamLimits",
    "TradingAPIInterface",
]


#: What one control message takes from `StreamLimits.limiter`.
ONE_MESSAGE = (("control", 1),)


@dataclass(frozen=True, slots=True)
class Channel:
    """One sort of market data under the name users know.

    Attributes:
        name: `trades`, `quotes`, `book`, ...
        kind: what its messages become.
        stale_after_ns: silence longer than this makes it STALE; None: silence is normal.
        interval: of bars (`1m`), empty otherwise. Tells several bar channels of one symbol apart.
        diff: whether its messages are changes to a book that needs a snapshot.
        periodic: whether the venue sends it whether anything happened or not, so that silence alone proves a fault.
        holes: whether numbers are also given to what is not sent or not taken, so that a skipped one alone proves no
            loss.
        notice: what it is delivered as where its messages are no market data but notices, Control records that a
            `NoticeReader` reads; None: market data.
    """

    name: str
    kind: Kind
    stale_after_ns: int | None
    interval: str = ""
    diff: bool = False
    periodic: bool = False
    holes: bool = False
    notice: type[Notice] | None = None


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
        max_age_s: the venue ends a connection that is older; None: it does not.
        links_per_credential: connections that one credential may hold to one address; None: as many as it likes.
    """

    names_per_message: int
    streams: int
    messages_per_s: float
    message_burst: int
    max_age_s: float | None = None
    links_per_credential: int | None = None

    @property
    def overlap(self) -> bool:
        """Whether a second connection may be opened before the first one is closed."""
        return self.links_per_credential is None or self.links_per_credential > 1

    def limiter(self) -> Limiter:
        """Paces the control messages (`ONE_MESSAGE`) of one connection.

        No window of `message_burst / messages_per_s` seconds holds more than a burst, wherever it begins; a token
        bucket would let nearly twice that through.
        """
        burst = self.message_burst
        per_s = burst / self.messages_per_s
        return Limiter((Quota(name="control", limit=burst, per_s=per_s, strict=True, reserve=0.0, margin=0.0),))


@dataclass(frozen=True, slots=True)
class RestPayload:
    """A REST answer as received: the gateway's decoder reads it like any message, under the name `stream`."""

    payload: bytes
    recv_ns: int
    stream: str


@dataclass(frozen=True, slots=True)
class LastTrade:
    """A trade of a symbol, as evidence against a silent feed or as an end of a gap.

    Attributes:
        seq: its number in the stream's own numbering; 0 where the venue has none.
        event_ns: its time; 0 where it is not known.
    """

    seq: int
    event_ns: int


class MarketDataRest(Protocol):
    """A venue's REST market data, as far as a gateway needs it. Each call waits for the venue's request limits, asks
    once, and raises `QueryError` when there is no usable answer.

    One with a `RateLimitManager` in its attribute `limits`, which knows the venue's name, shares them with the other
    providers of its gateway that ask the same host (of its attribute `base`, an address).
    """

    async def snapshot(self, symbol: str) -> RestPayload:
        """A book snapshot.

        Raises:
            QueryError: no usable answer.
            UnsupportedError: the venue has none.
        """

    async def missed_trades(
        self, channel: Channel, symbol: str, first: LastTrade, last: LastTrade
    ) -> list[RestPayload]:
        """Trades after `first` and before `last`, as far as the venue still has them; decoded like stream messages.

        Raises:
            QueryError: no usable answer.
            UnsupportedError: the venue has none.
        """

    async def last_trade(self, channel: Channel, symbol: str) -> LastTrade | None:
        """The newest trade; None where there is none yet.

        Raises:
            QueryError: no usable answer.
            UnsupportedError: the venue cannot be asked.
            VenueRejectedError: the venue says that it has no such symbol.
        """

    async def server_time_ns(self) -> int:
        """The venue's clock.

        Raises:
            QueryError: no usable answer.
            UnsupportedError: the venue does not tell.
        """


class NoticeReader(Protocol):
    """Reads what Control records have no room for: what a venue says to those who trade. One for each provider."""

    def read(self, payload: bytes, recv_ns: int) -> list[Notice]:
        """The notices in a payload that gave Control records; empty for acknowledgements and the like.

        Args:
            payload: as received.
            recv_ns: for the notices.

        Raises:
            ValueError: one of them is not as the venue documents it.
        """


class MarketDataVenue(Protocol):
    """Market data of one venue: names, addresses, messages, rules. Immutable and without I/O.

    Attributes:
        name: as in `StreamingGateway(venue=...)`.
        plan: how its messages are read.
        book_rule: how its book deltas chain.
        sequences: which numbered streams are contiguous, which only increase (`SequenceTracker`).
        limits: of one streaming connection.
        snapshot_depth: levels a side of the book snapshots that `rest` gives; 0: snapshots come in the stream, first
            thing after its subscription.
        default_channels: what a gateway streams of its symbols when no channels are named.
        needs_credential: whether its streams ask for a key.
        evidence_channel: the channel whose newest trade REST gives; None: none.
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
    @property
    def needs_credential(self) -> bool: ...  # noqa: D102 - above
    @property
    def evidence_channel(self) -> str | None: ...  # noqa: D102 - above

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

    def session(self, credential: Credential | None = None, codec: str = "json") -> StreamSession:
        """The conversation of one new connection.

        Args:
            credential: where the venue asks for one.
            codec: `json` or `msgpack`.

        Raises:
            UnsupportedError: a codec that the venue does not speak.
            MissingCredentialError: no credential where one is needed; the message says how to give one.
        """

    def notice_reader(self, codec: str = "json") -> NoticeReader | None:
        """For payloads of a codec; None: the venue sends no notices to its streams' subscribers."""

    def rest(self, http: HttpClient, base: str | None = None, credential: Credential | None = None) -> MarketDataRest:
        """Its REST market data; `base` replaces the venue's production host."""
