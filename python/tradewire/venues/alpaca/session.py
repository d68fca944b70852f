"""The conversation on Alpaca's streams: greeting, login, subscriptions (venue sheet sections 3.1, 3.2, 3.7).

Answers carry no request number: they come in the order of the requests, and each holds all that is subscribed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tradewire.errors import UnsupportedError
from tradewire.venues.session import Broken, Outcome, Ready, Refused, Reply, Settled

from .auth import checked, stream_login
from .errors import Meaning, advice, meaning

if TYPE_CHECKING:
    from tradewire.transport.auth import Credential

__all__ = ["AlpacaSession", "stream_name"]

#: Lists of a subscription message that one of our streams stands for, where it is not the one of its name: corrected
#: minute bars make no sense without the minute bars; corrections and cancellations come with trades, and are not asked
#: for themselves.
_LISTS = {"updatedBars": ("bars", "updatedBars"), "corrections": ("trades",), "cancelErrors": ("trades",)}
#: Of a Refused that answers no request of ours.
_NO_REQUEST = 0


def stream_name(symbol: str, channel: str) -> str:
    """`AAPL@trades`: our name for one channel (in Alpaca's word) of one symbol."""
    return f"{symbol}@{channel}"


class _Message(msgspec.Struct, rename="camel"):
    """Any message; fields of market data are passed over."""

    kind: str = msgspec.field(name="T", default="")
    code: int = 0
    msg: str = ""
    trades: list[str] | None = None
    quotes: list[str] | None = None
    bars: list[str] | None = None
    updated_bars: list[str] | None = None
    daily_bars: list[str] | None = None
    statuses: list[str] | None = None
    lulds: list[str] | None = None
    imbalances: list[str] | None = None
    orderbooks: list[str] | None = None

    def subscribed(self) -> set[tuple[str, str]]:
        """(list, symbol) of everything in a subscription message; a list that is left out is empty."""
        lists = {
            "trades": self.trades,
            "quotes": self.quotes,
            "bars": self.bars,
            "updatedBars": self.updated_bars,
            "dailyBars": self.daily_bars,
            "statuses": self.statuses,
            "lulds": self.lulds,
            "imbalances": self.imbalances,
            "orderbooks": self.orderbooks,
        }
        return {(name, symbol) for name, symbols in lists.items() for symbol in symbols or ()}


class AlpacaSession:
    """Implements `venues.session.StreamSession`; every request is answered.

    Args:
        credential: a key with its secret, or a token.
        codec: `json` or `msgpack`, for both directions.

    Raises:
        MissingCredentialError: nothing to log in with.
        UnsupportedError: another codec.
    """

    acknowledges = True

    def __init__(self, credential: Credential | None, codec: str = "json") -> None:
        if codec not in ("json", "msgpack"):
            raise UnsupportedError(f"codec must be json or msgpack, was {codec!r}")
        self._credential = checked(credential)
        self.binary = codec == "msgpack"
        self.headers: Mapping[str, str] = {"Content-Type": f"application/{codec}"}
        self.ready = False
        self._encode = msgspec.msgpack.encode if self.binary else msgspec.json.encode
        reader = msgspec.msgpack.Decoder if self.binary else msgspec.json.Decoder
        self._reader: Any = reader(list[_Message])
        # Requests without an answer: (request id, streams, whether it asks for them), oldest first.
        self._pending: deque[tuple[int, tuple[str, ...], bool]] = deque()
        # Streams asked for and neither taken back nor refused: several may need one list.
        self._asked: set[str] = set()

    def opened(self) -> Sequence[bytes]:
        """Nothing: the server greets first."""
        return ()

    def subscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes]:
        """Adds to what is subscribed."""
        self._asked.update(streams)
        wanted = [pair for stream in streams for pair in _wanted(stream)]
        return (self._request("subscribe", wanted, streams, request_id),)

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes]:
        """Takes from what is subscribed. What other streams need stays; where that is all, it is asked for again, which
        changes nothing and is answered as well."""
        self._asked.difference_update(streams)
        kept = {pair for stream in self._asked for pair in _wanted(stream)}
        wanted = [pair for stream in streams for pair in _wanted(stream)]
        over = [pair for pair in wanted if pair not in kept]
        return (self._request("unsubscribe" if over else "subscribe", over or wanted, streams, request_id),)

    def take(self, payload: bytes) -> Sequence[Outcome]:
        """Logs in when greeted; tells what became of requests."""
        try:
            messages = self._reader.decode(payload)
        except msgspec.MsgspecError:
            return ()
        outcomes: list[Outcome] = []
        for message in messages:
            match message.kind, message.msg:
                case "success", "connected":
                    outcomes.append(Reply(self._encode(stream_login(self._credential))))
                case "success", "authenticated":
                    self.ready = True
                    outcomes.append(Ready())
                case "subscription", _:
                    outcomes += self._settle(message.subscribed())
                case "error", _:
                    outcomes += self._fail(message.code, message.msg)
        return outcomes

    def ban_ends_ms(self, refusal: bytes) -> int | None:
        """No such text is known of Alpaca."""
        return None

    def _request(
        self, action: str, wanted: Iterable[tuple[str, str]], streams: Sequence[str], request_id: int
    ) -> bytes:
        asks = self._asked.issuperset(streams)
        self._pending.append((request_id, tuple(streams), asks))
        lists: dict[str, list[str]] = {}
        for name, symbol in dict.fromkeys(wanted):
            lists.setdefault(name, []).append(symbol)
        return self._encode({"action": action, **lists})

    def _settle(self, subscribed: set[tuple[str, str]]) -> list[Outcome]:
        if not self._pending:
            return []
        request_id, streams, asks = self._pending.popleft()
        missing = (stream for stream in streams if asks and not subscribed.issuperset(_wanted(stream)))
        return [Settled(request_id, tuple(missing))]

    def _fail(self, code: int, message: str) -> list[Outcome]:
        found, text = meaning(code), advice(code, message)
        if found is Meaning.HARMLESS:
            return []
        if found is Meaning.FATAL or found is Meaning.BROKEN:
            return [Broken(text, code, found is Meaning.FATAL)]
        if not self.ready:
            # The login itself is refused; a code that nobody knows may pass.
            return [Broken(text, code, found is Meaning.REFUSED)]
        if not self._pending:
            return [Refused(_NO_REQUEST, code, text)]
        request_id, streams, asks = self._pending.popleft()
        if asks:
            self._asked.difference_update(streams)
        return [Refused(request_id, code, text)]


def _wanted(stream: str) -> list[tuple[str, str]]:
    """(list, symbol) of everything that a stream stands for."""
    symbol, _, channel = stream.rpartition("@")
    return [(name, symbol) for name in _LISTS.get(channel, (channel,))]
