"""`tradewire sim`: a simulated venue on loopback, alone. The simulators themselves are in `tradewire.sim`."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import several

__all__ = ["sim"]


def sim(
    venue: Annotated[str, typer.Argument(help="Which venue: binance.")] = "binance",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65534, help="Of HTTP; streams are on the next one. 0: free ones.")
    ] = 0,
    symbols: Annotated[str, typer.Option("--symbols", help="Comma-separated.")] = "BTCUSDT,ETHUSDT,SOLUSDT",
    rate: Annotated[float, typer.Option("--rate", min=0, help="Trades and quotes a second, over all symbols.")] = 300.0,
    seed: Annotated[int, typer.Option("--seed", help="One seed gives one sequence of orders.")] = 1,
) -> None:
    """Run a simulated venue on loopback until Ctrl-C: real HTTP and real WebSocket, no account needed."""
    from tradewire.sim import run

    def announce(line: str) -> None:
        typer.echo(line)

    run(
        venue,
        port=port,
        symbols=tuple(symbol.replace("/", "").upper() for symbol in several(symbols, "symbols")),
        rate=rate,
        seed=seed,
        announce=announce,
    )
