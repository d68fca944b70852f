"""All quotas of one venue, taken all or nothing. Decides only; who waits in which order is `line.py`."""

from __future__ import annotations

from collections.abc import Sequence

from tradewire.core import BucketSet, TokenBucket

from .quota import Quota
from .rolling import RollingCount

__all__ = ["Limiter", "Weights"]

_SECOND = 1_000_000_000
_SMOOTH_NS = _SECOND // 10

#: Kinds of requests that are remembered; there are as many as pairs of call and priority.
_MOST_KNOWN = 1_000

#: What a request costs: (quota, weight), each quota once.
Weights = tuple[tuple[str, int], ...]


class _Meter:
    """One limit: a bucket that spreads, and the windows that bound. `bucket` None: nothing is spread."""

    __slots__ = ("_quota", "at_once", "bucket", "window_ns", "windows")

    def __init__(self, limit: int, quota: Quota) -> None:
        self._quota = quota
        self.window_ns = int(quota.per_s * _SECOND)
        self.at_once = min(limit, quota.at_once)
        self.windows = [RollingCount(limit, self.window_ns)]
        self.bucket: TokenBucket | None = None
        if not quota.strict:
            self.bucket = TokenBucket(limit / quota.per_s, self.at_once)
            if limit * _SMOOTH_NS >= self.window_ns > _SMOOTH_NS:
                # The bucket goes by when requests were due. This holds its promise for when they really go: a wake-up
                # that comes late makes up for it, but no tenth of a second gets more than burst + rate * 100 ms.
                self.windows.append(RollingCount(self._smooth(limit), _SMOOTH_NS))

    def set_limit(self, limit: int, now_ns: int) -> None:
        """Changes the rate; what was used stays used."""
        self.windows[0].limit = limit
        left = self.bucket.available(now_ns) if self.bucket is not None else 0
        self.at_once = min(limit, self._quota.at_once)
        if len(self.windows) > 1:
            self.windows[1].limit = self._smooth(limit)
        if self.bucket is not None:
            self.bucket = TokenBucket(limit / self._quota.per_s, self.at_once)
            if left < self.at_once:
                self.bucket.try_acquire(self.at_once - left, now_ns)

    def _smooth(self, limit: int) -> int:
        return self.at_once + limit * _SMOOTH_NS // self.window_ns

    def ready_ns(self, weight: int, now_ns: int) -> int:
        return max(window.ready_ns(weight, now_ns) for window in self.windows)

    def estimate_ns(self, weight: int, now_ns: int, due_ns: int) -> int:
        """When there will be room; never too early, and less than one unit of weight too late."""
        missing = weight - self.bucket.available(due_ns) if self.bucket is not None else 0
        spread_ns = due_ns + -(-missing * self.window_ns // self.windows[0].limit) + missing if missing > 0 else 0
        return max(self.ready_ns(weight, now_ns), spread_ns)


#: Of a request: the buckets, the weight of each, and every meter with its weight.
_Known = tuple[BucketSet | None, list[int], list[tuple[_Meter, int]]]


class Limiter:
    """The quotas of one venue, and a gate in front of all of them.

    Each quota has two meters: one for everybody, and a smaller one that whoever may not use the reserve takes as well.
    Times are monotonic ns. Not thread-safe.

    Args:
        quotas: with distinct names.
    """

    def __init__(self, quotas: Sequence[Quota]) -> None:
        self._quotas = {quota.name: quota for quota in quotas}
        self._all: dict[str, _Meter] = {}
        self._open: dict[str, _Meter] = {}
        for quota in quotas:
            self._make(quota)
        self._known: dict[tuple[Weights, bool], _Known] = {}
        #: Nothing passes before.
        self.closed_until_ns = 0

    def check(self, weights: Weights, *, reserve: bool) -> None:
        """ValueError for a quota that does not exist or a weight that never passes, TypeError for what is no weight."""
        for name, weight in weights:
            if name not in self._quotas:
                raise ValueError(f"quota must be one of {', '.join(self._quotas)}; was {name!r}")
            most = (self._all if reserve else self._open)[name].at_once
            if type(weight) is not int:
                raise TypeError(f"weight of {name} must be a whole number, was {weight!r}")
            if not 1 <= weight <= most:
                raise ValueError(f"weight of {name} must be 1..{most} (the quota's burst), was {weight}")

    def try_take(self, weights: Weights, now_ns: int, due_ns: int, *, reserve: bool) -> int:
        """0: taken. Otherwise nothing was taken, and it is worth asking again at that time.

        Args:
            weights: of the request, checked.
            now_ns: bounds and gate go by this.
            due_ns: spreading goes by this, at most `now_ns`: when the request should have gone. So a timer that is
                late does not slow anybody down.
            reserve: whether the reserve may be used.
        """
        if now_ns < self.closed_until_ns:
            return self.closed_until_ns
        known = self._known.get((weights, reserve))
        if known is None:
            known = self._know(weights, reserve=reserve)
        buckets, asked, meters = known
        ready_ns = 0
        for meter, weight in meters:
            for window in meter.windows:
                ready_ns = max(ready_ns, window.ready_ns(weight, now_ns))
        if ready_ns:
            return ready_ns
        if buckets is not None:
            wait_ns = buckets.try_acquire(asked, due_ns)
            if wait_ns:
                return due_ns + wait_ns
        for meter, weight in meters:
            for window in meter.windows:
                window.add(weight, now_ns)
        return 0

    def ready_ns(self, weights: Weights, now_ns: int, due_ns: int, *, reserve: bool) -> int:
        """0: `try_take` would take them. Otherwise it is worth asking again at that time. Nothing is taken."""
        if now_ns < self.closed_until_ns:
            return self.closed_until_ns
        return max(
            meter.estimate_ns(weight, now_ns, due_ns)
            for name, weight in weights
            for meter in self._meters(name, reserve=reserve)
        )

    def lacking(self, weights: Weights, now_ns: int, due_ns: int, ready_ns: int, *, reserve: bool) -> set[str]:
        """Of a request that was told to wait until `ready_ns`: the quotas that are the reason."""
        if now_ns < self.closed_until_ns:
            return {name for name, _ in weights}
        return {
            name
            for name, weight in weights
            for meter in self._meters(name, reserve=reserve)
            if meter.estimate_ns(weight, now_ns, due_ns) >= ready_ns
        }

    def observe_used(self, name: str, used: int, now_ns: int) -> None:
        """The venue says how much of a quota is used; what it counts beyond our own was used by somebody else."""
        unknown = used - self._all[name].windows[0].count(now_ns)
        if unknown > 0:
            self._all[name].windows[0].add(unknown, now_ns)
            self._open[name].windows[0].add(unknown, now_ns)

    def set_limit(self, name: str, limit: int, now_ns: int) -> None:
        """The venue's limit has changed."""
        quota = self._quotas[name]
        everybody, others = _limits(limit, quota)
        self._all[name].set_limit(everybody, now_ns)
        self._open[name].set_limit(others, now_ns)
        self._known.clear()

    def used(self, name: str, now_ns: int) -> int:
        """Weight counted in the quota's window that ends now."""
        return self._all[name].windows[0].count(now_ns)

    def allowed(self, name: str) -> int:
        """Weight per window that everybody together may use."""
        return self._all[name].windows[0].limit

    def close_until(self, until_ns: int) -> None:
        """Closes the gate for everything; never opens it earlier than it was to open."""
        self.closed_until_ns = max(self.closed_until_ns, until_ns)

    def _make(self, quota: Quota) -> None:
        everybody, others = _limits(quota.limit, quota)
        self._all[quota.name] = _Meter(everybody, quota)
        self._open[quota.name] = _Meter(others, quota)

    def _meters(self, name: str, *, reserve: bool) -> tuple[_Meter, ...]:
        """The meters that a request takes; without a reserve both would count the same."""
        if reserve or not self._quotas[name].reserve:
            return (self._all[name],)
        return self._all[name], self._open[name]

    def _know(self, weights: Weights, *, reserve: bool) -> _Known:
        meters = [(meter, weight) for name, weight in weights for meter in self._meters(name, reserve=reserve)]
        buckets = [(meter.bucket, weight) for meter, weight in meters if meter.bucket is not None]
        together = BucketSet([bucket for bucket, _ in buckets]) if buckets else None
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        known = self._known[weights, reserve] = (together, [weight for _, weight in buckets], meters)
        return known


def _limits(limit: int, quota: Quota) -> tuple[int, int]:
    """What everybody may use, and what those may use who leave the reserve alone."""
    everybody = max(limit - int(limit * quota.margin), 1)
    return everybody, max(int(everybody * (1 - quota.reserve)), 1)
