"""The state of every feed, one channel of one symbol: SYNCING, LIVE, GAP, STALE, DOWN. Decides only; no I/O, no clock.

Silence is judged on the monotonic receive clock, whatever pings say: connected is never taken for fresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tradewire.core.record import INTERVALS, Kind
from tradewire.model.notices import NOTICES

from .events import FeedState, FeedStateChanged

if TYPE_CHECKING:
    from tradewire.core.delivery import DigestProtocol, News
    from tradewire.model.notices import Notice
    from tradewire.venues.base import Channel

__all__ = ["Feed", "FeedHealth"]

#: A quiet market is looked at this often at least, or as often as a busy one where that is rarer: evidence costs one
#: request, and a stream that went mute overnight must be found in the morning.
_QUIET_MOST_NS = 600 * 1_000_000_000
#: Notices of all sorts are messages of one kind; this tells their feeds apart.
_NOTICE_NUMBERS = {sort: number for number, sort in enumerate(NOTICES, 1)}


class Feed:
    """One channel of one symbol.

    Attributes:
        state: as it is now.
        messages: messages received.
        heard_ns: monotonic time of the last one, or of when it was added.
        last_ns: monotonic time of the last one, or of the beginning of the wait for the first.
        last_wall_ns: the same moment, ns since 1970.
        stale_after_ns: silence beyond this is STALE; grows, within bounds, while a market is proven quiet.
            None: never.
        unheard: whether it is taken for LIVE though no message came since it was silent.
        usual_ns: the threshold of a busy market.
        refused: whether the venue says that it will not serve it, on the present connection; nobody can heal that.
    """

    __slots__ = (
        "channel",
        "heard_ns",
        "last_ns",
        "last_wall_ns",
        "messages",
        "refused",
        "stale_after_ns",
        "state",
        "symbol",
        "symbol_id",
        "synced",
        "unheard",
        "usual_ns",
    )

    def __init__(
        self, channel: Channel, symbol: str, symbol_id: int, stale_after_ns: int | None, now_ns: int, wall_ns: int
    ) -> None:
        self.channel = channel
        self.symbol = symbol
        self.symbol_id = symbol_id
        self.stale_after_ns = self.usual_ns = stale_after_ns
        self.state = FeedState.SYNCING
        # Whether a message makes it LIVE: a diff book must be rebuilt first.
        self.synced = not channel.diff
        self.messages = 0
        self.refused = False
        self.unheard = False
        self.heard_ns = self.last_ns = now_ns
        self.last_wall_ns = wall_ns

    def expect_within(self, stale_after_ns: int | None) -> None:
        """Sets another usual threshold, at once."""
        self.stale_after_ns = self.usual_ns = stale_after_ns

    @property
    def well(self) -> bool:
        """Whether nothing is wrong with it: messages arrive, or it is connected and its silence is normal."""
        if self.state is FeedState.SYNCING:
            return self.synced and self.stale_after_ns is None
        return self.state is FeedState.LIVE

    @property
    def key(self) -> tuple[int, int, int]:
        """How its messages are recognised."""
        channel = self.channel
        sort = _NOTICE_NUMBERS[channel.notice] if channel.notice is not None else INTERVALS.get(channel.interval, 0)
        return (channel.kind, self.symbol_id, sort)


class FeedHealth:
    """All feeds of a gateway. The event loop owns it.

    Args:
        venue: for events.
        emit: takes each `FeedStateChanged`.
        digest: has the news of the messages, which is fetched when somebody looks, and tells at once of messages that
            change a state; None: they are told by `observe`.
        began: told of a feed whose messages arrive after none did; the digest gave the first at once.
    """

    def __init__(
        self,
        venue: str,
        emit: Callable[[FeedStateChanged], None],
        digest: DigestProtocol | None = None,
        began: Callable[[Feed], None] = lambda feed: None,
    ) -> None:
        self._venue = venue
        self._emit = emit
        self._digest = digest
        self._began = began
        self._feeds: dict[tuple[int, int, int], Feed] = {}

    def add(
        self, channel: Channel, symbol: str, symbol_id: int, now_ns: int, wall_ns: int, stale_after_ns: int | None
    ) -> Feed:
        """Starts watching a feed; SYNCING until its first valid message."""
        self.refresh()
        feed = Feed(channel, symbol, symbol_id, stale_after_ns, now_ns, wall_ns)
        self._feeds[feed.key] = feed
        self._watch(feed, True)
        return feed

    def remove(self, feed: Feed, wall_ns: int) -> None:
        """Stops watching it; DOWN, since whoever follows the events took it for what it was last."""
        self.refresh()
        self._feeds.pop(feed.key, None)
        if feed.state is FeedState.DOWN:
            self._watch(feed, False)
        else:
            self._change(feed, FeedState.DOWN, "no longer wanted", wall_ns, False)

    def feeds(self) -> list[Feed]:
        """All feeds, in the order in which they were added."""
        self.refresh()
        return list(self._feeds.values())

    def watches(self, feed: Feed) -> bool:
        """Whether it is still one of the feeds."""
        return self._feeds.get(feed.key) is feed

    def find(self, kind: int, symbol_id: int, interval_ns: int = 0) -> Feed | None:
        """The feed that messages of a kind, a symbol and (bars) an interval belong to."""
        return self._feeds.get((kind, symbol_id, interval_ns))

    def find_noticed(self, sort: type[Notice], symbol_id: int) -> Feed | None:
        """The feed that notices of a sort and a symbol belong to; its messages are told by `touch` alone."""
        return self._feeds.get((Kind.CONTROL, symbol_id, _NOTICE_NUMBERS[sort]))

    def refresh(self) -> None:
        """Takes note of the messages that came since the last look."""
        if self._digest is not None:
            self.observe(self._digest.news())

    def observe(self, news: Iterable[News]) -> None:
        """Takes note of messages."""
        for kind, symbol_id, interval_ns, count, now_ns, wall_ns in news:
            feed = self._feeds.get((kind, symbol_id, interval_ns))
            if feed is not None:
                self.touch(feed, count, now_ns, wall_ns)

    def touch(self, feed: Feed, count: int, now_ns: int, wall_ns: int) -> None:
        """Messages of a feed arrived."""
        feed.messages += count
        feed.refused = False
        feed.heard_ns = feed.last_ns = now_ns
        feed.last_wall_ns = wall_ns
        feed.stale_after_ns = feed.usual_ns
        if feed.state is FeedState.LIVE or feed.state is FeedState.GAP:
            if feed.unheard:
                feed.unheard = False
                self._watch(feed, False)
                self._began(feed)
            return
        self._began(feed)
        if feed.synced:
            self._set(feed, FeedState.LIVE, "messages arrive", wall_ns)
        elif feed.state is not FeedState.SYNCING:
            self._set(feed, FeedState.SYNCING, "messages arrive, the book waits for its snapshot", wall_ns)

    def gap(self, feed: Feed, reason: str, wall_ns: int) -> None:
        """Messages are missing and the feed must be rebuilt."""
        self.refresh()
        feed.synced = False
        self._set(feed, FeedState.GAP, reason, wall_ns)

    def synced(self, feed: Feed, wall_ns: int) -> None:
        """The feed is whole again."""
        self.refresh()
        feed.synced = True
        self._set(feed, FeedState.LIVE, "book synchronised", wall_ns)

    def down(self, feeds: Iterable[Feed], reason: str, wall_ns: int) -> None:
        """Their connection is gone."""
        self.refresh()
        for feed in feeds:
            feed.synced = not feed.channel.diff
            self._set(feed, FeedState.DOWN, reason, wall_ns)

    def connected(self, feeds: Iterable[Feed], now_ns: int, wall_ns: int) -> None:
        """Their connection is there; the wait for first messages begins."""
        self.refresh()
        for feed in feeds:
            feed.refused = False
            feed.last_ns = now_ns
            feed.last_wall_ns = wall_ns
            self._set(feed, FeedState.SYNCING, "connected", wall_ns)

    def quiet(self, feed: Feed, now_ns: int, wall_ns: int) -> None:
        """The venue has nothing new either: the silence is the market's. Waits twice as long the next time, at most ten
        minutes or the usual threshold, whichever is longer."""
        self.refresh()
        if feed.state is not FeedState.STALE or feed.stale_after_ns is None or feed.usual_ns is None:
            return
        feed.stale_after_ns = min(2 * feed.stale_after_ns, max(feed.usual_ns, _QUIET_MOST_NS))
        feed.last_ns = now_ns
        # A book that was whole before the silence is whole still.
        self._set(feed, FeedState.LIVE if feed.synced else FeedState.SYNCING, "the market is quiet", wall_ns)
        if feed.synced and self.watches(feed):
            # The first message tells what was missed, if anything was.
            feed.unheard = True
            self._watch(feed, True)

    def siblings(self, feed: Feed) -> list[Feed]:
        """The other feeds of its symbol."""
        self.refresh()
        return [each for each in self._feeds.values() if each.symbol_id == feed.symbol_id and each is not feed]

    def excuse(self, held_up_ns: int, now_ns: int) -> None:
        """This process itself stood still for so long: what it did not read meanwhile is nobody's silence."""
        self.refresh()
        for feed in self._feeds.values():
            feed.last_ns = min(feed.last_ns + held_up_ns, now_ns)

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Finds the silent ones; called a few times a second. Subscribed but never answered is silence too."""
        self.refresh()
        # Of a copy: a callback told of a change may subscribe, or close what it has.
        for feed in list(self._feeds.values()):
            if self._feeds.get(feed.key) is not feed:
                continue
            if feed.stale_after_ns is None or feed.state in (FeedState.STALE, FeedState.DOWN):
                continue
            silence = now_ns - feed.last_ns
            if silence > feed.stale_after_ns:
                self._set(feed, FeedState.STALE, f"silent for {silence / 1e9:.1f} s", wall_ns)

    def _set(self, feed: Feed, state: FeedState, reason: str, wall_ns: int) -> None:
        if feed.state is not state:
            # Messages of a feed in these states change nothing but its counts.
            self._change(feed, state, reason, wall_ns, state not in (FeedState.LIVE, FeedState.GAP))

    def _change(self, feed: Feed, state: FeedState, reason: str, wall_ns: int, watched: bool) -> None:
        previous, feed.state = feed.state, state
        feed.unheard = False
        self._watch(feed, watched)
        self._emit(FeedStateChanged(self._venue, feed.channel.name, feed.symbol, state, previous, reason, wall_ns))

    def _watch(self, feed: Feed, watched: bool) -> None:
        # Records of notices do not say whose feed they belong to.
        if self._digest is not None and feed.channel.notice is None:
            self._digest.watch(*feed.key, watched)
