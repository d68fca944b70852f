"""How long a venue that refused with an HTTP status is left alone. Pure; who waits is known elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

__all__ = ["FIREWALL_S", "UNTOLD_S", "longest_told_s", "told_by_header_s"]

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")

#: HTTP status -> seconds, where the refusal does not say how long: the shortest ban that a venue documents, and the
#: window in which venues count.
UNTOLD_S: Mapping[int, float] = {418: 120.0, 429: 60.0}
#: After a 403 of a firewall, which wants to be left alone "for minutes" (Binance sheet section 4). Elsewhere a 403 may
#: mean a key.
FIREWALL_S = 180.0
#: The longest ban that a venue documents. A time beyond it is a clock or a text gone wrong.
_LONGEST_S = 3 * 86_400.0


def longest_told_s(*told_s: float | None) -> float | None:
    """The longest of the times that a refusal states, 3 days at most; None: it states none that is still to come."""
    ahead = [seconds for seconds in told_s if seconds is not None and seconds > 0]
    return min(max(ahead), _LONGEST_S) if ahead else None


def told_by_header_s(text: str, wall_ns: int) -> float | None:
    """What a `Retry-After` states: seconds, or a date (RFC 9110 section 10.2.3); None: nothing that can be read.

    Args:
        text: the header's value; empty where there is none.
        wall_ns: now, since 1970.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_S)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # A date without a zone is in UTC, as all dates of HTTP are.
    until_s = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return min(max(until_s - wall_ns / 1e9, 0.0), _LONGEST_S)
