"""The connections of a custom provider without a field plan: payloads over the plain driver, read by the user's method.

Not for providers with a field plan: `Connections` serves these like any venue.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from tradewire.core import Bar, monotonic_ns, wall_ns
from tradewire.core.record import INTERVALS, Kind
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.plain import open_plain
from tradewire.venues.adapter import AdapterVenue, RawMessage

from .connections import Connections
from .dispatch import EVENT_CLASSES

if TYPE_CHECKING:
    from tradewire.core.delivery import WireReaderProtocol

    from .link import Link, StreamSocket

__all__ = ["AdapterConnections"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

#: Event class -> kinds whose feeds it belongs to.
_KINDS: dict[type, list[Kind]] = {}
for _kind, _event_class in EVENT_CLASSES.items():
    _KINDS.setdefault(_event_class, []).append(_kind)


class AdapterConnections(Connections):
    """One custom provider's connection, kept alive. The event loop owns it."""

    def on_payload(self, link: Link, payload: bytes, recv_ns: int) -> None:
        """A message: the adapter says what it means. One that it cannot read is counted and costs nothing else."""
        counters, name = self.intake.counters, self.settings.name
        counters.add("messages")
        counters.add("bytes", len(payload))
        adapter = cast(AdapterVenue, self._venue).adapter
        data: Any = payload
        try:
            data = json.loads(payload)
        except ValueError:
            counters.add("messages_not_json")
        try:
            if adapter.is_control(data):
                counters.add("messages.control")
                return
            parsed = adapter._parse_message(data)
        except Exception as error:
            counters.add("decode_errors")
            _log.say(f"parse {name}", "%s cannot read a message: %r", name, error, error=error)
            return
        if parsed is None:
            return
        events = list(parsed) if isinstance(parsed, Iterable) else [parsed]
        now, wall = monotonic_ns(), wall_ns()
        delivered: list[Any] = []
        for event in events:
            if type(event) is RawMessage:
                delivered.append(RawMessage(event.venue, event.data, event.recv_ns or recv_ns))
                for feed in self.roster.feeds_of(link):
                    self.intake.health.touch(feed, 1, now, wall)
            else:
                delivered.append(event)
                self._touch(event, now, wall)
        self.intake.dispatcher.publish(delivered, now)

    def _touch(self, event: Any, now_ns: int, wall_time_ns: int) -> None:
        interval_ns = INTERVALS.get(event.interval, 0) if type(event) is Bar else 0
        for kind in _KINDS.get(type(event), ()):
            symbol_id = self.symbols.add(self._venue.plan.venue, self._venue.symbol(event.symbol))
            feed = self.intake.health.find(kind, symbol_id, interval_ns)
            if feed is not None:
                self.intake.health.touch(feed, 1, now_ns, wall_time_ns)

    async def _open_socket(
        self,
        url: str,
        reader: WireReaderProtocol,
        owner: Link,
        *,
        open_timeout_s: float,
        headers: Mapping[str, str] | None,
    ) -> StreamSocket:
        return await open_plain(url, owner, headers=headers, open_timeout_s=open_timeout_s)
