"""Background tasks are gone when they have been ended."""

from __future__ import annotations

import asyncio

from tradewire.streaming.tasks import end_all


async def test_all_have_ended_also_those_that_take_their_time() -> None:
    running: dict[int, asyncio.Task[None]] = {}
    began, ended = [], []

    async def work(number: int) -> None:
        began.append(number)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            del running[number]
            ended.append(number)

    tasks = [asyncio.create_task(work(number)) for number in range(3)]
    running.update(enumerate(tasks))
    await asyncio.sleep(0)
    assert len(began) == 3
    await end_all(running.values())
    assert ended == [0, 1, 2]
    assert all(task.cancelled() for task in tasks)


async def test_what_a_task_raises_as_it_ends_stays_with_it() -> None:
    async def work() -> None:
        raise ValueError("broken")

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await end_all([task])
    assert isinstance(task.exception(), ValueError)


async def test_without_tasks_there_is_nothing_to_wait_for() -> None:
    await end_all([])
