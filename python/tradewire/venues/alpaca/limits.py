"""Alpaca's market data request limit (venue sheet sections 3.9, 5.6). How it is kept is `transport.rate_limit`."""

from __future__ import annotations

from collections.abc import Mapping

from tradewire.transport.rate_limit import Quota, VenueLimits

__all__ = ["LIMITS", "retry_after_s"]

#: Of seconds since 1970 that can be meant.
_MOST_DIGITS = 12

#: Of a Basic account; what larger plans allow shows in the answers' headers, and is not made use of.
LIMITS = VenueLimits(
    quotas=(Quota(name="requests", limit=200, per_s=60, burst=40, remaining_header="x-ratelimit-remaining"),),
    per_credential=True,
)


def retry_after_s(headers: Mapping[str, str], now_ns: int) -> int | None:
    """Seconds until a refused caller may ask again, where the answer says so.

    Args:
        headers: names in lower case; `x-ratelimit-reset` is in seconds since 1970.
        now_ns: since 1970.
    """
    reset = headers.get("x-ratelimit-reset", "")
    if not reset.isdecimal() or len(reset) > _MOST_DIGITS:
        return None
    return max(-(-(int(reset) * 1_000_000_000 - now_ns) // 1_000_000_000), 1)
