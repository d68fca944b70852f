"""Whether a silent feed is mute (the venue has news that we do not get) or quiet (there is no news). Asks, acts on
nothing.

Cheap evidence first: a trade changes best prices and book, so trades that arrive prove silent quotes and books mute;
else one REST query for the newest trade. A query that fails is no evidence of quiet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING

from tradewire.core.record import Kind
from tradewire.errors import QueryError, UnsupportedError, VenueRejectedError

if TYPE_CHECKING:
    from tradewire.venues.base import Channel, MarketDataRest

    from .health import Feed

__all__ = ["Verdict", "judge"]

#: Kinds that change whenever a trade happens.
_MOVED_BY_TRADES = frozenset({Kind.QUOTE, Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT, Kind.BAR, Kind.TICKER})
#: Differences between two clocks, and between a trade and its message, are no news. At most half of the silence that
#: the feed's threshold allows: what happened in the other half proves it mute when it is first asked about.
_GRACE_NS = 2_000_000_000


class Verdict(StrEnum):
    """What the silence means."""

    MUTE = "mute"
    """The venue has messages that do not arrive: act."""
    QUIET = "quiet"
    """Nothing happens at the venue: leave it alone."""
    REFUSED = "refused"
    """The venue says that it has no such symbol: no connection could bring its messages."""
    UNKNOWN = "unknown"
    """Nobody could say: act, for silence is never taken for quiet."""


async def judge(
    feed: Feed,
    siblings: Iterable[Feed],
    trades: Channel | None,
    rest: Callable[[], MarketDataRest],
    clock_offset_ns: int = 0,
) -> Verdict:
    """Looks for evidence about a silent feed.

    Args:
        feed: the silent one.
        siblings: feeds of the same symbol on the same provider.
        trades: the venue's channel whose newest trade REST can give; None: it has none.
        rest: makes the venue's REST port.
        clock_offset_ns: the venue's clock minus ours.
    """
    if feed.channel.periodic:
        return Verdict.MUTE
    grace_ns = _GRACE_NS if feed.usual_ns is None else min(_GRACE_NS, feed.usual_ns // 2)
    moved = feed.channel.kind in _MOVED_BY_TRADES
    if moved and any(each.channel.kind is Kind.TRADE and each.last_ns > feed.last_ns + grace_ns for each in siblings):
        return Verdict.MUTE
    if trades is None or not (moved or feed.channel.kind is Kind.TRADE):
        return Verdict.UNKNOWN
    try:
        newest = await rest().last_trade(trades, feed.symbol)
    except VenueRejectedError:
        return Verdict.REFUSED
    except (QueryError, UnsupportedError):
        return Verdict.UNKNOWN
    if newest is None:
        return Verdict.QUIET
    news = newest.event_ns - clock_offset_ns > feed.last_wall_ns + grace_ns
    return Verdict.MUTE if news else Verdict.QUIET
