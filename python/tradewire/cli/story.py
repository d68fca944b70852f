"""Faults and healings as lines that a person reads. Collects nothing: the gateway's incidents do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tradewire.streaming.incidents import IncidentKind

from .wording import counted

if TYPE_CHECKING:
    from tradewire.streaming.incidents import Incident

__all__ = ["FAULT", "HEALED", "Line", "clock", "counts", "text", "told"]

#: A line about a fault that was made on purpose.
FAULT = "fault"
#: What is over.
HEALED = frozenset(
    {
        IncidentKind.RESYNCED,
        IncidentKind.BACKFILLED,
        IncidentKind.ROTATED,
        IncidentKind.CONNECTED,
        IncidentKind.RECOVERED,
    }
)
_NOUNS = {
    IncidentKind.GAP: ("gap", "gaps"),
    IncidentKind.RESYNCED: ("resync", "resyncs"),
    IncidentKind.BACKFILLED: ("back-fill", "back-fills"),
    IncidentKind.ROTATED: ("connection renewed", "connections renewed"),
    IncidentKind.RECONNECTING: ("connection lost or refused", "connections lost or refused"),
    IncidentKind.CONNECTED: ("connection back", "connections back"),
    IncidentKind.STALE: ("silence", "silences"),
    IncidentKind.RECOVERED: ("recovery", "recoveries"),
    IncidentKind.REMEDY: ("remedy", "remedies"),
    IncidentKind.FALLBACK: ("fallback change", "fallback changes"),
    IncidentKind.REFUSED: ("refusal", "refusals"),
    IncidentKind.WARNING: ("warning", "warnings"),
    IncidentKind.ALERT: ("alert", "alerts"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened.

    Attributes:
        recv_ns: when, ns since 1970.
        word: its kind: one of `IncidentKind`, or `FAULT`.
        where: venue, channel and symbol, as far as they matter.
        what: in words.
    """

    recv_ns: int
    word: str
    where: str
    what: str


def told(incidents: Iterable[Incident]) -> list[Line]:
    """Incidents as lines."""
    return [
        Line(
            each.recv_ns,
            str(each.kind),
            " ".join(part for part in (each.venue, each.channel, each.symbol) if part) or "gateway",
            each.text,
        )
        for each in incidents
    ]


def clock(line: Line) -> str:
    """Its local time, to a tenth of a second."""
    at = datetime.fromtimestamp(line.recv_ns / 1e9).astimezone()
    return f"{at:%H:%M:%S}.{at.microsecond // 100_000}"


def text(line: Line) -> str:
    """A line with its local time: `12:30:01.2  binance book BTCUSDT  gap: 3 messages are missing`."""
    return f"{clock(line)}  {line.where}  {line.word}: {line.what}"


def counts(lines: Sequence[Line]) -> list[str]:
    """`2 gaps`, `2 resyncs`, ... of the sorts that there are; faults made on purpose are not among them."""
    found = Counter(line.word for line in lines)
    return [counted(found[kind], *nouns) for kind, nouns in _NOUNS.items() if found[kind]]
