"""What the providers of a gateway may ask of a venue together, each budget once. Not for bans: `gate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tradewire.transport.auth import Credential
    from tradewire.transport.policy.quota import VenueLimits
    from tradewire.transport.rate_limit import RateLimitManager

__all__ = ["Budgets"]


class _Budget(NamedTuple):
    """Whose requests are counted together, and where. A list of these is searched: a `Secret` has no hash."""

    host: str
    limits: VenueLimits
    credential: Credential | None
    manager: RateLimitManager
    venue: str


class Budgets:
    """The request limits of each host, or of each credential where the venue counts by key: all providers of a gateway
    that ask it wait in one line, for one room. What was used stays used when a provider goes. The event loop owns it.
    """

    def __init__(self) -> None:
        self._known: list[_Budget] = []

    def share(self, manager: RateLimitManager, venue: str, host: str, credential: Credential | None) -> None:
        """Makes new limits part of the budget that they belong to.

        Args:
            manager: whose requests these are.
            venue: as `manager` calls it.
            host: that it asks.
            credential: that it shows.
        """
        limits = manager.limits_of(venue)
        key = (host, limits, credential if limits.per_credential else None)
        for budget in self._known:
            if budget[:3] == key:
                manager.share(venue, budget.manager, budget.venue)
                return
        self._known.append(_Budget(*key, manager, venue))
