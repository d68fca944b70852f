"""A provider's REST market data and the clock of its venue, made when somebody asks; and when nobody may ask.

A gateway that asks for neither does not pay for an HTTP client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tradewire.core import monotonic_ns
from tradewire.transport.http import HttpClient
from tradewire.transport.rate_limit import RateLimitManager

from .clock import VenueClock

if TYPE_CHECKING:
    from tradewire.telemetry import Counters
    from tradewire.telemetry.clock_offset import ClockOffset
    from tradewire.transport.rate_limit import RateLimitStatistics
    from tradewire.venues.base import MarketDataRest

    from .provider import ProviderSettings

__all__ = ["ProviderRest"]


class ProviderRest:
    """What one provider is asked over HTTP. The event loop owns it.

    Args:
        settings: of the provider.
        on_offset: told how much of the clock offset is certain, after each answer.
        alert: calls a person, in words.
        counters: `clock_errors`.
        now: monotonic time.

    Attributes:
        http: the client of all its requests.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        on_offset: Callable[[int], None],
        alert: Callable[[str], None],
        counters: Counters,
        now: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._settings = settings
        self.http = HttpClient()
        self.http.limiter = settings.request_limiter()
        self._market_data: MarketDataRest | None = None
        self._now = now
        self._held_until_ns = 0
        self._clock_wanted = False
        self._clock = VenueClock(self.market_data, on_offset, alert, counters)

    def market_data(self) -> MarketDataRest:
        """The venue's REST market data."""
        self._clock_wanted = True
        if self._market_data is None:
            settings = self._settings
            self._market_data = settings.venue.rest(self.http, settings.rest_url, settings.credential)
            self._close_limits()
        return self._market_data

    def want_clock(self) -> None:
        """Somebody looks at latencies or at the clock: the venue is asked for its time from now on."""
        self._clock_wanted = True

    @property
    def clock(self) -> ClockOffset:
        """The venue's clock minus ours, as far as it is known."""
        return self._clock.offset

    @property
    def rate_limit(self) -> RateLimitStatistics | None:
        """Use and waiting of the limits; None before the first call, or where there are none."""
        limits = self._limits
        return limits.statistics(self._settings.venue.name) if limits is not None else None

    def hold(self, seconds: float) -> None:
        """The venue wants to be left alone for so long, by connections and requests alike: it counts by address."""
        self._held_until_ns = max(self._held_until_ns, self._now() + int(seconds * 1e9))
        self._close_limits()

    def held_ns(self) -> int:
        """How long still, by what connections and requests were told; 0: it may be asked."""
        limits = self.rate_limit
        by_requests = 0 if limits is None else int(limits.closed_for_s * 1e9)
        return max(self._held_until_ns - self._now(), by_requests, 0)

    def update(self, settings: ProviderSettings) -> None:
        """Takes other settings over, at once."""
        old, self._settings = self._settings, settings
        if (settings.rest_url, settings.credential) != (old.rest_url, old.credential):
            self._market_data = None
            self._clock.forget()
        if settings.rate_limit != old.rate_limit:
            self.http.limiter = settings.request_limiter()

    def tick(self) -> None:
        """Begins to ask for the time, where somebody wants it; called a few times a second."""
        # A replaced venue without a REST address of its own: the real one's clock says nothing about it.
        if self._clock_wanted and (self._settings.url is None or self._settings.rest_url is not None):
            self._clock.start()

    @property
    def _limits(self) -> RateLimitManager | None:
        limits = getattr(self._market_data, "limits", None)
        return limits if isinstance(limits, RateLimitManager) else None

    def _close_limits(self) -> None:
        held_ns, limits = self._held_until_ns - self._now(), self._limits
        if limits is not None and held_ns > 0:
            limits.close(self._settings.venue.name, held_ns / 1e9)

    async def close(self) -> None:
        """Asks no more."""
        await self._clock.close()
        await self.http.close()
