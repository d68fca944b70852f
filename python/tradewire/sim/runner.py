"""Runs one simulated venue until it is interrupted: what `tradewire sim` and `python -m tradewire.sim` call."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, cast

from tradewire.sim.market import DEFAULT_RATE

if TYPE_CHECKING:
    from tradewire.sim.venue import Venue

__all__ = ["VENUES", "run"]

_HOMES = {
    "alpaca": ("alpaca", "AlpacaSim"),
    "binance": ("binance", "BinanceSim"),
    "binance_spot": ("binance_spot", "BinanceSpotSim"),
}
VENUES = tuple(_HOMES)


def run(
    venue: str = "binance",
    *,
    port: int = 0,
    symbols: tuple[str, ...] | None = None,
    rate: float = DEFAULT_RATE,
    seed: int = 1,
    script: str = "",
    announce: Callable[[str], None] | None = None,
    until_eof: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM. Blocks; call it from the main thread, outside an event loop.

    Args:
        venue: one of `VENUES`.
        port: of the HTTP calls; streams are on the next one. 0 takes two free ones.
        symbols: what is listed; None lists a few that the venue really has.
        rate: trades and quotes a second over all symbols.
        seed: of the market and of the faults.
        script: text of a script of faults, see `tradewire.sim.script`.
        announce: is given each line of the ready message (`REST <url>`, `streams <url>`); default: standard output.
        until_eof: stop at the end of standard input, too: a venue started by a program then ends with it.

    Raises:
        ValueError: an unknown venue, a bad symbol, rate or script.
        OSError: the port is taken.
    """
    if venue not in VENUES:
        raise ValueError(f"venue must be one of {', '.join(VENUES)}, was {venue!r}")
    home, name = _HOMES[venue]
    listed = {} if symbols is None else {"symbols": symbols}
    made = getattr(import_module(f"tradewire.sim.{home}"), name)(
        port=port, rate=rate, seed=seed, script=script, **listed
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(cast("Venue", made), announce or _print, until_eof))


async def _serve(sim: Venue, announce: Callable[[str], None], until_eof: bool) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no signal handlers on loops: Ctrl-C arrives as KeyboardInterrupt there.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopped.set)
    if until_eof:
        loop.add_reader(sys.stdin.fileno(), _stop_at_eof, stopped)
    async with sim:
        announce(f"REST {sim.rest_url}")
        announce(f"streams {sim.stream_url}")
        ends = {asyncio.create_task(sim.wait()), asyncio.create_task(stopped.wait())}
        _, pending = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.wait(ends)
    if until_eof:
        loop.remove_reader(sys.stdin.fileno())


def _stop_at_eof(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4_096):
        stopped.set()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop

    return uvloop.new_event_loop


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201 # reason: this is the command's output
