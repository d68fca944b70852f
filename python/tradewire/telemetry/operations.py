"""How long the calls of a client take, by name of the call. Not for the hops of a tick (`latency`), not an exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .latency import latency_histogram

if TYPE_CHECKING:
    from tradewire.core.protocols import HistogramProtocol

__all__ = ["OperationLatency"]


class OperationLatency:
    """One histogram and one failure counter for each name; failed calls are timed too. The event loop owns it."""

    __slots__ = ("_failures", "_histograms")

    def __init__(self) -> None:
        self._histograms: dict[str, HistogramProtocol] = {}
        self._failures: dict[str, int] = {}

    def record(self, operation: str, elapsed_ns: int, *, failed: bool = False) -> None:
        """One call."""
        histogram = self._histograms.get(operation)
        if histogram is None:
            histogram = self._histograms[operation] = latency_histogram()
        histogram.record(elapsed_ns)
        if failed:
            self._failures[operation] = self._failures.get(operation, 0) + 1

    def histogram(self, operation: str) -> HistogramProtocol | None:
        """The histogram of a call; None before the first."""
        return self._histograms.get(operation)

    def failures(self, operation: str) -> int:
        """How many of these calls failed."""
        return self._failures.get(operation, 0)

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the calls that were made."""
        return tuple(self._histograms)

    def summary(self) -> dict[str, dict[str, int]]:
        """By name: count, failures, p50, p99, p99.9 and max in ns."""
        result = {}
        for operation, histogram in self._histograms.items():
            p50, p99, p999 = histogram.percentiles((50.0, 99.0, 99.9))
            result[operation] = {
                "count": histogram.count,
                "failures": self.failures(operation),
                "p50_ns": p50,
                "p99_ns": p99,
                "p99_9_ns": p999,
                "max_ns": histogram.max,
            }
        return result
