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

    from .health import Feed
    from .link import Link, StreamSocket

__all__ = ["AdapterConnections"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

#: Event class -> kinds whose feeds it belongs to.
_KINDS: dict[type, list[Kind]] = {}
for _kind, _event_class in EVENT_CLASSES.items():
    _KINDS.setdefault(_event_class, []).append(_kind)


#: A raw message may be the refusal after which the provider closes. It proves only where the connection has lasted so
#: long: attempts are then at least so far apart.
_RAW_PROOF_NS = 10_000_000_000


class AdapterConnections(Connections):
    """One custom provider's connection, kept alive. The event loop owns it."""

    def on_payload(self, link: Link, payload: bytes, recv_ns: int) -> bool:
        """A message: the adapter says what it means. One that it cannot read is counted; too many in a minute end the
        connection, as a venue's do.

        Returns:
            Whether it shows that the provider serves: events came of it, or a raw message on a connection that lasts.
        """
        counters, name = self.intake.counters, self.settings.name
        counters.add("messages")
        counters.add("bytes", len(payload))
        adapter = cast(AdapterVenue, self._venue).adapter
        data: Any = payload
        try:
            data = json.loads(payload)
        except ValueError:
            counters.add("messages_not_json")
        now = monotonic_ns()
        try:
            if adapter.is_control(data):
                counters.add("messages.control")
                return False
            parsed = adapter._parse_message(data)
            read = () if parsed is None else parsed if isinstance(parsed, Iterable) else (parsed,)
            events = [self._completed(event, recv_ns) for event in read]
            feeds = [feed for event in events for feed in self._feeds_of(event, link)]
        except Exception as error:
            counters.add("decode_errors")
            _log.say(f"parse {name}", "%s cannot read a message: %r", name, error, error=error)
            self._on_bad_messages(link, 1)
            return False
        wall = wall_ns()
        for feed in feeds:
            self.intake.health.touch(feed, 1, now, wall)
        self.intake.dispatcher.publish(events, now)
        if any(type(event) in _KINDS for event in events):
            return True
        return bool(events) and now - link.opened_ns >= _RAW_PROOF_NS

    def _completed(self, event: Any, recv_ns: int) -> Any:
        if type(event) is RawMessage:
            return RawMessage(event.venue, event.data, event.recv_ns or recv_ns)
        if not isinstance(getattr(event, "symbol", None), str) or not isinstance(getattr(event, "venue", None), str):
            raise TypeError(f"_parse_message must return events of tradewire.core, returned {type(event).__name__}")
        return event

    def _feeds_of(self, event: Any, link: Link) -> list[Feed]:
        if type(event) is RawMessage:
            return self.roster.feeds_of(link)
        kinds = _KINDS.get(type(event), ())
        if not kinds:
            return []
        interval_ns = INTERVALS.get(event.interval, 0) if type(event) is Bar else 0
        symbol_id = self.symbols.add(self._venue.plan.venue, self._venue.symbol(event.symbol))
        found = [self.intake.health.find(kind, symbol_id, interval_ns) for kind in kinds]
        return [feed for feed in found if feed is not None]

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
