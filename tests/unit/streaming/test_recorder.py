"""Recording from a scripted server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from tradewire.errors import SnapshotError
from tradewire.streaming import recorder as recorder_module
from tradewire.streaming.recorder import Recorder
from tradewire.venues.base import Snapshot
from tradewire.venues.registry import load


class Source:
    def __init__(self, frames: Any) -> None:
        self.frames = frames
        self.failures = 0

    async def fetch(self, symbol: str) -> Snapshot:
        if self.failures:
            self.failures -= 1
            raise SnapshotError("no answer")
        return Snapshot(self.frames.snapshot(7), 42, f"{symbol.lower()}@depth")


class Recording:
    def __init__(self, server: Any, frames: Any, random: Random, symbols: list[str], channels: list[str]) -> None:
        self.lines: list[tuple[int, bytes]] = []
        self.source = Source(frames)
        venue = load("binance")
        self.recorder = Recorder(
            venue, symbols, channels, lambda *line: self.lines.append(line), url=server.url, random=random
        )
        self.task = asyncio.create_task(self.recorder.run())

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@pytest.fixture
async def record(wire_server: Any, frames: Any, no_wait: Random, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    made: list[Recording] = []

    def make(symbols: list[str], channels: list[str]) -> Recording:
        recording = Recording(wire_server, frames, no_wait, symbols, channels)
        monkeypatch.setattr(recorder_module.HttpClient, "__init__", lambda self: None)
        monkeypatch.setattr(recorder_module.HttpClient, "close", _nothing)
        venue_class = type(load("binance"))
        monkeypatch.setattr(venue_class, "snapshots", lambda *_: recording.source)
        made.append(recording)
        return recording

    yield make
    for recording in made:
        await recording.stop()


async def _nothing(self: Any) -> None: ...


async def subscription(peer: Any) -> list[str]:
    params: list[str] = json.loads((await peer.read_frame())[1])["params"]
    return params


async def test_frames_are_written_as_they_came(record: Any, wire_server: Any, frames: Any, eventually: Any) -> None:
    recording = record(["btcusdt"], ["trades", "quotes"])
    peer = await wire_server.serve()
    assert await subscription(peer) == ["btcusdt@trade", "btcusdt@bookTicker"]
    sent = [frames.ack(1), frames.trade(1), b'{"anything": [1,\n2]}', frames.quote(1)]
    for frame in sent:
        peer.send_frame(frame)
    await eventually(lambda: len(recording.lines) == len(sent))
    assert [frame for _, frame in recording.lines] == sent
    stamps = [recv_ns for recv_ns, _ in recording.lines]
    assert stamps == sorted(stamps)


async def test_a_snapshot_follows_the_first_diff(record: Any, wire_server: Any, frames: Any, eventually: Any) -> None:
    recording = record(["BTCUSDT"], ["book"])
    recording.source.failures = 2
    peer = await wire_server.serve()
    peer.send_frame(frames.depth(5, 10, 4))
    await eventually(lambda: recording.recorder.snapshots == 1)
    assert recording.lines[-1] == (42, frames.snapshot(7)), "a single symbol's snapshot goes in as it came"
    peer.send_frame(frames.depth(11, 12, 10))
    await eventually(lambda: len(recording.lines) == 3)
    assert recording.recorder.snapshots == 1


async def test_with_several_symbols_snapshots_say_whose_they_are(
    record: Any, wire_server: Any, frames: Any, eventually: Any
) -> None:
    recording = record(["BTCUSDT", "ETHUSDT"], ["book"])
    peer = await wire_server.serve()
    peer.send_frame(frames.depth(5, 10, 4, "ETHUSDT"))
    await eventually(lambda: recording.recorder.snapshots == 1)
    line = json.loads(recording.lines[-1][1])
    assert (line["stream"], line["data"]["lastUpdateId"]) == ("ethusdt@depth", 7)


async def test_a_lost_connection_comes_back_with_a_new_snapshot(
    record: Any, wire_server: Any, frames: Any, eventually: Any
) -> None:
    recording = record(["BTCUSDT"], ["book"])
    for expected in (1, 2):
        peer = await wire_server.serve()
        peer.send_frame(frames.depth(5, 10, 4))
        await eventually(lambda expected=expected: recording.recorder.snapshots == expected)
        peer.writer.transport.abort()
    await eventually(lambda: recording.recorder.reconnects == 2)


async def test_each_route_has_its_connection(record: Any, wire_server: Any) -> None:
    record(["BTCUSDT"], ["trades", "mark_price"])
    peers = [await wire_server.serve() for _ in range(2)]
    assert {peer.path for peer in peers} == {"/public/stream", "/market/stream"}


async def test_an_error_of_the_writer_ends_it(wire_server: Any, frames: Any, no_wait: Random) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    recorder = Recorder(load("binance"), ["BTCUSDT"], ["trades"], full, url=wire_server.url, random=no_wait)
    running = asyncio.create_task(recorder.run())
    peer = await wire_server.serve()
    peer.send_frame(frames.trade(1))
    with pytest.raises(ExceptionGroup):
        await running
