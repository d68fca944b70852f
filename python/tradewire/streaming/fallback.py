"""Which subscriptions a fallback provider serves while the provider that they belong to does not. Bookkeeping only.

The fallback is asked for the same channels and symbols, and what it gives goes to the same callbacks. It is let go when
every feed that it stands in for has been well again for a while, but for those that the provider refuses: they were
not served before either.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from .events import FallbackChanged

if TYPE_CHECKING:
    from .manager import WebSocketManager

__all__ = ["Fallbacks"]

#: A provider that comes back must hold for so long before its fallback is let go.
_HOLD_NS = 5_000_000_000
#: What a fallback sent before it was let go has come by then.
_SETTLE_NS = 5_000_000_000


class _Active:
    """One fallback at work."""

    __slots__ = ("close", "primary", "standin", "well_since_ns")

    def __init__(
        self, primary: WebSocketManager, standin: WebSocketManager, close: Callable[[], Callable[[], None]]
    ) -> None:
        self.primary = primary
        self.standin = standin
        self.close = close
        self.well_since_ns = 0


class Fallbacks:
    """All fallbacks at work in a gateway. The event loop owns it.

    Args:
        mirror: subscribes the feeds of the first manager on the second one, for the same callbacks; returns what ends
            it, which returns what is to be called when nothing is on its way any more. Feeds that the second one cannot
            serve are left out.
        emit: takes `FallbackChanged`.
    """

    def __init__(
        self,
        mirror: Callable[[WebSocketManager, WebSocketManager], Callable[[], Callable[[], None]]],
        emit: Callable[[FallbackChanged], None],
    ) -> None:
        self._mirror = mirror
        self._emit = emit
        self._active: dict[str, _Active] = {}
        # (when, what) is to be called, soonest first.
        self._settling: deque[tuple[int, Callable[[], None]]] = deque()

    @property
    def active(self) -> dict[str, str]:
        """Provider -> the one that stands in for it."""
        return {name: found.standin.name for name, found in self._active.items()}

    def begin(self, primary: WebSocketManager, standin: WebSocketManager, reason: str, wall_ns: int) -> None:
        """Brings in the fallback; does nothing while it is in already."""
        if primary.name in self._active:
            return
        self._active[primary.name] = _Active(primary, standin, self._mirror(primary, standin))
        self._say(primary, standin, active=True, reason=reason, wall_ns=wall_ns)

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Lets fallbacks go whose providers are back; called a few times a second."""
        while self._settling and self._settling[0][0] <= now_ns:
            self._settling.popleft()[1]()
        for found in list(self._active.values()):
            feeds = found.primary.feeds()
            served = [feed for feed in feeds if not feed.refused]
            # A provider that refuses everything is not back.
            if not all(feed.well for feed in served) or (feeds and not served):
                found.well_since_ns = 0
            elif not found.well_since_ns:
                found.well_since_ns = now_ns
            elif now_ns - found.well_since_ns >= _HOLD_NS:
                del self._active[found.primary.name]
                self._settling.append((now_ns + _SETTLE_NS, found.close()))
                self._say(found.primary, found.standin, active=False, reason="it is back", wall_ns=wall_ns)

    def forget(self, provider: str, wall_ns: int) -> None:
        """A provider is gone: nobody stands in for it, and it stands in for nobody."""
        for found in list(self._active.values()):
            if provider in (found.primary.name, found.standin.name):
                del self._active[found.primary.name]
                found.close()()
                self._say(found.primary, found.standin, active=False, reason=f"{provider} is gone", wall_ns=wall_ns)

    def _say(
        self, primary: WebSocketManager, standin: WebSocketManager, *, active: bool, reason: str, wall_ns: int
    ) -> None:
        self._emit(FallbackChanged(primary.venue.name, primary.name, standin.name, active, reason, wall_ns))
