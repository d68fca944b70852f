"""The opening handshake of a WebSocket client (RFC 6455 section 4), sans-I/O. Not for frames: `WireReader` reads them.

The `websockets` library builds the request and judges the response. It is fed the response only up to and including
the blank line that ends it: frames that came in the same TCP segment belong to the frame reader.
"""

from __future__ import annotations

from collections.abc import Mapping

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.uri import parse_uri

from tradewire.errors import FeedConnectionError

__all__ = ["OpeningHandshake"]

_END = b"\r\n\r\n"
_MAX_HEAD = 16 * 1024

#: What to do about the refusals that venues really send (Binance sheet, sections 1 and 4).
_ADVICE = {
    b"403": "the venue's firewall refused the address or the request",
    b"404": "no such stream path; check the URL and its route",
    b"418": "this address is banned for ignoring rate limits; wait, do not retry",
    b"429": "too many connection attempts; wait",
    b"451": "the venue does not serve this location",
}


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
        except InvalidURI as error:
            raise ValueError(f"url must be ws://host[:port]/path or wss://..., was {url!r}") from error
        self.host = uri.host
        self.port = uri.port
        self.secure = uri.secure
        self._headers = headers or {}
        self._protocol = ClientProtocol(uri)
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
        status = head.split(b"\r\n", 1)[0].split(b" ", 2)
        # Anything but 101 has a body, which ClientProtocol would wait for; the status says enough.
        if len(status) > 1 and status[0].startswith(b"HTTP/") and status[1] != b"101":
            reason = _ADVICE.get(status[1], "it offers no WebSocket here")
            raise FeedConnectionError(
                f"{self.host} answered HTTP {status[1].decode('ascii', 'replace')}: {reason}", _retry_after_s(head)
            )
        self._protocol.receive_data(head)
        refusal = self._protocol.handshake_exc
        if refusal is not None:
            raise FeedConnectionError(f"{self.host}: WebSocket handshake failed: {refusal}") from refusal
        return rest


def _retry_after_s(head: bytes) -> float | None:
    """Seconds of a `Retry-After` header (RFC 9110 section 10.2.3); None without one, or where it is a date."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"retry-after" and value.strip().isdigit():
            return float(value.strip())
    return None
