"""The streams that exist on the simulated USD-M venue: their names, routes and listeners, and the frames they send.

A topic turns a payload into at most two WebSocket frames, one for raw and one for combined listeners, and every
listener gets the same bytes. When messages are made: `binance_feed`.
"""

from __future__ import annotations

import struct
from typing import Protocol

__all__ = ["MARKET", "PRIVATE", "PUBLIC", "Listener", "Topic", "text_frame"]

PUBLIC, MARKET, PRIVATE = "public", "market", "private"

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


class Listener(Protocol):
    """Something that collects frames, to be sent together a moment later."""

    combined: bool
    out: list[bytes]


class Topic:
    """One stream.

    Attributes:
        name: as a SUBSCRIBE spells it.
        route: the endpoint that serves it.
        listeners: how many there are; who makes messages looks here first, so that nobody's messages cost nothing.
    """

    __slots__ = ("_combined", "_prefix", "_raw", "listeners", "name", "route")

    def __init__(self, name: str, route: str) -> None:
        self.name = name
        self.route = route
        self.listeners = 0
        self._raw: list[Listener] = []
        self._combined: list[Listener] = []
        self._prefix = f'{{"stream":"{name}","data":'

    def add(self, listener: Listener) -> None:
        """Begin to send, in the listener's present mode."""
        (self._combined if listener.combined else self._raw).append(listener)
        self.listeners += 1

    def remove(self, listener: Listener) -> None:
        """Send no more; the listener must be in the mode in which it was added."""
        (self._combined if listener.combined else self._raw).remove(listener)
        self.listeners -= 1

    def publish(self, payload: str) -> None:
        """Give a message to all listeners."""
        if self._combined:
            frame = text_frame((self._prefix + payload + "}").encode())
            for listener in self._combined:
                listener.out.append(frame)
        if self._raw:
            frame = text_frame(payload.encode())
            for listener in self._raw:
                listener.out.append(frame)
