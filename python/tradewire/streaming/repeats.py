"""Which numbers that are not above the last one came before, where each number is the last one plus one. Decides only.

Not for connections or providers that give the same: `overlap.py`, `twins.py`. What is not known to have come counts as
new: a trade is rather given twice than lost.
"""

from __future__ import annotations

from bisect import bisect_right, insort

__all__ = ["Repeats"]

#: Remembered of a symbol, the newest. Holes close when what was missing comes; most never do.
_HOLES = 256


class _Stream:
    """All numbers from `first` on came, but for those in holes [start, stop)."""

    __slots__ = ("first", "holes")

    def __init__(self, first: int) -> None:
        self.first = first
        self.holes: list[tuple[int, int]] = []


class Repeats:
    """The numbers of one kind of message, by symbol. Costs nothing while they go on as they should."""

    def __init__(self) -> None:
        self._of: dict[int, _Stream] = {}

    def begin(self, symbol_id: int, seq: int) -> None:
        """This number came, and what follows it is told."""
        self._of.setdefault(symbol_id, _Stream(seq))

    def forget(self, symbol_id: int) -> None:
        """What comes next may be numbered anew."""
        self._of.pop(symbol_id, None)

    def gap(self, symbol_id: int, seq: int, missing: int) -> None:
        """This number came right after one that is `missing` + 1 below it."""
        stream = self._of.setdefault(symbol_id, _Stream(seq))
        stream.first = min(stream.first, seq - missing - 1)
        stream.holes.append((seq - missing, seq))
        self._bound(stream)

    def misses(self, symbol_id: int, seq: int) -> bool:
        """Whether a number below the last one was skipped and has not come since."""
        stream = self._of.get(symbol_id)
        return stream is not None and (at := _hole(stream, seq)) >= 0 and seq < stream.holes[at][1]

    def came(self, symbol_id: int, seq: int) -> bool:
        """Whether a number below the last one came before; now it has come."""
        stream = self._of.get(symbol_id)
        if stream is None or seq < stream.first:
            return False
        at = _hole(stream, seq)
        if at < 0 or seq >= stream.holes[at][1]:
            return True
        start, stop = stream.holes.pop(at)
        for hole in ((start, seq), (seq + 1, stop)):
            if hole[0] < hole[1]:
                insort(stream.holes, hole)
        self._bound(stream)
        return False

    @staticmethod
    def _bound(stream: _Stream) -> None:
        while len(stream.holes) > _HOLES:
            stream.first = stream.holes.pop(0)[1]


def _hole(stream: _Stream, seq: int) -> int:
    """The last hole that begins at this number or below; -1: there is none."""
    return bisect_right(stream.holes, seq, key=_start) - 1


def _start(hole: tuple[int, int]) -> int:
    return hole[0]
