"""What one fault of a simulated venue does and counts: the handles that `Chaos` gives out. Starts no faults itself.

A fault decides message by message or connection by connection; it holds no socket and reads no clock.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = [
    "Cut",
    "Drop",
    "Duplicate",
    "Fault",
    "Link",
    "MessageFault",
    "Mute",
    "Refusal",
    "Reorder",
    "Selector",
    "Stream",
    "Truncate",
    "Until",
]

#: Whom a lasting fault concerns: everybody until it is stopped, or only the connections (`reconnect`) or subscriptions
#: (`resubscribe`) that existed when it began, so that the client's own action heals it.
Until = Literal["stopped", "reconnect", "resubscribe"]


class Stream(Protocol):
    """What a fault sees of the stream a message belongs to. Attributes: see `Selector`."""

    @property
    def name(self) -> str:
        """The venue's own name of it."""

    @property
    def channel(self) -> str:
        """The neutral word."""

    @property
    def symbol(self) -> str:
        """Empty on streams of all symbols."""


class Link(Protocol):
    """What a fault does to a stream connection."""

    def put(self, message: bytes) -> None:
        """Send a message with the next batch."""

    def freeze(self) -> None:
        """Neither read nor write any more, and do not close."""

    def thaw(self) -> None:
        """Read and write again; what would have been written meanwhile is lost."""

    def drip(self, bytes_per_s: float | None) -> None:
        """Write slowly; None is as fast as possible."""

    def abort(self) -> None:
        """Drop the connection without a closing handshake."""


class Cut(bytes):
    """A message whose end is missing: it must be the last one of its frame."""

    __slots__ = ()


def plain(symbol: str) -> str:
    """`BTCUSD` for `BTC/USD` and `btcusd`."""
    return symbol.replace("/", "").upper()


@dataclass(frozen=True, slots=True)
class Selector:
    """Which streams a fault concerns; None takes all.

    Attributes:
        channel: neutral word: trades, quotes, book, bars, ...
        symbol: with or without a slash, in any case.
        match: part of the venue's own stream name, such as `depth`.
    """

    channel: str | None = None
    symbol: str | None = None
    match: str | None = None

    def fits(self, stream: Stream) -> bool:
        """Whether the stream is meant."""
        return (
            (self.channel is None or self.channel == stream.channel)
            and (self.symbol is None or plain(self.symbol) == plain(stream.symbol))
            and (self.match is None or self.match in stream.name)
        )

    def __str__(self) -> str:
        match = None if self.match is None else f"match {self.match}"
        return " ".join(part for part in (self.channel, self.symbol, match) if part)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer instead of the real one: HTTP status and, if told, seconds for `Retry-After`."""

    status: int
    retry_after_s: int | None = None


@dataclass(eq=False)
class Fault:
    """A fault, running or over. Use it from the venue's event loop.

    Attributes:
        number: counts the faults of a venue, from 1; how the control interface names them.
        text: the fault as a script line.
        most: injections after which it is over; None has no end.
        ends_s: time by the venue's loop clock at which it is over; None has none.
        born: place in the venue's order of connections and subscriptions (see `Until`).
        injected: how often it did what it is for.
        is_active: whether it still may.
        match: what it looks for in names of streams or paths; empty: nothing.
    """

    number: int
    text: str
    most: int | None = None
    ends_s: float | None = None
    born: int = 0
    until: Until = "stopped"
    injected: int = field(default=0, init=False)
    is_active: bool = field(default=True, init=False)
    match: str = field(default="", init=False)
    ended: Callable[[Fault], None] | None = field(default=None, repr=False)
    _changed: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)

    def inject(self, count: int = 1) -> None:
        """Count injections; the last one of `most` ends the fault."""
        self.injected += count
        self._changed.set()
        if self.most is not None and self.injected >= self.most:
            self.stop()

    def stop(self) -> None:
        """End it. May be called again."""
        if self.is_active:
            self.is_active = False
            self._changed.set()
            if self.ended is not None:
                self.ended(self)

    async def wait_injected(self, count: int = 1) -> None:
        """Until it was injected so often.

        Raises:
            RuntimeError: it is over, and that never happened.
        """
        while self.injected < count:
            if not self.is_active:
                raise RuntimeError(f"fault {self.text!r} ended after {self.injected} of {count} injections")
            self._changed.clear()
            await self._changed.wait()

    async def wait_over(self) -> None:
        """Until it is over: used up, out of time or stopped."""
        while self.is_active:
            self._changed.clear()
            await self._changed.wait()


@dataclass(eq=False)
class MessageFault(Fault, ABC):
    """A fault of single messages.

    Attributes:
        where: the streams it concerns.
        chance: probability per message.
        draw: the venue's random number source for faults.
    """

    where: Selector = field(default_factory=Selector)
    chance: float = 1.0
    draw: random.Random | None = None
    _known: dict[str, bool] = field(default_factory=dict, init=False, repr=False)

    def concerns(self, stream: Stream, connected: int, subscribed: int) -> bool:
        """Whether a delivery is in reach, given when its connection and its subscription were made."""
        fits = self._known.get(stream.name)
        if fits is None:
            fits = self._known[stream.name] = self.where.fits(stream)
        if not fits or self.until == "stopped":
            return fits
        return (connected if self.until == "reconnect" else subscribed) <= self.born

    def hits(self) -> bool:
        """Throw the dice for one message."""
        return self.is_active and (self.chance >= 1 or self.draw is None or self.draw.random() < self.chance)

    @abstractmethod
    def take(self, link: Link, stream: Stream, message: bytes) -> list[bytes]:
        """What becomes of a message."""


@dataclass(eq=False)
class Mute(MessageFault):
    """Messages do not arrive; pings, pongs and replies do."""

    def take(self, link: Link, stream: Stream, message: bytes) -> list[bytes]:
        """Part of `MessageFault`."""
        self.inject()
        return []


@dataclass(eq=False)
class Drop(MessageFault):
    """Single messages are lost."""

    def take(self, link: Link, stream: Stream, message: bytes) -> list[bytes]:
        """Part of `MessageFault`."""
        if not self.hits():
            return [message]
        self.inject()
        return []


@dataclass(eq=False)
class Duplicate(MessageFault):
    """Single messages come twice."""

    def take(self, link: Link, stream: Stream, message: bytes) -> list[bytes]:
        """Part of `MessageFault`."""
        if not self.hits():
            return [message]
        self.inject()
        return [message, message]


@dataclass(eq=False)
class Reorder(MessageFault):
    """A message comes after its successor on the same stream and connection."""

    _held: dict[tuple[Link, str], bytes] = field(default_factory=dict, init=False, repr=False)

    def take(self, link: Link, stream: Stream, message: bytes) -> list[bytes]:
        """Part of `MessageFault`; the swap counts when it has happened."""
        key = (link, stream.name)
        held = self._held.pop(key, None)
        if held is not None:
            self.inject()
            return [message, held]
        if self.hits() and (self.most is None or self.injected + len(self._held) < self.most):
            self._held[key] = message
            return []
        return [message]

    def forget(self, link: Link) -> None:
        """The connection is gone, and what was held for it."""
        for key in [key for key in self._held if key[0] is link]:
            del self._held[key]

    def stop(self) -> None:
        """End it; messages still held back come now."""
        super().stop()
        held, self._held = self._held, {}
        for (link, _), message in held.items():
            link.put(message)


@dataclass(eq=False)
class Truncate(MessageFault):
    """A message arrives as a whole frame whose second half is missing."""

    def take(self, link: Link, stream: Stream, message: bytes) -> list[bytes]:
        """Part of `MessageFault`."""
        if not self.hits():
            return [message]
        self.inject()
        half = len(message) // 2
        while half and message[half] & 0xC0 == 0x80:  # not inside a character, which would end the connection
            half -= 1
        return [Cut(message[:half])]
