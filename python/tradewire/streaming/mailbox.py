"""A queue with one asynchronous reader: what `events()`, `batches()` and asynchronous callbacks wait on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Generic, Protocol, Self, TypeVar

__all__ = ["Mailbox", "MailboxClosed", "Stream"]

T = TypeVar("T")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)


class MailboxClosed(Exception):  # noqa: N818 - an outcome, caught in this package
    """Closed, and everything in it was taken."""


class _Queue(Protocol[T_co]):
    def pop(self) -> T_co: ...
    def __len__(self) -> int: ...


class Mailbox(Generic[T]):
    """Joins a bounded queue to one waiting task. Owned by the event loop.

    Args:
        queue: filled by the gateway, which calls `notify` after each batch.
    """

    __slots__ = ("_closed", "_queue", "_waiter")

    def __init__(self, queue: _Queue[T]) -> None:
        self._queue = queue
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def notify(self) -> None:
        """Wakes the reader when something waits for it; one wake-up however much was put."""
        waiter = self._waiter
        if waiter is not None and not waiter.done() and (self._closed or len(self._queue)):
            waiter.set_result(None)

    @property
    def reader_waits(self) -> bool:
        """Whether the reader waits, or was woken and has not had its turn yet."""
        return self._waiter is not None

    async def get(self) -> T:
        """The oldest item, waiting for one.

        Raises:
            MailboxClosed: closed, and nothing is left.
        """
        while not len(self._queue):
            if self._closed:
                raise MailboxClosed
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.pop()

    def close(self) -> None:
        """No more items; the reader still gets what is left."""
        self._closed = True
        self.notify()


class Stream(Generic[T, R]):
    """An asynchronous iterator over a mailbox: what `gateway.events()` and `gateway.batches()` return.

    Ends when the gateway stops, or at `close()`. Also an asynchronous context manager that closes it; one that nobody
    holds any more (the loop over it was left) closes itself.

    Args:
        mailbox: what it reads.
        queue: the queue behind it.
        take: turns what the queue held into what the user gets.
        on_close: takes it off the gateway's list.

    Attributes:
        queue: the queue behind it, with its exact counts of what was dropped.
    """

    def __init__(self, mailbox: Mailbox[T], queue: Any, take: Callable[[T], R], on_close: Callable[[], None]) -> None:
        self._mailbox = mailbox
        self.queue = queue
        self._take = take
        self._on_close = on_close
        self._open = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        try:
            return self._take(await self._mailbox.get())
        except MailboxClosed:
            raise StopAsyncIteration from None

    def close(self) -> None:
        """Stops receiving; the iteration ends after what is already queued."""
        if self._open:
            self._open = False
            self._on_close()
            self._mailbox.close()

    async def aclose(self) -> None:
        """`close()`, for `contextlib.aclosing`."""
        self.close()

    def __del__(self) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
