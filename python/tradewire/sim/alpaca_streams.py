"""WebSocket face of the simulated Alpaca venue: endpoints, handshake, subscriptions, error codes.

What every venue's connections share is in `session`; the messages come from `alpaca_feed`.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from websockets.frames import Frame, Opcode

from tradewire.sim import alpaca_messages as messages
from tradewire.sim.binance_topics import text_frame
from tradewire.sim.faults import Cut
from tradewire.sim.session import POLICY, Session, SessionFace

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.http11 import Request

    from tradewire.sim.alpaca_accounts import Accounts
    from tradewire.sim.alpaca_feed import AlpacaFeed, Topic
    from tradewire.sim.alpaca_messages import Message
    from tradewire.sim.chaos import Chaos

__all__ = ["ERRORS", "AlpacaFace", "AlpacaLimits", "AlpacaSession"]

#: The venue's error codes.
ERRORS = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    408: "v2 not enabled",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    411: "insufficient scope",
    412: "option messages are only available in MsgPack format",
    413: "star subscription is not allowed for option quotes",
    500: "internal error",
}
_FINAL_BINARY = 0x82
_MOST_ITEMS = 500  # messages in one array
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9./]{0,20}")
_STOCK = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds", "imbalances")
_FOLLOWING = {"corrections": "trades", "cancelErrors": "trades"}
_UNTOLD_IF_EMPTY = {"imbalances"}


@dataclass(frozen=True)
class _Endpoint:
    """A feed: which channels it has, and which symbols are there."""

    channels: tuple[str, ...]
    serves: Callable[[str], bool]
    following: bool = False
    options: bool = False
    paid: bool = False
    limited: bool = False


def _stock(symbol: str) -> bool:
    return "/" not in symbol and symbol != "FAKEPACA"


_CRYPTO = _Endpoint(
    ("trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars"), lambda symbol: "/" in symbol
)
_OPTIONS = _Endpoint(("trades", "quotes"), lambda _symbol: False, options=True)
_ENDPOINTS = {
    "/v2/iex": _Endpoint(_STOCK, _stock, following=True, limited=True),
    "/v2/sip": _Endpoint(_STOCK, _stock, following=True, paid=True),
    "/v2/delayed_sip": _Endpoint(_STOCK, _stock, following=True),
    "/v2/test": _Endpoint(("trades", "quotes", "bars"), lambda symbol: symbol == "FAKEPACA"),
    "/v1beta3/crypto/us": _CRYPTO,
    "/v1beta1/opra": _OPTIONS,
    "/v1beta1/indicative": _OPTIONS,
}


@dataclass(frozen=True)
class AlpacaLimits:
    """Rules of a stream connection, as the venue has them.

    Attributes:
        auth_timeout_s: within which a connection has to authenticate.
        connections: per endpoint and credential.
        linger_s: how long data may still come after an unsubscribe.
        buffer_bytes: unsent bytes at which a slow reader is disconnected.
    """

    auth_timeout_s: float = 10.0
    connections: int = 1
    linger_s: float = 0.05
    buffer_bytes: int = 8 << 20


class AlpacaSession(Session):
    """One connection.

    Attributes:
        path: the endpoint.
        key: who authenticated; empty before.
        encode: the codec of a message.
    """

    def __init__(self, face: AlpacaFace) -> None:
        super().__init__(face)
        self._face = face
        self._endpoint = _CRYPTO
        self._packed = False
        self._items: list[bytes] = []
        self._lists: dict[str, dict[str, None]] = {}
        self._topics: dict[Topic, None] = {}
        self._lingering: dict[Topic, float] = {}
        self._text = bytearray()
        self._opened_s = face.clock()
        self.path = ""
        self.key = ""
        self.encode: Callable[[Message], bytes] = messages.json_item

    def put(self, message: bytes) -> None:
        """Part of `faults.Link`."""
        self._items.append(message)
        if isinstance(message, Cut):
            # What is cut is a whole frame: it holds this message alone, and nothing after it.
            self._items.pop()
            self._collect()
            whole = messages.msgpack_array([message]) if self._packed else b"[" + message
            self.out.append(self._frame(whole))

    def flush(self) -> None:
        """Part of `Session`."""
        self._collect()
        super().flush()

    def discard(self) -> None:
        """Part of `Session`."""
        self._items.clear()
        super().discard()

    def send_error(self, code: int) -> None:
        """Say one of `ERRORS`."""
        self._say({"T": "error", "code": code, "msg": ERRORS[code]})

    def on_request(self, request: Request) -> None:
        """Part of `Session`."""
        path = request.path.partition("?")[0].rstrip("/")
        endpoint = _ENDPOINTS.get(path)
        if endpoint is None:
            self.refuse(404, "no such feed\n")
            return
        self.path, self._endpoint = path, endpoint
        self._packed = "msgpack" in request.headers.get("Content-Type", "")
        self.encode = messages.msgpack_item if self._packed else messages.json_item
        self._lists = {word: {} for word in endpoint.channels}
        if not self.accept(request):
            return
        self._opened_s = self._face.clock()
        self._say({"T": "success", "msg": "connected"})
        key, secret = request.headers.get("APCA-API-KEY-ID"), request.headers.get("APCA-API-SECRET-KEY")
        if key is not None or secret is not None:
            self._authenticate(key or "", secret or "")

    def on_frame(self, frame: Frame) -> None:
        """Part of `Session`."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        self._text += frame.data
        if not frame.fin:
            return
        text, self._text = bytes(self._text), bytearray()
        try:
            request = msgspec.msgpack.decode(text) if self._packed else msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            request = None
        if not isinstance(request, dict):
            self.send_error(400)
        elif request.get("action") == "auth":
            self._authenticate(request.get("key"), request.get("secret"))
        elif request.get("action") not in ("subscribe", "unsubscribe"):
            self.send_error(400)
        elif not self.key:
            self.send_error(401)
        else:
            self._change(request)
        self.flush()

    def on_time(self, now_s: float) -> None:
        """Part of `Session`."""
        if self.is_closing:
            return
        for topic in [topic for topic, due_s in self._lingering.items() if now_s >= due_s]:
            del self._lingering[topic]
            topic.listeners.pop(self, None)
        if not self.key and self.is_open and now_s - self._opened_s >= self._face.limits.auth_timeout_s:
            self.send_error(404)
            self.close(POLICY, "auth timeout")

    def on_end(self) -> None:
        """Part of `Session`."""
        for topic in (*self._topics, *self._lingering):
            topic.listeners.pop(self, None)
        self._topics.clear()
        self._lingering.clear()

    def end_slow_reader(self) -> None:
        """Part of `Session`: the reason comes behind everything that was not read, if it is ever read."""
        self.send_error(407)
        self.finish()

    def _authenticate(self, key: Any, secret: Any) -> None:
        if self.key:
            self.send_error(403)
        elif (problem := self._face.accounts.problem(key, secret)) or self._face.chaos.refuses_credentials():
            self.send_error(problem or 402)
        elif self._endpoint.paid and not self._face.accounts.is_paid:
            self.send_error(409)
        elif self._endpoint.options and not self._packed:
            self.send_error(412)
        elif self._face.is_full(self.path, key):
            self.send_error(406)
        else:
            self.key = key
            self._say({"T": "success", "msg": "authenticated"})

    def _change(self, request: dict[str, Any]) -> None:
        """Carry out a subscribe or unsubscribe; all of it or nothing."""
        lists = {word: dict(names) for word, names in self._lists.items()}
        for word, names in request.items():
            if word == "action":
                continue
            if not isinstance(names, list) or not all(
                isinstance(name, str) and (name == "*" or _SYMBOL.fullmatch(name)) for name in names
            ):
                self.send_error(400)
                return
            if word not in lists:
                self.send_error(410)
                return
            if self._endpoint.options and word == "quotes" and "*" in names:
                self.send_error(413)
                return
            for name in names:
                if request["action"] == "subscribe":
                    lists[word][name] = None
                else:
                    lists[word].pop(name, None)
        if self._endpoint.limited and self._face.accounts.is_over(lists):
            self.send_error(405)
            return
        self._lists = lists
        self._say({"T": "subscription", **self._told()})
        self._follow(set(request) if request["action"] == "subscribe" else set())

    def _told(self) -> dict[str, list[str]]:
        """The complete lists."""
        lists = {word: list(names) for word, names in self._lists.items() if names or word not in _UNTOLD_IF_EMPTY}
        if self._endpoint.following:
            lists |= {word: list(self._lists[followed]) for word, followed in _FOLLOWING.items()}
        return lists

    def _follow(self, asked: set[str]) -> None:
        """Make the topics fit the lists; what is over lingers a moment."""
        wanted: dict[Topic, None] = {}
        for word, names in self._told().items():
            for name in self._face.symbols if "*" in names else names:
                topic = self._face.feed.topic(word, name) if self._endpoint.serves(name) else None
                if topic is None:
                    continue
                wanted[topic] = None
                if topic not in self._topics or word in asked or _FOLLOWING.get(word) in asked:
                    self._face.chaos.subscribed(self, topic)
        until_s = self._face.clock() + self._face.limits.linger_s
        self._lingering |= {topic: until_s for topic in self._topics if topic not in wanted}
        for topic in wanted:
            if topic in self._topics:
                continue
            self._lingering.pop(topic, None)
            if topic.channel == "book":
                # Told before the session listens, so that the first delta follows the snapshot.
                self.put(self.encode(self._face.feed.snapshot(topic.symbol)))
            topic.listeners[self] = None
        self._topics = wanted

    def _say(self, message: dict[str, Any]) -> None:
        """A control message: alone in its array, after the data collected before it."""
        self._collect()
        item = self.encode(message)
        self.out.append(self._frame(messages.msgpack_array([item]) if self._packed else messages.json_array([item])))

    def _collect(self) -> None:
        array = messages.msgpack_array if self._packed else messages.json_array
        while self._items:
            portion, self._items = self._items[:_MOST_ITEMS], self._items[_MOST_ITEMS:]
            self.out.append(self._frame(array(portion)))

    def _frame(self, payload: bytes) -> bytes:
        frame = text_frame(payload)
        return bytes((_FINAL_BINARY,)) + frame[1:] if self._packed else frame


class AlpacaFace(SessionFace[AlpacaSession]):
    """All stream connections.

    Attributes:
        feed: where messages come from.
        accounts: who may connect.
        limits: the rules of a connection.
        symbols: everything listed.
    """

    connection = AlpacaSession

    def __init__(
        self,
        feed: AlpacaFeed,
        accounts: Accounts,
        limits: AlpacaLimits,
        clock: Callable[[], float] = time.monotonic,
        chaos: Chaos | None = None,
    ) -> None:
        super().__init__(limits.buffer_bytes, clock, chaos)
        self.feed = feed
        self.accounts = accounts
        self.limits = limits
        self.symbols = tuple(feed.tapes)

    def is_full(self, path: str, key: str) -> bool:
        """Whether this credential has its connections to this endpoint already."""
        # One that is half open hears no goodbye: it would keep its client out for ever.
        others = sum(session.path == path and session.key == key and not session.is_frozen for session in self.sessions)
        return self.chaos.over_limit(others + 1, self.limits.connections)

    def send_error(self, code: int) -> None:
        """Say an error on every connection, such as 500, 409 or 411."""
        for session in self.sessions:
            session.send_error(code)
