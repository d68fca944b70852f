"""Which errors of a call speak against the peer: what breakers count and pools eject for. Pure."""

from __future__ import annotations

from tradewire.errors import RateLimitError, RejectedError

from .stay_away import UNTOLD_S

__all__ = ["speaks_against_peer"]

_LIMITS = tuple(UNTOLD_S)


def speaks_against_peer(error: Exception) -> bool:
    """All but `RejectedError` (the request was wrong), `RateLimitError`, and answers with HTTP status 418 or 429, known
    by their attribute `status`: those are the limiter's business."""
    return not isinstance(error, RejectedError | RateLimitError) and getattr(error, "status", None) not in _LIMITS
