"""Bytes at once, slowly, or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tradewire.sim.valve import Valve


class Pipe(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_reading_paused = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.writes.append(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 7

    def pause_reading(self) -> None:
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        self.is_reading_paused = False


@pytest.fixture
def pipe() -> Pipe:
    return Pipe()


def test_passes_on(pipe: Pipe) -> None:
    valve = Valve(pipe)
    valve.write(b"ab")
    valve.tick(1.0)
    assert pipe.writes == [b"ab"]
    assert valve.backlog == 7


def test_drips_by_time_and_keeps_the_order(pipe: Pipe) -> None:
    valve = Valve(pipe)
    valve.drip(100)
    valve.write(b"abc")
    for step in range(6):
        valve.tick(1.0 + step / 100)
    assert pipe.writes == [b"a", b"b", b"c"]
    valve.write(b"defg")
    assert valve.backlog == 7 + 4
    valve.drip(None)
    valve.write(b"h")
    assert b"".join(pipe.writes) == b"abcdefgh"
    assert valve.backlog == 7


def test_a_pause_gives_no_more_than_a_second(pipe: Pipe) -> None:
    valve = Valve(pipe)
    valve.drip(10)
    valve.write(bytes(100))
    valve.tick(0.0)
    valve.tick(1_000.0)
    assert [len(data) for data in pipe.writes] == [10]


def test_frozen_reads_and_writes_nothing(pipe: Pipe) -> None:
    valve = Valve(pipe)
    valve.freeze()
    valve.freeze()
    assert (valve.is_frozen, pipe.is_reading_paused) == (True, True)
    valve.write(b"lost")
    valve.thaw()
    valve.thaw()
    valve.write(b"found")
    assert (pipe.writes, pipe.is_reading_paused) == ([b"found"], False)


def test_frozen_does_not_drip(pipe: Pipe) -> None:
    valve = Valve(pipe)
    valve.drip(100)
    valve.write(b"ab")
    valve.freeze()
    valve.tick(1.0)
    valve.tick(2.0)
    assert pipe.writes == []
    valve.thaw()
    valve.tick(3.0)
    valve.tick(3.1)
    assert b"".join(pipe.writes) == b"ab"


def test_what_waited_comes_first_when_drip_ends_while_frozen(pipe: Pipe) -> None:
    valve = Valve(pipe)
    valve.drip(1)
    valve.write(b"ab")
    valve.freeze()
    valve.drip(None)
    assert pipe.writes == []
    valve.thaw()
    valve.write(b"c")
    assert b"".join(pipe.writes) == b"abc"
