"""Recording from a scripted server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from tradewire.errors import QueryError
from tradewire.streaming import recorder as recorder_module
from tradewire.streaming.recorder import Recorder
from tradewire.venues.base import RestPayload
from tradewire.venues.registry import load


class Source:
    def __init__(self, frames: Any) -> None:
        self.frames = frames
        self.failures = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = 0

    async def snapshot(self, symbol: str) -> RestPayload:
        self.asked += 1
        await self.answers.wait()
        if self.failures:
            self.failures -= 1
            raise QueryError("no answer")
        return RestPayload(self.frames.snapshot(7), 42, f"{symbol.lower()}@depth")


class Recording:
    def __init__(self, server: Any, frames: Any, random: Random, symbols: list[str], channels: list[str]) -> None:
        self.lines: list[tuple[int, bytes]] = []
        self.files: list[int] = []  # where in `lines` each file begins
        self.is_full = False
        self.source = Source(frames)
        venue = load("binance")
        self.recorder = Recorder(venue, symbols, channels, self.write, url=server.url, random=random)
        self.task = asyncio.create_task(self.recorder.run())

    def write(self, recv_ns: int, frame: bytes, *, may_rotate: bool = True) -> bool:
        begins = not self.files or (may_rotate and self.is_full)
        if begins:
            self.files.append(len(self.lines))
            self.is_full = False
        self.lines.append((recv_ns, frame))
        return begins

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
        monkeypatch.setattr(venue_class, "rest", lambda *_: recording.source)
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


async def test_each_file_has_its_snapshot(record: Any, wire_server: Any, frames: Any, eventually: Any) -> None:
    recording = record(["BTCUSDT"], ["book", "trades", "mark_price"])
    recorder = recording.recorder
    peers = [await wire_server.serve() for _ in range(2)]
    public, market = sorted(peers, key=lambda peer: peer.path, reverse=True)
    public.send_frame(frames.depth(5, 10, 4))
    await eventually(lambda: recorder.snapshots == 1)
    recording.is_full = True
    market.send_frame(b'{"stream":"btcusdt@markPrice@1s","data":{}}')  # a file may begin on any connection
    await eventually(lambda: len(recording.files) == 2)
    public.send_frame(frames.depth(11, 12, 10))
    await eventually(lambda: recorder.snapshots == 2)
    assert recording.lines[recording.files[1] :][2] == (42, frames.snapshot(7))


async def test_a_snapshot_fetched_for_one_file_does_not_go_into_the_next(
    record: Any, wire_server: Any, frames: Any, eventually: Any
) -> None:
    recording = record(["BTCUSDT"], ["book"])
    source = recording.source
    source.answers.clear()
    peer = await wire_server.serve()
    peer.send_frame(frames.depth(5, 10, 4))
    await eventually(lambda: source.asked == 1)
    recording.is_full = True
    peer.send_frame(frames.depth(11, 12, 10))
    await eventually(lambda: source.asked == 2)
    source.answers.set()
    await eventually(lambda: recording.recorder.snapshots == 1)
    peer.send_frame(frames.depth(13, 14, 12))
    await eventually(lambda: len(recording.lines) == 4)
    assert recording.recorder.snapshots == 1
    # A snapshot does not begin a file: it belongs to the differences before it.
    assert recording.files == [0, 1]


async def test_a_longer_name_is_another_stream(record: Any, wire_server: Any, frames: Any, eventually: Any) -> None:
    recording = record(["BTCUSDT"], ["book"])
    peer = await wire_server.serve()
    peer.send_frame(b'{"stream":"1000btcusdt@depth@100ms","data":{}}')
    peer.send_frame(b'{"stream":"btcusdt@depth@100ms@more","data":{}}')
    peer.send_frame(frames.trade(1))
    await eventually(lambda: len(recording.lines) == 3)
    assert recording.source.asked == 0


async def test_each_route_has_its_connection(record: Any, wire_server: Any) -> None:
    record(["BTCUSDT"], ["trades", "mark_price"])
    peers = [await wire_server.serve() for _ in range(2)]
    assert {peer.path for peer in peers} == {"/public/stream", "/market/stream"}


async def test_an_error_of_the_writer_ends_it(wire_server: Any, frames: Any, no_wait: Random) -> None:
    def full(*_: Any, **__: Any) -> bool:
        raise OSError(28, "No space left on device")

    recorder = Recorder(load("binance"), ["BTCUSDT"], ["trades"], full, url=wire_server.url, random=no_wait)
    running = asyncio.create_task(recorder.run())
    peer = await wire_server.serve()
    peer.send_frame(frames.trade(1))
    with pytest.raises(ExceptionGroup):
        await running


async def test_one_name_within_another_and_what_never_came(
    record: Any, wire_server: Any, frames: Any, eventually: Any
) -> None:
    recording = record(["USDT", "BTCUSDT", "ETHUSDT"], ["book"])
    recorder = recording.recorder
    assert recorder.silent == ["USDT", "BTCUSDT", "ETHUSDT"]
    recording.source.failures = 1_000_000
    peer = await wire_server.serve()
    peer.send_frame(frames.depth(5, 10, 4))
    await eventually(lambda: recorder.without_snapshot == ["BTCUSDT"])
    assert recorder.silent == ["USDT", "ETHUSDT"]
    recording.source.failures = 0
    await eventually(lambda: recorder.snapshots == 1)
    assert recorder.without_snapshot == []


def test_keys_do_not_go_in_clear_text() -> None:
    for name, address in (("url", "ws://example.com"), ("rest_url", "http://example.com")):
        options: dict[str, Any] = {name: address}
        with pytest.raises(ValueError, match=f"^{name} must begin with .*unencrypted only on loopback"):
            Recorder(load("binance"), ["BTCUSDT"], ["trades"], lambda *_, **__: False, **options)
