"""The three ways of running a callback."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from tradewire.core import Histogram, monotonic_ns
from tradewire.streaming import subscription
from tradewire.streaming.events import GapDetected
from tradewire.streaming.queues import default_policies
from tradewire.streaming.subscription import CallbackRunner, InlineRunner, TaskRunner, ThreadRunner, runner_for
from tradewire.telemetry.limited_log import LimitedLog


def event(number: int) -> GapDetected:
    return GapDetected("binance", "trades", "BTCUSDT", number, 0)


def make(callback: Any, *, offload: bool = False, capacity: int = 100) -> CallbackRunner:
    policies = {**default_policies(), GapDetected: "drop_oldest"}
    return runner_for(
        callback,
        offload=offload,
        latency=Histogram(1, 10**12, 3),
        capacity=capacity,
        policies=policies,  # type: ignore[arg-type]
    )


def deliver(runner: CallbackRunner, *numbers: int) -> None:
    for number in numbers:
        runner.deliver(event(number), 0)
    runner.notify()


def test_a_plain_callback_is_called_at_once() -> None:
    seen: list[Any] = []
    runner = make(seen.append)
    assert isinstance(runner, InlineRunner)
    deliver(runner, 1, 2)
    assert seen == [event(1), event(2)]
    assert (runner.stats.calls, runner.stats.errors) == (2, 0)


def test_one_that_raises_is_counted_named_and_called_again(caplog: pytest.LogCaptureFixture) -> None:
    def broken(_: Any) -> None:
        raise ValueError("no")

    runner = make(broken)
    deliver(runner, 1, 2)
    assert (runner.stats.calls, runner.stats.errors) == (2, 2)
    assert "broken" in caplog.messages[0]
    assert "ValueError('no')" in caplog.messages[0]


@pytest.mark.parametrize("offload", [False, True])
async def test_work_that_nobody_would_await_is_an_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, offload: bool
) -> None:
    monkeypatch.setattr(subscription, "_log", LimitedLog(logging.getLogger("test")))

    async def work(_: Any) -> None: ...

    runner = make(lambda event: work([event]), offload=offload)
    runner.start()
    deliver(runner, 1)
    await runner.stop(5)
    assert (runner.stats.calls, runner.stats.errors) == (1, 1)
    assert "returned coroutine, which nobody awaits; make the callback itself an `async def`" in caplog.messages[0]


async def test_a_task_that_a_callback_began_is_its_own_business() -> None:
    begun: list[asyncio.Task[int]] = []

    def callback(_: Any) -> asyncio.Task[int]:
        begun.append(asyncio.create_task(asyncio.sleep(0, 7)))
        return begun[0]

    runner = make(callback)
    deliver(runner, 1)
    assert await begun[0] == 7
    assert runner.stats.errors == 0


def test_a_slow_callback_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(subscription, "SLOW_NS", 1_000)

    def sluggish(_: Any) -> None:
        began = monotonic_ns()
        while monotonic_ns() < began + 2_000:
            pass

    runner = make(sluggish)
    deliver(runner, 1)
    assert runner.stats.slow == 1
    assert "sluggish held up the event loop for 0." in caplog.messages[0]


def test_the_hop_to_the_callback_is_recorded() -> None:
    latency = Histogram(1, 10**12, 3)
    InlineRunner(lambda _: None, latency).deliver(event(1), monotonic_ns() - 1_000_000)
    assert latency.count == 1
    assert latency.max >= 999_000, "three digits"


async def test_an_async_callback_runs_in_order_in_one_task(eventually: Any) -> None:
    seen: list[int] = []
    tasks = set()

    async def on_event(one: GapDetected) -> None:
        tasks.add(asyncio.current_task())
        await asyncio.sleep(0)
        seen.append(one.missing)

    runner = make(on_event)
    assert isinstance(runner, TaskRunner)
    runner.start()
    deliver(runner, *range(20))
    await eventually(lambda: runner.stats.calls == 20)
    assert seen == list(range(20))
    assert len(tasks) == 1
    await runner.stop(1)


async def test_an_object_with_an_async_call_is_awaited(eventually: Any) -> None:
    class Strategy:
        seen = 0

        async def __call__(self, _: Any) -> None:
            self.seen += 1

    strategy = Strategy()
    runner = make(strategy)
    runner.start()
    deliver(runner, 1)
    await eventually(lambda: strategy.seen == 1)
    await runner.stop(1)


async def test_an_async_callback_that_raises_goes_on(eventually: Any) -> None:
    async def broken(_: Any) -> None:
        raise ValueError("no")

    runner = make(broken)
    runner.start()
    deliver(runner, 1, 2)
    await eventually(lambda: runner.stats.calls == 2)
    assert runner.stats.errors == 2
    await runner.stop(1)


async def test_a_stuck_async_callback_is_bounded_and_stopped() -> None:
    async def stuck(_: Any) -> None:
        await asyncio.Event().wait()

    runner = make(stuck, capacity=5)
    runner.start()
    deliver(runner, *range(10))
    assert runner.dropped == 5
    await runner.stop(0.01)
    assert not [task for task in asyncio.all_tasks() if "stuck" in task.get_name()]


async def test_stopping_lets_the_queue_run_out() -> None:
    seen: list[int] = []

    async def on_event(one: GapDetected) -> None:
        seen.append(one.missing)

    runner = make(on_event)
    runner.start()
    deliver(runner, 1, 2, 3)
    await runner.stop(5)
    assert seen == [1, 2, 3]


async def test_an_async_callback_may_stop_its_own_gateway(eventually: Any) -> None:
    stopped = asyncio.Event()

    async def on_event(_: Any) -> None:
        await runner.stop(5)
        stopped.set()

    runner = make(on_event)
    runner.start()
    deliver(runner, 1)
    await asyncio.wait_for(stopped.wait(), 5)


async def test_offload_runs_in_order_in_a_thread_of_its_own(eventually: Any) -> None:
    seen: list[int] = []
    threads = set()

    def on_event(one: GapDetected) -> None:
        threads.add(threading.current_thread())
        seen.append(one.missing)

    runner = make(on_event, offload=True)
    assert isinstance(runner, ThreadRunner)
    runner.start()
    deliver(runner, *range(20))
    await eventually(lambda: runner.stats.calls == 20)
    assert seen == list(range(20))
    assert len(threads) == 1
    assert threading.current_thread() not in threads
    await runner.stop(5)
    assert not any(thread.is_alive() for thread in threads)


async def test_an_offloaded_callback_that_raises_goes_on(eventually: Any) -> None:
    def broken(_: Any) -> None:
        raise ValueError("no")

    runner = make(broken, offload=True)
    runner.start()
    deliver(runner, 1, 2)
    await eventually(lambda: runner.stats.calls == 2)
    assert runner.stats.errors == 2
    await runner.stop(5)


async def test_a_stuck_thread_is_bounded_and_left_behind(caplog: pytest.LogCaptureFixture, eventually: Any) -> None:
    release, entered = threading.Event(), threading.Event()

    def stuck(_: Any) -> None:
        entered.set()
        release.wait()

    runner = make(stuck, offload=True, capacity=5)
    runner.start()
    deliver(runner, 0)
    await eventually(entered.is_set)
    deliver(runner, *range(10))
    assert runner.dropped == 5
    await runner.stop(0.01)
    assert "still running after stop" in caplog.text
    release.set()


def test_async_and_offload_exclude_each_other() -> None:
    async def on_event(_: Any) -> None: ...

    with pytest.raises(TypeError, match="offload is for synchronous callbacks"):
        make(on_event, offload=True)


def test_only_callables() -> None:
    with pytest.raises(TypeError, match="callback must be callable, was str"):
        make("print")
