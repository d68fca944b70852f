"""Binance's control messages on market streams: SUBSCRIBE, UNSUBSCRIBE and their answers (venue sheet section 2.2).

Market streams need no authentication.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tradewire.venues.session import Ending, Outcome, Refused, Settled

from .limits import ban_ends_ms

__all__ = ["BinanceSession"]


class BinanceSession:
    """Implements `venues.session.StreamSession`. Answers carry the id of their request and come in any order."""

    headers: Mapping[str, str] = {}
    binary = False
    ready = True
    acknowledges = True

    def opened(self) -> Sequence[bytes]:
        """Nothing: subscriptions may be sent at once."""
        return ()

    def subscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes]:
        """A SUBSCRIBE message."""
        return (_control("SUBSCRIBE", streams, request_id),)

    def unsubscribe(self, streams: Sequence[str], request_id: int) -> Sequence[bytes]:
        """An UNSUBSCRIBE message."""
        return (_control("UNSUBSCRIBE", streams, request_id),)

    def take(self, payload: bytes) -> Sequence[Outcome]:
        """`{"result": null, "id": 3}` grants, `{"error": {"code": 2, "msg": ...}, "id": 3}` refuses; `serverShutdown`
        (with or without its stream's envelope) announces the end of the connection (venue sheet section 16)."""
        try:
            message = json.loads(payload)
        except ValueError:
            return ()
        if not isinstance(message, dict):
            return ()
        data = message.get("data", message)
        if isinstance(data, dict) and data.get("e") == "serverShutdown":
            return (Ending("the venue shuts this server down"),)
        request_id = message.get("id")
        if not isinstance(request_id, int):
            return ()
        # Flat `{"code": ..., "msg": ..., "id": ...}` is the older form of a refusal.
        error = message.get("error", message if "code" in message else None)
        if not isinstance(error, dict):
            return (Settled(request_id),)
        code = error.get("code")
        return (Refused(request_id, code if isinstance(code, int) else 0, str(error.get("msg", ""))),)

    def ban_ends_ms(self, refusal: bytes) -> int | None:
        """As in an answer to a request: `IP banned until 1792000000000`."""
        return ban_ends_ms(refusal)


def _control(method: str, streams: Sequence[str], request_id: int) -> bytes:
    # Symbols go as plain UTF-8 (venue sheet section 2.1).
    message = {"method": method, "params": list(streams), "id": request_id}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
