"""Binance's request limits (venue sheet sections 4 and 16). How they are kept is `transport.rate_limit`."""

from __future__ import annotations

import re

from tradewire.transport.rate_limit import Quota, VenueLimits

__all__ = ["SPOT_LIMITS", "USDM_LIMITS", "ban_ends_ms"]

_BANNED_UNTIL = re.compile(rb"banned until (\d{13})\b")


#: Weight is per address and shared by REST and WebSocket API; orders are per account. A fifth of the weight may go at
#: once, so that the books of many symbols start soon.
USDM_LIMITS = VenueLimits(
    quotas=(
        Quota(name="weight", limit=2400, per_s=60, burst=480, used_header="x-mbx-used-weight-1m"),
        Quota(name="orders_10s", limit=300, per_s=10, burst=60, used_header="x-mbx-order-count-10s"),
        Quota(name="orders_1m", limit=1200, per_s=60, burst=60, used_header="x-mbx-order-count-1m"),
    )
)
SPOT_LIMITS = VenueLimits(
    quotas=(
        Quota(name="weight", limit=6000, per_s=60, burst=1200, used_header="x-mbx-used-weight-1m"),
        Quota(name="orders_10s", limit=50, per_s=10, burst=10, used_header="x-mbx-order-count-10s"),
    )
)


def ban_ends_ms(body: bytes) -> int | None:
    """When a ban ends, ms since 1970, where the text of a refusal says so."""
    found = _BANNED_UNTIL.search(body)
    return int(found[1]) if found else None
