"""`tradewire stream`: live data of a venue in the terminal, as JSON lines in a pipe, or only counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewire.errors import UnsupportedError

from .json_lines import json_line
from .options import (
    Channels,
    MetricsPort,
    RestUrl,
    Seconds,
    Symbols,
    Url,
    Venue,
    check_addresses,
    log_to_stderr,
    quiet_logging,
    several,
)
from .wording import no_market_data, nothing_received

if TYPE_CHECKING:
    from tradewire.streaming import StreamingGateway

    from .board import Board

__all__ = ["stream"]

#: What a configuration says in their place.
_LEFT_TO_CONFIG = ("venue", "symbols", "channels", "url", "rest_url")


def stream(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="A configuration: all its providers, instead of --venue, --symbols, ..."),
    ] = None,
    hot_reload: Annotated[
        bool,
        typer.Option(
            "--hot-reload",
            help="Apply changes of the configuration while running; in a pipe, each is told on standard error.",
        ),
    ] = False,
    venue: Venue = "binance",
    symbols: Symbols = "BTCUSDT",
    channels: Channels = "trades,quotes,book",
    url: Url = None,
    rest_url: RestUrl = None,
    seconds: Seconds = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only count; a summary at the end.")] = False,
    metrics_port: MetricsPort = None,
) -> None:
    """Show live market data: a table in a terminal, one JSON object per line and event in a pipe.

    Each object begins with `event`, the name of its class (Trade, Quote, BookUpdate, FeedStateChanged, ...), and holds
    the fields of that class under their names: see docs/reference/events.md. Times (`event_ns`, `recv_ns`, ...) are
    integers, ns since 1970 in UTC; 0: the venue gave none. Levels are pairs of price and quantity; what is
    absent is null. Every quote gets a line; of a book the newest state does. The summary goes to standard error. Exit
    code 1 when no market data was received, unless only channels were asked for whose silence is normal (statuses,
    imbalances, liquidations, ...).
    """
    from tradewire.streaming import StreamingGateway, configured
    from tradewire.telemetry.origin import origin_of
    from tradewire.transport.event_loop import run

    from .hardening import forget_keys
    from .view import console, summary

    # What is said about the configuration is worth reading; during a live view only errors are.
    log_to_stderr()
    if config is None:
        check_addresses(url, rest_url)
        if hot_reload:
            raise UnsupportedError("--hot-reload is given without --config: there is no file to follow")
        names, wanted = several(symbols, "symbols"), several(channels, "channels")
        gateway = StreamingGateway(venue=venue, url=url, rest_url=rest_url, symbols=names, channels=wanted)
        address = origin_of(url) if url else venue
    else:
        _refuse_others(ctx)
        gateway = StreamingGateway(config, hot_reload=hot_reload)
        address = ", ".join(gateway.managers)
        if not any(manager.feeds() for manager in gateway.managers.values()):
            raise UnsupportedError(f"{config} asks for nothing: write streaming.symbols and a provider's subscriptions")
    forget_keys()
    quiet_logging()
    if quiet or not console().is_terminal:
        # No live view is disturbed by what a reload changes.
        logging.getLogger(configured.__name__).setLevel(logging.INFO)
    board = run(_watch(gateway, seconds=seconds, quiet=quiet, metrics_port=metrics_port))
    typer.echo(summary(board), err=not quiet and not console().is_terminal)
    counters = gateway.counters
    if counters["messages"] == counters["messages.control"] and not counters["notices"]:
        if counters["messages"] and board.is_calm:
            return
        answers = counters["messages"] and not board.trouble
        why = no_market_data(address) if answers else nothing_received(address, board.trouble)
        typer.echo(f"tradewire: {why}", err=True)
        raise typer.Exit(1)


async def _watch(gateway: StreamingGateway, *, seconds: float | None, quiet: bool, metrics_port: int | None) -> Board:
    from .board import Board
    from .running import run_gateway, serving_metrics
    from .view import console, live_view

    screen = console()
    board = Board(gateway)
    with serving_metrics(gateway, metrics_port) as board.metrics:
        if board.metrics and (quiet or not screen.is_terminal):
            typer.echo(f"tradewire: metrics: {board.metrics}", err=True)
        if quiet:
            # Updated, so that it follows reloads.
            await run_gateway(gateway, seconds=seconds, tick=board.update, before_stop=board.finish)
        elif screen.is_terminal:
            with live_view(board, f"tradewire stream: {', '.join(gateway.managers)}", screen) as view:
                await run_gateway(gateway, seconds=seconds, tick=view.refresh, before_stop=board.finish)
        else:
            events = gateway.events(policies={"quotes": "drop_oldest"})
            board.queue = events.queue
            printing = asyncio.create_task(_print_events(events))
            # Nobody reads on (`| head`): the printing ends, and the run with it.
            await run_gateway(gateway, seconds=seconds, tick=board.update, before_stop=board.finish, until=printing)
            await printing
    return board


def _refuse_others(ctx: typer.Context) -> None:
    """What a configuration says cannot be said beside it.

    Raises:
        UnsupportedError: it was.
    """
    given = [f"--{name.replace('_', '-')}" for name in _LEFT_TO_CONFIG if _is_given(ctx, name)]
    if given:
        raise UnsupportedError(f"{', '.join(given)} cannot be given with --config: write it into the file")


def _is_given(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


async def _print_events(events: AsyncIterator[Any]) -> None:
    async for event in events:
        typer.echo(json_line(event))
