"""A provider's REST market data and the clock of its venue, made when somebody asks; and when nobody may ask.

A gateway that asks for neither does not pay for an HTTP client.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tradewire.transport.http import HttpClient
from tradewire.transport.rate_limit import RateLimitManager

from .budgets import Budgets
from .clock import VenueClock
from .gate import Bans

if TYPE_CHECKING:
    from tradewire.telemetry import Counters
    from tradewire.telemetry.clock_offset import ClockOffset
    from tradewire.transport.rate_limit import RateLimitStatistics
    from tradewire.venues.base import MarketDataRest

    from .provider import ProviderSettings

__all__ = ["ProviderRest"]

#: Ends of one ban, by two looks at the clock.
_SAME_NS = 1_000_000


class ProviderRest:
    """What one provider is asked over HTTP. The event loop owns it.

    Args:
        settings: of the provider.
        on_offset: told how much of the clock offset is certain, after each answer.
        alert: calls a person, in words.
        counters: `clock_errors`.
        bans: shared by the providers of a gateway; None: its own.
        budgets: the same.

    Attributes:
        http: the client of all its requests.
    """

    def __init__(
        self,
        settings: ProviderSettings,
        on_offset: Callable[[int], None],
        alert: Callable[[str], None],
        counters: Counters,
        bans: Bans | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        self._settings = settings
        self.http = HttpClient()
        self.http.limiter = settings.request_limiter()
        self._market_data: MarketDataRest | None = None
        self._clock_wanted = False
        self._clock = VenueClock(self.market_data, on_offset, alert, counters)
        self._bans = Bans() if bans is None else bans
        self._bans.join(self)
        self._budgets = Budgets() if budgets is None else budgets

    def market_data(self) -> MarketDataRest:
        """The venue's REST market data."""
        self._clock_wanted = True
        if self._market_data is None:
            settings = self._settings
            self._market_data = settings.venue.rest(self.http, settings.rest_url, settings.credential)
            self._share()
        self.close_limits()
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
        """Use and waiting of the limits, by all that share them; None before the first call, or where none are."""
        limits = self._limits
        return limits.statistics(self._settings.venue.name) if limits is not None else None

    @property
    def hosts(self) -> frozenset[str]:
        """Whom connections and requests ask. The venue's own REST address goes by the venue's name."""
        settings = self._settings
        stream = settings.venue.stream_url("", settings.url)
        return frozenset(
            (urlsplit(stream).netloc, urlsplit(settings.rest_url).netloc if settings.rest_url else settings.venue.name)
        )

    def hold(self, seconds: float) -> None:
        """The venue wants to be left alone for so long, by connections and requests alike: it counts by address."""
        self._bans.hold(self.hosts, seconds)

    def held_ns(self) -> int:
        """How long still, by what the connections and requests of all that ask the same hosts were told; 0: it may be
        asked."""
        return self._bans.held_ns(self.hosts)

    def refused_ns(self) -> int:
        """How long still, by what its own requests were told."""
        limits = self.rate_limit
        return 0 if limits is None else int(limits.closed_for_s * 1e9)

    def close_limits(self) -> None:
        """Lets no request through while a ban lasts."""
        limits, held_ns = self._limits, self.held_ns()
        if limits is not None and held_ns > self.refused_ns() + _SAME_NS:
            limits.close(self._settings.venue.name, held_ns / 1e9)

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
        self.close_limits()
        # A replaced venue without a REST address of its own: the real one's clock says nothing about it.
        if self._clock_wanted and (self._settings.url is None or self._settings.rest_url is not None):
            self._clock.start()

    def _share(self) -> None:
        limits, settings = self._limits, self._settings
        if limits is not None:
            base = getattr(self._market_data, "base", None) or settings.rest_url or ""
            host = urlsplit(base).netloc or settings.venue.name
            self._budgets.share(limits, settings.venue.name, host, settings.credential)

    @property
    def _limits(self) -> RateLimitManager | None:
        limits = getattr(self._market_data, "limits", None)
        return limits if isinstance(limits, RateLimitManager) else None

    async def close(self) -> None:
        """Asks no more."""
        self._bans.leave(self)
        await self._clock.close()
        await self.http.close()
