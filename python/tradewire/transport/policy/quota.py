"""What a venue allows, as data: quotas, the share that is kept for what must get through, and who may use it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Priority", "Quota", "VenueLimits"]


class Priority(IntEnum):
    """Who goes first. Cancels and queries may use all of a quota, the others leave its reserve alone."""

    CANCEL = 0
    QUERY = 1
    SUBMIT = 2
    DATA = 3

    @property
    def may_use_reserve(self) -> bool:
        """Cancels and queries may."""
        return self <= Priority.QUERY


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """At most `limit` weight in any window of `per_s` seconds, whatever its alignment.

    Attributes:
        name: as callers name it.
        limit: weight per window, as the venue states it.
        per_s: length of the window, 0.001..86,400 s.
        burst: what may go at once, and so the heaviest request; the rest is spread evenly. None is 4 % of the limit.
        strict: no spreading; the whole window may go at once (control frames of a few per second).
        reserve: share kept for cancels and queries, 0..0.9.
        margin: share never used, for requests that bunch up on their way, 0..0.5.
        used_header: response header that states the weight used in the venue's window, lower case.
        remaining_header: response header that states what is left of it, lower case.
    """

    name: str
    limit: int
    per_s: float
    burst: int | None = None
    strict: bool = False
    reserve: float = 0.2
    margin: float = 0.02
    used_header: str = ""
    remaining_header: str = ""

    def __post_init__(self) -> None:
        self._check("limit", self.limit, 1, 2**31)
        self._check("per_s", self.per_s, 0.001, 86_400)
        self._check("burst", self.at_once, 1, self.limit)
        self._check("reserve", self.reserve, 0, 0.9)
        self._check("margin", self.margin, 0, 0.5)

    @property
    def at_once(self) -> int:
        """`burst`, or what it is by default."""
        if self.strict:
            return self.limit
        return max(1, self.limit // 25) if self.burst is None else self.burst

    def _check(self, field: str, value: float, low: float, high: float) -> None:
        if not low <= value <= high:
            raise ValueError(f"{field} of quota {self.name} must be {low:g}..{high:g}, was {value}")


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueLimits:
    """The quotas of one venue, and which HTTP statuses say that they were passed.

    Attributes:
        quotas: with distinct names, at most 8.
        refusals: statuses after which nothing is sent until `Retry-After`, or until the first quota's next window.
        bans: the same, when the venue has banned the address: until `Retry-After`, or for 2 minutes.
        per_credential: whether the venue counts each key for itself; else it counts by network address.
    """

    quotas: tuple[Quota, ...]
    refusals: frozenset[int] = frozenset({429})
    bans: frozenset[int] = frozenset({418})
    per_credential: bool = False

    def __post_init__(self) -> None:
        names = [quota.name for quota in self.quotas]
        if not 1 <= len(names) <= 8 or len(set(names)) < len(names):
            raise ValueError(f"quotas must be 1..8 with distinct names, were {names}")
