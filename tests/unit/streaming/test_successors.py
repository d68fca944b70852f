"""Connections and their successors, on invented time and made-up connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from made_batches import message
from tradewire.core.record import Kind
from tradewire.streaming.events import ConnectionChanged, ConnectionRotated, ConnectionState, SubscriptionRefused
from tradewire.streaming.link import Link
from tradewire.streaming.successors import Successors
from tradewire.telemetry import Counters
from tradewire.venues.base import StreamLimits

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


def trades(*numbers: int) -> Any:
    made = [message(Kind.TRADE, [(100.0, 1.0, number)], symbol=0, seq=number) for number in numbers]
    return np.concatenate(made)


class FakeLink:
    """What a rotation sees of a link."""

    def __init__(self, name: str, owner: Any, opened_ns: int = 0) -> None:
        self.name, self.route = name, ""
        self.owner = owner
        self.opened_ns = opened_ns
        self.state = ConnectionState.CONNECTED
        self.streams: dict[str, None] = {}
        self.refused: set[str] = set()
        self.acknowledged = self.proven = True
        self.started = self.stopped = False
        self.reconnects: list[tuple[str, bool]] = []

    @property
    def wanted(self) -> list[str]:
        return list(self.streams)

    def add(self, stream: str) -> None:
        self.streams[stream] = None

    def discard(self, stream: str) -> None:
        del self.streams[stream]

    def refusal(self, stream: str) -> Any:
        return stream if stream in self.refused else None

    def take_refused(self, link: FakeLink) -> None:
        self.streams |= dict.fromkeys(link.refused)
        self.refused |= link.refused

    def start(self) -> None:
        self.started = True

    async def stop(self, timeout_s: float) -> None:
        self.stopped = True

    def reconnect(self, reason: str, *, at_once: bool = False) -> None:
        self.reconnects.append((reason, at_once))

    def gives(self, batch: Any, unreadable: int = 0) -> None:
        """A socket read."""
        self.owner.on_read(self, SimpleNamespace(batch=batch, error_count=unreadable), 1)


class Provider:
    """A provider with one connection."""

    def __init__(self, *, overlap: bool = True, max_age_s: float | None = 86_400.0) -> None:
        self.limits = StreamLimits(200, 1024, 4.0, 4, max_age_s, None if overlap else 1)
        self.got: list[int] = []
        # Connection, messages of a read that could not be read, and how much had been delivered before.
        self.unreadable: list[tuple[str, int, int]] = []
        self.emitted: list[Any] = []
        self.made: list[FakeLink] = []
        self.counters = Counters()
        self.link = FakeLink("public", self)
        self.link.add("btcusdt@trade")
        self.links = [self.link]
        self.now = 0
        self.rotations = Successors(
            "binance",
            lambda: cast("list[Link]", self.links),
            lambda: self.limits,
            {Kind.TRADE: "contiguous"},
            self.make,
            lambda result, size: [cast(Any, result).batch],
            self.deliver,
            self.on_unreadable,
            self.replace,
            cast(Any, self),
            self.emitted.append,
            self.counters,
            Random(1),
        )

    def make(self, link: Link, owner: Any) -> Link:
        made = FakeLink(link.name, owner, self.now)
        made.acknowledged = made.proven = False
        self.made.append(made)
        return cast(Link, made)

    def on_read(self, link: FakeLink, result: Any, size: int) -> None:
        self.deliver(result.batch)

    def on_unreadable(self, link: Link, result: Any) -> None:
        self.unreadable.append((link.name, result.error_count, len(self.got)))

    def on_other(self, *_: Any) -> None:
        """What no test here asks for."""

    on_payload = on_link = on_refused = on_fatal = on_settled = on_ending = on_other

    def deliver(self, batch: Any) -> None:
        if self.rotations.running:
            self.rotations.delivered(batch)
        self.got += batch["seq"].tolist()

    def replace(self, old: Link, new: Link) -> None:
        self.links[self.links.index(cast(FakeLink, old))] = cast(FakeLink, new)

    def tick(self, now_ns: int) -> None:
        self.now = now_ns
        self.rotations.tick(now_ns, now_ns)

    def begin(self) -> FakeLink:
        """A rotation under way, its successor acknowledged."""
        self.tick(DAY)
        self.tick(DAY)
        made = self.made[-1]
        made.acknowledged = made.proven = True
        return made


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    provider = Provider()
    yield provider
    await provider.rotations.close()


async def test_nothing_happens_before_its_time(provider: Provider) -> None:
    for hour in range(21):
        provider.tick(hour * HOUR)
    assert (provider.made, provider.rotations.running) == ([], None)
    provider.tick(23 * HOUR)
    assert [made.started for made in provider.made] == [True]


async def test_venues_that_end_nothing_are_left_alone() -> None:
    provider = Provider(max_age_s=None)
    provider.tick(100 * DAY)
    assert provider.made == []


async def test_the_successor_takes_over_where_the_other_stopped(provider: Provider) -> None:
    successor = provider.begin()
    assert successor.wanted == ["btcusdt@trade"]
    provider.link.gives(trades(1, 2))
    successor.gives(trades(3, 4))
    provider.tick(DAY + SECOND)
    assert provider.links == [provider.link], "3 may still be on its way"
    provider.link.gives(trades(3))
    successor.gives(trades(5))
    provider.tick(DAY + 2 * SECOND)
    assert provider.links == [successor]
    assert provider.got == [1, 2, 3, 4, 5]
    provider.link.gives(trades(4, 5, 6))
    successor.gives(trades(6))
    assert provider.got == [1, 2, 3, 4, 5, 6], "nobody listens to the old one"
    await asyncio.sleep(0)
    assert provider.link.stopped
    (rotated,) = provider.emitted
    assert isinstance(rotated, ConnectionRotated)
    assert (rotated.connection, rotated.duplicates, rotated.recv_ns) == ("public", 1, DAY + 2 * SECOND)
    assert (provider.counters["rotations"], provider.counters["duplicates"]) == (1, 1)
    provider.tick(DAY + 20 * HOUR)
    assert len(provider.made) == 1, "its age counts from its own opening"


async def test_a_successor_that_lags_repeats_nothing(provider: Provider) -> None:
    successor = provider.begin()
    provider.link.gives(trades(1, 2))
    successor.gives(trades(2))
    provider.link.gives(trades(3, 4))
    provider.tick(DAY + SECOND)
    assert provider.links == [successor]
    successor.gives(trades(3))
    successor.gives(trades(4, 5))
    assert provider.got == [1, 2, 3, 4, 5]
    assert provider.counters["duplicates"] == 3
    provider.tick(DAY + 2 * SECOND)
    assert successor.owner is not provider
    provider.tick(DAY + 3 * SECOND)
    assert successor.owner is provider


async def test_what_cannot_be_read_is_told_once_the_successor_serves(provider: Provider) -> None:
    successor = provider.begin()
    successor.gives(trades(1), unreadable=1)
    provider.link.gives(trades(1))
    provider.tick(DAY + SECOND)
    assert (provider.links, provider.unreadable) == ([successor], []), "the connection that served gives it as well"
    successor.gives(trades(2), unreadable=3)
    provider.link.gives(trades(2), unreadable=2)
    assert (provider.got, provider.unreadable) == ([1, 2], [("public", 3, 1)])


async def test_subscriptions_made_meanwhile_are_followed(provider: Provider) -> None:
    successor = provider.begin()
    provider.link.add("ethusdt@trade")
    provider.link.discard("btcusdt@trade")
    provider.tick(DAY + 1)
    assert successor.wanted == ["ethusdt@trade"]


async def test_what_is_refused_is_the_successors_only_when_it_serves(provider: Provider) -> None:
    provider.link.add("ethusdt@trade")
    provider.link.add("x@trade")
    provider.link.refused = {"x@trade"}
    successor = provider.begin()
    assert successor.wanted == ["btcusdt@trade", "ethusdt@trade"], "with x it would be refused as a whole"
    provider.link.refused |= {"ethusdt@trade"}
    successor.acknowledged = False
    provider.tick(DAY + 1)
    assert successor.wanted == ["btcusdt@trade", "ethusdt@trade"], "asked for already"
    successor.acknowledged = True
    assert provider.rotations.lost(cast(Link, provider.link), 5)
    assert (successor.wanted, successor.refused) == (provider.link.wanted, provider.link.refused)


async def test_a_subscription_made_just_before_a_loss_is_not_forgotten(provider: Provider) -> None:
    successor = provider.begin()
    provider.link.add("ethusdt@trade")
    assert provider.rotations.lost(cast(Link, provider.link), 5)
    assert successor.wanted == provider.link.wanted


async def test_a_loss_meanwhile_hands_over_at_once(provider: Provider) -> None:
    successor = provider.begin()
    provider.link.gives(trades(1, 2))
    successor.gives(trades(3))
    assert provider.rotations.lost(cast(Link, provider.link), 5)
    assert (provider.links, provider.got) == ([successor], [1, 2, 3])


async def test_a_loss_before_the_successor_serves_is_an_ordinary_loss(provider: Provider) -> None:
    successor = provider.begin()
    successor.proven = False
    assert not provider.rotations.lost(cast(Link, provider.link), 5)
    assert provider.links == [provider.link]
    await asyncio.sleep(0)
    assert successor.stopped
    assert provider.counters["rotations_abandoned"] == 1
    assert not provider.rotations.lost(cast(Link, provider.link), 5)


async def test_an_abandoned_attempt_is_made_again_later(provider: Provider) -> None:
    first = provider.begin()
    first.acknowledged = False
    provider.tick(DAY + 31 * SECOND)
    assert not provider.rotations.running
    provider.tick(DAY + 60 * SECOND)
    assert provider.made == [first]
    provider.tick(DAY + 92 * SECOND)
    assert len(provider.made) == 2


async def test_what_a_lost_successor_gave_is_not_delivered(provider: Provider) -> None:
    successor = provider.begin()
    successor.gives(trades(7))
    event = ConnectionChanged("binance", "public", ConnectionState.RECONNECTING, "lost", 1, 0, 0)
    successor.owner.on_link(successor, event)
    provider.link.gives(trades(1))
    successor.gives(trades(1, 2))
    provider.tick(DAY + SECOND)
    assert provider.got == [1, 2]


async def test_what_a_successor_is_refused_is_told(provider: Provider) -> None:
    successor = provider.begin()
    refused = SubscriptionRefused("binance", "public", ("x",), 2, "no", 0)
    successor.owner.on_refused(refused)
    assert provider.emitted == [refused]


async def test_without_overlap_the_connection_is_renewed_by_itself() -> None:
    provider = Provider(overlap=False)
    provider.tick(DAY)
    assert provider.made == []
    assert [at_once for _, at_once in provider.link.reconnects] == [True]
    assert provider.counters["rotations"] == 1


async def test_one_at_a_time(provider: Provider) -> None:
    provider.links.append(FakeLink("market", provider))
    provider.begin()
    provider.tick(DAY + 1)
    assert [made.name for made in provider.made] == ["public"]
    provider.made[0].gives(trades(1))
    provider.link.gives(trades(1))
    provider.tick(DAY + 2)
    provider.tick(DAY + 3)
    assert [made.name for made in provider.made] == ["public", "market"]


async def test_asked_for_by_the_venue(provider: Provider) -> None:
    provider.rotations.ask(cast(Link, provider.link), "the venue shuts this server down")
    provider.tick(1)
    assert len(provider.made) == 1
    await provider.rotations.close()
    assert provider.made[0].stopped


async def test_a_connection_that_is_not_there_is_not_renewed(provider: Provider) -> None:
    provider.rotations.ask(cast(Link, provider.link), "x")
    provider.link.state = ConnectionState.RECONNECTING
    provider.tick(1)
    assert provider.made == []
