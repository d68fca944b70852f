"""Outgoing client frames (masked, RFC 6455 section 5.3). Incoming frames are `WireReader`'s."""

from __future__ import annotations

from websockets.frames import Close, Frame, Opcode

__all__ = [
    "CLOSE",
    "MOST_UNREAD",
    "PING",
    "PONG",
    "close_frame",
    "close_reason",
    "message_frame",
    "ping_frame",
    "pong_frame",
]

CLOSE, PING, PONG = 8, 9, 10
#: Bytes that a peer may leave unread. What a client has to say to a venue is far less.
MOST_UNREAD = 1 << 20


def message_frame(payload: bytes, *, binary: bool = False) -> bytes:
    """A whole message, of UTF-8 text unless `binary`."""
    return Frame(Opcode.BINARY if binary else Opcode.TEXT, payload).serialize(mask=True)


def ping_frame(payload: bytes) -> bytes:
    """A ping of at most 125 bytes."""
    return Frame(Opcode.PING, payload).serialize(mask=True)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping: the same payload."""
    return Frame(Opcode.PONG, payload).serialize(mask=True)


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to the 123 bytes that fit."""
    text = reason.encode()[:123].decode(errors="ignore")
    return Frame(Opcode.CLOSE, Close(code, text).serialize()).serialize(mask=True)


def close_reason(payload: bytes) -> tuple[int, str]:
    """(code, reason) of a received close payload; 1005 where it holds no code (RFC 6455 section 7.1.5)."""
    if len(payload) < 2:
        return 1005, ""
    return int.from_bytes(payload[:2], "big"), payload[2:].decode(errors="replace")
