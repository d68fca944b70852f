"""What went wrong and what was done about it, in words and with times: a bounded history. Alerts nobody."""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from .events import (
    BackFilled,
    ConnectionChanged,
    ConnectionRotated,
    ConnectionState,
    FallbackChanged,
    FeedAlert,
    FeedState,
    FeedStateChanged,
    GapDetected,
    RemedyTaken,
    Resynced,
    SubscriptionRefused,
)

if TYPE_CHECKING:
    from .events import StatusEvent

__all__ = ["Incident", "IncidentKind", "Incidents", "write_incidents"]

_CAPACITY = 1_000


class IncidentKind(StrEnum):
    """What sort of thing happened."""

    GAP = "gap"
    BACKFILLED = "backfilled"
    RESYNCED = "resynced"
    ROTATED = "rotated"
    RECONNECTING = "reconnecting"
    CONNECTED = "connected"
    STALE = "stale"
    RECOVERED = "recovered"
    REMEDY = "remedy"
    FALLBACK = "fallback"
    REFUSED = "refused"
    WARNING = "warning"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that happened.

    Attributes:
        recv_ns: when, ns since 1970.
        kind: what sort of thing.
        venue: where; a provider's name for warnings about a provider, empty for those about the whole gateway.
        channel: empty where it concerns all.
        symbol: empty where it concerns all.
        text: in words.
        duration_ns: how long it lasted, where it is an end (`resynced`, `connected`, `recovered`); else 0.
    """

    recv_ns: int
    kind: IncidentKind
    venue: str
    channel: str
    symbol: str
    text: str
    duration_ns: int = 0


class Incidents:
    """The last incidents of a gateway. The event loop owns it.

    Connections that open, and books that are built, for the first time are no incidents; a lost connection is one,
    whatever feeds it had.

    Args:
        capacity: incidents kept; older ones are forgotten.

    Attributes:
        total: how many there were.
    """

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._kept: deque[Incident] = deque(maxlen=capacity)
        # What an end is the end of: since when a connection is lost (which were open before), and a feed is silent.
        self._lost: dict[tuple[str, str], int] = {}
        self._opened: set[tuple[str, str]] = set()
        self._silent: dict[tuple[str, str, str], int] = {}
        self._built: set[tuple[str, str, str]] = set()
        self.total = 0

    def observe(self, event: StatusEvent) -> None:
        """Takes a status event, and keeps it if it is an incident."""
        match event:
            case ConnectionChanged():
                self._on_connection(event)
            case FeedStateChanged():
                self._on_state(event)
            case GapDetected(missing=missing):
                known = "1 message is missing" if missing == 1 else f"{missing} messages are missing"
                what = known if missing else "messages may be missing, nobody knows how many"
                self._keep(IncidentKind.GAP, event, what)
            case BackFilled(count=count, still_missing=still_missing):
                trades = "1 trade" if count == 1 else f"{count} trades"
                what = f"{trades} fetched by request" + (f", {still_missing} not" if still_missing else "")
                self._keep(IncidentKind.BACKFILLED, event, what)
            case ConnectionRotated(connection=connection, reason=reason):
                what = f"connection {connection} renewed: {reason}"
                self.add(Incident(event.recv_ns, IncidentKind.ROTATED, event.venue, "", "", what))
            case Resynced(duration_ns=duration_ns) if self._is_again(event):
                what = f"whole again after {_seconds(duration_ns)}"
                self._keep(IncidentKind.RESYNCED, event, what, duration_ns)
            case RemedyTaken(rung=rung, step=step):
                self._keep(IncidentKind.REMEDY, event, f"step {step}: {rung}")
            case FallbackChanged(fallback=fallback, active=active, provider=provider, reason=reason):
                what = f"{fallback} stands in for {provider}: {reason}" if active else f"{provider} serves again"
                self.add(Incident(event.recv_ns, IncidentKind.FALLBACK, event.venue, "", "", what))
            case SubscriptionRefused(streams=streams, code=code, message=message):
                what = f"{', '.join(streams) or 'the session'} refused: {message} (code {code})"
                self.add(Incident(event.recv_ns, IncidentKind.REFUSED, event.venue, "", "", what))
            case FeedAlert(reason=reason):
                self._keep(IncidentKind.ALERT, event, reason)

    def add(self, incident: Incident) -> None:
        """Keeps an incident."""
        self._kept.append(incident)
        self.total += 1

    def __iter__(self) -> Iterator[Incident]:
        return iter(list(self._kept))

    def last(self, count: int) -> list[Incident]:
        """The newest ones, oldest first."""
        return list(self._kept)[-count:] if count > 0 else []

    def _is_again(self, event: Resynced) -> bool:
        """Whether the book was whole before."""
        key = (event.venue, event.channel, event.symbol)
        known = key in self._built
        self._built.add(key)
        return known

    def _on_connection(self, event: ConnectionChanged) -> None:
        key = (event.venue, event.connection)
        if event.state is ConnectionState.RECONNECTING:
            if key in self._opened:
                state = "still not back" if key in self._lost else "lost"
            else:
                state = "still not open" if key in self._lost else "cannot be opened"
            self._lost.setdefault(key, event.recv_ns)
            what = f"connection {event.connection} {state}: {event.reason}; again in {_seconds(event.retry_in_ns)}"
            self.add(Incident(event.recv_ns, IncidentKind.RECONNECTING, event.venue, "", "", what))
        elif event.state is ConnectionState.CONNECTED:
            word = "back" if key in self._opened else "open"
            self._opened.add(key)
            if key not in self._lost:
                return
            lasted = event.recv_ns - self._lost.pop(key)
            what = f"connection {event.connection} is {word} after {_seconds(lasted)}"
            self.add(Incident(event.recv_ns, IncidentKind.CONNECTED, event.venue, "", "", what, lasted))
        elif event.state is ConnectionState.CLOSED:
            self._lost.pop(key, None)
            self._opened.discard(key)

    def _on_state(self, event: FeedStateChanged) -> None:
        key = (event.venue, event.channel, event.symbol)
        if event.state is FeedState.STALE:
            self._silent.setdefault(key, event.recv_ns)
            self._keep(IncidentKind.STALE, event, event.reason)
        elif event.state is FeedState.LIVE and key in self._silent:
            lasted = event.recv_ns - self._silent.pop(key)
            self._keep(IncidentKind.RECOVERED, event, f"live again after {_seconds(lasted)}: {event.reason}", lasted)

    def _keep(
        self,
        kind: IncidentKind,
        event: BackFilled | FeedAlert | FeedStateChanged | GapDetected | RemedyTaken | Resynced,
        text: str,
        duration_ns: int = 0,
    ) -> None:
        self.add(Incident(event.recv_ns, kind, event.venue, event.channel, event.symbol, text, duration_ns))


def write_incidents(incidents: Iterable[Incident], path: str | os.PathLike[str]) -> int:
    """Writes incidents as JSON lines, replacing what the file held.

    Returns:
        How many.

    Raises:
        OSError: the file cannot be written.
    """
    lines = [json.dumps(asdict(incident)) + "\n" for incident in incidents]
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines)
    return len(lines)


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / 1e9:.1f} s"
