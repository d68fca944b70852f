"""How far a venue's clock is from ours, from questions and answers. Estimates only; asks nobody, sets no clock.

An answer says what the venue's clock showed at some moment between question and answer: taken for the middle, it is
wrong by half the round trip at most (Cristian's algorithm). So the answer with the shortest round trip counts.
"""

from __future__ import annotations

from collections import deque

__all__ = ["ClockOffset"]

_KEPT = 8
#: Clocks drift and answers are rounded; more than that beyond both errors means that somebody set a clock.
_SLACK_NS = 50_000_000
#: Venues tell their time in whole milliseconds.
_RESOLUTION_NS = 1_000_000


class ClockOffset:
    """The offset, filtered over the last eight answers. The event loop owns it.

    Attributes:
        offset_ns: the venue's clock minus ours; 0 before the first answer.
        rtt_ns: round trip of the answer that it comes from; the offset is known to within half of it.
    """

    __slots__ = ("_samples", "offset_ns", "rtt_ns")

    def __init__(self) -> None:
        self.offset_ns = 0
        self.rtt_ns = 0
        # (round trip, offset), oldest first.
        self._samples: deque[tuple[int, int]] = deque(maxlen=_KEPT)

    @property
    def known(self) -> bool:
        """Whether there was an answer."""
        return bool(self._samples)

    @property
    def certain_ns(self) -> int:
        """The offset where it is more than its own error, else 0: the clocks cannot be told apart, and taking out what
        may be nothing but half a round trip would make latencies worse."""
        return self.offset_ns if abs(self.offset_ns) > self.rtt_ns // 2 + _RESOLUTION_NS else 0

    def add(self, sent_ns: int, rtt_ns: int, venue_ns: int) -> None:
        """Takes an answer.

        Args:
            sent_ns: our wall clock at the question, ns since 1970.
            rtt_ns: from question to answer, on the monotonic clock.
            venue_ns: the venue's clock in the answer.
        """
        offset = venue_ns - (sent_ns + rtt_ns // 2)
        if self.known and abs(offset - self.offset_ns) > (rtt_ns + self.rtt_ns) // 2 + _SLACK_NS:
            self._samples.clear()
        self._samples.append((rtt_ns, offset))
        self.rtt_ns, self.offset_ns = min(self._samples, key=lambda sample: sample[0])

    def forget(self) -> None:
        """Another venue's clock from now on."""
        self._samples.clear()
        self.offset_ns = self.rtt_ns = 0
