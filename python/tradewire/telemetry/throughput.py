"""Messages and bytes a second of one source, read from its totals. Not an exporter: Prometheus takes the totals."""

from __future__ import annotations

from .counters import Counters, Rate

__all__ = ["Throughput"]

#: Shorter spans would show the bursts of single reads.
_SPAN_NS = 1_000_000_000


class Throughput:
    """Rates over the last full second or more. The event loop owns it.

    Args:
        counters: whose totals `messages` and `bytes` it reads.

    Attributes:
        messages_per_s: 0.0 before the first span is over.
        bytes_per_s: the same for bytes.
    """

    __slots__ = ("_counters", "_rates", "_since_ns", "bytes_per_s", "messages_per_s")

    def __init__(self, counters: Counters) -> None:
        self.messages_per_s = 0.0
        self.bytes_per_s = 0.0
        self._counters = counters
        self._rates: tuple[Rate, Rate] | None = None
        self._since_ns = 0

    def tick(self, now_ns: int) -> None:
        """Looks at the totals, when it is time to; called a few times a second.

        Args:
            now_ns: monotonic.
        """
        messages, size = self._counters["messages"], self._counters["bytes"]
        if self._rates is None:
            self._rates = Rate(messages, now_ns), Rate(size, now_ns)
        elif now_ns - self._since_ns < _SPAN_NS:
            return
        else:
            self.messages_per_s = self._rates[0].update(messages, now_ns)
            self.bytes_per_s = self._rates[1].update(size, now_ns)
        self._since_ns = now_ns
