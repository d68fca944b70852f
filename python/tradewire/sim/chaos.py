"""Faults of a simulated venue, started and stopped while it runs: `sim.chaos.mute(channel="trades", for_s=5)`.

Every venue has one. It decides and counts; sockets belong to the venue, and text forms to `script` and `control`.
"""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING, TypeVar

from tradewire.sim.faults import (
    Drop,
    Duplicate,
    Fault,
    Link,
    MessageFault,
    Mute,
    Refusal,
    Reorder,
    Selector,
    Stream,
    Truncate,
    Until,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Notice = tuple[str, Callable[[str], bool]]

__all__ = ["Chaos"]

_logger = logging.getLogger("tradewire.sim")

_FAULT = TypeVar("_FAULT", bound=Fault)
_MESSAGE = TypeVar("_MESSAGE", bound=MessageFault)


class Chaos:
    """The faults of one venue. Use it from the venue's event loop.

    Each method begins a fault and returns its `Fault`: `.injected` counts, `.wait_injected(n)` waits, `.stop()` ends.
    Common arguments: `channel` (neutral word), `symbol`, `match` (part of the venue's stream name) choose streams;
    `n` is the number of injections after which the fault is over, `p` the probability per message (without `n` it goes
    on until stopped; without both, once); `for_s` ends a fault by time. Counts are per delivery: a message that two
    connections would get counts twice.

    Args:
        seed: one seed gives one sequence of decisions for the same sequence of messages.
        channels: neutral words that the venue's streams have; others are refused.
        symbols: what the venue lists; others are refused. None at all: any symbol is taken.
        streams: all that the venue has; a choice that fits none of them is refused. None at all: any choice is taken.
        notices: what it can be made to say of a symbol: word -> (channel, what says it; whether it could).
        clock: gives seconds.

    Attributes:
        faults: every fault so far, in order.
        is_messing: whether single messages have to be offered to `deliver` at all.
        skew_ms: how far the venue's clock is ahead.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        channels: Iterable[str] = (),
        symbols: Iterable[str] = (),
        streams: Iterable[Stream] = (),
        notices: Mapping[str, Notice] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.channels = tuple(channels)
        self.symbols = tuple(symbols)
        self.streams = tuple(streams)
        self.notices = dict(notices or {})
        self.faults: list[Fault] = []
        self.is_messing = False
        self.skew_ms = 0
        self._clock = clock
        self._random = random.Random(seed)
        self._order = 0
        self._links: dict[Link, tuple[int, dict[str, int]]] = {}  # born, stream name -> subscribed
        self._running: list[Fault] = []
        self._messing: list[MessageFault] = []
        self._accepting: list[tuple[Fault, str]] = []
        self._freezing: list[Fault] = []
        self._dripping: list[tuple[Fault, float]] = []
        self._connects: list[tuple[Fault, Refusal]] = []
        self._requests: list[tuple[Fault, Refusal, str]] = []
        self._credentials: list[Fault] = []
        self._limits: list[tuple[Fault, int]] = []
        self._skews: list[tuple[Fault, int]] = []
        self._restarts: list[tuple[Fault, float]] = []

    # Messages

    def mute(
        self,
        channel: str | None = None,
        symbol: str | None = None,
        match: str | None = None,
        *,
        for_s: float | None = None,
        until: Until = "stopped",
    ) -> Fault:
        """Streams fall silent; pings and replies go on. `until` says what heals it."""
        return self._on_messages(Mute, (channel, symbol, match), None, None, for_s, until)

    def drop(
        self,
        n: int | None = None,
        channel: str | None = None,
        symbol: str | None = None,
        match: str | None = None,
        *,
        p: float | None = None,
        for_s: float | None = None,
    ) -> Fault:
        """Messages are lost."""
        return self._on_messages(Drop, (channel, symbol, match), n, p, for_s)

    def duplicate(
        self,
        n: int | None = None,
        channel: str | None = None,
        symbol: str | None = None,
        match: str | None = None,
        *,
        p: float | None = None,
        for_s: float | None = None,
    ) -> Fault:
        """Messages come twice."""
        return self._on_messages(Duplicate, (channel, symbol, match), n, p, for_s)

    def reorder(
        self,
        n: int | None = None,
        channel: str | None = None,
        symbol: str | None = None,
        match: str | None = None,
        *,
        p: float | None = None,
        for_s: float | None = None,
    ) -> Fault:
        """Messages change places with the next one of their stream."""
        return self._on_messages(Reorder, (channel, symbol, match), n, p, for_s)

    def truncate(
        self,
        n: int | None = None,
        channel: str | None = None,
        symbol: str | None = None,
        match: str | None = None,
        *,
        p: float | None = None,
        for_s: float | None = None,
    ) -> Fault:
        """Messages lose their second half; the frames around them are whole."""
        return self._on_messages(Truncate, (channel, symbol, match), n, p, for_s)

    # Stream connections

    def drip(self, bytes_per_s: float = 500.0, *, for_s: float | None = None) -> Fault:
        """Everything is written a few bytes at a time. Counts connections."""
        if not 1 <= bytes_per_s <= 1e9:
            raise ValueError(f"bytes_per_s must be 1..1e9, was {bytes_per_s}")
        fault = self._begin(Fault, f"drip {bytes_per_s:g}", for_s=for_s)
        self._dripping.append((fault, bytes_per_s))
        for link in self._links:
            link.drip(bytes_per_s)
            fault.inject()
        return fault

    def half_open(self, *, for_s: float | None = None, until: Until = "reconnect") -> Fault:
        """Connections are neither read nor written nor closed. Counts connections; new ones are well unless
        `until="stopped"`.
        """
        fault = self._begin(Fault, "half-open", for_s=for_s, until=until)
        self._freezing.append(fault)
        for link in self._links:
            link.freeze()
            fault.inject()
        return fault

    def disconnect(self) -> Fault:
        """Every stream connection is dropped without a goodbye. Counts connections."""
        fault = self._begin(Fault, "disconnect")
        for link in tuple(self._links):
            link.abort()
            fault.inject()
        fault.stop()
        return fault

    def accept_then_close(self, n: int | None = None, *, after: str = "accept", for_s: float | None = None) -> Fault:
        """New connections are closed at once: after the TCP `accept`, or after the `handshake`."""
        if after not in ("accept", "handshake"):
            raise ValueError(f"after must be accept or handshake, was {after!r}")
        fault = self._begin(Fault, f"accept-then-close after {after}", n=_most(n, for_s), for_s=for_s)
        self._accepting.append((fault, after))
        return fault

    def refuse_connect(
        self, status: int = 429, n: int | None = None, *, retry_after_s: int | None = None, for_s: float | None = None
    ) -> Fault:
        """The opening handshake is answered with an HTTP error."""
        refusal = _refusal(status, retry_after_s)
        fault = self._begin(Fault, f"refuse-connect {_told(refusal)}", n=_most(n, for_s), for_s=for_s)
        self._connects.append((fault, refusal))
        return fault

    def connection_limit(self, limit: int, *, for_s: float | None = None) -> Fault:
        """More stream connections than this are refused the way the venue does it. Counts refusals."""
        if limit < 0:
            raise ValueError(f"limit must be at least 0 connections, was {limit}")
        fault = self._begin(Fault, f"connection-limit {limit}", for_s=for_s)
        self._limits.append((fault, limit))
        return fault

    # Requests, credentials, the venue as a whole

    def refuse_rest(
        self,
        status: int = 429,
        n: int | None = None,
        *,
        match: str = "",
        retry_after_s: int | None = None,
        for_s: float | None = None,
    ) -> Fault:
        """HTTP calls whose path holds `match` are answered with an error; 418 is a ban."""
        refusal = _refusal(status, retry_after_s)
        where = f" match {match}" if match else ""
        fault = self._begin(Fault, f"refuse-rest {_told(refusal)}{where}", n=_most(n, for_s), for_s=for_s)
        fault.match = match
        self._requests.append((fault, refusal, match))
        return fault

    def expire_auth(self, n: int | None = None, *, for_s: float | None = None) -> Fault:
        """Credentials are refused, on streams and in HTTP calls, until it is stopped (or `n` times)."""
        fault = self._begin(Fault, "expire-auth", n=n, for_s=for_s)
        self._credentials.append(fault)
        return fault

    def restart(self, down_s: float = 0.5) -> Fault:
        """All sockets are closed and nobody listens for `down_s`; over, and counted, when the venue is back."""
        if not 0 <= down_s <= 3_600:
            raise ValueError(f"down_s must be 0..3600 seconds, was {down_s}")
        fault = self._begin(Fault, f"restart {down_s:g}s", n=1)
        self._restarts.append((fault, down_s))
        return fault

    def skew(self, ms: int, *, for_s: float | None = None) -> Fault:
        """The venue's clock is ahead by `ms` (behind if negative): in all time stamps and in its server time."""
        if not -86_400_000 <= ms <= 86_400_000:
            raise ValueError(f"ms must be within a day, was {ms}")
        fault = self._begin(Fault, f"skew {ms}ms", for_s=for_s)
        self._skews.append((fault, ms))
        fault.inject()
        self.skew_ms = ms
        return fault

    def tell(self, notice: str, symbol: str) -> Fault:
        """The venue says something of a symbol by itself, now: Alpaca `halt`, `resume`, `band`, `imbalance`, `correct`,
        `cancel`. Counts 1 where it could; the last two need a trade.
        """
        if notice not in self.notices:
            known = f"one of {', '.join(self.notices)}" if self.notices else "left out on this venue, which has none"
            raise ValueError(f"notice must be {known}, was {notice!r}")
        channel, say = self.notices[notice]
        self._check_symbol(symbol)
        if self.streams and not any(map(Selector(channel, symbol).fits, self.streams)):
            raise ValueError(f"{symbol} has no {channel}, in which {notice!r} would be told")
        fault = self._begin(Fault, f"tell {notice} {symbol}", n=1)
        if say(next((name for name in self.symbols if plain(name) == plain(symbol)), symbol)):
            fault.inject()
        fault.stop()
        return fault

    def clear(self) -> None:
        """Stop every fault."""
        for fault in tuple(self._running):
            fault.stop()

    # What the venue asks

    def tick(self) -> None:
        """End what is out of time; tell of what chose by `match` and met nothing."""
        now_s = self._clock()
        for fault in tuple(self._running):
            if fault.ends_s is not None and now_s >= fault.ends_s:
                fault.stop()
                if fault.match and not fault.injected:
                    _logger.warning("fault %d (%s) is over, and nothing came that fits", fault.number, fault.text)

    def joined(self, link: Link) -> bool:
        """A connection was accepted; False if it has to be closed at once."""
        if self._hits_accept("accept"):
            return False
        self._order += 1
        self._links[link] = (self._order, {})
        for fault, rate in self._dripping:
            link.drip(rate)
            fault.inject()
        for fault in self._freezing:
            if fault.until == "stopped":
                link.freeze()
                fault.inject()
        return True

    def left(self, link: Link) -> None:
        """A connection is gone."""
        self._links.pop(link, None)
        for fault in self._messing:
            if isinstance(fault, Reorder):
                fault.forget(link)

    def subscribed(self, link: Link, stream: Stream) -> None:
        """A connection subscribed to a stream, again perhaps."""
        self._order += 1
        if link in self._links:
            self._links[link][1][stream.name] = self._order

    def knows(self, link: object) -> bool:
        """Whether it is a connection; other listeners hear the truth."""
        return link in self._links

    def deliver(self, link: Link, stream: Stream, message: bytes) -> None:
        """Put a message on a connection, or what the faults make of it."""
        connected, subscriptions = self._links[link]
        subscribed = subscriptions.get(stream.name, 0)
        messages = [message]
        for fault in tuple(self._messing):
            if fault.concerns(stream, connected, subscribed):
                messages = [part for whole in messages for part in fault.take(link, stream, whole)]
        for part in messages:
            link.put(part)

    def handshake(self) -> Refusal | None:
        """What to answer an opening handshake with instead of 101."""
        for fault, refusal in self._connects:
            fault.inject()
            return refusal
        return None

    def closes_opened(self) -> bool:
        """Whether a connection that has just been opened has to be closed."""
        return self._hits_accept("handshake")

    def over_limit(self, connections: int, own_limit: int | None = None) -> bool:
        """Whether a connection is one too many; `connections` counts it."""
        for fault, limit in reversed(self._limits):
            if connections > limit:
                fault.inject()
                return True
            return False
        return own_limit is not None and connections > own_limit

    def request(self, path: str) -> Refusal | None:
        """What to answer an HTTP call with instead of the truth."""
        for fault, refusal, match in self._requests:
            if match in path:
                fault.inject()
                return refusal
        return None

    def refuses_credentials(self) -> bool:
        """Whether good credentials are refused now."""
        for fault in self._credentials:
            fault.inject()
            return True
        return False

    def take_restart(self) -> tuple[Fault, float] | None:
        """The restart to be made now, once: its fault, to be told by `inject`, and the seconds to be down."""
        return self._restarts.pop(0) if self._restarts else None

    def find(self, number: int) -> Fault | None:
        """A fault by its number."""
        return self.faults[number - 1] if 0 < number <= len(self.faults) else None

    def _hits_accept(self, stage: str) -> bool:
        for fault, after in self._accepting:
            if after == stage:
                fault.inject()
                return True
        return False

    def _on_messages(
        self,
        kind: type[_MESSAGE],
        where: tuple[str | None, str | None, str | None],
        n: int | None,
        p: float | None,
        for_s: float | None,
        until: Until = "stopped",
    ) -> _MESSAGE:
        channel, symbol, _ = where
        if channel is not None and channel not in self.channels:
            raise ValueError(f"channel must be one of {', '.join(self.channels)}, was {channel!r}")
        if symbol is not None:
            self._check_symbol(symbol)
        selector = Selector(*where)
        if self.streams and not any(map(selector.fits, self.streams)):
            raise ValueError(
                f"{selector} fits no stream; one of its streams is {_like(self.streams, channel, symbol).name}"
            )
        if p is not None and not 0 < p <= 1:
            raise ValueError(f"p must be a probability above 0 and at most 1, was {p}")
        once = kind is not Mute and n is None and p is None
        amount = "" if kind is Mute else f"{1 if once else n if n is not None else f'{(p or 1) * 100:g}%'}"
        text = " ".join(part for part in (kind.__name__.lower(), amount, str(selector)) if part)
        fault = self._begin(kind, text, n=1 if once else n, for_s=for_s, until=until)
        fault.where, fault.chance, fault.draw = selector, 1.0 if p is None else p, self._random
        fault.match = selector.match or ""
        self._messing.append(fault)
        self.is_messing = True
        return fault

    def _check_symbol(self, symbol: str) -> None:
        if self.symbols and plain(symbol) not in map(plain, self.symbols):
            raise ValueError(f"symbol must be one that is listed ({', '.join(self.symbols)}), was {symbol!r}")

    def _begin(
        self,
        kind: type[_FAULT],
        text: str,
        *,
        n: int | None = None,
        for_s: float | None = None,
        until: Until = "stopped",
    ) -> _FAULT:
        if n is not None and n < 1:
            raise ValueError(f"n must be at least 1 injection, was {n}")
        if for_s is not None and not 0 < for_s <= 86_400:
            raise ValueError(f"for_s must be above 0 and at most 86400 seconds, was {for_s}")
        if until not in ("stopped", "reconnect", "resubscribe"):
            raise ValueError(f"until must be stopped, reconnect or resubscribe, was {until!r}")
        ends_s = None if for_s is None else self._clock() + for_s
        fault = kind(len(self.faults) + 1, text, n, ends_s, self._order, until, ended=self._ended)
        self.faults.append(fault)
        self._running.append(fault)
        return fault

    def _ended(self, fault: Fault) -> None:
        self._running.remove(fault)
        self._messing = [other for other in self._messing if other is not fault]
        self.is_messing = bool(self._messing)
        self._accepting = [item for item in self._accepting if item[0] is not fault]
        self._connects = [item for item in self._connects if item[0] is not fault]
        self._requests = [item for item in self._requests if item[0] is not fault]
        self._credentials = [other for other in self._credentials if other is not fault]
        self._limits = [item for item in self._limits if item[0] is not fault]
        self._restarts = [item for item in self._restarts if item[0] is not fault]
        if any(item[0] is fault for item in self._skews):
            self._skews = [item for item in self._skews if item[0] is not fault]
            self.skew_ms = self._skews[-1][1] if self._skews else 0
        if any(item[0] is fault for item in self._dripping):
            self._dripping = [item for item in self._dripping if item[0] is not fault]
            rate = self._dripping[-1][1] if self._dripping else None
            for link in self._links:
                link.drip(rate)
        if fault in self._freezing:
            self._freezing.remove(fault)
            if not self._freezing:
                for link in self._links:
                    link.thaw()


def _like(streams: Sequence[Stream], channel: str | None, symbol: str | None) -> Stream:
    """The stream that comes closest to a choice that fits none."""
    return max(streams, key=lambda each: (Selector(channel, symbol).fits(each), Selector(channel).fits(each)))


def _most(n: int | None, for_s: float | None) -> int | None:
    """Once, unless a number or a time is given."""
    return 1 if n is None and for_s is None else n


def _refusal(status: int, retry_after_s: int | None) -> Refusal:
    if not 400 <= status <= 599:
        raise ValueError(f"status must be an HTTP error 400..599, was {status}")
    return Refusal(status, retry_after_s)


def _told(refusal: Refusal) -> str:
    return (
        f"{refusal.status}"
        if refusal.retry_after_s is None
        else f"{refusal.status} retry-after {refusal.retry_after_s}s"
    )
