"""Scoreboard row 20: memory that consumers, peers and answers may take is bounded: slow consumers, bombs, drips."""

from __future__ import annotations

import asyncio
import gc
import gzip
import importlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from faulty_venues import Hasty
from tradewire import StreamingGateway, core
from tradewire.core.record import RECORD
from tradewire.errors import FeedConnectionError
from tradewire.sim import SimProcess
from tradewire.streaming.pipeline import RING_CAPACITY
from tradewire.transport.http import HttpClient
from waiting import until

if TYPE_CHECKING:
    from campaign import Campaign

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc"),
]
MEBI = 1 << 20
#: An event object, its floats and its place in a queue, generously.
EVENT_BYTES = 700
CAPACITY = 5_000


def _resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


# slow consumers


async def test_a_slow_consumer_costs_what_was_configured(campaign: Campaign) -> None:
    """Four consumers of each sort, all at most at a tenth of the venue's rate, one of them asleep."""
    seconds = campaign.size(3, 60)
    # The pure core is not asked for speed.
    rate = 4_000 if core.IMPLEMENTATION == "native" else 800
    woken = asyncio.Event()
    processed = {"task": 0, "thread": 0}

    async def slow_task(_: Any) -> None:
        processed["task"] += 1
        if not woken.is_set():
            await asyncio.sleep(20 / rate)

    def slow_thread(_: Any) -> None:
        processed["thread"] += 1
        if not woken.is_set():
            time.sleep(20 / rate)

    with SimProcess(symbols=("BTCUSDT", "ETHUSDT"), rate=rate, seed=campaign.seed % 1000) as sim:
        gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url, queue_capacity=CAPACITY)
        symbols = ["BTCUSDT", "ETHUSDT"]
        tasks = [gateway.subscribe(channel, symbols, slow_task) for channel in ("trades", "quotes")]
        threads = [gateway.subscribe(channel, symbols, slow_thread, offload=True) for channel in ("trades", "quotes")]
        events, batches = gateway.events(), gateway.batches()
        async with gateway:
            await until(lambda: gateway.counters["messages"] > rate / 2)
            before, began = _resident(), gateway.counters["messages"]
            end = time.monotonic() + seconds
            peak = before
            while time.monotonic() < end:
                await asyncio.sleep(0.25)
                peak = max(peak, _resident())
                assert events.queue.waiting <= CAPACITY + 100
            delivered = gateway.counters["messages"] - began
            mute = sim.chaos.begin("mute")
            still = -1
            while still != (still := gateway.counters["messages"]):  # noqa: ASYNC110 - nothing tells that no more comes
                await asyncio.sleep(0.3)
            woken.set()
            received = gateway.counters["messages.trade"] + gateway.counters["messages.quote"]
            for name, group in (("task", tasks), ("thread", threads)):
                await until(lambda name=name, group=group: processed[name] + _lost(group) == received, 60)
                assert sum(one.stats.calls for one in group if one.stats) <= received
            # Asleep: what waits was never taken.
            of_events = events.queue
            market = of_events.waiting - of_events._kept_held
            assert market + of_events.dropped + of_events.conflated == received
            held = batches.queue
            assert held.waiting <= CAPACITY
            in_queue = sum(int(((batch["flags"] & core.record.MORE) == 0).sum()) for batch in held._batches)
            assert in_queue + held.dropped == gateway.counters["messages"]
            lost = _lost(tasks) + _lost(threads)
            assert lost > 0
            mute.stop()
    bound = 4 * CAPACITY * EVENT_BYTES + (RING_CAPACITY + 4 * CAPACITY) * RECORD.itemsize
    assert peak - before <= bound * 1.1, f"{(peak - before) / MEBI:.1f} MiB more"
    campaign.passed(
        20,
        received,
        f"{seconds} s, {delivered / seconds:,.0f} messages/s to consumers of a tenth of that: memory grew by "
        f"{(peak - before) / MEBI:.1f} MiB of {bound / MEBI:.0f} allowed; received == taken + dropped + conflated",
    )


def _lost(group: list[Any]) -> int:
    return sum(one.dropped for one in group)


# bombs and drips


async def _write(peer: Any, chunk: bytes, times: int) -> None:
    """As much as the other side takes; it may hang up, which is what it should do."""
    try:
        for _ in range(times):
            peer.send(chunk)
            async with asyncio.timeout(2):
                await peer.writer.drain()
    except (OSError, TimeoutError):
        pass


async def _huge_frame(peer: Any, _: Any) -> None:
    peer.send(b"\x81\x7f" + (1 << 40).to_bytes(8, "big"))
    await _write(peer, b"x" * MEBI, 64)


async def _endless_fragments(peer: Any, wire: Any) -> None:
    peer.send(b"\x01\x7e\xff\xff" + b"x" * 0xFFFF)
    await _write(peer, b"\x00\x7e\xff\xff" + b"x" * 0xFFFF, 1000)


async def _unread_pongs(peer: Any, wire: Any) -> None:
    """Pings without end by a peer that never reads the answers."""
    peer.reader._transport.pause_reading()
    await _write(peer, wire.frame(b"p" * 125, 9) * 2_000, 200)


async def _drip(peer: Any, _: Any) -> None:
    """A message that never ends, byte by byte."""
    peer.send(b"\x81\x7f" + (1 << 20).to_bytes(8, "big"))
    await _write(peer, b"x", 2_000)


async def _many_bad_messages(peer: Any, wire: Any) -> None:
    await _write(peer, wire.frame(b'{"stream":"btcusdt@trade","data":' + b"[" * 500) * 100, 40)


BOMBS: list[Callable[[Any, Any], Awaitable[None]]] = [
    _huge_frame,
    _endless_fragments,
    _unread_pongs,
    _drip,
    _many_bad_messages,
]


async def _bomb(wire: Any, bomb: Callable[[Any, Any], Awaitable[None]]) -> None:
    server = wire.WireServer()
    await server.start()
    gateway = StreamingGateway(url=server.url, symbols=["BTCUSDT"], channels=["trades"], random=Hasty(1))
    try:
        async with gateway:
            await bomb(await server.serve(), wire)
    finally:
        await server.stop()


async def _endless_head(wire: Any) -> None:
    server = wire.WireServer()
    await server.start()
    gateway = StreamingGateway(url=server.url, symbols=["BTCUSDT"], channels=["trades"], random=Hasty(1))
    try:
        async with gateway:
            peer = await server.accept()
            await _write(peer, b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * MEBI, 64)
    finally:
        await server.stop()


async def _http(body: bytes, head: bytes, times: int) -> None:
    """An answer without end, or one that inflates without end."""
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        try:
            for _ in range(times):
                writer.write(body)
                async with asyncio.timeout(2):
                    await writer.drain()
        except (OSError, TimeoutError):
            pass
        writer.transport.abort()
        over.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with HttpClient(max_body=4 * MEBI) as http:
        with pytest.raises(FeedConnectionError):
            await http.get(f"http://127.0.0.1:{port}/x")
    server.close()
    await asyncio.wait_for(over.wait(), 20)


async def test_bombs_and_drips_take_bounded_memory(campaign: Campaign) -> None:
    """What a message may take (1 MiB), an answer (4 MiB, 16 inflated) and the buffers of both sides, not more."""
    wire: Any = importlib.import_module("unit.conftest")
    zeros = gzip.compress(b"\0" * (256 * MEBI), 9)
    kinds: list[tuple[str, Callable[[], Awaitable[None]]]] = [
        *((bomb.__name__, lambda bomb=bomb: _bomb(wire, bomb)) for bomb in BOMBS),  # type: ignore[misc]
        ("endless head", lambda: _endless_head(wire)),
        ("endless body", lambda: _http(b"x" * MEBI, b"Connection: close\r\n", 64)),
        ("gzip bomb", lambda: _http(zeros, b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(zeros), 1)),
    ]
    for _, attack in kinds[:1] + kinds[-1:]:
        await attack()  # what is loaded once is no growth
    worst = 0
    trials = campaign.size(len(kinds), 30)
    bound = 32 * MEBI
    for trial in range(trials):
        name, attack = kinds[trial % len(kinds)]
        before = peak = _resident()
        done = asyncio.ensure_future(attack())
        while not done.done():
            await asyncio.wait([done], timeout=0.02)
            peak = max(peak, _resident())
        await done
        worst = max(worst, peak - before)
        assert peak - before <= bound * 1.1, f"{name}: {(peak - before) / MEBI:.1f} MiB"
    campaign.passed(20, trials, f"bombs and drips: at most {worst / MEBI:.1f} MiB of {bound // MEBI} allowed")
