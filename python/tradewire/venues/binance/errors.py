"""What Binance's refusals of queries mean (venue sheet sections 4, 5). Not for orders: their outcome may be unknown."""

from __future__ import annotations

import msgspec

from tradewire.errors import QueryError, VenueRejectedError

__all__ = ["refusal"]

#: Statuses that blame the request: wrong parameters, wrong key, no such call, restricted location.
_REJECTED = (400, 401, 404, 451)
#: Codes that say nothing about the request, whatever the status: unknown error, disconnected, too many requests,
#: unexpected answer, timeout, throttled, too many orders, shutting down.
_TRANSIENT = frozenset({-1000, -1001, -1003, -1006, -1007, -1008, -1015, -1016})


class _Error(msgspec.Struct):
    code: int | None = None
    msg: str = ""


def refusal(
    venue: str, what: str, status: int, body: bytes, retry_after_s: float | None
) -> QueryError | VenueRejectedError:
    """The error of an answer that is not 200.

    Args:
        venue: for texts.
        what: was asked for, in words.
        status: HTTP status.
        body: of the answer; beyond JSON its beginning is quoted.
        retry_after_s: how long the venue wants to be left alone; None: it does not say.
    """
    try:
        told = msgspec.json.decode(body, type=_Error)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        told = _Error(msg=body[:200].decode("utf-8", "replace"))
    if status in _REJECTED and told.code not in _TRANSIENT:
        return VenueRejectedError(venue, status, told.code, told.msg)
    code = "" if told.code is None else f", code {told.code}"
    return QueryError(f"no {what}: HTTP {status}{code} {told.msg}", retry_after_s, status=status)
