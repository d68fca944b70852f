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
#: A cause that each feed has for itself may hit many, one after the other: nobody waits longer for the last of them.
_MOST_NS = 15_000_000_000
#: The same: a call for more of them comes so long after the call before it.
_AGAIN_NS = 30_000_000_000
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


class _Gathered:
    """What one call will be about."""

    __slots__ = ("detail", "due_ns", "feeds", "since_ns")

    def __init__(self, since_ns: int, detail: str) -> None:
        self.since_ns = since_ns
        self.due_ns = since_ns + _GATHER_NS
        self.detail = detail
        self.feeds: list[Feed] = []


class Complaints:
    """What is wrong with feeds of one provider, by connection and cause. The event loop owns it."""

    def __init__(self) -> None:
        self._log = LimitedLog(logging.getLogger("tradewire.streaming"))
        # By connection and cause.
        self._open: dict[tuple[str, str], _Gathered] = {}
        # Feeds that somebody was called for: with how many messages, and why.
        self._called: dict[tuple[int, int, int], tuple[Feed, int, set[str]]] = {}
        # (connection, cause) -> (when somebody was called, for which feeds), until one of them speaks.
        self._told: dict[tuple[str, str], tuple[int, list[Feed]]] = {}
        # Feeds that such a call covers without naming them: with how many messages, connection, cause and detail.
        self._covered: dict[tuple[int, int, int], tuple[Feed, int, str, str, str]] = {}

    def add(
        self, feed: Feed, connection: str, cause: str, now_ns: int, detail: str = "", *, its_own: bool = False
    ) -> None:
        """One feed more. A feed that gave nothing since the last call for the same cause is passed over; one that was
        silent already when somebody was called for others is told in the log, and called for when one of those speaks
        and it does not, or at once where the cause is its own.

        Args:
            feed: the one.
            connection: the name of its connection.
            cause: in words, of which there are few.
            now_ns: monotonic.
            detail: in any words; the first feed's is told.
            its_own: whether the cause is the feed's and not the connection's: a call for others does not cover it, and
                follows that as soon as another call may.
        """
        known, messages, causes = self._called.get(feed.key, (feed, feed.messages, set()))
        if known is not feed or messages != feed.messages:
            causes = set()
        if cause in causes:
            self.remind(feed, now_ns)
            return
        self._called[feed.key] = (feed, feed.messages, causes | {cause})
        told_ns, _ = self._told.get((connection, cause), (0, []))
        if feed.heard_ns < told_ns and not its_own:
            # Channels differ in how long they may be silent, and so does when they are found.
            what = f"{cause}: {detail}" if detail else cause
            self._log.say("too", "%s of %s on %s, too: %s", feed.channel.name, feed.symbol, connection, what)
            self._covered[feed.key] = (feed, feed.messages, connection, cause, detail)
            return
        gathered = self._gather(feed, connection, cause, now_ns, detail)
        if its_own:
            gathered.due_ns = min(now_ns + _GATHER_NS, gathered.since_ns + _MOST_NS)
            if told_ns:
                gathered.due_ns = max(gathered.due_ns, told_ns + _AGAIN_NS)

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
        ripe = [key for key, gathered in self._open.items() if now_ns >= gathered.due_ns]
        self._told.update((key, (now_ns, self._open[key].feeds)) for key in ripe)
        return [self._close(*key) for key in ripe]

    def rest(self) -> list[Call]:
        """All that is left, at the end."""
        return [self._close(*key) for key in list(self._open)]

    def _gather(self, feed: Feed, connection: str, cause: str, now_ns: int, detail: str) -> _Gathered:
        gathered = self._open.setdefault((connection, cause), _Gathered(now_ns, detail))
        gathered.feeds.append(feed)
        return gathered

    def _close(self, connection: str, cause: str) -> Call:
        gathered = self._open.pop((connection, cause))
        feeds, detail = gathered.feeds, gathered.detail
        channels, symbols = {feed.channel.name for feed in feeds}, {feed.symbol for feed in feeds}
        names = ", ".join(f"{feed.channel.name} of {feed.symbol}" for feed in feeds[:_NAMED])
        if len(feeds) > 1:
            more = f" and {len(feeds) - _NAMED} more" if len(feeds) > _NAMED else ""
            names = f"{len(feeds)} feeds of connection {connection} ({names}{more})"
        reason = f"{names}: {cause}" + (f": {detail}" if detail else "")
        return Call(channels.pop() if len(channels) == 1 else "", symbols.pop() if len(symbols) == 1 else "", reason)
