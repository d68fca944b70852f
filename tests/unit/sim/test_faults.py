"""Single faults: what they do to a message, what they count, when they are over."""

from __future__ import annotations

import asyncio
import random

import pytest

from sim_wires import Named, Wire
from tradewire.sim.faults import Cut, Drop, Duplicate, Fault, Mute, Reorder, Selector, Truncate


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        (Selector(), True),
        (Selector(channel="trades"), True),
        (Selector(channel="quotes"), False),
        (Selector(symbol="btc/usdt"), True),
        (Selector(symbol="ETHUSDT"), False),
        (Selector(match="@tra"), True),
        (Selector(match="depth"), False),
        (Selector(channel="trades", symbol="BTCUSDT", match="btc"), True),
        (Selector(channel="trades", symbol="ETHUSDT", match="btc"), False),
    ],
)
def test_selectors(selector: Selector, fits: bool) -> None:
    assert selector.fits(Named()) is fits


def test_mute_takes_everything() -> None:
    fault = Mute(1, "mute")
    assert [fault.take(Wire(), Named(), b"a"), fault.take(Wire(), Named(), b"b")] == [[], []]
    assert (fault.injected, fault.is_active) == (2, True)


def test_drop_ends_after_its_number() -> None:
    fault = Drop(1, "drop 1", most=1)
    assert [fault.take(Wire(), Named(), b"a"), fault.take(Wire(), Named(), b"b")] == [[], [b"b"]]
    assert (fault.injected, fault.is_active) == (1, False)


def test_duplicate() -> None:
    fault = Duplicate(1, "duplicate 1", most=1)
    assert [fault.take(Wire(), Named(), b"a"), fault.take(Wire(), Named(), b"b")] == [[b"a", b"a"], [b"b"]]


def test_reorder_swaps_neighbours_of_one_stream() -> None:
    wire, other = Wire(), Named("btcusdt@bookTicker", "quotes")
    fault = Reorder(1, "reorder 1", most=1)
    assert fault.take(wire, Named(), b"1") == []
    assert fault.injected == 0
    assert fault.take(wire, other, b"q") == [b"q"]
    assert fault.take(wire, Named(), b"2") == [b"2", b"1"]
    assert (fault.injected, fault.is_active) == (1, False)
    assert fault.take(wire, Named(), b"3") == [b"3"]


def test_reorder_that_is_stopped_loses_nothing() -> None:
    wire = Wire()
    fault = Reorder(1, "reorder 1", most=1)
    assert fault.take(wire, Named(), b"1") == []
    fault.stop()
    assert wire.got == [b"1"]


def test_reorder_forgets_a_lost_connection() -> None:
    wire = Wire()
    fault = Reorder(1, "reorder 1", most=1)
    fault.take(wire, Named(), b"1")
    fault.forget(wire)
    fault.stop()
    assert wire.got == []


def test_truncate_halves_between_characters() -> None:
    fault = Truncate(1, "truncate")
    (half,) = fault.take(Wire(), Named(), b"abcdef")
    assert (half, isinstance(half, Cut)) == (b"abc", True)
    (half,) = fault.take(Wire(), Named(), "ab币cd".encode())
    assert half.decode() == "ab"


def test_chance_is_drawn_from_the_given_source() -> None:
    def run(seed: int) -> list[bool]:
        fault = Drop(1, "drop 30%", chance=0.3, draw=random.Random(seed))
        return [not fault.take(Wire(), Named(), b"m") for _ in range(1_000)]

    assert run(1) == run(1) != run(2)
    assert 250 < sum(run(1)) < 350


def test_reach_by_birth() -> None:
    fault = Mute(1, "mute", born=5, until="reconnect")
    assert fault.concerns(Named(), 5, 9)
    assert not fault.concerns(Named(), 6, 7)
    fault = Mute(1, "mute", born=5, until="resubscribe")
    assert fault.concerns(Named(), 1, 5)
    assert not fault.concerns(Named(), 1, 6)


async def test_waiting_for_injections() -> None:
    fault = Fault(1, "drop 2", most=2)
    waiting = asyncio.gather(fault.wait_injected(2), fault.wait_injected(1), fault.wait_over())
    await asyncio.sleep(0)
    fault.inject()
    await asyncio.sleep(0)
    assert not waiting.done()
    fault.inject()
    await asyncio.wait_for(waiting, 10)


async def test_waiting_for_what_will_not_happen_is_an_error() -> None:
    fault = Fault(1, "drop 2 book", most=2)
    waiting = asyncio.create_task(fault.wait_injected(2))
    await asyncio.sleep(0)
    fault.inject()
    fault.stop()
    with pytest.raises(RuntimeError, match="'drop 2 book' ended after 1 of 2 injections"):
        await waiting
