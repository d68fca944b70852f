"""Refused with a time to come back: nothing is sent until then, by request or by handshake, and all is well after."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from faulty_venues import Hasty, Place, is_live, open_venue
from tradewire import StreamingGateway
from tradewire.config import ConfigLoader
from tradewire.sim.session import Session
from tradewire.streaming import ConnectionState
from waiting import until

BAN_S = 2


@pytest.fixture(params=["binance", "binance_spot"])
async def place(request: pytest.FixtureRequest) -> Any:
    async with open_venue(request.param) as opened:
        yield opened


def _note(monkeypatch: pytest.MonkeyPatch, chaos: Any, method: str) -> list[float]:
    """When the venue was asked."""
    times: list[float] = []
    ask = getattr(chaos, method)

    def noted(*args: Any) -> Any:
        times.append(time.monotonic())
        return ask(*args)

    monkeypatch.setattr(chaos, method, noted)
    return times


@pytest.mark.parametrize("status", [418, 429])
async def test_no_request_before_the_ban_ends(place: Place, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place.gateway(symbols=place.symbols[:1], channels=["book"]) as gateway:
        await until(lambda: gateway.book(place.symbols[0]) is not None)
        await until(lambda: gateway.managers[place.venue].clock.known)
        asked = _note(monkeypatch, place.sim.chaos, "request")
        ban = place.sim.chaos.refuse_rest(status, n=1, retry_after_s=BAN_S)
        place.sim.chaos.drop(1, channel="book")
        await until(lambda: ban.injected)
        assert gateway.book(place.symbols[0]) is None
        await until(lambda: gateway.book(place.symbols[0]) is not None)
        refused, next_one = asked[:2]
        # The venue counts the end of a ban in milliseconds of its own clock.
        assert next_one - refused >= BAN_S - 0.005
        assert place.is_exact(gateway), "streams go on meanwhile"


@pytest.mark.parametrize("status", [418, 429])
async def test_no_handshake_before_the_ban_ends(place: Place, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    async with place.gateway(channels=["trades"]) as gateway:
        await until(lambda: is_live(gateway))
        tried = _note(monkeypatch, place.sim.chaos, "handshake")
        ban = place.sim.chaos.refuse_connect(status, n=1, retry_after_s=BAN_S)
        place.sim.chaos.disconnect()
        await until(lambda: ban.injected)
        assert not is_live(gateway)
        await until(lambda: is_live(gateway))
        assert len(tried) == 2
        assert tried[1] - tried[0] >= BAN_S
        assert place.is_exact(gateway)


async def test_no_handshake_before_a_ban_ends_that_only_the_text_of_the_refusal_tells(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = Session.refuse

    def in_words(self: Session, status: int, text: str, retry_after_s: int | None = None) -> None:
        refuse(self, status, f"IP banned until {time.time_ns() // 1_000_000 + 1_000 * BAN_S}.")

    async with place.gateway(channels=["trades"]) as gateway:
        await until(lambda: is_live(gateway))
        tried = _note(monkeypatch, place.sim.chaos, "handshake")
        monkeypatch.setattr(Session, "refuse", in_words)
        ban = place.sim.chaos.refuse_connect(418, n=1)
        place.sim.chaos.disconnect()
        await until(lambda: ban.injected)
        await until(lambda: is_live(gateway))
        assert len(tried) == 2
        assert tried[1] - tried[0] >= BAN_S - 0.005
        assert place.is_exact(gateway)


async def test_after_a_ban_without_an_end_the_venue_is_left_alone_for_two_minutes(place: Place) -> None:
    async with place.gateway(channels=["trades"]) as gateway:
        await until(lambda: is_live(gateway))
        ban = place.sim.chaos.refuse_connect(418, n=1)
        place.sim.chaos.disconnect()
        await until(lambda: ban.injected)
        connections = gateway.managers[place.venue].links
        await until(lambda: connections[0].state is ConnectionState.RECONNECTING)
        assert 110e9 < gateway.managers[place.venue]._rest.held_ns() <= 120e9


async def test_a_ban_of_one_provider_holds_another_one_of_the_same_address(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "streaming.yaml"
    providers = "".join(
        f"""
    - name: {name}
      venue: {place.venue}
      websocket_url: {place.sim.stream_url}
      rest_url: {place.sim.rest_url}
      symbols: [{symbol}]
      subscriptions: [trades]"""
        for name, symbol in zip(("one", "two"), place.symbols, strict=True)
    )
    file.write_text(f"streaming:\n  providers:{providers}\n")
    config = ConfigLoader(file, env={}, env_file=None).load()
    async with StreamingGateway(config, random=Hasty(1)) as gateway:
        await until(lambda: is_live(gateway))
        tried = _note(monkeypatch, place.sim.chaos, "handshake")
        ban = place.sim.chaos.refuse_connect(418, n=1, retry_after_s=BAN_S)
        gateway.managers["one"].links[0].reconnect("test", at_once=True)
        await until(gateway.managers["one"]._rest.held_ns)
        gateway.managers["two"].links[0].reconnect("test", at_once=True)
        await until(lambda: ban.injected and len(tried) == 3)
        await until(lambda: is_live(gateway))
        assert tried[1] - tried[0] >= BAN_S
        assert place.is_exact(gateway)


@pytest.mark.parametrize("told_by", ["request", "handshake"])
async def test_a_ban_holds_every_connection_and_every_request(
    place: Place, told_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was told: after a 418 nothing at all is sent to the venue until its end."""
    async with place.gateway(symbols=place.symbols[:1], channels=["trades", "book"]) as gateway:
        await until(lambda: is_live(gateway) and gateway.managers[place.venue].clock.known)
        handshakes = _note(monkeypatch, place.sim.chaos, "handshake")
        requests = _note(monkeypatch, place.sim.chaos, "request")
        manager = gateway.managers[place.venue]
        if told_by == "request":
            place.sim.chaos.refuse_rest(418, n=1, retry_after_s=BAN_S)
            place.sim.chaos.drop(1, channel="book")
            # Refused is not yet told.
            await until(lambda: manager._rest.held_ns() > 0)
            place.sim.chaos.disconnect()
            first = requests[0]
        else:
            place.sim.chaos.refuse_connect(418, n=1, retry_after_s=BAN_S)
            place.sim.chaos.disconnect()
            await until(lambda: manager._rest.held_ns() > 0)
            snapshot = asyncio.ensure_future(manager.rest().snapshot(place.symbols[0]))
            first = handshakes[0]
        await until(lambda: is_live(gateway))
        if told_by == "handshake":
            await snapshot
        later = sorted(time for time in handshakes + requests if time > first)
        assert handshakes
        assert requests
        assert later[0] - first >= BAN_S - 0.005
