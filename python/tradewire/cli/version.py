"""`tradewire --version`: the version and which core runs."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["show_version", "version_text"]


def version_text() -> str:
    """One line, such as `tradewire 0.1.0, native core (release)`."""
    from tradewire import core

    return f"tradewire {core.BUILD['version']}, {core.IMPLEMENTATION} core ({core.BUILD['profile']})"


def _show(wanted: bool) -> None:
    if wanted:
        typer.echo(version_text())
        raise typer.Exit


def show_version(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and which core runs.", is_eager=True, callback=_show)
    ] = False,
) -> None:
    """Connects trading strategies to venues: market data in, every hop measured."""
