"""`tradewire demo`: two simulated venues in processes of their own, and a gateway on them, shown live."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from .options import MetricsPort, Seconds, quiet_logging, several
from .wording import counted

if TYPE_CHECKING:
    from tradewire.config import Config
    from tradewire.sim import SimProcess

    from .board import Board
    from .chaos import Chaos
    from .story import Line

__all__ = ["demo"]

#: How long a run lasts that nobody watches; `demo --help` says so.
_UNWATCHED_S = 10.0
_CHANNELS = ("trades", "quotes", "book")
_VENUES = ("binance", "binance_spot")
#: With faults, silence is noticed sooner than on a real market.
_STALE_S = 2.0


def demo(
    seconds: Seconds = None,
    symbols: Annotated[str, typer.Option("--symbols", help="Comma-separated.")] = "BTCUSDT,ETHUSDT,SOLUSDT",
    rate: Annotated[
        float, typer.Option("--rate", min=0, help="Trades and quotes a second of each venue, over all symbols.")
    ] = 1000.0,
    seed: Annotated[int, typer.Option("--seed", help="Of the simulated markets.")] = 1,
    chaos: Annotated[
        bool, typer.Option("--chaos", help="Let the venues fail in six ways, and watch the gateway heal it.")
    ] = False,
    metrics_port: MetricsPort = None,
) -> None:
    """Watch two simulated venues, Binance USD-M and Spot, through one gateway: no account, no network.

    On a terminal it runs until Ctrl-C; without one (a pipe, a log, TERM=dumb) it ends after 10 s, with --chaos when all
    faults are healed. --seconds sets another end. With --chaos, exit code 1 when a fault was not healed, unless Ctrl-C
    left it no time.
    """
    from tradewire.sim import SimProcess
    from tradewire.sim.instruments import instrument
    from tradewire.transport.event_loop import run

    from .hardening import forget_keys
    from .view import console, summary

    forget_keys()
    quiet_logging()
    names = list(dict.fromkeys(name.replace("/", "").upper() for name in several(symbols, "symbols")))
    for name in names:
        # Here and not only in the venues' processes: one line of error instead of their ends.
        instrument(name)
    screen = console()
    if seconds is None and not screen.is_terminal and not chaos:
        seconds = _UNWATCHED_S
    if not screen.is_terminal:
        length = "until all faults are healed" if seconds is None else f"{seconds:g} s"
        typer.echo(f"Simulated Binance USD-M and Spot, {counted(len(names), 'symbol')} each, {length} ...")
    with contextlib.ExitStack() as stack:
        sims = {
            venue: stack.enter_context(SimProcess(venue, symbols=tuple(names), rate=rate, seed=seed))
            for venue in _VENUES
        }
        board, faults, interrupted = run(_watch(_config(sims, names, chaos), sims, names, seconds, chaos, metrics_port))
    typer.echo(summary(board))
    if faults is not None:
        left = faults.open_at_end
        healed = ", all healed" if faults.injected else ": the run was too short"
        state = healed if not left else ", not healed yet:" if interrupted else ", not healed:"
        typer.echo(f"  {counted(faults.injected, 'fault')} injected{state}")
        for line in left:
            typer.echo(f"    {line}")
        if left and not interrupted:
            raise typer.Exit(1)


async def _watch(
    config: Config,
    sims: Mapping[str, SimProcess],
    names: list[str],
    seconds: float | None,
    chaotic: bool,
    metrics_port: int | None,
) -> tuple[Board, Chaos | None, bool]:
    """Runs it; gives what was seen, the faults, and whether somebody ended it amid them."""
    from tradewire.streaming import StreamingGateway

    from .board import Board
    from .chaos import Chaos
    from .running import run_gateway, serving_metrics
    from .story import text
    from .view import console, live_view

    screen = console()
    gateway = StreamingGateway(config)
    board = Board(gateway)
    faults: Chaos | None = None
    injecting: asyncio.Task[None] | None = None
    if chaotic:
        controls = {venue: sim.chaos for venue, sim in sims.items()}
        faults = Chaos(
            gateway, controls, names, board.injected.append, seconds=seconds,
            repeat=screen.is_terminal and seconds is None,
        )  # fmt: skip
        injecting = asyncio.create_task(faults.run(), name="faults")
    told: set[Line] = set()

    def tell() -> None:
        for line in board.story:
            if line not in told:
                told.add(line)
                typer.echo(text(line))

    def finish() -> None:
        board.finish()
        if faults is not None:
            faults.finish()
        if not screen.is_terminal:
            tell()

    # Without a time limit the run ends with its faults; else they end with the run.
    until = injecting if seconds is None else None
    with serving_metrics(gateway, metrics_port) as address:
        if screen.is_terminal:
            board.metrics = address
            with live_view(board, "tradewire demo: simulated Binance USD-M and Spot", screen) as view:
                early = await run_gateway(gateway, seconds=seconds, tick=view.refresh, before_stop=finish, until=until)
        else:
            if address:
                typer.echo(f"metrics: {address}")
            early = await run_gateway(gateway, seconds=seconds, tick=tell, before_stop=finish, until=until)
        interrupted = early and injecting is not None and not injecting.done()
        if injecting is not None:
            injecting.cancel()
            await asyncio.wait([injecting])
            if not injecting.cancelled():
                injecting.result()
    return board, faults, interrupted


def _config(sims: Mapping[str, SimProcess], names: list[str], chaos: bool) -> Config:
    from tradewire.config import Config
    from tradewire.config.schema import AlertsConfig, ProviderConfig, StreamingConfig, StreamingHealthConfig

    stale_after = dict.fromkeys(_CHANNELS, _STALE_S) if chaos else {}
    providers = tuple(
        ProviderConfig(
            name=venue,
            websocket_url=sim.stream_url,
            rest_url=sim.rest_url,
            subscriptions=_CHANNELS,
            stale_after=stale_after,
        )
        for venue, sim in sims.items()
    )
    return Config(
        streaming=StreamingConfig(symbols=tuple(names), providers=providers),
        # They are shown with the other events; on standard error they would disturb the view.
        streaming_health=StreamingHealthConfig(alerts=AlertsConfig(channels=("metrics",))),
    )
