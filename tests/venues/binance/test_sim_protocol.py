"""The simulated venue as a stranger sees it: plain `websockets` and aiohttp clients following the protocol sheet.

The books are kept here by the sheet's own steps (section 12), with no code of this project.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import websockets
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Opcode

from sim_wires import Inbox
from tradewire.sim import BinanceSim
from tradewire.sim.binance_streams import StreamLimits

#: The venue and its clients here are no code of the core.
pytestmark = pytest.mark.any_core


@pytest.fixture
async def sim() -> AsyncIterator[BinanceSim]:
    async with BinanceSim(rate=2_000, symbols=("BTCUSDT", "ETHUSDT", "币安人生USDT")) as sim:
        yield sim


def _connect(sim: BinanceSim, path: str) -> connect:
    # Without a bound on its queue, or this client would not see the answer to its own goodbye.
    return connect(sim.stream_url + path, proxy=None, compression=None, max_queue=None)


async def _ask(socket: ClientConnection, **request: object) -> Any:
    """The reply; stream messages that come before it are dropped."""
    await socket.send(json.dumps(request))
    while True:
        message = json.loads(await socket.recv())
        if "id" in message:
            return message


async def _next(socket: ClientConnection, event: str) -> Any:
    while True:
        message = json.loads(await socket.recv())
        payload = message.get("data", message) if isinstance(message, dict) else message
        first = payload[0] if isinstance(payload, list) else payload
        if first.get("e") == event:
            return payload


@pytest.mark.parametrize(
    ("path", "event"),
    [
        ("/public/ws/btcusdt@depth@100ms", "depthUpdate"),
        ("/public/ws/btcusdt@depth20", "depthUpdate"),
        ("/public/ws/btcusdt@trade", "trade"),
        ("/public/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker", "bookTicker"),
        ("/public/ws/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@bookTicker", "bookTicker"),
        ("/market/ws/btcusdt@aggTrade/ethusdt@aggTrade", "aggTrade"),
        ("/market/stream?streams=btcusdt@markPrice@1s", "markPriceUpdate"),
        ("/market/ws/!markPrice@arr@1s", "markPriceUpdate"),
        ("/market/ws/btcusdt@kline_1m", "kline"),
        ("/market/ws/!ticker@arr", "24hrTicker"),
        ("/market/ws/!miniTicker@arr", "24hrMiniTicker"),
        ("/ws/btcusdt@bookTicker", "bookTicker"),
        ("/stream?streams=btcusdt@trade", "trade"),
    ],
)
async def test_url_forms(sim: BinanceSim, path: str, event: str) -> None:
    async with _connect(sim, path) as socket:
        await _next(socket, event)


@pytest.mark.parametrize(
    ("path", "silent"),
    [
        ("/market", "btcusdt@trade"),
        ("/public", "btcusdt@aggTrade"),
        ("", "btcusdt@aggTrade"),
        ("/private", "btcusdt@trade"),
        ("/public", "BTCUSDT@trade"),
        ("/public", "btcusdt@depth@250ms"),
        ("/public", "nothing@trade"),
    ],
)
async def test_wrong_route_or_name_is_acknowledged_and_silent(sim: BinanceSim, path: str, silent: str) -> None:
    """Silence is proved by another connection that hears the market meanwhile."""
    async with _connect(sim, path + "/stream") as socket, _connect(sim, "/public/ws/btcusdt@trade") as witness:
        assert await _ask(socket, method="SUBSCRIBE", params=[silent], id=1) == {"result": None, "id": 1}
        for _ in range(50):
            await witness.recv()
        await socket.send('{"method":"LIST_SUBSCRIPTIONS","id":2}')
        assert json.loads(await socket.recv()) == {"result": [silent], "id": 2}, "nothing came before the reply"


async def test_unknown_path_is_refused(sim: BinanceSim) -> None:
    with pytest.raises(websockets.InvalidStatus):
        await _connect(sim, "/nowhere")


async def test_two_hundred_names_in_one_message(sim: BinanceSim) -> None:
    async with _connect(sim, "/public/stream") as socket:
        names = [f"s{number}usdt@trade" for number in range(200)]
        assert await _ask(socket, method="SUBSCRIBE", params=names, id=1) == {"result": None, "id": 1}
        assert (await _ask(socket, method="LIST_SUBSCRIPTIONS", id=2))["result"] == names


async def test_unsubscribe_stops_the_stream(sim: BinanceSim) -> None:
    async with _connect(sim, "/public/ws/btcusdt@trade") as socket, _connect(sim, "/public/ws/btcusdt@trade") as other:
        await _next(socket, "trade")
        await _ask(socket, method="UNSUBSCRIBE", params=["btcusdt@trade"], id=1)
        for _ in range(20):
            await other.recv()
        await socket.send('{"method":"LIST_SUBSCRIPTIONS","id":2}')
        assert json.loads(await socket.recv()) == {"result": [], "id": 2}


async def test_flood_is_closed_with_1008(sim: BinanceSim) -> None:
    async with _connect(sim, "/public/ws") as socket:
        for number in range(40):
            await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        replies = [json.loads(message)["id"] async for message in _until_closed(socket)]
        assert replies == list(range(len(replies)))
        assert 15 <= len(replies) < 40
    assert (socket.close_code, socket.close_reason) == (1008, "Too many requests")


async def _until_closed(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    try:
        while True:
            yield await socket.recv()
    except websockets.ConnectionClosed:
        return


async def test_server_pings_and_a_client_that_answers_stays() -> None:
    limits = StreamLimits(ping_interval_s=0.01, pong_timeout_s=5.0, messages_per_s=1e6)
    pinged = asyncio.Event()

    class Counting(ClientConnection):
        pings = 0

        def process_event(self, event: Any) -> None:
            if getattr(event, "opcode", None) is Opcode.PING:
                self.pings += 1
                if self.pings == 3:
                    pinged.set()
            super().process_event(event)

    async with (
        BinanceSim(limits=limits) as sim,
        connect(sim.stream_url + "/public/ws", proxy=None, create_connection=Counting) as socket,
    ):
        await pinged.wait()
        assert (await _ask(socket, method="LIST_SUBSCRIPTIONS", id=1))["result"] == []


async def test_reader_that_stops_reading_is_dropped() -> None:
    """The venue's memory stays bounded: what a slow reader does not take is not kept for ever."""
    async with BinanceSim(rate=50_000, limits=StreamLimits(buffer_bytes=100_000)) as sim:
        names = "/".join(f"{name}@{kind}" for name in ("btcusdt", "ethusdt") for kind in ("trade", "bookTicker"))
        async with connect(
            sim.stream_url + f"/public/stream?streams={names}", proxy=None, compression=None, max_queue=1
        ) as socket:
            async with _connect(sim, "/public/ws/btcusdt@trade") as healthy:
                while not sim.streams.slow_readers:
                    await healthy.recv()
            async for _ in _until_closed(socket):
                pass
    assert socket.close_code == 1006


async def test_local_book_by_the_steps_of_the_sheet(sim: BinanceSim) -> None:
    witness = Inbox(combined=False)
    sim.feed.topics["ethusdt@depth20@100ms"].add(witness)
    async with aiohttp.ClientSession() as session, _connect(sim, "/public/ws/ethusdt@depth@100ms") as socket:
        buffered = [await _next(socket, "depthUpdate") for _ in range(3)]
        async with session.get(f"{sim.rest_url}/fapi/v1/depth?symbol=ETHUSDT&limit=1000") as response:
            snapshot = await response.json()
        buffered += [await _next(socket, "depthUpdate") for _ in range(10)]
    last = snapshot["lastUpdateId"]
    partials = {book["u"]: book for book in witness.take()}
    sides = {side: dict(map(tuple, snapshot[name])) for side, name in (("b", "bids"), ("a", "asks"))}
    events = [event for event in buffered if event["u"] >= last]
    assert events[0]["U"] <= last <= events[0]["u"] or events[0]["pu"] == last
    assert all(after["pu"] == before["u"] for before, after in itertools.pairwise(events))
    for event in events:
        for side, levels in sides.items():
            for price, quantity in event[side]:
                if float(quantity):
                    levels[price] = quantity
                else:
                    levels.pop(price, None)
            top = sorted(levels.items(), key=lambda level: float(level[0]), reverse=side == "b")[:20]
            assert top == list(map(tuple, partials[event["u"]][side]))


async def test_events_of_one_kind_come_in_order(sim: BinanceSim) -> None:
    names = "/".join(f"btcusdt@{kind}" for kind in ("trade", "bookTicker", "depth@100ms", "depth5@100ms"))
    times: dict[str, list[int]] = {}
    trade_ids, update_ids = [], []
    async with _connect(sim, f"/public/stream?streams={names}") as socket:
        for _ in range(600):
            message = json.loads(await socket.recv())
            data = message["data"]
            times.setdefault(message["stream"], []).append(data["E"])
            assert data["T"] <= data["E"]
            if data["e"] == "trade":
                trade_ids.append(data["t"])
            elif data["e"] == "bookTicker":
                update_ids.append(data["u"])
    assert set(times) == set(names.split("/"))
    assert all(series == sorted(series) for series in times.values())
    assert trade_ids == list(range(trade_ids[0], trade_ids[0] + len(trade_ids)))
    assert all(before < after for before, after in itertools.pairwise(update_ids))
