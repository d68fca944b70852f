"""`tradewire record`: writes what a venue sends to files that `tradewire replay` reads."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from .options import Channels, RestUrl, Seconds, Symbols, Url, Venue, parse_duration, parse_size, several

__all__ = ["record"]


def record(
    out: Annotated[Path, typer.Option("--out", help="File to write; packed when it ends in .gz. Never overwritten.")],
    venue: Venue = "binance",
    symbols: Symbols = "BTCUSDT",
    channels: Channels = "trades,quotes,book",
    url: Url = None,
    rest_url: RestUrl = None,
    seconds: Seconds = None,
    rotate_size: Annotated[
        str, typer.Option("--rotate-size", help="New file beyond this size (100M); 0: never.")
    ] = "0",
    rotate_time: Annotated[str, typer.Option("--rotate-time", help="New file after this time (1h); 0: never.")] = "0",
) -> None:
    """Record a stream, one `<receive ns> <frame>` line per message, with book snapshots inline."""
    from tradewire.streaming.recorder import Recorder
    from tradewire.streaming.recording import RecordingWriter
    from tradewire.transport.event_loop import run
    from tradewire.venues.registry import load

    from .running import StopSignal

    logging.basicConfig(level=logging.WARNING, format="tradewire: %(message)s")
    writer = RecordingWriter(out, rotate_bytes=parse_size(rotate_size), rotate_s=parse_duration(rotate_time))
    recorder = Recorder(
        load(venue),
        several(symbols, "symbols"),
        several(channels, "channels"),
        writer.write,
        url=url,
        rest_url=rest_url,
    )

    async def follow() -> None:
        async with StopSignal() as stop:
            recording = asyncio.create_task(recorder.run())
            stopping = asyncio.create_task(stop.wait(seconds))
            await asyncio.wait((recording, stopping), return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            recording.cancel()
            await asyncio.wait((recording, stopping))
            if not recording.cancelled():
                # Only an error ends it: a full disk, a file that is there already.
                recording.result()

    with writer:
        try:
            run(follow())
        except BaseExceptionGroup as group:
            raise _first(group) from None
    files = ", ".join(str(path) for path in writer.paths) or "nothing"
    typer.echo(
        f"{writer.messages:,} messages, {recorder.snapshots} snapshots, {recorder.reconnects} reconnects -> {files}"
    )


def _first(error: BaseException) -> BaseException:
    """The first error of nested task groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
