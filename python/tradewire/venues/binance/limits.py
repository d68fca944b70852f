"""Binance's request limits (venue sheet sections 4 and 16). How they are kept is `transport.rate_limit`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tradewire.transport.rate_limit import Quota, VenueLimits

__all__ = ["SPOT_COSTS", "SPOT_LIMITS", "USDM_COSTS", "USDM_LIMITS", "Cost", "ban_ends_ms"]

_BANNED_UNTIL = re.compile(rb"banned until (\d{13})\b")


#: Weight is per address and shared by REST and WebSocket API; orders are per account. A fifth of the weight may go at
#: once, so that the books of many symbols start soon.
USDM_LIMITS = VenueLimits(
    quotas=(
        Quota(name="weight", limit=2400, per_s=60, burst=480, used_header="x-mbx-used-weight-1m"),
        Quota(name="orders_10s", limit=300, per_s=10, burst=60, used_header="x-mbx-order-count-10s"),
        Quota(name="orders_1m", limit=1200, per_s=60, burst=60, used_header="x-mbx-order-count-1m"),
        # Requests, not weight, shared by fundingRate and fundingInfo; the venue sends no count of them.
        Quota(name="funding", limit=500, per_s=300, burst=50),
    )
)
SPOT_LIMITS = VenueLimits(
    quotas=(
        Quota(name="weight", limit=6000, per_s=60, burst=1200, used_header="x-mbx-used-weight-1m"),
        Quota(name="orders_10s", limit=50, per_s=10, burst=10, used_header="x-mbx-order-count-10s"),
    )
)


@dataclass(frozen=True, slots=True)
class Cost:
    """The weight of a call, by its parameters.

    Attributes:
        one: for one symbol, or for a call that has none.
        every: for all symbols at once; 0: as for one.
        steps: (rows, weight) of calls whose weight grows with `limit`: up to so many rows cost so much.
        quota: of the venue's limits.
    """

    one: int = 1
    every: int = 0
    steps: tuple[tuple[int, int], ...] = ()
    quota: str = "weight"

    def of(self, limit: int | None = None, *, every: bool = False) -> int:
        """The weight of a request.

        Args:
            limit: rows asked for, where the call has steps; more than the last step costs as much as that one, and is
                refused by the venue.
            every: whether no symbol is named.
        """
        if self.steps:
            rows = limit or 0
            return next((weight for most, weight in self.steps if rows <= most), self.steps[-1][1])
        return self.every if every and self.every else self.one


#: Venue sheet section 7. Where documented and measured edges differ, the documented ones: too much, if anything.
USDM_COSTS: Mapping[str, Cost] = {
    "time": Cost(),
    "exchangeInfo": Cost(),
    "depth": Cost(steps=((50, 2), (100, 5), (500, 10), (1000, 20))),
    "trades": Cost(5),
    "aggTrades": Cost(20),
    "klines": Cost(steps=((99, 1), (499, 2), (1000, 5), (1500, 10))),
    "ticker/24hr": Cost(1, 40),
    "ticker/bookTicker": Cost(2, 5),
    "ticker/price": Cost(1, 2),
    "premiumIndex": Cost(1, 10),
    "openInterest": Cost(),
    "fundingRate": Cost(quota="funding"),
}
#: Venue sheet section 16.
SPOT_COSTS: Mapping[str, Cost] = {
    "time": Cost(),
    "exchangeInfo": Cost(20),
    "depth": Cost(steps=((100, 5), (500, 25), (1000, 50), (5000, 250))),
    "trades": Cost(25),
    "aggTrades": Cost(4),
    "klines": Cost(2),
    "ticker/24hr": Cost(2, 80),
    "ticker/bookTicker": Cost(2, 4),
    "ticker/price": Cost(2, 4),
}


def ban_ends_ms(body: bytes) -> int | None:
    """When a ban ends, ms since 1970, where the text of a refusal says so."""
    found = _BANNED_UNTIL.search(body)
    return int(found[1]) if found else None
