"""What happens to links between calls, seen without the pool around them."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from pool_clients import Client, Venue
from tradewire.transport.link_keeper import LinkKeeper
from tradewire.transport.policy.routing import Router
from tradewire.transport.pool_settings import PoolSettings
from tradewire.transport.pooled_link import PooledLink
from virtual_time import in_virtual_time, now_ns


class Desk:
    """Stands in for the pool: notes which links became idle."""

    def __init__(self, venue: Venue, **settings: float) -> None:
        self.idle: list[PooledLink[Client]] = []
        self.wanted = False
        random = Random(1)
        self.keeper: LinkKeeper[Client] = LinkKeeper(
            "desk",
            venue.create,
            PoolSettings.of(settings),
            Router(random),
            random=random,
            clock=now_ns,
            to_idle=self.to_idle,
            dispatch=lambda: None,
            wanted=lambda: self.wanted,
        )

    def to_idle(self, link: PooledLink[Client]) -> None:
        link.idle = True
        if link not in self.idle:
            self.idle.append(link)

    async def end(self) -> None:
        await self.keeper.stop()
        self.keeper.close_all()
        await self.keeper.closed()


@in_virtual_time
async def test_the_old_client_is_closed_only_when_the_new_one_is_connected() -> None:
    venue = Venue()
    desk = Desk(venue)
    link = desk.keeper.new_link()
    await desk.keeper.connect(link)
    venue.connect_s = 5.0
    desk.keeper.replace(link)
    desk.keeper.replace(link)
    await asyncio.sleep(4)
    assert not venue.made[0].closed
    await asyncio.sleep(4)
    assert venue.made[0].closed
    assert link.client is venue.made[1]
    assert len(venue.made) == 2, "replaced once"
    assert link.probation_until_ns > now_ns()
    await desk.end()
    assert venue.open == 0


@in_virtual_time
async def test_a_client_in_somebodys_hands_is_left_to_them() -> None:
    venue = Venue()
    desk = Desk(venue)
    link = desk.keeper.new_link()
    await desk.keeper.connect(link)
    link.idle = False
    desk.keeper.replace(link)
    await asyncio.sleep(4)
    assert link.client is venue.made[1]
    assert not venue.made[0].closed
    await venue.made[0].close()
    await desk.end()
    assert venue.open == 0


@in_virtual_time
async def test_a_replacement_during_a_ping_closes_the_old_client_after_it() -> None:
    venue = Venue()
    desk = Desk(venue)
    link = desk.keeper.new_link()
    await desk.keeper.connect(link)
    link.idle = False
    venue.made[0].slow_ping_s = 8.0
    desk.keeper.spawn(desk.keeper.verify(link))
    link.unproven = False
    desk.keeper.replace(link)
    await asyncio.sleep(4)
    assert link.client is venue.made[1]
    assert link.unproven, "the new client has yet to serve"
    assert not venue.made[0].closed, "its ping is under way"
    await asyncio.sleep(20)
    assert venue.made[0].closed
    assert link.idle
    await desk.end()
    assert venue.open == 0


@in_virtual_time
async def test_opening_is_given_up_when_nobody_wants_more() -> None:
    venue = Venue()
    desk = Desk(venue, min_connections=1)
    await desk.keeper.connect(desk.keeper.new_link())
    venue.connect_error = OSError("full")
    desk.wanted = True
    desk.keeper.open(desk.keeper.new_link(), at_once=True)
    await asyncio.sleep(20)
    assert len(desk.keeper.links) == 2
    assert len(venue.made) > 4
    desk.wanted = False
    await asyncio.sleep(60)
    assert len(desk.keeper.links) == 1
    assert desk.keeper.opening == 0
    await desk.end()


@in_virtual_time
async def test_a_pong_proves_service_and_resets_the_backoff() -> None:
    venue = Venue()
    desk = Desk(venue)
    link = desk.keeper.new_link()
    await desk.keeper.connect(link)
    link.backoff.next_delay_ns()
    await desk.keeper.verify(link)
    assert link.backoff.attempts == 0
    assert link.ping_ns == pytest.approx(1_000_000, rel=0.01)
    await desk.end()


@in_virtual_time
async def test_a_client_that_cannot_be_closed_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    class Stuck:
        async def close(self) -> None:
            await asyncio.Event().wait()

    desk = Desk(Venue())
    desk.keeper.close_client(Stuck())  # type: ignore[arg-type]
    await desk.end()
    assert "pool desk: closing a client failed: TimeoutError()" in caplog.text
