"""Faults, healings and notices as lines that a person reads. Collects nothing: the gateway's incidents and `board.py`
do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tradewire.model.notices import Imbalance, PriceBand, TradeCancel, TradeCorrection, TradingStatus
from tradewire.streaming.incidents import IncidentKind

from .wording import counted

if TYPE_CHECKING:
    from tradewire.model.notices import Notice
    from tradewire.streaming.incidents import Incident

__all__ = ["FAULT", "HALTED", "HEALED", "RESUMED", "Line", "clock", "counts", "noticed", "text", "told"]

#: A line about a fault that was made on purpose.
FAULT = "fault"
#: Lines about trading in a symbol.
HALTED, RESUMED = "halted", "resumed"
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
        word: its kind: one of `IncidentKind`, `FAULT`, or what a notice says (`HALTED`, `RESUMED`, ...).
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


def noticed(provider: str, channel: str, notice: Notice) -> Line:
    """A notice as a line."""
    match notice:
        case TradingStatus(halted=halted, code=code, text=status, reason=reason):
            word = "status" if halted is None else HALTED if halted else RESUMED
            what = ", ".join(part for part in (status, reason) if part) or f"code {code}"
        case PriceBand(up_price=up, down_price=down):
            word, what = "band", f"trades from {down} to {up} only"
        case Imbalance(price=price):
            word, what = "imbalance", f"at {price}"
        case TradeCorrection():
            old = f"trade {notice.trade_id}, {notice.price} x {notice.quantity}"
            new = f"trade {notice.corrected_id}, {notice.corrected_price} x {notice.corrected_quantity}"
            word, what = "corrected", f"{old}, is {new}"
        case TradeCancel(trade_id=trade_id, price=price, quantity=quantity):
            word, what = "cancelled", f"trade {trade_id}, {price} x {quantity}"
        case _:
            word, what = "notice", type(notice).__name__
    return Line(notice.recv_ns, word, f"{provider} {channel} {notice.symbol}", what)


def clock(line: Line) -> str:
    """Its local time, to a tenth of a second."""
    at = datetime.fromtimestamp(line.recv_ns / 1e9).astimezone()
    return f"{at:%H:%M:%S}.{at.microsecond // 100_000}"


def text(line: Line) -> str:
    """A line with its local time: `12:30:01.2  binance book BTCUSDT  gap: 3 messages are missing`."""
    return f"{clock(line)}  {line.where}  {line.word}: {line.what}"


def counts(lines: Sequence[Line]) -> list[str]:
    """`2 gaps`, `2 resyncs`, ... of the sorts that there are; faults made on purpose and notices are not among them."""
    found = Counter(line.word for line in lines)
    return [counted(found[kind], *nouns) for kind, nouns in _NOUNS.items() if found[kind]]
