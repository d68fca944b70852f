"""Runs a gateway until its time is over or the user asks for the end. Shows nothing: `view.py` does."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from tradewire.core import monotonic_ns

if TYPE_CHECKING:
    from tradewire.streaming import StreamingGateway

__all__ = ["StopSignal", "run_gateway", "serving_metrics"]


class StopSignal:
    """SIGINT, SIGTERM and SIGHUP as an event: `async with StopSignal() as stop: await stop.wait(seconds)`."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._handled: list[int] = []

    @property
    def is_set(self) -> bool:
        """Whether the user asked for the end."""
        return self._event.is_set()

    def ask(self) -> None:
        """Asks for the end as a signal does."""
        self._event.set()

    async def wait(self, seconds: float | None) -> bool:
        """Waits for a signal, at most that long; whether one came."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._event.wait()
        return self._event.is_set()

    async def __aenter__(self) -> StopSignal:
        loop = asyncio.get_running_loop()
        for number in _stops():
            # Windows has no signal handlers on loops: Ctrl-C arrives as KeyboardInterrupt there.
            with contextlib.suppress(NotImplementedError, ValueError):
                loop.add_signal_handler(number, self._event.set)
                self._handled.append(number)
        return self

    async def __aexit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in self._handled:
            loop.remove_signal_handler(number)


def _stops() -> list[int]:
    """A terminal that is closed ends what runs in it in good order; under `nohup` nothing is to hear of that."""
    found: list[int] = [signal.SIGINT, signal.SIGTERM]
    hang_up = getattr(signal, "SIGHUP", None)
    if hang_up is not None and signal.getsignal(hang_up) is not signal.SIG_IGN:
        found.append(hang_up)
    return found


@contextlib.contextmanager
def serving_metrics(gateway: StreamingGateway, port: int | None) -> Iterator[str]:
    """Serves the gateway's metrics meanwhile; gives their address. None: serves none, and the address is empty.

    Raises:
        OSError: the port cannot be used; names the option.
    """
    if port is None:
        yield ""
        return
    from tradewire.monitoring import start_metrics_server

    try:
        server = start_metrics_server(gateway, port)
    except OSError as error:
        raise OSError(
            error.errno, f"--metrics-port {port}: {error.strerror}; choose another one, or 0 for a free one"
        ) from None
    with server:
        yield server.url


async def run_gateway(
    gateway: StreamingGateway,
    *,
    seconds: float | None,
    tick: Callable[[], None] | None = None,
    tick_s: float = 0.25,
    before_stop: Callable[[], None] | None = None,
    until: asyncio.Future[None] | None = None,
) -> bool:
    """Runs a gateway until its time is over or the user asks for the end.

    Args:
        gateway: not started.
        seconds: how long; None: until a signal.
        tick: called every `tick_s`, to draw.
        tick_s: as said.
        before_stop: called while everything is still connected.
        until: what ends it, too, when it is done; its result and its error are the caller's.

    Returns:
        Whether it ended before its time was over.
    """
    end_ns = None if seconds is None else monotonic_ns() + int(seconds * 1e9)
    async with StopSignal() as stop, gateway:
        if until is not None:
            until.add_done_callback(lambda _: stop.ask())
        while not stop.is_set:
            left = None if end_ns is None else (end_ns - monotonic_ns()) / 1e9
            if left is not None and left <= 0:
                break
            wait = tick_s if tick is not None else left
            await stop.wait(wait if left is None or wait is None else min(wait, left))
            if tick is not None:
                tick()
        if before_stop is not None:
            before_stop()
        return stop.is_set
