"""Gathers what one cause does to many feeds of a connection, so that a person is called once. Calls nobody itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
        # (connection, cause) -> (when to call, feeds, detail).
        self._open: dict[tuple[str, str], tuple[int, list[Feed], str]] = {}
        # Feeds that somebody was called for: with how many messages, and why.
        self._called: dict[tuple[int, int, int], tuple[Feed, int, set[str]]] = {}

    def add(self, feed: Feed, connection: str, cause: str, now_ns: int, detail: str = "") -> None:
        """One feed more. A feed that gave nothing since the last call for the same cause is passed over.

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
            return
        self._called[feed.key] = (feed, feed.messages, causes | {cause})
        self._open.setdefault((connection, cause), (now_ns + _GATHER_NS, [], detail))[1].append(feed)

    def due(self, now_ns: int) -> list[Call]:
        """The calls to make now; called a few times a second."""
        ripe = [key for key, (due_ns, _, _) in self._open.items() if now_ns >= due_ns]
        return [self._close(*key) for key in ripe]

    def rest(self) -> list[Call]:
        """All that is left, at the end."""
        return [self._close(*key) for key in list(self._open)]

    def _close(self, connection: str, cause: str) -> Call:
        _, feeds, detail = self._open.pop((connection, cause))
        channels, symbols = {feed.channel.name for feed in feeds}, {feed.symbol for feed in feeds}
        names = ", ".join(f"{feed.channel.name} of {feed.symbol}" for feed in feeds[:_NAMED])
        if len(feeds) > 1:
            more = f" and {len(feeds) - _NAMED} more" if len(feeds) > _NAMED else ""
            names = f"{len(feeds)} feeds of connection {connection} ({names}{more})"
        reason = f"{names}: {cause}" + (f": {detail}" if detail else "")
        return Call(channels.pop() if len(channels) == 1 else "", symbols.pop() if len(symbols) == 1 else "", reason)
