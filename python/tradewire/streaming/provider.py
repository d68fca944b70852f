"""How one provider of a gateway is used: its venue, addresses, limits and fallback. Connects nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from tradewire.transport.adaptive_limit import AdaptiveRateLimiter
from tradewire.transport.policy.breaker import BreakerStates

from .pipeline import RING_CAPACITY

if TYPE_CHECKING:
    from tradewire.transport.auth import Credential
    from tradewire.venues.base import MarketDataVenue, StreamLimits

__all__ = ["ProviderSettings"]


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """How one provider is used.

    Attributes:
        name: unique in the gateway.
        venue: names, messages, rules.
        url: replaces the venue's streaming address (`ws://127.0.0.1:8700`).
        rest_url: replaces the venue's REST address.
        credential: where the venue asks for one.
        codec: `json` or `msgpack`.
        ring_capacity: records (64 bytes each) between sockets and consumers; for `book`, room for a whole snapshot.
        stale_after_s: per channel, silence that makes a feed STALE; replaces the venue's values.
        open_timeout_s: for one connection attempt.
        symbols: that the configuration names for it; a subscription without `provider` goes by them.
        reconnect_attempts: failures in a row after which fallback and alert come; attempts go on.
        bad_messages_per_min: unreadable messages of a connection after which its feeds are built anew.
        breaker: (failures in a row, seconds): no connection attempts for so long after so many; None: backoff alone.
        rate_limit: (requests a minute, at once): of REST requests, and of control messages where the venue allows more;
            None: the venue's limits alone.
        ping_interval_s: silence of a connection after which it is asked for a pong.
        fallback: name of the provider that stands in.
        standby: whether it only serves as a fallback.
    """

    name: str
    venue: MarketDataVenue
    url: str | None = field(default=None, repr=False)
    rest_url: str | None = field(default=None, repr=False)
    credential: Credential | None = None
    codec: Literal["json", "msgpack"] = "json"
    ring_capacity: int = RING_CAPACITY
    stale_after_s: Mapping[str, float] = field(default_factory=dict)
    open_timeout_s: float = 10.0
    symbols: frozenset[str] = frozenset()
    reconnect_attempts: int = 5
    bad_messages_per_min: int = 10
    breaker: tuple[int, float] | None = None
    rate_limit: tuple[float, int] | None = None
    ping_interval_s: float = 20.0
    fallback: str | None = None
    standby: bool = False

    def limits(self) -> StreamLimits:
        """Of one connection: the venue's, or below them."""
        limits, rate = self.venue.limits, self.rate_limit
        if rate is None:
            return limits
        return replace(
            limits,
            messages_per_s=min(limits.messages_per_s, rate[0] / 60),
            message_burst=min(limits.message_burst, rate[1]),
        )

    def request_limiter(self) -> AdaptiveRateLimiter | None:
        """What holds REST requests back before the venue's own limits do; None: nothing."""
        if self.rate_limit is None:
            return None
        rate = max(int(self.rate_limit[0]), 1)
        return AdaptiveRateLimiter(rate, min(self.rate_limit[1], rate), name=self.name)

    def breaker_states(self) -> BreakerStates | None:
        """A fresh breaker for one connection."""
        if self.breaker is None:
            return None
        failures, seconds = self.breaker
        return BreakerStates(
            failure_threshold=failures,
            reset_timeout_ns=int(seconds * 1e9),
            half_open_max_requests=1,
            success_threshold=1,
            lease_ns=int((self.open_timeout_s + seconds) * 1e9),
        )
