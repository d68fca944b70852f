"""Where the time of a tick goes: one histogram per hop, in nanoseconds. Not for orders, not for exporting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from tradewire.core import Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tradewire.core.protocols import HistogramProtocol

__all__ = ["HOPS", "LatencySpans", "latency_histogram"]

#: The hops of a tick. `venue`: venue time stamp to our receive time, corrected by what is known of the offset of the
#: two clocks (negative values are counted, not recorded). `queue`: socket read to batch drained, decoding included.
#: `callback`: batch drained to the user's callback called.
HOPS = ("venue", "queue", "callback")

_HIGHEST_NS = 3_600_000_000_000
_LOWEST_NS = -_HIGHEST_NS


def latency_histogram() -> Histogram:
    """An empty histogram of times from 1 ns to an hour, to three digits."""
    return Histogram(1, _HIGHEST_NS, 3)


class LatencySpans:
    """Histograms of the hops, fed once per batch. The event loop owns them."""

    __slots__ = ("callback", "queue", "venue")

    def __init__(self) -> None:
        self.venue: HistogramProtocol = latency_histogram()
        self.queue: HistogramProtocol = latency_histogram()
        self.callback: HistogramProtocol = latency_histogram()

    @classmethod
    def sum(cls, parts: Iterable[LatencySpans], callback: HistogramProtocol) -> LatencySpans:
        """The hops of several together, and the callbacks that they share.

        Args:
            parts: of each provider; the histograms of an only one are taken themselves, and go on counting.
            callback: the last hop.
        """
        found, total = list(parts), cls()
        total.callback = callback
        if len(found) == 1:
            total.venue, total.queue = found[0].venue, found[0].queue
            return total
        for part in found:
            total.venue.merge(part.venue)
            total.queue.merge(part.queue)
        return total

    def observe(
        self,
        event_ns: list[int] | NDArray[np.int64],
        recv_ns: list[int] | NDArray[np.int64],
        drained_ns: int,
        offset_ns: int = 0,
    ) -> int:
        """Records the first two hops of every message of a batch.

        Args:
            event_ns: venue times of the messages; those at 0 (the venue gave none) are left out of that hop.
            recv_ns: receive times of the same messages.
            drained_ns: wall clock time at which the batch was drained (the clock of `recv_ns`).
            offset_ns: the venue's clock minus ours.

        Returns:
            How many venue times are more than an hour off: a clock was set, or a unit is wrong.
        """
        jumps = 0
        if isinstance(recv_ns, list):
            for event, received in zip(event_ns, recv_ns, strict=True):
                self.queue.record(drained_ns - received)
                if event > 0:
                    age = received + offset_ns - event
                    self.venue.record(age)
                    if age > _HIGHEST_NS or age < _LOWEST_NS:
                        jumps += 1
            return jumps
        times = np.asarray(event_ns)
        self.queue.record_many(drained_ns - recv_ns)
        stamped = times > 0
        ages = recv_ns[stamped] - times[stamped]
        ages += offset_ns
        unusual = self.venue.negative + self.venue.overflow
        self.venue.record_many(ages)
        # Seldom: then it is worth a closer look.
        if self.venue.negative + self.venue.overflow != unusual:
            jumps = int(np.count_nonzero(np.abs(ages) > _HIGHEST_NS))
        return jumps

    def histogram(self, hop: str) -> HistogramProtocol:
        """The histogram of a hop.

        Raises:
            ValueError: no such hop.
        """
        if hop not in HOPS:
            raise ValueError(f"hop must be one of {', '.join(HOPS)}, was {hop!r}")
        histogram: HistogramProtocol = getattr(self, hop)
        return histogram

    def summary(self) -> dict[str, dict[str, int]]:
        """Per hop: count, p50, p99, p99.9, max in ns, and how many values were negative (clock offset)."""
        result = {}
        for hop in HOPS:
            histogram = self.histogram(hop)
            p50, p99, p999 = histogram.percentiles((50.0, 99.0, 99.9))
            result[hop] = {
                "count": histogram.count,
                "p50_ns": p50,
                "p99_ns": p99,
                "p99_9_ns": p999,
                "max_ns": histogram.max,
                "negative": histogram.negative,
            }
        return result
