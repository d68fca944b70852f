"""What holds connections back while a venue wants to be left alone, and how long a refused handshake asks for that.

Not for failures of a connection itself: backoff and breaker wait for these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from tradewire.errors import FeedConnectionError
from tradewire.transport.policy.stay_away import UNTOLD_S, longest_told_s

if TYPE_CHECKING:
    from tradewire.venues.session import StreamSession

__all__ = ["Gate", "stay_away_s"]


class Gate(Protocol):
    """What holds every connection of a provider back while the venue wants to be left alone."""

    def hold(self, seconds: float) -> None:
        """The venue said so."""

    def held_ns(self) -> int:
        """How long still; 0: it may be asked."""


def stay_away_s(error: Exception | None, session: StreamSession, wall_time_ns: int) -> float | None:
    """How long the end of a connection says to leave the venue alone, by its header, its body or its status; None: it
    does not."""
    if not isinstance(error, FeedConnectionError):
        return None
    ends_ms = session.ban_ends_ms(error.body) if error.body else None
    by_body_s = None if ends_ms is None else ends_ms / 1e3 - wall_time_ns / 1e9
    told_s = longest_told_s(error.retry_after_s, by_body_s)
    return told_s if told_s is not None else UNTOLD_S.get(error.status or 0)
