"""`tradewire stream`: live data of a venue in the terminal, as JSON lines in a pipe, or only counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer

from .json_lines import json_line
from .options import Channels, RestUrl, Seconds, Symbols, Url, Venue, check_addresses, quiet_logging, several
from .wording import nothing_received

__all__ = ["stream"]


def stream(
    venue: Venue = "binance",
    symbols: Symbols = "BTCUSDT",
    channels: Channels = "trades,quotes,book",
    url: Url = None,
    rest_url: RestUrl = None,
    seconds: Seconds = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only count; a summary at the end.")] = False,
) -> None:
    """Show live market data: a table in a terminal, one JSON object per line and event in a pipe.

    Each object begins with `event`, the name of its class (Trade, Quote, BookUpdate, FeedStateChanged, ...), and holds
    the fields of that class under their names: see docs/reference/events.md. Times (`event_ns`, `recv_ns`, ...) are
    integers, ns since 1970 in UTC; 0: the venue gave none. Levels are pairs of price and quantity; what is
    absent is null. The summary goes to standard error. Exit code 1 when nothing at all was received.
    """
    from tradewire.streaming import StreamingGateway
    from tradewire.transport.event_loop import run

    from .board import Board
    from .running import run_gateway
    from .view import console, live_view, summary

    quiet_logging()
    check_addresses(url, rest_url)
    names, wanted = several(symbols, "symbols"), several(channels, "channels")
    screen = console()

    async def watch() -> Board:
        gateway = StreamingGateway(venue=venue, url=url, rest_url=rest_url)
        board = Board(gateway, names, wanted)
        if quiet:
            await run_gateway(gateway, seconds=seconds, before_stop=board.finish)
        elif screen.is_terminal:
            with live_view(board, f"tradewire stream: {venue}", screen) as view:
                await run_gateway(gateway, seconds=seconds, tick=view.refresh, before_stop=board.finish)
        else:
            events = gateway.events()
            board.queue = events.queue
            printing = asyncio.create_task(_print_events(events))
            # Nobody reads on (`| head`): the printing ends, and the run with it.
            await run_gateway(gateway, seconds=seconds, before_stop=board.finish, until=printing)
            await printing
        return board

    board = run(watch())
    typer.echo(summary(board), err=not quiet and not screen.is_terminal)
    if not board.gateway.counters["messages"]:
        typer.echo(f"tradewire: {nothing_received(url or venue, board.trouble)}", err=True)
        raise typer.Exit(1)


async def _print_events(events: AsyncIterator[Any]) -> None:
    async for event in events:
        typer.echo(json_line(event))
