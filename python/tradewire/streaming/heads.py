"""The first records of a batch's messages: who they belong to and when they came. Reads no prices.

Everything that is done per batch in Python starts here, so small batches (a quiet market: one or two messages a read)
take a way of their own: below `_SMALL` records plain integers are several times faster than NumPy's calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tradewire.core.record import MORE, Kind

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch

__all__ = ["Heads", "read_heads"]

_SMALL = 32

Times: TypeAlias = list[int] | NDArray[np.int64]


class Heads(NamedTuple):
    """What the first records say.

    Attributes:
        counts: messages by (symbol id << 8 | kind); the symbol id of messages without one is -1.
        intervals: (symbol id, interval in ns) of each bar.
        event_ns: venue times, in order.
        recv_ns: receive times, in order.
    """

    counts: dict[int, int]
    intervals: list[tuple[int, int]]
    event_ns: Times
    recv_ns: Times


def read_heads(batch: Batch) -> Heads:
    """Reads a batch as drained: contiguous whole messages of 64-byte records."""
    # Column 0: kind, flags, venue, symbol (8, 8, 16, 32 bits, little-endian); 1: event_ns; 2: recv_ns; 3: seq.
    words = batch.view(np.int64).reshape(-1, 8)
    return _small(words) if len(words) <= _SMALL else _large(words)


def _small(words: NDArray[np.int64]) -> Heads:
    counts: dict[int, int] = {}
    intervals: list[tuple[int, int]] = []
    event_ns: list[int] = []
    recv_ns: list[int] = []
    more = False
    for head, event, recv, seq in words[:, :4].tolist():
        code = head >> 32 << 8 | head & 0xFF
        if not more:
            counts[code] = counts.get(code, 0) + 1
            event_ns.append(event)
            recv_ns.append(recv)
        elif head & 0xFF == Kind.BAR:
            # A bar's second record holds its interval where others repeat the sequence number.
            intervals.append((head >> 32, seq))
        more = bool(head >> 8 & MORE)
    return Heads(counts, intervals, event_ns, recv_ns)


def _large(words: NDArray[np.int64]) -> Heads:
    head = words[:, 0]
    first = np.ones(len(words), dtype=bool)
    first[1:] = (head[:-1] >> 8 & MORE) == 0
    codes = head >> 32 << 8 | head & 0xFF
    unique, numbers = np.unique(codes[first], return_counts=True)
    intervals: list[tuple[int, int]] = []
    if (unique & 0xFF == Kind.BAR).any():
        seconds = words[~first & (head & 0xFF == Kind.BAR)]
        intervals = list(zip((seconds[:, 0] >> 32).tolist(), seconds[:, 3].tolist(), strict=True))
    counts = dict(zip(unique.tolist(), numbers.tolist(), strict=True))
    return Heads(counts, intervals, words[first, 1], words[first, 2])
