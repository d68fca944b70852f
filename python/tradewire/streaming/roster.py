"""Which feeds are wanted, by how many, and on which connection each of them comes. Opens nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from tradewire.core import monotonic_ns, wall_ns
from tradewire.errors import UnsupportedError

from .dispatch import event_class
from .events import BookUpdate

if TYPE_CHECKING:
    from tradewire.core.protocols import SymbolTableProtocol
    from tradewire.venues.base import Channel, MarketDataVenue

    from .books import BookKeeper
    from .health import Feed, FeedHealth
    from .link import Link

__all__ = ["FeedRoster"]


class _Entry:
    """A feed, where it comes from, and how many subscriptions use it."""

    __slots__ = ("feed", "link", "stream", "users")

    def __init__(self, feed: Feed, link: Link, stream: str) -> None:
        self.feed = feed
        self.link = link
        self.stream = stream
        self.users = 0


class FeedRoster:
    """All feeds of a gateway. The event loop owns it.

    Args:
        venue: names the streams.
        symbols: gives the ids.
        health: watches the feeds.
        books: keeps the books among them.
        make_link: makes a connection, given its name and route.
        stale_after_s: per channel, instead of the venue's thresholds.
        forget: given a kind and a symbol id: their numbers start anew, what comes next continues nothing.

    Attributes:
        links: the connections, oldest first.
    """

    def __init__(
        self,
        venue: MarketDataVenue,
        symbols: SymbolTableProtocol,
        health: FeedHealth,
        books: BookKeeper,
        make_link: Callable[[str, str], Link],
        stale_after_s: Mapping[str, float],
        forget: Callable[[int, int], None],
    ) -> None:
        self._venue = venue
        self._symbols = symbols
        self._health = health
        self._books = books
        self._make_link = make_link
        self._stale_after_s = stale_after_s
        self._forget = forget
        # stream -> (kind, symbol id), of every stream that ever was opened: answers about closed ones come later.
        self._numbered: dict[str, tuple[int, int]] = {}
        # Two channels that give the same events of a symbol exclude each other: they could not be told apart.
        self._entries: dict[tuple[type, str, str], _Entry] = {}
        self._routes: dict[str, list[Link]] = {}
        self.links: list[Link] = []

    def acquire_all(self, channel: Channel, symbols: Iterable[str]) -> list[Feed]:
        """`acquire` for each of the symbols, or, when one of them raises, for none."""
        feeds: list[Feed] = []
        try:
            for symbol in symbols:
                feeds.append(self.acquire(channel, symbol))  # noqa: PERF401 - those before a failure are released
        except BaseException:
            for feed in feeds:
                self.release(feed)
            raise
        return feeds

    def acquire(self, channel: Channel, symbol: str) -> Feed:
        """One more use of a feed; asks the venue for it when it is the first.

        Raises:
            UnsupportedError: the symbol gets the same events from another channel.
            ValueError: the connection's address is not one.
        """
        key = (event_class(channel), symbol, channel.interval)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = self._open(channel, symbol)
        elif entry.feed.channel.name != channel.name:
            raise UnsupportedError(
                f"{symbol} already gets {key[0].__name__} events from channel {entry.feed.channel.name!r}; "
                f"use another gateway for {channel.name!r}"
            )
        entry.users += 1
        return entry.feed

    def release(self, feed: Feed) -> None:
        """One use less; takes the stream back from the venue when it was the last."""
        key = (event_class(feed.channel), feed.symbol, feed.channel.interval)
        entry = self._entries[key]
        entry.users -= 1
        if entry.users:
            return
        del self._entries[key]
        entry.link.discard(entry.stream)
        if key[0] is BookUpdate:
            self._books.unwatch(feed.symbol_id)
        # Last: who is told of it may open the feed anew.
        self._health.remove(feed, wall_ns())

    def settled(self, streams: Iterable[str]) -> None:
        """The venue began or ended these streams as asked: numbers of before say nothing about those that follow."""
        for stream in streams:
            self._forget(*self._numbered[stream])

    def set_threshold(self, feed: Feed, stale_after_s: Mapping[str, float]) -> None:
        """Another threshold of silence, for the feed and for those of its channel that are opened later."""
        self._stale_after_s = stale_after_s
        feed.expect_within(_threshold(feed.channel, stale_after_s))

    def link_of(self, feed: Feed) -> tuple[Link, str] | None:
        """Where a feed comes from, and under which stream name; None: not any more."""
        entry = self._entries.get((event_class(feed.channel), feed.symbol, feed.channel.interval))
        return None if entry is None or entry.feed is not feed else (entry.link, entry.stream)

    def replace(self, old: Link, new: Link) -> None:
        """A connection takes the place of another, with all that comes on it."""
        for entry in self._entries.values():
            if entry.link is old:
                entry.link = new
        for links in (self.links, self._routes[old.route]):
            links[links.index(old)] = new

    def feeds_of(self, link: Link) -> list[Feed]:
        """The feeds that come on a connection."""
        return [entry.feed for entry in self._entries.values() if entry.link is link]

    def places(self) -> Iterator[tuple[Feed, Link, str]]:
        """Every feed, where it comes from, and under which stream name."""
        for entry in list(self._entries.values()):
            yield entry.feed, entry.link, entry.stream

    def _open(self, channel: Channel, symbol: str) -> _Entry:
        stream = self._venue.stream(channel, symbol)
        link = self._link_for(stream.route)
        stale_after_ns = _threshold(channel, self._stale_after_s)
        symbol_id = self._symbols.add(self._venue.plan.venue, symbol)
        feed = self._health.add(channel, symbol, symbol_id, monotonic_ns(), wall_ns(), stale_after_ns)
        if event_class(channel) is BookUpdate:
            self._books.watch(feed)
        self._numbered[stream.name] = (channel.kind, symbol_id)
        self._forget(channel.kind, symbol_id)
        link.add(stream.name)
        return _Entry(feed, link, stream.name)

    def _link_for(self, route: str) -> Link:
        """The route's connection with room for one more stream."""
        of_route = self._routes.setdefault(route, [])
        for link in of_route:
            if len(link) < self._venue.limits.streams:
                return link
        name = (route or "stream") + (f"-{len(of_route) + 1}" if of_route else "")
        link = self._make_link(name, route)
        of_route.append(link)
        self.links.append(link)
        return link


def _threshold(channel: Channel, stale_after_s: Mapping[str, float]) -> int | None:
    seconds = stale_after_s.get(channel.name)
    return channel.stale_after_ns if seconds is None else int(seconds * 1e9)
