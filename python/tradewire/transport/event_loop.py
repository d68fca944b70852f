"""Which event loop runs, and whether it sleeps: uvloop where it is installed, asyncio's own otherwise."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["BusyPoll", "loop_factory", "run", "spin"]

T = TypeVar("T")


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes a new event loop, the fastest one installed."""
    try:
        uvloop = importlib.import_module("uvloop")
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


def run(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end on a loop of its own, as `asyncio.run` does."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(main)


def spin(loop: asyncio.AbstractEventLoop) -> Callable[[], None]:
    """Keeps a running loop from sleeping, so that no wake-up by the system lies between a message and its callback.

    Uses a core fully; it should have one of its own. Call it on the loop's thread.

    Returns:
        What lets the loop sleep again; harmless when repeated.
    """
    call_soon = loop.call_soon
    spinning = True

    def again() -> None:
        if spinning:
            call_soon(again)

    def stop() -> None:
        nonlocal spinning
        spinning = False

    again()
    return stop


class BusyPoll:
    """Whether the loop of an owner is kept from sleeping: where it is wanted, from the owner's beginning to its end."""

    def __init__(self) -> None:
        self._wanted = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: Callable[[], None] | None = None

    def want(self, wanted: bool) -> None:
        """Says whether; at any time."""
        self._wanted = wanted
        self._settle()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """The owner begins, on that loop."""
        self._loop = loop
        self._settle()

    def end(self) -> None:
        """The owner ends."""
        self._loop = None
        self._settle()

    def _settle(self) -> None:
        if self._wanted and self._loop is not None:
            self._stop = self._stop or spin(self._loop)
        elif self._stop is not None:
            self._stop()
            self._stop = None
