"""What holds a venue's callers back while it wants to be left alone, and what a refused handshake asks for.

Not for failures of a connection itself: backoff and breaker wait for these.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tradewire.core import monotonic_ns
from tradewire.errors import FeedConnectionError
from tradewire.transport.policy.stay_away import FIREWALL_S, UNTOLD_S, longest_told_s

if TYPE_CHECKING:
    from tradewire.venues.session import StreamSession

__all__ = ["FINAL", "FOR_A_PERSON", "Asking", "Bans", "Gate", "stay_away_s"]

_logger = logging.getLogger("tradewire.streaming")

#: HTTP status of refused handshakes that every other attempt would meet, too (Binance sheet section 4): a key that is
#: missing or wrong, and an address in a country that is not served.
FINAL = (401, 451)
#: Those, and the firewall's, are nothing that more attempts could change: a person is called at once.
FOR_A_PERSON = (*FINAL, 403)


class Gate(Protocol):
    """What holds every connection of a provider back while the venue wants to be left alone."""

    def hold(self, seconds: float) -> None:
        """The venue said so."""

    def held_ns(self) -> int:
        """How long still; 0: it may be asked."""


class Asking(Protocol):
    """One provider that asks a venue by request.

    Attributes:
        hosts: what it asks.
    """

    @property
    def hosts(self) -> frozenset[str]: ...  # noqa: D102 - above

    def refused_ns(self) -> int:
        """For how long its requests were refused still."""

    def close_limits(self) -> None:
        """Lets no request through while one of its hosts is held."""


class Bans:
    """Which hosts want to be left alone, and until when. Venues count by address: what one provider of a gateway was
    told holds for all that ask the same host. Each ban is logged once. The event loop owns it.

    Args:
        clock: monotonic ns.
    """

    def __init__(self, clock: Callable[[], int] = monotonic_ns) -> None:
        self._clock = clock
        self._until_ns: dict[str, int] = {}
        self._asking: list[Asking] = []

    def join(self, asking: Asking) -> None:
        """Its refusals count from now on, and it is told of others'."""
        self._asking.append(asking)

    def leave(self, asking: Asking) -> None:
        """It asks no more. What it was told still holds."""
        if asking in self._asking:
            self._keep(asking.hosts, asking.refused_ns())
            self._asking.remove(asking)

    def hold(self, hosts: frozenset[str], seconds: float) -> None:
        """Nobody asks these for so long."""
        self._keep(hosts, int(seconds * 1e9))
        for asking in self._asking:
            asking.close_limits()

    def held_ns(self, hosts: frozenset[str]) -> int:
        """How long one of these is to be left alone still; 0: they may be asked."""
        for asking in self._asking:
            self._keep(asking.hosts, asking.refused_ns())
        now_ns = self._clock()
        return max(0, *(self._until_ns.get(host, 0) - now_ns for host in hosts))

    def _keep(self, hosts: frozenset[str], held_ns: int) -> None:
        if held_ns > 0:
            now_ns = self._clock()
            until_ns = now_ns + held_ns
            if all(self._until_ns.get(host, 0) <= now_ns for host in hosts):
                names = ", ".join(sorted(hosts))
                _logger.warning("%s: the venue asks to be left alone for %.1f s", names, held_ns / 1e9)
            for host in hosts:
                self._until_ns[host] = max(self._until_ns.get(host, 0), until_ns)


def stay_away_s(error: Exception | None, session: StreamSession, wall_time_ns: int) -> float | None:
    """How long the end of a connection says to leave the venue alone, by its header, its body or its status; None: it
    does not."""
    if not isinstance(error, FeedConnectionError):
        return None
    ends_ms = session.ban_ends_ms(error.body) if error.body else None
    by_body_s = None if ends_ms is None else ends_ms / 1e3 - wall_time_ns / 1e9
    told_s = longest_told_s(error.retry_after_s, by_body_s)
    if told_s is not None:
        return told_s
    return FIREWALL_S if error.status == 403 else UNTOLD_S.get(error.status or 0)
