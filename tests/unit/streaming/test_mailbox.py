"""One reader waiting for a queue."""

from __future__ import annotations

import asyncio
import gc
from collections import deque
from typing import Any

import pytest

from tradewire.streaming.mailbox import Mailbox, MailboxClosed, Stream


class Queue(deque[int]):
    def pop(self) -> int:  # type: ignore[override]
        return self.popleft()


async def test_what_is_there_is_given_at_once() -> None:
    queue = Queue([1, 2])
    mailbox = Mailbox(queue)
    assert [await mailbox.get(), await mailbox.get()] == [1, 2]


async def test_a_waiting_reader_is_woken_once_for_many_items(eventually: Any) -> None:
    queue = Queue()
    mailbox = Mailbox(queue)
    reading = asyncio.create_task(mailbox.get())
    await eventually(lambda: mailbox._waiter is not None)
    queue.extend([1, 2, 3])
    mailbox.notify()
    mailbox.notify()
    assert mailbox.reader_waits, "woken, but it has not had its turn"
    assert await reading == 1
    assert not mailbox.reader_waits
    assert await mailbox.get() == 2


async def test_a_notice_without_an_item_wakes_nobody(eventually: Any) -> None:
    mailbox = Mailbox(Queue())
    reading = asyncio.create_task(mailbox.get())
    await eventually(lambda: mailbox._waiter is not None)
    mailbox.notify()
    assert mailbox._waiter is not None
    assert not mailbox._waiter.done()
    reading.cancel()


async def test_closing_ends_the_reader_after_what_is_left() -> None:
    queue = Queue([1])
    mailbox = Mailbox(queue)
    mailbox.close()
    assert await mailbox.get() == 1
    with pytest.raises(MailboxClosed):
        await mailbox.get()


async def test_closing_wakes_a_waiting_reader(eventually: Any) -> None:
    mailbox = Mailbox(Queue())
    reading = asyncio.create_task(mailbox.get())
    await eventually(lambda: mailbox._waiter is not None)
    mailbox.close()
    with pytest.raises(MailboxClosed):
        await reading


async def test_a_cancelled_reader_loses_nothing(eventually: Any) -> None:
    queue = Queue()
    mailbox = Mailbox(queue)
    reading = asyncio.create_task(mailbox.get())
    await eventually(lambda: mailbox._waiter is not None)
    reading.cancel()
    await asyncio.wait([reading])
    queue.append(1)
    mailbox.notify()
    assert await mailbox.get() == 1


async def test_a_stream_iterates_and_closes_once() -> None:
    closed = []
    queue = Queue([1, 2])
    async with Stream(Mailbox(queue), queue, lambda item: item * 10, lambda: closed.append(True)) as stream:
        assert await anext(stream) == 10
        stream.close()
        assert [item async for item in stream] == [20]
        await stream.aclose()
    assert closed == [True]


def test_a_stream_that_nobody_holds_closes_itself() -> None:
    closed = []
    queue = Queue()
    stream = Stream(Mailbox(queue), queue, lambda item: item, lambda: closed.append(True))
    del stream
    gc.collect()
    assert closed == [True]
