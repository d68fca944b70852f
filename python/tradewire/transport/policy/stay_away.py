"""How long a venue that refused with an HTTP status is left alone. Pure; who waits is known elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["UNTOLD_S", "longest_told_s"]

#: HTTP status -> seconds, where the refusal does not say how long: the shortest ban that a venue documents, and the
#: window in which venues count.
UNTOLD_S: Mapping[int, float] = {418: 120.0, 429: 60.0}
#: The longest ban that a venue documents. A time beyond it is a clock or a text gone wrong.
_LONGEST_S = 3 * 86_400.0


def longest_told_s(*told_s: float | None) -> float | None:
    """The longest of the times that a refusal states, 3 days at most; None: it states none that is still to come."""
    ahead = [seconds for seconds in told_s if seconds is not None and seconds > 0]
    return min(max(ahead), _LONGEST_S) if ahead else None
