"""The opening handshake of a WebSocket client (RFC 6455 section 4), sans-I/O. Not for frames: `WireReader` reads them.

The `websockets` library builds the request and judges the response. It is fed the response only up to and including
the blank line that ends it: frames that came in the same TCP segment belong to the frame reader.
"""

from __future__ import annotations

from collections.abc import Mapping

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from tradewire.core import wall_ns
from tradewire.errors import FeedConnectionError
from tradewire.telemetry.origin import masked_address

from .policy.stay_away import told_by_header_s
from .protocol_log import PROTOCOL_LOG

__all__ = ["OpeningHandshake"]

_END = b"\r\n\r\n"
_MAX_HEAD = 16 * 1024
_MAX_BODY = 4 * 1024
#: Refusals whose body may say for how long.
_TIMED = (418, 429)

#: What to do about the refusals that venues really send (Binance sheet, sections 1 and 4).
_ADVICE = {
    401: "it wants a key, or another one",
    403: "the venue's firewall refused the address or the request",
    404: "no such stream path; check the URL and its route",
    418: "this address is banned for ignoring rate limits; wait, do not retry",
    429: "too many connection attempts; wait",
    451: "the venue does not serve this location",
}
#: The same of 5xx, and of all others.
_FAILED = "its server cannot serve now, it may later"
_NO_WEBSOCKET = "it offers no WebSocket here"


class OpeningHandshake:
    """One handshake, used once. No extensions are offered, so no reserved bit may be set in any frame.

    Args:
        url: `ws://` or `wss://`.
        headers: added to the request; values may be secret and are never logged.

    Raises:
        ValueError: not a WebSocket URL.
    """

    def __init__(self, url: str, headers: Mapping[str, str] | None = None) -> None:
        try:
            uri = parse_uri(url)
        except (InvalidURI, ValueError):
            uri = None
        if uri is None:
            # Outside of `except`: the library's error holds the whole address.
            raise ValueError(f"url must be ws://host[:port]/path or wss://..., was {masked_address(url)!r}")
        self.host = uri.host
        self.port = uri.port
        self.secure = uri.secure
        self._headers = headers or {}
        self._protocol = ClientProtocol(uri, logger=PROTOCOL_LOG)
        self._head = bytearray()

    def request(self) -> bytes:
        """The bytes to send."""
        request = self._protocol.connect()
        request.headers.update(self._headers)
        self._protocol.send_request(request)
        return b"".join(self._protocol.data_to_send())

    def feed(self, data: bytes | bytearray | memoryview) -> bytes | None:
        """Takes received bytes. None: the response is not complete. Otherwise what followed it, already frames.

        Raises:
            FeedConnectionError: the peer refused, or does not speak WebSocket.
        """
        self._head += data
        end = self._head.find(_END)
        if end < 0:
            if len(self._head) > _MAX_HEAD:
                raise FeedConnectionError(f"{self.host}: handshake response over {_MAX_HEAD} bytes")
            return None
        end += len(_END)
        head, rest = bytes(self._head[:end]), bytes(self._head[end:])
        refused = self.refusal()
        if refused is not None:
            # Anything but 101 has a body, which ClientProtocol would wait for; of most the status says enough.
            if refused.status in _TIMED and not _is_whole(head, rest):
                return None
            raise refused
        self._protocol.receive_data(head)
        refusal = self._protocol.handshake_exc
        if refusal is not None:
            raise FeedConnectionError(f"{self.host}: WebSocket handshake failed: {refusal}") from refusal
        return rest

    def refusal(self) -> FeedConnectionError | None:
        """What the peer has refused with, though its answer may not be complete; None: it has not."""
        end = self._head.find(_END)
        if end < 0:
            return None
        head, body = bytes(self._head[:end]), bytes(self._head[end + len(_END) :])
        first = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if len(first) < 2 or not first[0].startswith(b"HTTP/") or first[1] == b"101":
            return None
        status = int(first[1]) if first[1].isdigit() else None
        reason = _ADVICE.get(status or 0, _FAILED if status is not None and status >= 500 else _NO_WEBSOCKET)
        return FeedConnectionError(
            f"{self.host} answered HTTP {first[1].decode('ascii', 'replace')}: {reason}",
            told_by_header_s(_header(head, b"retry-after").decode("latin-1"), wall_ns()),
            status=status,
            body=body[:_MAX_BODY],
        )


def _is_whole(head: bytes, body: bytes) -> bool:
    """Whether a body is complete, or more than anybody wants; one without a length ends with the connection."""
    length = _header(head, b"content-length")
    if length.isdigit():
        return len(body) >= min(int(length), _MAX_BODY)
    return len(body) >= _MAX_BODY or body.endswith(b"0\r\n\r\n")


def _header(head: bytes, wanted: bytes) -> bytes:
    """Value of a header; empty without it."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == wanted:
            return value.strip()
    return b""
