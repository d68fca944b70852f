"""What simulators' faults, streams and sessions meet: a stream, a connection, a listener, a transport; no network."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from tradewire.sim.binance_feed import Feed
from tradewire.sim.binance_spot_feed import SpotFeed


@dataclass(frozen=True)
class Named:
    """A stream."""

    name: str = "btcusdt@trade"
    channel: str = "trades"
    symbol: str = "BTCUSDT"


@dataclass(eq=False)
class Wire:
    """A connection that remembers what was done to it."""

    got: list[bytes] = field(default_factory=list)
    is_frozen: bool = False
    is_aborted: bool = False
    bytes_per_s: float | None = None

    def put(self, message: bytes) -> None:
        self.got.append(message)

    def freeze(self) -> None:
        self.is_frozen = True

    def thaw(self) -> None:
        self.is_frozen = False

    def drip(self, bytes_per_s: float | None) -> None:
        self.bytes_per_s = bytes_per_s

    def abort(self) -> None:
        self.is_aborted = True


@dataclass(eq=False)
class Inbox:
    """A listener of Binance topics that reads its frames back; combined messages carry the name of their stream."""

    combined: bool = True
    out: list[bytes] = field(default_factory=list)

    def take(self) -> list[Any]:
        """The messages since the last time."""
        frames, self.out = self.out, []
        return [json.loads(frame[{126: 4, 127: 10}.get(frame[1], 2) :]) for frame in frames]


class Pipe(asyncio.Transport):
    """Keeps what a session writes.

    Attributes:
        backlog: bytes that the peer has not read.
        ends: `close` and `abort`, in the order of the calls.
    """

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.backlog = 0
        self.ends: list[str] = []

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.backlog

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...

    def close(self) -> None:
        self.ends.append("close")

    def abort(self) -> None:
        self.ends.append("abort")


def strict(text: str) -> Any:
    """JSON in which no key comes twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), f"a key twice in {text}"
        return dict(pairs)

    return json.loads(text, object_pairs_hook=once)


def run_feed(feed: Feed | SpotFeed, inbox: Inbox, milliseconds: int, rate: float = 1_000.0) -> list[tuple[str, Any]]:
    """Turns the clock in steps of 5 ms; what was received, as (stream, data)."""
    received = []
    begin, count = feed.market.now_ms, feed.market.messages
    for elapsed in range(5, milliseconds + 1, 5):
        feed.advance(begin + elapsed, int(elapsed * rate / 1000) - (feed.market.messages - count))
        received += [(item["stream"], item["data"]) for item in inbox.take()]
    return received
