"""`tradewire sim`: a simulated venue on loopback, alone. The simulators themselves are in `tradewire.sim`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import several

__all__ = ["sim"]


def sim(
    venue: Annotated[str, typer.Argument(help="Which venue: binance, binance_spot or alpaca.")] = "binance",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65534, help="Of HTTP; streams are on the next one. 0: free ones.")
    ] = 0,
    symbols: Annotated[
        str | None, typer.Option("--symbols", help="Comma-separated. Default: a few that the venue really has.")
    ] = None,
    rate: Annotated[float, typer.Option("--rate", min=0, help="Trades and quotes a second, over all symbols.")] = 300.0,
    seed: Annotated[int, typer.Option("--seed", help="One seed gives one sequence of orders.")] = 1,
    script: Annotated[
        Path | None,
        typer.Option(
            "--script", exists=True, dir_okay=False, help="Faults with times: lines like `at 2s mute trades for 5s`."
        ),
    ] = None,
) -> None:
    """Run a simulated venue on loopback until Ctrl-C: real HTTP and real WebSocket, no account needed."""
    from tradewire.sim import run

    from .hardening import forget_keys

    forget_keys()

    def announce(line: str) -> None:
        typer.echo(line)

    run(
        venue,
        port=port,
        symbols=None if symbols is None else tuple(_listed(venue, name) for name in several(symbols, "symbols")),
        rate=rate,
        seed=seed,
        script="" if script is None else script.read_text(encoding="utf-8"),
        announce=announce,
    )


def _listed(venue: str, symbol: str) -> str:
    """The venue's spelling: a slash belongs to Alpaca's crypto pairs alone."""
    return symbol.upper() if venue == "alpaca" else symbol.replace("/", "").upper()
