"""`SequenceTracker` in Python: continuity of numbered streams. Not for books, which check their own chains (`book`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tradewire.core.protocols import Batch, SequenceOutcome, SequenceTrackerProtocol
from tradewire.core.record import BACKFILL, MORE, Kind

from .argument import integer
from .batch import message_ends, records

__all__ = ["SequenceTracker"]

Continuity = Literal["contiguous", "increasing"]


class SequenceTracker(SequenceTrackerProtocol):
    """Continuity of numbered streams, one per (kind, symbol)."""

    def __init__(self, rules: Mapping[int, Continuity]) -> None:
        if not isinstance(rules, Mapping):
            raise TypeError(f"rules must be a mapping, was {type(rules).__name__}")
        self._rules: dict[int, Continuity] = {}
        for kind, rule in rules.items():
            number = _kind(kind)
            if rule not in ("contiguous", "increasing"):
                raise ValueError(f"a rule must be 'contiguous' or 'increasing', was {rule!r}")
            self._rules[number] = rule
        self._last: dict[tuple[int, int], int] = {}

    def observe(self, kind: int, symbol_id: int, seq: int) -> SequenceOutcome:
        kind, symbol_id = _kind(kind), _symbol_id(symbol_id)
        if kind not in self._rules:
            known = ", ".join(map(str, sorted(self._rules)))
            raise ValueError(f"kind must be one that has a rule ({known}), was {kind}")
        return self._observe(kind, symbol_id, integer(seq, "seq", 0, 2**63 - 1))[0]

    def _observe(self, kind: int, symbol_id: int, seq: int) -> tuple[SequenceOutcome, int]:
        last = self._last.setdefault((kind, symbol_id), seq - 1)
        if seq <= last:
            return ("duplicate" if seq == last else "reordered"), 0
        self._last[kind, symbol_id] = seq
        skipped = seq - last - 1
        return ("gap", skipped) if skipped and self._rules[kind] == "contiguous" else ("expected", 0)

    def apply(self, batch: Batch) -> list[tuple[int, SequenceOutcome, int]]:
        batch = records(batch)
        if len(batch) and batch["flags"][-1] & MORE:
            raise ValueError("the last message of the batch is incomplete")
        found: list[tuple[int, SequenceOutcome, int]] = []
        row = 0
        for end in message_ends(batch):
            kind, flags, _, symbol_id, _, _, seq = batch[row].tolist()[:7]
            if kind in self._rules and seq and not flags & BACKFILL:
                outcome, missing = self._observe(kind, symbol_id, seq)
                if outcome != "expected":
                    found.append((row, outcome, missing))
            row = end
        return found

    def reset(self, kind: int, symbol_id: int) -> None:
        self._last.pop((_kind(kind), _symbol_id(symbol_id)), None)


def _kind(kind: int) -> int:
    return integer(kind, "kind", Kind.TRADE, Kind.CONTROL)


def _symbol_id(symbol_id: int) -> int:
    return integer(symbol_id, "symbol_id", 0, 2**32 - 1)
