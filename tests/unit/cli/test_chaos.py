"""When faults are injected, and when they count as healed. The venues' own part: tests/unit/sim."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.cli import chaos
from tradewire.cli.chaos import ACTS, Act, Chaos
from tradewire.cli.story import Line
from tradewire.core import wall_ns
from tradewire.sim import BinanceSim, BinanceSpotSim
from tradewire.sim.script import Script
from tradewire.streaming import ConnectionChanged, FeedState, Resynced, StreamingGateway
from tradewire.streaming.events import ConnectionState
from tradewire.streaming.incidents import IncidentKind


class Venue:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def begin(self, line: str) -> None:
        self.faults.append(line)


CUT = Act(0, "binance", "disconnect", "cut", IncidentKind.CONNECTED)
LOSE = Act(0, "binance", "drop 3 book {0}", "{0} and {1} lose", IncidentKind.RESYNCED, "book", 3.0)


def live() -> StreamingGateway:
    gateway = StreamingGateway(symbols=["BTCUSDT"], channels=["trades"])
    for feed in gateway.feeds():
        feed.state, feed.messages = FeedState.LIVE, 1
    return gateway


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos, "_LOOK_S", 0.001)
    monkeypatch.setattr(chaos, "_PATIENCE_S", 0.01)


async def test_a_fault_is_open_until_the_gateway_is_over_it() -> None:
    gateway, venue, lines = live(), Venue(), list[Line]()
    faults = Chaos(gateway, {"binance": venue}, ["BTCUSDT"], lines.append, acts=[CUT, LOSE])
    await faults.run()
    assert venue.faults == ["disconnect", "drop 3 book BTCUSDT"]
    assert [(line.word, line.where, line.what) for line in lines] == [
        ("fault", "binance", "cut"),
        ("fault", "binance", "BTCUSDT and BTCUSDT lose"),
    ]
    assert faults.open == ["binance: cut", "binance: BTCUSDT and BTCUSDT lose"]
    emit = gateway.managers["binance"]._emit
    for state in (ConnectionState.RECONNECTING, ConnectionState.CONNECTED):
        emit(ConnectionChanged("binance", "public", state, "", 1, 0, wall_ns()))
    assert faults.open == ["binance: BTCUSDT and BTCUSDT lose"]
    for venue_name in ("binance_spot", "binance_spot", "binance"):
        emit(Resynced(venue_name, "book", "BTCUSDT", 1, 1, wall_ns()))
    assert faults.open, "the first time is no resync, and another venue's proves nothing"
    emit(Resynced("binance", "book", "BTCUSDT", 1, 1, wall_ns()))
    assert faults.open == []
    faults.finish()
    gateway.feeds()[0].state = FeedState.STALE
    assert faults.open == ["trades of BTCUSDT is stale"]
    assert (faults.injected, faults.open_at_end) == (2, [])


async def test_what_could_not_be_healed_in_time_is_not_injected() -> None:
    venue = Venue()
    faults = Chaos(live(), {"binance": venue}, ["BTCUSDT"], lambda _: None, acts=[LOSE, CUT], seconds=3.5)
    await faults.run()
    assert venue.faults == ["drop 3 book BTCUSDT"], "the cut takes 4 s"


async def test_it_waits_until_all_is_live(eventually: Any) -> None:
    import asyncio

    gateway, venue = live(), Venue()
    gateway.feeds()[0].state = FeedState.SYNCING
    faults = Chaos(gateway, {"binance": venue}, ["BTCUSDT"], lambda _: None, acts=[CUT], repeat=True)
    task = asyncio.create_task(faults.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert venue.faults == []
    gateway.feeds()[0].state = FeedState.LIVE
    await eventually(lambda: len(venue.faults) >= 3)
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.fault)
def test_the_venues_understand_every_act(act: Act) -> None:
    sim = {"binance": BinanceSim, "binance_spot": BinanceSpotSim}[act.venue](rate=0)
    assert Script.parse(act.fault.format("BTCUSDT", "ETHUSDT"), sim.chaos.channels).steps
    assert act.at_s >= 0
