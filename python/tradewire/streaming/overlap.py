"""What two connections with the same streams delivered: the messages of the second that the first did not give.

The present connection delivers as ever; its successor's messages are held back here. So consumers see the order of one
connection, then that of the other, and no message twice. Knows no sockets.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING

import numpy as np

from tradewire.core.record import MORE, Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tradewire.core.protocols import Batch

__all__ = ["Overlap"]

_BOOKS = frozenset({Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT})


class Overlap:
    """De-duplication between a connection and its successor. Costs nothing until `settle`, but for references.

    Args:
        numbered: kinds whose numbers grow within a symbol (trade ids, update ids); book messages are among them in
            any case. Messages without a number, and of other kinds, are the same when their content is.

    Attributes:
        duplicates: messages of the successor that were left out.
        present_heard: whether the present connection gave market data since this was last set to False.
    """

    def __init__(self, numbered: Container[int]) -> None:
        self.duplicates = 0
        self.present_heard = False
        self._numbered = frozenset(int(kind) for kind in Kind if kind in _BOOKS or kind in numbered)
        self._told: list[Batch] = []
        self._held: list[Batch] = []
        # By symbol id << 8 | kind: the greatest number that the present connection gave.
        self._last: dict[int, int] = {}
        self._contents: set[bytes] = set()
        self._seen: set[int] = set()
        self._met: set[int] = set()

    def delivered(self, batch: Batch) -> None:
        """The present connection delivered this."""
        self._told.append(batch)

    def hold(self, batch: Batch) -> None:
        """The successor gave this."""
        self._held.append(batch)

    def forget(self) -> None:
        """The successor lost its connection: what it gave does not go on."""
        self._held.clear()
        self._seen.clear()
        self._met.clear()

    @property
    def met(self) -> bool:
        """Whether, of every feed that the successor gave something of, the present connection gave the same."""
        return self._seen <= self._met

    @property
    def held(self) -> int:
        """Records held back."""
        return sum(map(len, self._held))

    def settle(self) -> None:
        """Compares what came since the last time, and lets go of what was delivered."""
        for batch in self._told:
            self._remember(batch)
        self._told.clear()
        self._held = [fresh for batch in self._held if len(fresh := self.fresh(batch))]

    def take(self) -> list[Batch]:
        """What only the successor gave, in order; ends the comparison."""
        self.settle()
        held, self._held = self._held, []
        return held

    def _remember(self, batch: Batch) -> None:
        starts, codes, numbers = _messages(batch)
        kinds = codes & 0xFF
        if (kinds != Kind.CONTROL).any():
            self.present_heard = True
        by_number = self._by_number(kinds, numbers)
        unique, inverse = np.unique(codes[by_number], return_inverse=True)
        greatest = np.zeros(len(unique), dtype=np.int64)
        np.maximum.at(greatest, inverse, numbers[by_number])
        for code, number in zip(unique.tolist(), greatest.tolist(), strict=True):
            self._last[code] = max(number, self._last.get(code, 0))
        if not by_number.all():
            contents = _contents(batch, starts)
            self._contents.update(contents[message] for message in np.flatnonzero(~by_number))

    def fresh(self, batch: Batch) -> Batch:
        """What of a batch of the successor the present connection has not given, as far as `settle` has looked."""
        starts, codes, numbers = _messages(batch)
        kinds = codes & 0xFF
        by_number = self._by_number(kinds, numbers)
        known = np.array([self._last.get(code, 0) for code in codes.tolist()], dtype=np.int64)
        fresh = ~by_number | (numbers > known)
        if not by_number.all():
            contents = _contents(batch, starts)
            for message in np.flatnonzero(~by_number):
                fresh[message] = contents[message] not in self._contents
        data = kinds != Kind.CONTROL
        self._seen.update(codes[data].tolist())
        self._met.update(codes[data & ~fresh].tolist())
        if fresh.all():
            return batch
        self.duplicates += int((~fresh).sum())
        lengths = np.diff(starts, append=len(batch))
        rows: Batch = batch[np.repeat(fresh, lengths)]
        rows.flags.writeable = False
        return rows

    def _by_number(self, kinds: NDArray[np.int64], numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        by_number: NDArray[np.bool_] = np.isin(kinds, list(self._numbered)) & (numbers != 0)
        return by_number


def _messages(batch: Batch) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """First row, symbol id << 8 | kind, and number of each message of a batch of whole messages."""
    words = batch.view(np.int64).reshape(-1, 8)
    head = words[:, 0]
    first = np.ones(len(words), dtype=bool)
    first[1:] = (head[:-1] >> 8 & MORE) == 0
    starts = np.flatnonzero(first)
    heads = head[starts]
    return starts, heads >> 32 << 8 | heads & 0xFF, words[starts, 3]


def _contents(batch: Batch, starts: NDArray[np.intp]) -> list[bytes]:
    """The bytes of each message but for its receive time."""
    copy = batch.copy()
    copy["recv_ns"] = 0
    ends = [*starts[1:].tolist(), len(batch)]
    return [copy[start:end].tobytes() for start, end in zip(starts.tolist(), ends, strict=True)]
