"""An event loop whose clock jumps to the next timer: hours of timeouts and backoff run in no time, repeatably.

Not for sockets: while bytes are on their way real time passes, and this loop would not wait for them.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: Well above zero, as monotonic clocks are: code that takes 0 for "never" shall be right here too.
_START_S = 1_000.0


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]
    def __init__(self) -> None:
        super().__init__()
        self.now_s = _START_S

    def select(self, timeout: float | None = None) -> list[Any]:
        ready: list[Any] = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing will ever happen: everybody waits and no timer is set")
        if not ready and timeout is not None and timeout > 0:
            self.now_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual; `asyncio.sleep`, timeouts and `call_later` follow it."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def now_ns() -> int:
    """The running loop's time; what injected clocks get."""
    return int(asyncio.get_running_loop().time() * 1e9)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs to the end in virtual time; a task left behind is an error."""

    async def checked() -> T:
        result = await main
        # Cancelled tasks and finished closings end in the next turns of the loop.
        for _ in range(3):
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"
        return result

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(checked())


def in_virtual_time(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Makes an async test one that runs in virtual time."""

    @functools.wraps(test)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        run(test(*args, **kwargs))

    return wrapper
