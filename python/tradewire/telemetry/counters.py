"""Counters by name, and rates read from them. Not thread-safe: the event loop owns them; not an exporter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

__all__ = ["Counters", "Rate"]

_SECOND = 1_000_000_000


class Counters:
    """Totals since construction, by name; a name exists from the first `add`, or from construction when declared.

    Args:
        names: names that shall be present from the start, at zero.
        elsewhere: totals that are counted somewhere else; they are added to those counted here.
    """

    __slots__ = ("_elsewhere", "_own")

    def __init__(self, *names: str, elsewhere: Callable[[], Mapping[str, int]] | None = None) -> None:
        self._own: dict[str, int] = dict.fromkeys(names, 0)
        self._elsewhere = elsewhere

    @classmethod
    def sum(cls, parts: Iterable[Counters]) -> Counters:
        """Totals over several, as they are now."""
        total = cls()
        for part in parts:
            total.add_all(part._totals())
        return total

    def add(self, name: str, amount: int = 1) -> None:
        """Adds to a total."""
        self._own[name] = self._own.get(name, 0) + amount

    def add_all(self, amounts: Mapping[str, int], prefix: str = "") -> None:
        """Adds several totals at once, their names behind `prefix`."""
        totals = self._own
        for name, amount in amounts.items():
            name = prefix + name
            totals[name] = totals.get(name, 0) + amount

    def __getitem__(self, name: str) -> int:
        """A total; 0 for a name never counted."""
        return self._totals().get(name, 0)

    def __repr__(self) -> str:
        return f"Counters({self._totals()})"

    def snapshot(self) -> dict[str, int]:
        """A copy of all totals."""
        return dict(self._totals())

    def group(self, prefix: str) -> dict[str, int]:
        """The totals whose names start with `prefix`, under the rest of their names."""
        return {name[len(prefix) :]: total for name, total in self._totals().items() if name.startswith(prefix)}

    def _totals(self) -> dict[str, int]:
        if self._elsewhere is None:
            return self._own
        totals = dict(self._own)
        for name, amount in self._elsewhere().items():
            totals[name] = totals.get(name, 0) + amount
        return totals


class Rate:
    """Units per second between two readings of a growing total.

    Args:
        total: the total at `now_ns`.
        now_ns: monotonic time of the first reading.
    """

    __slots__ = ("_now_ns", "_total")

    def __init__(self, total: int, now_ns: int) -> None:
        self._total = total
        self._now_ns = now_ns

    def update(self, total: int, now_ns: int) -> float:
        """The rate since the last reading; 0.0 when no time has passed."""
        elapsed = now_ns - self._now_ns
        if elapsed <= 0:
            return 0.0
        rate = (total - self._total) * _SECOND / elapsed
        self._total = total
        self._now_ns = now_ns
        return rate
