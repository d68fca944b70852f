"""Every fault of the simulators, begun by its script line, on every venue: seen by plain `websockets` and aiohttp.

What the faults decide is tested in `unit/sim`; here, that each does on each venue's own wire what the how-to says.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from tradewire.sim import AlpacaSim, BinanceSim, BinanceSpotSim
from tradewire.sim.faults import Fault
from tradewire.sim.script import begin

KEYS = {"APCA-API-KEY-ID": "k", "APCA-API-SECRET-KEY": "s", "X-MBX-APIKEY": "k"}
HOUR_MS = 3_600_000
Sim = AlpacaSim | BinanceSim | BinanceSpotSim


@dataclass(frozen=True)
class Tick:
    """A trade, a quote, or a message that nobody can read."""

    channel: str
    number: int = 0
    event_ms: int = 0


class Guest:
    """A client of a venue that hears trades and quotes of one symbol."""

    def __init__(self, socket: ClientConnection, read: Callable[[Any], list[Tick]]) -> None:
        self.socket = socket
        self._read = read

    async def hear(self) -> list[Tick]:
        async with asyncio.timeout(30):
            text = await self.socket.recv()
        try:
            return self._read(json.loads(text))
        except ValueError:
            return [Tick("broken")]

    async def hear_until(self, wanted: Callable[[list[Tick]], bool]) -> list[Tick]:
        got: list[Tick] = []
        while not wanted(got):
            got += await self.hear()
        return got

    async def trades(self, count: int) -> list[int]:
        return _trades(await self.hear_until(lambda got: len(_trades(got)) >= count))

    async def trades_up_to(self, number: int) -> list[int]:
        return _trades(await self.hear_until(lambda got: any(trade >= number for trade in _trades(got))))


def _trades(ticks: list[Tick]) -> list[int]:
    return [tick.number for tick in ticks if tick.channel == "trades"]


@dataclass(frozen=True)
class Place:
    """A venue, and how its protocol sheet says that one talks to it."""

    command: str
    make: Callable[[], Sim]
    symbol: str
    path: str
    call: str
    read: Callable[[Any], list[Tick]]
    unauthorized: int
    clock_ms: Callable[[Any], int]
    subscribe: str = ""

    def newest(self, sim: Sim) -> int:
        if isinstance(sim, AlpacaSim):
            return sim.feed.tapes[self.symbol].prints[-1].trade_id
        return sim.feed.market.pits[self.symbol].history.trades[-1].trade_id

    def connect(self, sim: Sim) -> connect:
        return connect(
            sim.stream_url + self.path,
            proxy=None,
            compression=None,
            max_queue=None,
            ping_interval=None,
            additional_headers=KEYS,
        )

    @contextlib.asynccontextmanager
    async def guest(self, sim: Sim) -> AsyncIterator[Guest]:
        async with self.connect(sim) as socket:
            if self.subscribe:
                await socket.send(self.subscribe)
            guest = Guest(socket, self.read)
            await guest.trades(1)
            yield guest

    async def ask(self, sim: Sim) -> tuple[int, dict[str, str], Any]:
        async with aiohttp.ClientSession(sim.rest_url, headers=KEYS) as session, session.get(self.call) as response:
            return response.status, dict(response.headers), await response.json()


def _of_binance(message: Any) -> list[Tick]:
    data = message["data"]
    if message["stream"].endswith("@trade"):
        return [Tick("trades", data["t"], data["E"])]
    return [Tick("quotes")] if message["stream"].endswith("@bookTicker") else []


def _of_alpaca(messages: Any) -> list[Tick]:
    trades = [Tick("trades", each["i"], _ms(each["t"])) for each in messages if each["T"] == "t"]
    return trades + [Tick("quotes") for each in messages if each["T"] == "q"]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1_000)


STREAMS = "/stream?streams=btcusdt@trade/btcusdt@bookTicker"
PLACES = [
    Place(
        "binance",
        lambda: BinanceSim(rate=600, symbols=("BTCUSDT",)),
        "BTCUSDT",
        "/public" + STREAMS,
        "/fapi/v1/time",
        _of_binance,
        401,
        lambda body: int(body["serverTime"]),
    ),
    Place(
        "binance_spot",
        lambda: BinanceSpotSim(rate=600, symbols=("BTCUSDT",)),
        "BTCUSDT",
        STREAMS,
        "/api/v3/time",
        _of_binance,
        401,
        lambda body: int(body["serverTime"]),
    ),
    Place(
        "alpaca",
        lambda: AlpacaSim(rate=600, symbols=("AAPL",)),
        "AAPL",
        "/v2/iex",
        "/v2/stocks/AAPL/trades/latest",
        _of_alpaca,
        403,
        lambda body: _ms(body["trade"]["t"]),
        '{"action":"subscribe","trades":["AAPL"],"quotes":["AAPL"]}',
    ),
]
everywhere = pytest.mark.parametrize("place", PLACES, ids=lambda place: place.command)


def _begin(line: str, sim: Sim) -> Fault:
    fault = begin(line, sim.chaos)
    assert fault is not None
    return fault


async def _over(fault: Fault) -> None:
    await asyncio.wait_for(fault.wait_over(), 30)


@everywhere
async def test_mute_but_pinging(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        newest = place.newest(sim)
        fault = _begin(f"mute trades {place.symbol}", sim)
        await asyncio.wait_for(fault.wait_injected(5), 30)
        await asyncio.wait_for(await guest.socket.ping(), 30)
        got = await guest.hear_until(lambda got: sum(tick.channel == "quotes" for tick in got) >= 50)
        assert all(number <= newest for number in _trades(got))
        fault.stop()
        numbers = await guest.trades_up_to(newest + 1)
        assert next(number for number in numbers if number > newest) == newest + fault.injected + 1


@everywhere
async def test_drop(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        before = (await guest.trades(1))[-1]
        await _over(_begin("drop 3 trades", sim))
        numbers = await guest.trades_up_to(place.newest(sim) + 1)
        assert numbers == sorted(set(numbers))
        assert numbers[-1] - before - len(numbers) == 3


@everywhere
async def test_duplicate(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        await _over(_begin("duplicate 2 trades", sim))
        numbers = await guest.trades_up_to(place.newest(sim) + 1)
        assert numbers == sorted(numbers)
        assert len(numbers) - len(set(numbers)) == 2


@everywhere
async def test_reorder(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        await _over(_begin("reorder 1 trades", sim))
        numbers = await guest.trades_up_to(place.newest(sim) + 1)
        assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1)), "nothing is lost"
        assert sum(after < before for before, after in itertools.pairwise(numbers)) == 1


@everywhere
async def test_truncate(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        await _over(_begin("truncate 2 quotes", sim))
        end = place.newest(sim) + 1
        got = await guest.hear_until(lambda got: any(number >= end for number in _trades(got)))
        assert sum(tick.channel == "broken" for tick in got) == 2


@everywhere
async def test_slow_drip(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        before = (await guest.trades(1))[-1]
        fault = _begin("drip 4000", sim)
        numbers = await guest.trades(30)
        assert place.newest(sim) - numbers[-1] > 60, "far behind"
        fault.stop()
        numbers += await guest.trades_up_to(place.newest(sim) + 1)
        assert numbers == list(range(before + 1, numbers[-1] + 1)), "nothing is lost"


@everywhere
async def test_half_open(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        fault = _begin("half-open", sim)
        pong = asyncio.ensure_future(await guest.socket.ping())
        async with place.guest(sim) as other:
            await other.trades(50)  # who comes again is served
        assert not pong.done()
        fault.stop()
        await asyncio.wait_for(pong, 30)


@everywhere
async def test_disconnect(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        _begin("disconnect", sim)
        with pytest.raises(ConnectionClosed) as caught:
            await guest.trades(1_000_000)
        assert caught.value.rcvd is None, "no goodbye"


@everywhere
async def test_accept_then_close(place: Place) -> None:
    async with place.make() as sim:
        _begin("accept-then-close 1", sim)
        with pytest.raises((InvalidMessage, ConnectionError, EOFError)):
            await place.connect(sim)
        _begin("accept-then-close 1 after handshake", sim)
        async with place.connect(sim) as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 30)
        async with place.guest(sim):
            pass


@everywhere
@pytest.mark.parametrize("status", [429, 418])
async def test_refusals_with_retry_after(place: Place, status: int) -> None:
    async with place.make() as sim:
        _begin(f"refuse-rest {status} 1 retry-after 7s", sim)
        told, headers, _ = await place.ask(sim)
        assert (told, headers["Retry-After"]) == (status, "7")
        assert (await place.ask(sim))[0] == 200
        _begin(f"refuse-connect {status} 1 retry-after 9s", sim)
        with pytest.raises(InvalidStatus) as caught:
            await place.connect(sim)
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (status, "9")
        async with place.guest(sim):
            pass


@everywhere
async def test_expired_auth(place: Place) -> None:
    async with place.make() as sim:
        fault = _begin("expire-auth", sim)
        assert (await place.ask(sim))[0] == place.unauthorized
        if place.command == "alpaca":  # Binance's market streams ask for no key
            async with place.connect(sim) as socket:
                said = [json.loads(await asyncio.wait_for(socket.recv(), 30))[0] for _ in range(2)]
            assert (said[-1]["T"], said[-1]["code"]) == ("error", 402)
        fault.stop()
        assert (await place.ask(sim))[0] == 200
        async with place.guest(sim):
            pass


@everywhere
async def test_connection_limit(place: Place) -> None:
    async with place.make() as sim, place.guest(sim):
        fault = _begin("connection-limit 1", sim)
        if place.command == "alpaca":
            async with place.connect(sim) as socket:
                said = [json.loads(await asyncio.wait_for(socket.recv(), 30))[0] for _ in range(2)]
            assert (said[-1]["T"], said[-1]["code"]) == ("error", 406)
        else:
            with pytest.raises(InvalidStatus) as caught:
                await place.connect(sim)
            assert caught.value.response.status_code == 429
        assert fault.injected == 1


@everywhere
async def test_server_restart(place: Place) -> None:
    async with place.make() as sim:
        urls = (sim.rest_url, sim.stream_url)
        async with place.guest(sim) as guest:
            before = place.newest(sim)
            fault = _begin("restart 100ms", sim)
            with pytest.raises(ConnectionClosed) as caught:
                await guest.trades(1_000_000)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001, "going away"
        await _over(fault)
        assert (sim.rest_url, sim.stream_url) == urls
        assert (await place.ask(sim))[0] == 200
        async with place.guest(sim) as guest:
            assert (await guest.trades(1))[0] > before, "the market went on"


@everywhere
async def test_clock_skew(place: Place) -> None:
    async with place.make() as sim, place.guest(sim) as guest:
        fault = _begin("skew -1h", sim)
        limit_ms = time.time_ns() // 1_000_000 - HOUR_MS // 2
        await guest.hear_until(lambda got: any(0 < tick.event_ms < limit_ms for tick in got))
        assert place.clock_ms((await place.ask(sim))[2]) < limit_ms
        fault.stop()
        await guest.hear_until(lambda got: any(tick.event_ms > limit_ms for tick in got))
        assert place.clock_ms((await place.ask(sim))[2]) > limit_ms


@everywhere
def test_the_command_runs_a_script(place: Place, tmp_path: Path) -> None:
    script = tmp_path / "faults.txt"
    script.write_text("mute trades for 1h\nat 1ms refuse-rest 418 retry-after 20s for 1h\nat 1h restart")
    command = [sys.executable, "-m", "tradewire", "sim", place.command, "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        rest = child.stdout.readline().removeprefix("REST ").strip()
        begun: list[str] = []
        while len(begun) < 2:
            with urllib.request.urlopen(f"{rest}/sim/chaos", timeout=20) as answer:  # noqa: S310 - loopback
                begun = [fault["fault"] for fault in json.load(answer)]
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(rest + place.call, timeout=20)  # noqa: S310 - loopback
        caught.value.close()
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0
    assert begun == ["mute trades", "refuse-rest 418 retry-after 20s"]
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (418, "20")
