"""What a callback subscription is, and the three ways of running a callback: inline, in a task, in a worker thread.

One that raises is counted and logged and hurts nobody else. Not for routing: `dispatch.py` decides who gets what.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from tradewire.core import Callback, Histogram, monotonic_ns
from tradewire.telemetry.limited_log import LimitedLog

from .mailbox import Mailbox, MailboxClosed
from .queues import EventQueue

if TYPE_CHECKING:
    from tradewire.core.delivery import CallbackProtocol
    from tradewire.core.protocols import HistogramProtocol

    from .queues import Policies

__all__ = [
    "SLOW_NS",
    "CallbackRunner",
    "CallbackStats",
    "InlineRunner",
    "Subscription",
    "TaskRunner",
    "ThreadRunner",
    "runner_for",
]

#: A synchronous callback that holds the event loop for longer is named in a warning.
SLOW_NS = 5_000_000

_log = LimitedLog(logging.getLogger("tradewire.streaming"))


def callback_name(callback: Callable[..., Any]) -> str:
    """How a callback is called in logs: module and qualified name."""
    name = getattr(callback, "__qualname__", None) or type(callback).__qualname__
    return f"{getattr(callback, '__module__', None) or '?'}.{name}"


class CallbackStats:
    """What a callback did.

    Args:
        callback: it.
        direct: counts the calls itself.

    Attributes:
        name: module and qualified name.
        errors: calls that raised.
        slow: inline calls over `SLOW_NS`.
    """

    __slots__ = ("_calls", "_direct", "errors", "name", "slow")

    def __init__(self, callback: Callable[..., Any], direct: CallbackProtocol | None = None) -> None:
        self.name = callback_name(callback)
        self.errors = 0
        self.slow = 0
        self._calls = 0
        self._direct = direct

    @property
    def calls(self) -> int:
        """Finished calls, failed ones included."""
        return self._calls if self._direct is None else self._direct.calls

    def finished(self) -> None:
        """Counts a call."""
        self._calls += 1

    def failed(self, error: BaseException) -> None:
        """Counts and logs a call that raised."""
        self.errors += 1
        _log.say(f"error {self.name}", "callback %s raised %r", self.name, error, error=error)


def _refuse_coroutine(result: object) -> None:
    """What a synchronous callback returned is nobody's business, unless it is work that was never begun.

    Raises:
        TypeError: it is (a lambda around an `async def` cannot be told from others before it is called).
    """
    if inspect.isawaitable(result) and not asyncio.isfuture(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError(
            f"returned {type(result).__name__}, which nobody awaits; make the callback itself an `async def` function"
        )


class CallbackRunner(Protocol):
    """Runs one callback, in order of arrival."""

    stats: CallbackStats

    @property
    def direct(self) -> CallbackProtocol | None:
        """How the core calls it without coming here; None: it cannot."""

    @property
    def queue(self) -> EventQueue | None:
        """Events waiting for it; None: it is called at once."""

    @property
    def dropped(self) -> int:
        """Events that a full queue lost or replaced."""

    def resize(self, capacity: int) -> None:
        """Gives its queue, if it has one, another capacity."""

    def start(self) -> None:
        """Called on the event loop, when the gateway starts."""

    def deliver(self, event: Any, drained_ns: int) -> None:
        """Takes an event of a batch drained at that monotonic time. Never raises, never waits."""

    def notify(self) -> None:
        """Called once after the events of a batch."""

    async def stop(self, timeout_s: float) -> None:
        """Lets the callback finish what is queued, within that time."""


class InlineRunner:
    """Calls a synchronous callback on the event loop, straight from the socket read."""

    def __init__(self, callback: Callable[[Any], object], latency: Histogram) -> None:
        self.dropped = 0
        self.direct: CallbackProtocol = Callback(callback, latency, SLOW_NS, self._unusual)
        self.stats = CallbackStats(callback, self.direct)

    @property
    def queue(self) -> None:
        """It has none."""

    def resize(self, capacity: int) -> None:
        """It has no queue."""

    def start(self) -> None:
        """Nothing to start."""

    def deliver(self, event: Any, drained_ns: int) -> None:
        """Calls it now, and times it."""
        self.direct.deliver(event, drained_ns)

    def _unusual(self, result: object, error: Exception | None, elapsed_ns: int) -> None:
        stats = self.stats
        try:
            if result is not None:
                _refuse_coroutine(result)
        except TypeError as refused:
            error = refused
        if error is not None:
            stats.failed(error)
        if elapsed_ns > SLOW_NS:
            stats.slow += 1
            _log.say(
                f"slow {stats.name}",
                "callback %s held up the event loop for %.1f ms; make it async, or subscribe with offload=True",
                stats.name,
                elapsed_ns / 1e6,
            )

    def notify(self) -> None:
        """Nothing waits."""

    async def stop(self, timeout_s: float) -> None:
        """Nothing to wait for."""


class TaskRunner:
    """Awaits an asynchronous callback, one event at a time, in a task of its own with a bounded queue."""

    def __init__(
        self,
        callback: Callable[[Any], Any],
        latency: HistogramProtocol,
        capacity: int,
        policies: Policies,
    ) -> None:
        self.stats = CallbackStats(callback)
        self.direct = None
        self._callback = callback
        self._record = latency.record
        self._queue = EventQueue(capacity, policies)
        self._mailbox: Mailbox[tuple[Any, int]] = Mailbox(self._queue)
        self._task: asyncio.Task[None] | None = None

    @property
    def queue(self) -> EventQueue:
        """Events waiting for it."""
        return self._queue

    @property
    def dropped(self) -> int:
        """Events that the full queue lost or replaced."""
        return self._queue.dropped + self._queue.conflated

    def resize(self, capacity: int) -> None:
        """Gives its queue another capacity."""
        self._queue.resize(capacity)

    def start(self) -> None:
        """Starts the task."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"callback {self.stats.name}")

    def deliver(self, event: Any, drained_ns: int) -> None:
        """Queues it."""
        self._queue.put(event, drained_ns)

    def notify(self) -> None:
        """Wakes the task once."""
        self._mailbox.notify()

    async def stop(self, timeout_s: float) -> None:
        """Waits for the queue to empty, then cancels."""
        self._mailbox.close()
        task, self._task = self._task, None
        if task is None or task is asyncio.current_task():
            return
        await asyncio.wait([task], timeout=timeout_s)
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=timeout_s)

    async def _run(self) -> None:
        while True:
            try:
                event, drained_ns = await self._mailbox.get()
            except MailboxClosed:
                return
            self._record(monotonic_ns() - drained_ns)
            try:
                await self._callback(event)
            except Exception as error:
                self.stats.failed(error)
            self.stats.finished()


class ThreadRunner:
    """Calls a synchronous callback in a worker thread of its own, in order, behind a bounded queue.

    Its waiting time is not in the latency spans: those belong to the event loop.
    """

    def __init__(self, callback: Callable[[Any], object], capacity: int, policies: Policies) -> None:
        self.stats = CallbackStats(callback)
        self.direct = None
        self._callback = callback
        self._queue = EventQueue(capacity, policies)
        self._ready = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def queue(self) -> EventQueue:
        """Events waiting for it."""
        return self._queue

    @property
    def dropped(self) -> int:
        """Events that the full queue lost or replaced."""
        return self._queue.dropped + self._queue.conflated

    def resize(self, capacity: int) -> None:
        """Gives its queue another capacity."""
        with self._ready:
            self._queue.resize(capacity)

    def start(self) -> None:
        """Starts the thread; a daemon, so that a callback that never returns cannot keep the process alive."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"callback {self.stats.name}", daemon=True)
            self._thread.start()

    def deliver(self, event: Any, drained_ns: int) -> None:
        """Queues it."""
        with self._ready:
            self._queue.put(event, drained_ns)

    def notify(self) -> None:
        """Wakes the thread once."""
        with self._ready:
            if len(self._queue):
                self._ready.notify()

    async def stop(self, timeout_s: float) -> None:
        """Waits for the queue to empty; a callback still running then is left to its thread."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        thread, self._thread = self._thread, None
        if thread is None or thread is threading.current_thread():
            return
        await asyncio.to_thread(thread.join, timeout_s)
        if thread.is_alive():
            _log.say(f"stuck {self.stats.name}", "callback %s is still running after stop", self.stats.name)

    def _run(self) -> None:
        while True:
            with self._ready:
                while not len(self._queue):
                    if self._closed:
                        return
                    self._ready.wait()
                event, _ = self._queue.pop()
            try:
                result = self._callback(event)
                if result is not None:
                    _refuse_coroutine(result)
            except Exception as error:
                self.stats.failed(error)
            self.stats.finished()


class Subscription:
    """A callback, or a bare interest, in one channel of some symbols. Made by the gateway's `subscribe` methods.

    Attributes:
        channel: its name.
        symbols: in the venue's spelling.
        stats: what the callback did; None without one.
    """

    def __init__(
        self, channel: str, symbols: tuple[str, ...], runner: CallbackRunner | None, on_close: Callable[[], None]
    ) -> None:
        self.channel = channel
        self.symbols = symbols
        self._runner = runner
        self._on_close = on_close
        self._open = True

    @property
    def stats(self) -> CallbackStats | None:
        """What the callback did; None without one."""
        return self._runner.stats if self._runner is not None else None

    @property
    def queue(self) -> EventQueue | None:
        """The queue behind the callback, with its exact counts of what was dropped; None where there is none."""
        return self._runner.queue if self._runner is not None else None

    @property
    def dropped(self) -> int:
        """Events that the callback's full queue lost or replaced."""
        return self._runner.dropped if self._runner is not None else 0

    def close(self) -> None:
        """Ends it; streams that nobody else wants are taken back from the venue. What is on its way still arrives."""
        if self._open:
            self._open = False
            self._on_close()


def runner_for(
    callback: Callable[[Any], Any],
    *,
    offload: bool,
    latency: Histogram,
    capacity: int,
    policies: Policies,
) -> CallbackRunner:
    """The runner that suits a callback.

    Raises:
        TypeError: not callable, or asynchronous with `offload`.
    """
    if not callable(callback):
        raise TypeError(f"callback must be callable, was {type(callback).__name__}")
    call = getattr(callback, "__call__", None)  # noqa: B004 - asks whether an instance's call is asynchronous
    if inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call):
        if offload:
            raise TypeError("offload is for synchronous callbacks; an async callback already runs in its own task")
        return TaskRunner(callback, latency, capacity, policies)
    if offload:
        return ThreadRunner(callback, capacity, policies)
    return InlineRunner(callback, latency)
