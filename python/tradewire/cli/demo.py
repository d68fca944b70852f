"""`tradewire demo`: a simulated venue in a process of its own, and a gateway on it, shown live."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Seconds, quiet_logging, several

__all__ = ["demo"]

#: How long a run lasts that nobody watches; `demo --help` says so.
_UNWATCHED_S = 10.0
_CHANNELS = ["trades", "quotes", "book"]


def demo(
    seconds: Seconds = None,
    symbols: Annotated[str, typer.Option("--symbols", help="Comma-separated.")] = "BTCUSDT,ETHUSDT,SOLUSDT",
    rate: Annotated[
        float, typer.Option("--rate", min=0, help="Trades and quotes a second, over all symbols.")
    ] = 2000.0,
    seed: Annotated[int, typer.Option("--seed", help="Of the simulated market.")] = 1,
) -> None:
    """Watch a simulated Binance USD-M venue through the gateway: no account, no network.

    On a terminal it runs until Ctrl-C; without one (a pipe, a log) it ends after 10 s. --seconds sets another end.
    """
    from tradewire.sim import SimProcess
    from tradewire.streaming import StreamingGateway
    from tradewire.transport.event_loop import run

    from .board import Board
    from .running import run_gateway
    from .view import console, live_view, summary

    quiet_logging()
    names = several(symbols, "symbols")
    screen = console()
    if seconds is None and not screen.is_terminal:
        seconds = _UNWATCHED_S
    if not screen.is_terminal:
        typer.echo(f"Simulated Binance USD-M venue, {len(names)} symbols, {seconds:g} s ...")
    with SimProcess(symbols=tuple(name.replace("/", "").upper() for name in names), rate=rate, seed=seed) as sim:

        async def watch() -> Board:
            gateway = StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url)
            board = Board(gateway, names, _CHANNELS)
            if screen.is_terminal:
                with live_view(board, "tradewire demo: simulated Binance USD-M", screen) as view:
                    await run_gateway(gateway, seconds=seconds, tick=view.refresh, before_stop=board.finish)
            else:
                await run_gateway(gateway, seconds=seconds, before_stop=board.finish)
            return board

        board = run(watch())
    typer.echo(summary(board))
