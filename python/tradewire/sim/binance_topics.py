"""The streams that exist on the simulated Binance venues: their names, routes and listeners, and the frames they send.

A topic turns a payload into at most two WebSocket frames, one for raw and one for combined listeners, and every
listener gets the same bytes. When messages are made: `binance_feed`.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from tradewire.sim.chaos import Chaos
    from tradewire.sim.faults import Link

__all__ = ["CHANNELS", "MARKET", "PRIVATE", "PUBLIC", "UNROUTED", "Listener", "Topic", "channel_of", "text_frame"]

PUBLIC, MARKET, PRIVATE = "public", "market", "private"
UNROUTED = ""  # Spot has one endpoint for everything

#: What the venue calls a stream (after its `@` or `!`, without levels, intervals and speeds) -> the neutral word.
_WORDS = {
    "trade": "trades",
    "aggTrade": "agg_trades",
    "bookTicker": "quotes",
    "depth": "book",
    "markPrice": "mark_price",
    "kline": "bars",
    "miniTicker": "mini_ticker",
    "ticker": "ticker",
    "forceOrder": "liquidations",
}
CHANNELS = tuple(_WORDS.values())
#: Channel -> keys of times; all others have `E` only. (`t` is a trade's id, but the start of a bar.)
_TIME_KEYS = {"trades": "ET", "agg_trades": "ET", "bars": "EtT", "ticker": "EOC"}

_head = struct.Struct(">BB").pack
_head16 = struct.Struct(">BBH").pack
_head64 = struct.Struct(">BBQ").pack
_FINAL_TEXT = 0x81


def text_frame(payload: bytes) -> bytes:
    """One unmasked, final text frame (RFC 6455, 5.2)."""
    length = len(payload)
    if length < 126:
        return _head(_FINAL_TEXT, length) + payload
    if length < 65_536:
        return _head16(_FINAL_TEXT, 126, length) + payload
    return _head64(_FINAL_TEXT, 127, length) + payload


def channel_of(name: str) -> str:
    """The neutral word for a stream."""
    own = name[1:] if name.startswith("!") else name.partition("@")[2]
    return _WORDS[own.partition("@")[0].partition("_")[0].rstrip("0123456789")]


def _in_microseconds(payload: str, channel: str) -> str:
    """A Spot payload with its times in microseconds; the last one of a bar stays the last one."""
    keys = _TIME_KEYS.get(channel, "E")
    text = re.sub(rf'"([{keys}])":(\d+)', r'"\1":\g<2>000', payload)
    return re.sub(r'"T":(\d+)000,', r'"T":\g<1>999,', text) if channel == "bars" else text


class Listener(Protocol):
    """Something that collects frames, to be sent together a moment later."""

    combined: bool
    out: list[bytes]


class Topic:
    """One stream.

    Attributes:
        name: as a SUBSCRIBE spells it.
        route: the endpoint that serves it.
        channel: the neutral word for it.
        symbol: upper-case; empty if it is a stream of all symbols.
        listeners: how many there are; who makes messages looks here first, so that nobody's messages cost nothing.
    """

    __slots__ = ("_chaos", "_combined", "_fine", "_prefix", "_raw", "channel", "listeners", "name", "route", "symbol")

    def __init__(self, name: str, route: str, chaos: Chaos | None = None) -> None:
        self.name = name
        self.route = route
        self.channel = channel_of(name)
        self.symbol = "" if name.startswith("!") else name.partition("@")[0].upper()
        self.listeners = 0
        self._chaos = chaos
        self._raw: list[Listener] = []
        self._combined: list[Listener] = []
        self._fine: list[Listener] = []
        self._prefix = f'{{"stream":"{name}","data":'

    def add(self, listener: Listener, *, fine: bool = False) -> None:
        """Begin to send, in the listener's present mode; `fine` is with times in microseconds."""
        self._mode(listener, fine).append(listener)
        self.listeners += 1

    def remove(self, listener: Listener, *, fine: bool = False) -> None:
        """Send no more; the listener must be in the mode in which it was added."""
        self._mode(listener, fine).remove(listener)
        self.listeners -= 1

    def publish(self, payload: str) -> None:
        """Give a message to all listeners; faults come between it and those that are connections."""
        is_messing = self._chaos is not None and self._chaos.is_messing
        if self._combined:
            self._send((self._prefix + payload + "}").encode(), self._combined, is_messing)
        if self._raw:
            self._send(payload.encode(), self._raw, is_messing)
        if self._fine:
            text = _in_microseconds(payload, self.channel)
            for listener in self._fine:
                message = self._prefix + text + "}" if listener.combined else text
                self._send(message.encode(), [listener], is_messing)

    def _mode(self, listener: Listener, fine: bool) -> list[Listener]:
        return self._fine if fine else self._combined if listener.combined else self._raw

    def _send(self, message: bytes, listeners: list[Listener], is_messing: bool) -> None:
        frame = text_frame(message)
        for listener in listeners:
            if is_messing and self._chaos is not None and self._chaos.knows(listener):
                self._chaos.deliver(cast("Link", listener), self, message)
            else:
                listener.out.append(frame)
