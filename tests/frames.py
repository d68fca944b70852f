"""What a WebSocket server sends: its side of the handshake, frames, right and wrong ones, and trades to put in them."""

from __future__ import annotations

import base64
import hashlib
import re

from tradewire.core.plan import Field, FieldPlan, Shape
from tradewire.core.record import Kind

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

#: The least plan: `{"e":"t","s":"X","i":1,"p":2.5,"q":1}` is a trade.
PLAN = FieldPlan(
    venue="test",
    dispatch="e",
    shapes=(
        Shape(
            kind=Kind.TRADE,
            channel="trades",
            value="t",
            fields=(
                Field("symbol", "s", "symbol"),
                Field("seq", "i", "integer"),
                Field("price", "p"),
                Field("quantity", "q"),
            ),
        ),
    ),
)


def upgrade(request: bytes) -> bytes:
    """The answer to an opening handshake (RFC 6455 section 4.2.2)."""
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
    assert key is not None
    digest = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
    )


def trade(number: int) -> bytes:
    return b'{"e":"t","s":"X","i":%d,"p":2.5,"q":1}' % number


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, reserved: int = 0, mask: bytes = b"") -> bytes:
    """One frame, its length in the shortest form; `mask`: the four bytes of a masked frame."""
    size = len(payload)
    first = fin << 7 | reserved << 4 | opcode
    bit = 0x80 if mask else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 1 << 16:
        head = bytes([first, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + size.to_bytes(8, "big")
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload
    return head + mask + masked


def fragments(opcode: int, *payloads: bytes, between: bytes = b"") -> bytes:
    """One message in as many frames as there are payloads, with the frame `between` between each two."""
    last = len(payloads) - 1
    frames = [
        frame(opcode if at == 0 else CONTINUATION, payload, fin=at == last) for at, payload in enumerate(payloads)
    ]
    return between.join(frames)


def close(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason)
