"""A whole venue under faults, seen by plain `websockets` and aiohttp clients over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus

from sim_wires import Inbox
from tradewire.sim import AlpacaSim, BinanceSim, BinanceSpotSim
from tradewire.sim.script import begin

TRADES = "/public/ws/btcusdt@trade"
BOTH = "/public/stream?streams=btcusdt@trade/btcusdt@bookTicker"


@pytest.fixture
async def sim() -> AsyncIterator[BinanceSim]:
    async with BinanceSim(rate=2_000, symbols=("BTCUSDT",)) as sim:
        yield sim


@contextlib.asynccontextmanager
async def _client(sim: BinanceSim, path: str = TRADES) -> AsyncIterator[ClientConnection]:
    async with connect(sim.stream_url + path, proxy=None, compression=None, max_queue=None, ping_interval=None) as one:
        yield one


async def _until(client: ClientConnection, wanted: Callable[[Any], bool]) -> list[Any]:
    got = []
    async with asyncio.timeout(30):
        while not got or not wanted(got[-1]):
            got.append(json.loads(await client.recv()))
    return got


async def _ids(client: ClientConnection, count: int) -> list[int]:
    async with asyncio.timeout(30):
        return [json.loads(await client.recv())["t"] for _ in range(count)]


async def test_mute_leaves_the_rest_alone(sim: BinanceSim) -> None:
    async with _client(sim, BOTH) as client:
        fault = sim.chaos.mute(channel="trades")
        await fault.wait_injected(5)
        await (await client.ping())
        await _until(client, lambda message: message["stream"] == "btcusdt@bookTicker")
        fault.stop()
        await _until(client, lambda message: message["stream"] == "btcusdt@trade")


async def test_dropped_message_is_missing(sim: BinanceSim) -> None:
    async with _client(sim) as client:
        first = (await _ids(client, 1))[0]
        fault = sim.chaos.drop(1, match="trade")
        await fault.wait_over()
        ids = [first, *await _ids(client, 200)]
        assert sum(after - before - 1 for before, after in itertools.pairwise(ids)) == 1


async def test_duplicated_and_reordered_messages(sim: BinanceSim) -> None:
    async with _client(sim) as client:
        await _ids(client, 1)
        await sim.chaos.duplicate(1).wait_over()
        await sim.chaos.reorder(1).wait_over()
        ids = await _ids(client, 400)
        steps = [after - before for before, after in itertools.pairwise(ids)]
        assert sorted(set(steps)) == [-1, 0, 1, 2]
        assert (steps.count(-1), steps.count(0), steps.count(2)) == (1, 1, 2)


async def test_truncated_message_is_a_whole_frame(sim: BinanceSim) -> None:
    async with _client(sim) as client:
        await sim.chaos.truncate(1).wait_over()
        bad = 0
        for _ in range(100):
            text = await client.recv()
            try:
                json.loads(text)
            except ValueError:
                bad += 1
                assert str(text).startswith('{"e":"trade"')
        assert bad == 1


async def test_other_listeners_hear_the_truth(sim: BinanceSim) -> None:
    witness = Inbox(combined=False)
    sim.feed.topics["btcusdt@trade"].add(witness)
    async with _client(sim):
        await sim.chaos.mute().wait_injected(20)
    assert len(witness.out) >= 20


async def test_half_open_hears_and_says_nothing(sim: BinanceSim) -> None:
    async with _client(sim) as client:
        await _ids(client, 1)
        fault = sim.chaos.half_open()
        pong = await client.ping()
        async with _client(sim) as other:
            await _ids(other, 50)  # everybody else is served
        assert not pong.done()
        fault.stop()
        await asyncio.wait_for(pong, 30)
        await _ids(client, 1)


async def test_drip_is_slow_and_loses_nothing(sim: BinanceSim) -> None:
    async with _client(sim) as client:
        await _ids(client, 1)
        fault = sim.chaos.drip(2_000)
        ids = await _ids(client, 30)
        fault.stop()
        ids += await _ids(client, 30)
        assert ids == list(range(ids[0], ids[0] + 60))


async def test_accept_then_close(sim: BinanceSim) -> None:
    fault = sim.chaos.accept_then_close(1)
    with pytest.raises((InvalidMessage, ConnectionError, EOFError)):
        await connect(sim.stream_url + TRADES, proxy=None)
    assert not fault.is_active
    fault = sim.chaos.accept_then_close(1, after="handshake")
    async with _client(sim) as client:
        with pytest.raises(ConnectionClosed):
            await client.recv()
    async with _client(sim) as client:
        await _ids(client, 1)


async def test_refused_handshake_says_when_to_come_back(sim: BinanceSim) -> None:
    sim.chaos.refuse_connect(429, retry_after_s=7)
    with pytest.raises(InvalidStatus) as caught:
        await connect(sim.stream_url + TRADES, proxy=None)
    assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "7")


async def test_connection_limit(sim: BinanceSim) -> None:
    fault = sim.chaos.connection_limit(1)
    async with _client(sim):
        with pytest.raises(InvalidStatus) as caught:
            await connect(sim.stream_url + TRADES, proxy=None)
        assert caught.value.response.status_code == 429
    assert fault.injected == 1


async def test_disconnect(sim: BinanceSim) -> None:
    async with _client(sim) as client:
        await _ids(client, 1)
        assert sim.chaos.disconnect().injected == 1
        with pytest.raises(ConnectionClosed) as caught:
            await _ids(client, 1_000_000)
        assert caught.value.rcvd is None


async def test_refused_calls(sim: BinanceSim) -> None:
    async with aiohttp.ClientSession(sim.rest_url) as session:
        sim.chaos.refuse_rest(418, retry_after_s=3, match="depth")
        async with session.get("/fapi/v1/depth?symbol=BTCUSDT") as response:
            body = await response.json()
            assert (response.status, response.headers["Retry-After"], body["code"]) == (418, "3", -1003)
            assert "banned until" in body["msg"]
        async with session.get("/fapi/v1/depth?symbol=BTCUSDT") as response:
            assert response.status == 200
        sim.chaos.expire_auth(1)
        for expected in (401, 200):
            async with session.get("/fapi/v1/time", headers={"X-MBX-APIKEY": "k"}) as response:
                assert response.status == expected


async def test_skewed_clock(sim: BinanceSim) -> None:
    hour_ms = 3_600_000
    async with _client(sim) as client, aiohttp.ClientSession(sim.rest_url) as session:
        sim.chaos.skew(-hour_ms)
        async with session.get("/fapi/v1/time") as response:
            server_ms = (await response.json())["serverTime"]
        assert abs(time.time_ns() // 1_000_000 - hour_ms - server_ms) < 60_000
        messages = await _until(client, lambda message: message["E"] < server_ms + 60_000)
        assert messages[-1]["T"] <= messages[-1]["E"]


async def test_restart(sim: BinanceSim) -> None:
    async with _client(sim) as client:
        before = await _ids(client, 1)
        urls = (sim.rest_url, sim.stream_url)
        fault = sim.chaos.restart(0.05)
        with pytest.raises(ConnectionClosed) as caught:
            await _ids(client, 1_000_000)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
    await asyncio.wait_for(fault.wait_over(), 30)
    assert (sim.rest_url, sim.stream_url) == urls
    async with _client(sim) as client:
        assert (await _ids(client, 1))[0] > before[0]
    async with aiohttp.ClientSession(sim.rest_url) as session, session.get("/fapi/v1/ping") as response:
        assert response.status == 200


async def test_nobody_is_answered_while_it_is_down(sim: BinanceSim) -> None:
    fault = sim.chaos.restart(3_600)
    with contextlib.suppress(ConnectionError, InvalidMessage, EOFError):
        while True:
            async with _client(sim):
                pass
    assert fault.is_active  # and stopping the venue now leaves nothing behind


async def test_stopped_while_down_leaves_the_ports_free() -> None:
    async with BinanceSim(rate=0) as sim:
        sim.chaos.restart(3_600)
        with contextlib.suppress(ConnectionError, InvalidMessage, EOFError):
            while True:
                async with _client(sim):
                    pass
        port = int(sim.rest_url.rpartition(":")[2])
    async with BinanceSim(rate=0, port=port):
        pass


async def test_script_runs_beside_the_venue() -> None:
    script = "at 1ms drop 2 match trade\nat 50ms refuse-rest 429 1"
    async with (
        BinanceSim(rate=2_000, script=script) as sim,
        _client(sim),
        aiohttp.ClientSession(sim.rest_url) as session,
    ):
        status = 200
        while status != 429:
            async with session.get("/fapi/v1/ping") as response:
                status = response.status
        await asyncio.wait_for(sim.chaos.faults[0].wait_over(), 30)


def test_a_bad_script_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="line 1: fault must be one of"):
        BinanceSim(script="at 1s explode")
    with pytest.raises(ValueError, match=r"line 1: symbol must be one that is listed \(BTCUSDT\), was 'ETHUSDT'"):
        BinanceSim(symbols=("BTCUSDT",), script="mute ETHUSDT")


@pytest.mark.parametrize(
    ("sim", "line", "like"),
    [
        (BinanceSim, "match depht20", "btcusdt@kline_1m"),
        (BinanceSim, "match BTCUSDT@depth", "btcusdt@kline_1m"),
        (BinanceSim, "quotes ETHUSDT match @trade", "ethusdt@bookTicker"),
        (BinanceSpotSim, "mark_price", "btcusdt@kline_1m"),
        (AlpacaSim, "trades match aapl", "AAPL@trades"),
        (AlpacaSim, "corrections BTC/USD", "AAPL@corrections"),
    ],
)
def test_a_choice_that_fits_no_stream_is_refused_at_once(sim: Any, line: str, like: str) -> None:
    said = f"{re.escape(line)} fits no stream; one of its streams is {like}$"
    with pytest.raises(ValueError, match=f"line 2: {said}"):
        sim(script=f"mute trades\nat 1s drop 3 {line}")
    with pytest.raises(ValueError, match=said):
        begin(f"mute {line}", sim().chaos)


@pytest.mark.parametrize("sim", [BinanceSim, BinanceSpotSim, AlpacaSim])
def test_every_stream_that_a_client_can_ask_for_can_be_chosen(sim: Any) -> None:
    chaos = sim().chaos
    for stream in chaos.streams:
        chaos.mute(stream.channel, stream.symbol or None, stream.name)
    assert len(chaos.faults) == len(chaos.streams) > 20


async def test_aggregate_trades_that_were_lost_are_in_the_call(sim: BinanceSim) -> None:
    async with _client(sim, "/market/ws/btcusdt@aggTrade") as client, aiohttp.ClientSession(sim.rest_url) as session:
        async with asyncio.timeout(30):
            before = json.loads(await client.recv())
            await sim.chaos.drop(5, channel="agg_trades").wait_over()
            told = {before["a"]: before}
            while max(told) - min(told) < len(told) + 4:
                message = json.loads(await client.recv())
                told[message["a"]] = message
        query = f"symbol=BTCUSDT&fromId={before['a']}&limit={max(told) - min(told) + 1}"
        async with session.get(f"/fapi/v1/aggTrades?{query}") as response:
            rows = {row["a"]: row for row in await response.json()}
    assert list(rows) == list(range(min(told), max(told) + 1))
    assert all(rows[number][key] == told[number][key] for number in told for key in "pqflTm")


async def test_a_venue_that_cannot_come_back_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    sim = BinanceSim(rate=0)
    await sim.start()

    def taken() -> None:
        raise OSError("address already in use")

    monkeypatch.setattr(sim, "_bind", taken)
    sim.chaos.restart(0.0)
    with pytest.raises(OSError, match="in use"):
        await asyncio.wait_for(sim.wait(), 30)
    with pytest.raises(OSError, match="in use"):
        await sim.stop()


async def test_faults_do_not_hold_up_the_end(sim: BinanceSim) -> None:
    async with _client(sim, BOTH) as dripping, _client(sim, BOTH) as frozen:
        sim.chaos.drip(1)
        sim.chaos.half_open()
        await asyncio.wait_for(sim.stop(), 30)
        for client in (dripping, frozen):
            with pytest.raises(ConnectionClosed):
                await _until(client, lambda _: False)
