"""The connections of a custom provider without a field plan: payloads over the plain driver, read by the user's method.

Not for providers with a field plan: `Connections` serves these like any venue.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from tradewire.core import BookDelta, BookSnapshot, Control, monotonic_ns, wall_ns
from tradewire.core.record import Kind
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.plain import open_plain
from tradewire.venues.adapter import AdapterVenue, RawMessage

from .connections import Connections
from .event_records import KINDS, EventRecords

if TYPE_CHECKING:
    from tradewire.core.delivery import WireReaderProtocol
    from tradewire.core.protocols import Batch

    from .health import Feed
    from .link import Link, StreamSocket

__all__ = ["AdapterConnections"]

_log = LimitedLog(logging.getLogger("tradewire.streaming"))

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
        counters.add("bytes", len(payload))
        adapter = cast(AdapterVenue, self._venue).adapter
        data: Any = payload
        try:
            data = json.loads(payload)
        except ValueError:
            counters.add("messages_not_json")
        now = monotonic_ns()
        try:
            events = [] if adapter.is_control(data) else self._events(adapter._parse_message(data), recv_ns)
            parts = self._parts(events, recv_ns)
        except Exception as error:
            counters.add("decode_errors")
            _log.say(f"parse {name}", "%s cannot read a message: %r", name, error, error=error)
            self._on_bad_messages(link, 1)
            return False
        self._count_messages(events)
        for feed in self._feeds_heard(events, link):
            self.intake.health.touch(feed, 1, now, wall_ns())
        for part in parts:
            if isinstance(part, list):
                self.intake.dispatcher.publish(part, now)
            else:
                self.intake.pipeline.deliver(part)
        self._look_for_bookless(events)
        if any(type(event) not in (Control, RawMessage) for event in events):
            return True
        has_raw = any(type(event) is RawMessage for event in events)
        return has_raw and now - link.opened_ns >= _RAW_PROOF_NS

    def _events(self, parsed: Any, recv_ns: int) -> list[Any]:
        """What `_parse_message` gave, checked.

        Raises:
            TypeError: no event.
            ValueError: a raw message of another provider.
        """
        read = () if parsed is None else parsed if isinstance(parsed, Iterable) else (parsed,)
        return [self._raw(event, recv_ns) if type(event) is RawMessage else _checked(event) for event in read]

    def _raw(self, message: RawMessage, recv_ns: int) -> RawMessage:
        venue = self._venue.name
        if message.venue not in ("", venue):
            raise ValueError(f"venue of a RawMessage must be {venue!r} (self.name) or empty, was {message.venue!r}")
        return RawMessage(venue, message.data, message.recv_ns or recv_ns)

    def _parts(self, events: list[Any], recv_ns: int) -> list[Batch | list[Any]]:
        """In order: the records of events, and raw messages, which have none."""
        runs = groupby(events, lambda event: type(event) is RawMessage)
        return [list(run) if is_raw else self._records.batch(run, recv_ns) for is_raw, run in runs]

    @cached_property
    def _records(self) -> EventRecords:
        return EventRecords(self._venue.name, self.symbols, self.intake.pipeline.ring.capacity)

    def _count_messages(self, events: list[Any]) -> None:
        """A message of which nothing comes is an answer or the like."""
        counters = self.intake.counters
        for event in events or (None,):
            kind = KINDS.get(type(event), Kind.CONTROL).name.lower()
            counters.add("messages")
            counters.add(f"messages.{'raw' if type(event) is RawMessage else kind}")

    def _look_for_bookless(self, events: list[Any]) -> None:
        for event in events:
            if type(event) is not BookDelta:
                continue
            book = self.intake.pipeline.books.book(self.symbols.add(self._venue.name, event.symbol))
            if book is not None and book.state == "syncing":
                name = self.settings.name
                _log.say(
                    f"book {name}",
                    "%s: a BookDelta of %s came before a BookSnapshot: there is no book until that comes",
                    name,
                    event.symbol,
                )

    def _feeds_heard(self, events: list[Any], link: Link) -> list[Feed]:
        """The feeds that the batches do not tell of: all for a raw message, that of the book for its snapshot."""
        if any(type(event) is RawMessage for event in events):
            return self.roster.feeds_of(link)
        ids = [self.symbols.add(self._venue.name, each.symbol) for each in events if type(each) is BookSnapshot]
        found = [self.intake.health.find(Kind.BOOK_DELTA, symbol_id) for symbol_id in ids]
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


def _checked(event: Any) -> Any:
    if type(event) not in KINDS:
        raise TypeError(f"_parse_message must return events of tradewire.core, returned {type(event).__name__}")
    return event
