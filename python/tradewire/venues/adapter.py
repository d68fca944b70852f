"""`DataProviderAdapter`: a provider of one's own, from one method up. For venues with a field plan and REST: `base.py`.

A subclass with `_build_subscribe_message` alone delivers `RawMessage`. One whose `_parse_message` returns events, or
that gives a field plan, delivers these events like any venue.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from tradewire.core.plan import FieldPlan, SequenceRule, Shape
from tradewire.core.record import INTERVALS, ControlStatus, Kind
from tradewire.errors import QueryError, RejectedError, UnsupportedError
from tradewire.transport.address import check_address

from .base import Channel, LastTrade, RestPayload, Stream, StreamLimits
from .session import Outcome

if TYPE_CHECKING:
    from tradewire.core.protocols import Event
    from tradewire.transport.auth import Credential
    from tradewire.transport.http import HttpClient

__all__ = ["AdapterVenue", "DataProviderAdapter", "RawMessage"]

#: What an adapter builds. Bytes go into a binary frame; text, and the JSON that all else becomes, into a text frame.
Message: TypeAlias = "Mapping[str, Any] | Sequence[Any] | str | bytes"

_KINDS = {
    "trades": Kind.TRADE,
    "quotes": Kind.QUOTE,
    "book": Kind.BOOK_DELTA,
    "mark_price": Kind.MARK_PRICE,
    "ticker": Kind.TICKER,
    "liquidations": Kind.LIQUIDATION,
}


_UNREAD = Shape(Kind.CONTROL, "unread", value="-", constants=(("status", ControlStatus.UNKNOWN),))


@dataclass(frozen=True, slots=True)
class RawMessage:
    """A message of a custom provider, as it came.

    Attributes:
        venue: the provider's name.
        data: JSON values, or the bytes of what is no JSON.
        recv_ns: when it came, ns since 1970.
    """

    venue: str
    data: Any
    recv_ns: int

    @property
    def symbol(self) -> str:
        """Nobody knows whose it is: it goes to every consumer of the provider."""
        return ""


@dataclass
class DataProviderAdapter:
    """Base of custom providers. Subclass it as a dataclass, then `StreamingGateway.register_provider(name, cls)`.

    Methods are called on the event loop and must not block.

    Attributes:
        name: of the provider.
        websocket_url: where to; the configuration's `websocket_url` replaces it.
        credential: given by the gateway where the configuration names one.
        plan: how messages are read; None: by `_parse_message`.
        book_rule: how the changes of a book chain by their numbers; by default they have none, and each applies in the
            order of arrival.
    """

    name: str = "custom"
    websocket_url: str = ""
    credential: Credential | None = field(default=None, repr=False)
    plan: ClassVar[FieldPlan | None] = None
    book_rule: ClassVar[SequenceRule] = SequenceRule(next="none")

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> Message:
        """Asks for a channel of symbols. The one method that every subclass has."""
        # Not abstract: people who forget it are to read what to write, not that a class cannot be made.
        raise NotImplementedError(f"{type(self).__name__} must have _build_subscribe_message(channel, symbols)")

    def _build_unsubscribe_message(self, channel: str, symbols: list[str]) -> Message | None:
        """Takes symbols back; None: the provider has no way to."""
        return None

    def _build_auth_message(self) -> Message | None:
        """What is sent first, from `self.credential`; None: nothing. A bearer token was in the upgrade request."""
        return None

    def is_control(self, data: Any) -> bool:
        """Whether a message is an acknowledgement or the like, which consumers do not get."""
        return False

    def _parse_message(self, data: Any) -> Event | RawMessage | Iterable[Event | RawMessage] | None:
        """What consumers get of a message: events of `tradewire.core`, raw messages, several of them, or nothing.

        An empty `venue` and a `recv_ns` of 0 are filled in: the provider's name, and when the message came. An event of
        another venue makes it a message that cannot be read, as an exception does.

        Args:
            data: JSON values, or the bytes of what is no JSON.
        """
        return RawMessage(self.name, data, 0)


class _AdapterSession:
    """One connection's conversation; implements `venues.session.StreamSession`."""

    binary = True
    ready = True
    acknowledges = False

    def __init__(self, adapter: DataProviderAdapter, headers: Mapping[str, str]) -> None:
        self._adapter = adapter
        self.headers = headers

    def opened(self) -> Sequence[bytes | str]:
        return _built(self._adapter._build_auth_message)

    def subscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes | str]:
        build = self._adapter._build_subscribe_message
        asked = [_built(build, channel, symbols, needed=True) for channel, symbols in _by_channel(streams).items()]
        return [message for messages in asked for message in messages]

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes | str]:
        build = self._adapter._build_unsubscribe_message
        asked = [_built(build, channel, symbols) for channel, symbols in _by_channel(streams).items()]
        return [message for messages in asked for message in messages]

    def take(self, payload: bytes) -> Sequence[Outcome]:
        return ()

    def ban_ends_ms(self, refusal: bytes) -> int | None:
        return None


class _NoRest:
    """Implements `venues.base.MarketDataRest` for providers without it."""

    async def snapshot(self, symbol: str) -> RestPayload:
        raise QueryError(f"a custom provider has no snapshot of {symbol}")

    async def missed_trades(
        self, channel: Channel, symbol: str, first: LastTrade, last: LastTrade
    ) -> list[RestPayload]:
        raise UnsupportedError(f"trades of {symbol} that were missed cannot be fetched: a custom provider has no REST")

    async def last_trade(self, channel: Channel, symbol: str) -> LastTrade | None:
        raise UnsupportedError("a custom provider cannot be asked for trades")

    async def server_time_ns(self) -> int:
        raise UnsupportedError("a custom provider cannot be asked for its clock")


class AdapterVenue:
    """An adapter as the gateway sees it; implements `venues.base.MarketDataVenue`.

    Args:
        adapter: the user's.
    """

    def __init__(self, adapter: DataProviderAdapter) -> None:
        self.adapter = adapter
        self.name = adapter.name
        # A plan that reads nothing, where `_parse_message` reads.
        self.plan = adapter.plan or FieldPlan(adapter.name, (_UNREAD,), dispatch="-")
        self.book_rule = adapter.book_rule
        self.sequences: Mapping[int, Literal["contiguous", "increasing"]] = {}
        self.limits = StreamLimits(names_per_message=1000, streams=100_000, messages_per_s=5.0, message_burst=5)
        self.snapshot_depth = 0
        self.default_channels: Sequence[str] = ("trades",)
        self.needs_credential = False
        self.evidence_channel: str | None = None

    def __eq__(self, other: object) -> bool:
        """Two of one class and name are the same venue: what is connected goes on when a reload makes it anew."""
        if not isinstance(other, AdapterVenue):
            return NotImplemented
        return (type(self.adapter), self.name) == (type(other.adapter), other.name)

    def __hash__(self) -> int:
        return hash((type(self.adapter), self.name))

    def symbol(self, text: str) -> str:
        """As the user writes it.

        Raises:
            ValueError: empty, over 64 bytes, or with white space.
        """
        if not text or len(text.encode()) > 64 or any(character.isspace() for character in text):
            raise ValueError(f"symbol must be 1 to 64 bytes without white space, was {text!r}")
        return text

    def channel(self, name: str) -> Channel:
        """Any name; those that tradewire knows carry events of their kind, `bars_1m` and the like bars."""
        interval = name.removeprefix("bars_")
        if interval != name and interval in INTERVALS:
            return Channel(name, Kind.BAR, None, interval)
        return Channel(name, _KINDS.get(name, Kind.TRADE), None)

    def stream(self, channel: Channel, symbol: str) -> Stream:
        """Channel and symbol; all on one connection."""
        return Stream(f"{channel.name} {symbol}", "")

    def stream_url(self, route: str, base: str | None = None) -> str:
        """The configuration's address, or the adapter's.

        Raises:
            ValueError: it is the adapter's, and none, or one to which its messages would go in clear text.
        """
        if base:
            return base
        address = self.adapter.websocket_url
        try:
            check_address(f"websocket_url of {type(self.adapter).__name__}", address, ("ws", "wss"), whole=True)
        except ValueError as error:
            raise ValueError(
                f"{error}; set it in the class, or give url=... to the gateway (websocket_url in a configuration)"
            ) from None
        return address

    def session(self, credential: Credential | None = None, codec: str = "json") -> _AdapterSession:
        """A conversation by the adapter's hooks; with a bearer token, it stands in the upgrade request.

        Raises:
            UnsupportedError: a codec without a field plan, or a credential that nothing of the adapter sends.
        """
        if codec != "json" and self.adapter.plan is None:
            raise UnsupportedError(f"{self.name} has no field plan, so its codec is json, was {codec!r}")
        if credential is None:
            return _AdapterSession(self.adapter, {})
        self.adapter.credential = credential
        if credential.method == "bearer":
            return _AdapterSession(self.adapter, credential.headers(""))
        hook = self.adapter._build_auth_message
        if getattr(hook, "__func__", None) is DataProviderAdapter._build_auth_message:
            raise UnsupportedError(
                f"{type(self.adapter).__name__} has no _build_auth_message, so nothing sends the credential of "
                f"{self.name}: write it (it returns None where another message holds the key), "
                "or set auth_method to none or bearer"
            )
        return _AdapterSession(self.adapter, {})

    def notice_reader(self, codec: str = "json") -> None:
        """None: a custom provider's events come out of `_parse_message` or its field plan."""

    def rest(self, http: HttpClient, base: str | None = None, credential: Credential | None = None) -> _NoRest:
        """None of its calls answers."""
        return _NoRest()


def _by_channel(streams: Sequence[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for stream in streams:
        # Symbols have no white space.
        channel, _, symbol = stream.rpartition(" ")
        grouped.setdefault(channel, []).append(symbol)
    return grouped


def _built(hook: Callable[..., object], *words: object, needed: bool = False) -> tuple[bytes | str, ...]:
    """What a hook of the user's gives to send; nothing for None, unless it is `needed`.

    Raises:
        RejectedError: no message; says of whose hook, and not what it is, since keys may be in it.
    """
    name = getattr(hook, "__qualname__", repr(hook))
    try:
        message = hook(*words)
    except Exception as error:
        raise RejectedError(f"{name} failed: {error!r}") from error
    if message is None and not needed:
        return ()
    if not isinstance(message, Mapping | Sequence) or not message:
        empty = "an empty " if isinstance(message, Mapping | Sequence) else ""
        found = f"{empty}{type(message).__name__}"
        raise RejectedError(f"{name} must return a mapping, a list, text or bytes, not empty, was {found}")
    if isinstance(message, bytes | str):
        return (message,)
    try:
        return (json.dumps(message, separators=(",", ":")),)
    except (TypeError, ValueError, RecursionError) as error:
        raise RejectedError(f"{name} must return what JSON can hold: {error}") from error
