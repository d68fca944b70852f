"""Gathers what one cause does to many feeds of a connection, so that a person is called once. Calls nobody itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from tradewire.telemetry.limited_log import LimitedLog

if TYPE_CHECKING:
    from .health import Feed

__all__ = ["Call", "Complaints"]

#: Feeds that one cause hits are found within so long of each other.
_GATHER_NS = 2_000_000_000
#: Feeds that a call names.
_NAMED = 5


class Call(NamedTuple):
    """What a person is to be told.

    Attributes:
        channel: empty: several.
        symbol: empty: several.
        reason: in words.
    """

    channel: str
    symbol: str
    reason: str


class Complaints:
    """What is wrong with feeds of one provider, by connection and cause. The event loop owns it."""

    def __init__(self) -> None:
        self._log = LimitedLog(logging.getLogger("tradewire.streaming"))
        # (connection, cause) -> (when to call, feeds, detail).
        self._open: dict[tuple[str, str], tuple[int, list[Feed], str]] = {}
        # Feeds that somebody was called for: with how many messages, and why.
        self._called: dict[tuple[int, int, int], tuple[Feed, int, set[str]]] = {}
        # (connection, cause) -> (when somebody was called, for which feeds), until one of them speaks.
        self._told: dict[tuple[str, str], tuple[int, list[Feed]]] = {}
        # Feeds that such a call covers without naming them: with how many messages, connection, cause and detail.
        self._covered: dict[tuple[int, int, int], tuple[Feed, int, str, str, str]] = {}

    def add(self, feed: Feed, connection: str, cause: str, now_ns: int, detail: str = "") -> None:
        """One feed more. A feed that gave nothing since the last call for the same cause is passed over; one that was
        silent already when somebody was called for others is told in the log, and called for when one of those speaks
        and it does not.

        Args:
            feed: the one.
            connection: the name of its connection.
            cause: in words, of which there are few.
            now_ns: monotonic.
            detail: in any words; the first feed's is told.
        """
        known, messages, causes = self._called.get(feed.key, (feed, feed.messages, set()))
        if known is not feed or messages != feed.messages:
            causes = set()
        if cause in causes:
            self.remind(feed, now_ns)
            return
        self._called[feed.key] = (feed, feed.messages, causes | {cause})
        told_ns, _ = self._told.get((connection, cause), (0, []))
        if feed.heard_ns < told_ns:
            # Channels differ in how long they may be silent, and so does when they are found.
            what = f"{cause}: {detail}" if detail else cause
            self._log.say("too", "%s of %s on %s, too: %s", feed.channel.name, feed.symbol, connection, what)
            self._covered[feed.key] = (feed, feed.messages, connection, cause, detail)
            return
        self._gather(feed, connection, cause, now_ns, detail)

    def remind(self, feed: Feed, now_ns: int) -> None:
        """A feed that was added is not well yet: it is called for if the call that covered it is closed."""
        covered, messages, connection, cause, detail = self._covered.get(feed.key, (None, 0, "", "", ""))
        if covered is None or (connection, cause) in self._told:
            return
        del self._covered[feed.key]
        if covered is feed and messages == feed.messages:
            self._gather(feed, connection, cause, now_ns, detail)

    def due(self, now_ns: int) -> list[Call]:
        """The calls to make now; called a few times a second."""
        for key, (told_ns, feeds) in list(self._told.items()):
            if any(feed.heard_ns > told_ns for feed in feeds):
                del self._told[key]
        ripe = [key for key, (due_ns, _, _) in self._open.items() if now_ns >= due_ns]
        self._told.update((key, (now_ns, self._open[key][1])) for key in ripe)
        return [self._close(*key) for key in ripe]

    def rest(self) -> list[Call]:
        """All that is left, at the end."""
        return [self._close(*key) for key in list(self._open)]

    def _gather(self, feed: Feed, connection: str, cause: str, now_ns: int, detail: str) -> None:
        self._open.setdefault((connection, cause), (now_ns + _GATHER_NS, [], detail))[1].append(feed)

    def _close(self, connection: str, cause: str) -> Call:
        _, feeds, detail = self._open.pop((connection, cause))
        channels, symbols = {feed.channel.name for feed in feeds}, {feed.symbol for feed in feeds}
        names = ", ".join(f"{feed.channel.name} of {feed.symbol}" for feed in feeds[:_NAMED])
        if len(feeds) > 1:
            more = f" and {len(feeds) - _NAMED} more" if len(feeds) > _NAMED else ""
            names = f"{len(feeds)} feeds of connection {connection} ({names}{more})"
        reason = f"{names}: {cause}" + (f": {detail}" if detail else "")
        return Call(channels.pop() if len(channels) == 1 else "", symbols.pop() if len(symbols) == 1 else "", reason)
