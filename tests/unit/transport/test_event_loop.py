"""The loop that runs."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import pytest

from tradewire.transport import event_loop
from tradewire.transport.event_loop import BusyPoll, loop_factory, run, spin


async def _loop_module() -> str:
    return type(asyncio.get_running_loop()).__module__


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop does not run there")
def test_uvloop_is_used_where_installed() -> None:
    assert run(_loop_module()).startswith("uvloop")


def test_asyncio_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is asyncio.new_event_loop
    assert run(_loop_module()).startswith("asyncio")


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, loop_factory()])
def test_a_spinning_loop_asks_for_work_without_end_until_it_may_sleep(factory: Any) -> None:
    async def turns(loop: asyncio.AbstractEventLoop, counted: int) -> bool:
        """Whether the loop goes round so often while nothing happens for a while."""
        done = loop.create_future()
        loop.call_later(0.05, done.set_result, None)
        before = len(turned)
        await done
        return len(turned) - before > counted

    turned: list[None] = []

    class Counting:
        """A loop that counts what it is asked to do at once."""

        def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
            self.loop = loop

        def call_soon(self, callback: Any) -> Any:
            turned.append(None)
            return self.loop.call_soon(callback)

    async def go() -> None:
        loop = asyncio.get_running_loop()
        stop = spin(Counting(loop))  # type: ignore[arg-type]
        assert await turns(loop, 20)
        stop()
        stop()
        await asyncio.sleep(0)
        assert not await turns(loop, 0)

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(go())


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, loop_factory()])
def test_an_interrupt_ends_a_spinning_loop(factory: Any) -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        spin(loop)
        loop.call_later(0.01, signal.raise_signal, signal.SIGINT)
        await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=factory) as runner, pytest.raises(KeyboardInterrupt):
        runner.run(go())


def test_an_owner_may_change_its_mind_between_beginning_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def begin(_: object) -> Any:
        order.append("awake")
        return lambda: order.append("may sleep")

    monkeypatch.setattr(event_loop, "spin", begin)
    loop = asyncio.new_event_loop()
    busy_poll = BusyPoll()
    busy_poll.want(True)
    assert order == []
    for change in (busy_poll.begin, busy_poll.begin):
        change(loop)
    busy_poll.want(False)
    assert order == ["awake", "may sleep"]
    busy_poll.want(True)
    busy_poll.end()
    busy_poll.want(True)
    assert order == ["awake", "may sleep"] * 2
    loop.close()
