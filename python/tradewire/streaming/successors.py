"""Renews a provider's connections before the venue ends them: opens the successor, compares, lets it take over.

The decisions are `rotation`'s, the comparison is `overlap`'s; this opens, closes and hands over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable
from random import Random
from typing import TYPE_CHECKING

from .events import ConnectionChanged, ConnectionRotated, ConnectionState, SubscriptionRefused
from .overlap import Overlap
from .rotation import Progress, Rotation, Step, due_ns

if TYPE_CHECKING:
    from tradewire.core.protocols import Batch, WireResultProtocol
    from tradewire.telemetry import Counters
    from tradewire.venues.base import StreamLimits

    from .link import Link, LinkOwner

__all__ = ["Successors"]

_SECOND = 1_000_000_000
#: After a successor that could not take over. The margin before the venue's own end holds dozens of attempts.
_AGAIN_NS = 60 * _SECOND
#: For so long after the switch the successor may still give what its predecessor gave: the two sockets are not read at
#: the same moment, and neither are they written to.
_LATE_NS = _SECOND
_GOODBYE_S = 0.5


class Successors:
    """The rotations of one provider, one at a time. The event loop owns it.

    Args:
        venue: for events.
        links: the connections that serve.
        limits: of one connection.
        numbered: kinds of messages with growing numbers.
        make: a connection like the given one, for another owner.
        divert: counts what a read gave and takes it from the ring, undelivered.
        deliver: delivers a batch that was diverted.
        unreadable: told of a read with messages that cannot be read, on a connection that serves.
        replace: puts a connection in the place of another.
        owner: of connections that serve.
        emit: takes `ConnectionRotated` and what the venue refused a successor.
        counters: `rotations`, `rotations_abandoned`, `duplicates`.
        random: for the margins.

    Attributes:
        running: the present rotation, while which `delivered` wants to be told. To be read only.
    """

    def __init__(
        self,
        venue: str,
        links: Callable[[], Iterable[Link]],
        limits: Callable[[], StreamLimits],
        numbered: Container[int],
        make: Callable[[Link, LinkOwner], Link],
        divert: Callable[[WireResultProtocol, int], list[Batch]],
        deliver: Callable[[Batch], None],
        unreadable: Callable[[Link, WireResultProtocol], None],
        replace: Callable[[Link, Link], None],
        owner: LinkOwner,
        emit: Callable[[ConnectionRotated | SubscriptionRefused], None],
        counters: Counters,
        random: Random,
    ) -> None:
        self._venue = venue
        self._links = links
        self._limits = limits
        self._numbered = numbered
        self._make = make
        self._divert = divert
        self._deliver = deliver
        self._unreadable = unreadable
        self._replace = replace
        self._owner = owner
        self._emit = emit
        self._counters = counters
        self._random = random
        # Link -> (when its connection was opened, when it is to be renewed).
        self._due: dict[Link, tuple[int, int]] = {}
        # Link -> why, in the order of asking.
        self._asked: dict[Link, str] = {}
        self.running: _Running | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        # Links that have just taken over -> until when they are filtered; 0: the next tick knows.
        self._catching_up: dict[Link, int] = {}

    def delivered(self, batch: Batch) -> None:
        """The serving connections gave this batch."""
        if self.running is not None:
            self.running.overlap.delivered(batch)

    def ask(self, link: Link, reason: str) -> None:
        """Renews a connection as soon as may be."""
        self._asked.setdefault(link, reason)

    def tick(self, now_ns: int, wall_ns: int) -> None:
        """Begins what is due and looks after what runs; called a few times a second, not from inside a handler.

        Args:
            now_ns: monotonic.
            wall_ns: for events.
        """
        self._look_for_age(now_ns)
        for link, until_ns in list(self._catching_up.items()):
            if not until_ns:
                self._catching_up[link] = now_ns + _LATE_NS
            elif now_ns >= until_ns:
                del self._catching_up[link]
                if isinstance(link.owner, _CatchingUp):
                    link.owner = self._owner
        if self.running is not None:
            self._advance(self.running, now_ns, wall_ns)
        elif self._asked:
            link, reason = next(iter(self._asked.items()))
            del self._asked[link]
            self._begin(link, reason, now_ns)

    def lost(self, link: Link, wall_ns: int) -> bool:
        """A serving connection is gone.

        Returns:
            Whether its successor has taken over at once.
        """
        self._asked.pop(link, None)
        running = self.running
        if running is None or running.present is not link:
            return False
        if running.successor.acknowledged and running.successor.proven:
            self._switch(running, wall_ns)
            return True
        self.abandon()
        return False

    def abandon(self) -> None:
        """Gives the present attempt up; nothing of it was delivered."""
        running, self.running = self.running, None
        if running is not None:
            self._counters.add("rotations_abandoned")
            self._retire(running.successor)

    async def close(self) -> None:
        """Ends everything that is not a serving connection."""
        running, self.running = self.running, None
        if running is not None:
            self._retire(running.successor)
        self._asked.clear()
        if self._retiring:
            await asyncio.wait(self._retiring)

    def _look_for_age(self, now_ns: int) -> None:
        limits = self._limits()
        if limits.max_age_s is None:
            return
        for link in self._links():
            if link.state is not ConnectionState.CONNECTED:
                continue
            opened_ns, due = self._due.get(link, (-1, 0))
            if opened_ns != link.opened_ns:
                due = due_ns(link.opened_ns, limits.max_age_s, self._random)
                self._due[link] = (link.opened_ns, due)
            if now_ns >= due and (self.running is None or self.running.present is not link):
                self.ask(link, f"the venue ends connections after {limits.max_age_s:g} s")

    def _begin(self, link: Link, reason: str, now_ns: int) -> None:
        if link.state is not ConnectionState.CONNECTED or link not in self._links():
            return
        if not self._limits().overlap:
            self._counters.add("rotations")
            link.reconnect(reason, at_once=True)
            return
        overlap = Overlap(self._numbered)
        successor = self._make(link, _Holding(overlap, self._divert, self._emit))
        self.running = _Running(link, successor, overlap, Rotation(now_ns), reason)
        self.running.follow()
        successor.start()

    def _advance(self, running: _Running, now_ns: int, wall_ns: int) -> None:
        running.follow()
        match running.rotation.step(running.progress(), now_ns):
            case Step.SWITCH:
                self._switch(running, wall_ns)
            case Step.ABANDON:
                self.abandon()
                self._due[running.present] = (running.present.opened_ns, now_ns + _AGAIN_NS)

    def _switch(self, running: _Running, wall_ns: int) -> None:
        self.running = None
        running.follow()
        running.successor.take_refused(running.present)
        held = running.overlap.take()
        self._due.pop(running.present, None)
        self._replace(running.present, running.successor)
        running.successor.owner = _CatchingUp(
            running.overlap, self._divert, self._deliver, self._unreadable, self._owner, self._counters
        )
        self._catching_up[running.successor] = 0
        self._retire(running.present)
        for batch in held:
            self._deliver(batch)
        duplicates = running.overlap.duplicates
        self._counters.add("rotations")
        self._counters.add("duplicates", duplicates)
        self._emit(ConnectionRotated(self._venue, running.successor.name, running.reason, duplicates, wall_ns))

    def _retire(self, link: Link) -> None:
        """Says goodbye in the background. What it still gives, its counterpart has given or will give."""
        link.owner = _Silent(self._divert)
        task = asyncio.get_running_loop().create_task(link.stop(_GOODBYE_S), name=f"retire {link.name}")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)


class _Running:
    """A rotation at work."""

    __slots__ = ("_acknowledged", "overlap", "present", "reason", "rotation", "successor")

    def __init__(self, present: Link, successor: Link, overlap: Overlap, rotation: Rotation, reason: str) -> None:
        self.present = present
        self.successor = successor
        self.overlap = overlap
        self.rotation = rotation
        self.reason = reason
        self._acknowledged = False

    def follow(self) -> None:
        """Wants of the successor what is wanted of the present connection and not refused there: the venue would refuse
        the rest along with it."""
        wanted, asked = self.present.wanted, self.successor.wanted
        for stream in wanted:
            if stream not in asked and self.present.refusal(stream) is None:
                self.successor.add(stream)
        for stream in asked:
            if stream not in wanted:
                self.successor.discard(stream)

    def progress(self) -> Progress:
        overlap, acknowledged = self.overlap, self.successor.acknowledged
        overlap.settle()
        if acknowledged and not self._acknowledged:
            overlap.present_heard = False
        self._acknowledged = acknowledged
        return Progress(acknowledged, self.successor.proven, overlap.met, overlap.present_heard, overlap.held)


class _Silent:
    """Owner of a connection that nobody listens to any more."""

    def __init__(self, divert: Callable[[WireResultProtocol, int], list[Batch]]) -> None:
        self._divert = divert

    def on_read(self, link: Link, result: WireResultProtocol, size: int) -> None:
        """Counted and passed over."""
        self._divert(result, size)

    def on_payload(self, link: Link, payload: bytes, recv_ns: int) -> bool:
        """Passed over."""
        return False

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        """Nobody's concern."""

    def on_refused(self, event: SubscriptionRefused) -> None:
        """Nobody's concern."""

    def on_fatal(self, link: Link, reason: str) -> None:
        """Nobody's concern: the connection that serves will tell of its own end."""

    def on_settled(self, streams: Iterable[str]) -> None:
        """Nobody's concern: the numbers of its streams go on."""

    def on_ending(self, link: Link, reason: str) -> None:
        """Nobody's concern."""


class _Holding(_Silent):
    """Owner of a successor: what it gives is held back."""

    def __init__(
        self,
        overlap: Overlap,
        divert: Callable[[WireResultProtocol, int], list[Batch]],
        emit: Callable[[SubscriptionRefused], None],
    ) -> None:
        super().__init__(divert)
        self._overlap = overlap
        self._emit = emit

    def on_read(self, link: Link, result: WireResultProtocol, size: int) -> None:
        """Held back."""
        for batch in self._divert(result, size):
            self._overlap.hold(batch)

    def on_link(self, link: Link, event: ConnectionChanged) -> None:
        """What a lost connection gave is of no use to the next one."""
        if event.state is ConnectionState.RECONNECTING:
            self._overlap.forget()

    def on_refused(self, event: SubscriptionRefused) -> None:
        """Told, for it stays refused when the successor serves."""
        self._emit(event)


class _CatchingUp:
    """Owner of a connection that has just taken over: what its predecessor gave is left out; the rest goes on."""

    def __init__(
        self,
        overlap: Overlap,
        divert: Callable[[WireResultProtocol, int], list[Batch]],
        deliver: Callable[[Batch], None],
        unreadable: Callable[[Link, WireResultProtocol], None],
        owner: LinkOwner,
        counters: Counters,
    ) -> None:
        self._overlap = overlap
        self._divert = divert
        self._deliver = deliver
        self._unreadable = unreadable
        self._counters = counters
        self.on_payload = owner.on_payload
        self.on_link = owner.on_link
        self.on_refused = owner.on_refused
        self.on_fatal = owner.on_fatal
        self.on_settled = owner.on_settled
        self.on_ending = owner.on_ending

    def on_read(self, link: Link, result: WireResultProtocol, size: int) -> None:
        """Delivered as far as it is new."""
        batches = self._divert(result, size)
        if result.error_count:
            self._unreadable(link, result)
        for batch in batches:
            before = self._overlap.duplicates
            fresh = self._overlap.fresh(batch)
            self._counters.add("duplicates", self._overlap.duplicates - before)
            if len(fresh):
                self._deliver(fresh)
