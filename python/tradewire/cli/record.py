"""`tradewire record`: writes what a venue sends to files that `tradewire replay` reads."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    Channels,
    RestUrl,
    Seconds,
    Symbols,
    Url,
    Venue,
    check_addresses,
    log_to_stderr,
    parse_duration,
    parse_size,
    several,
)
from .replay import MARKETS
from .wording import counted, no_market_data, nothing_received

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
        str, typer.Option("--rotate-size", help="New file beyond this size (100M; K, M and G are of 1024); 0: never.")
    ] = "0",
    rotate_time: Annotated[str, typer.Option("--rotate-time", help="New file after this time (1h); 0: never.")] = "0",
) -> None:
    """Record a stream, one `<receive ns> <frame>` line per message, with book snapshots inline.

    Exit code 1 when no market data was received. `tradewire replay` reads recordings of binance and binance_spot.
    """
    from tradewire.streaming.recorder import Recorder
    from tradewire.streaming.recording import RecordingWriter
    from tradewire.telemetry.origin import origin_of
    from tradewire.transport.event_loop import run
    from tradewire.venues.registry import load

    from .hardening import forget_keys
    from .running import StopSignal

    log_to_stderr()
    check_addresses(url, rest_url)
    rotate_bytes, rotate_s = parse_size(rotate_size, "--rotate-size"), parse_duration(rotate_time, "--rotate-time")
    _check_new(out, rotating=bool(rotate_bytes or rotate_s))
    writer = RecordingWriter(out, rotate_bytes=rotate_bytes, rotate_s=rotate_s)
    recorder = Recorder(
        load(venue),
        several(symbols, "symbols"),
        several(channels, "channels"),
        writer.write,
        url=url,
        rest_url=rest_url,
    )
    source = origin_of(url) if url else venue
    forget_keys()
    if venue not in MARKETS.values():
        typer.echo(f"tradewire: replay reads recordings of {' and '.join(MARKETS.values())}, not of {venue}", err=True)

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
    if not writer.messages:
        # What went wrong, with the address, is already said as a warning.
        typer.echo(f"tradewire: {nothing_received('' if recorder.trouble else source)}", err=True)
        raise typer.Exit(1)
    done = [
        counted(writer.messages, "message"),
        counted(recorder.snapshots, "snapshot"),
        counted(recorder.reconnects, "reconnect"),
    ]
    typer.echo(f"{', '.join(done)} -> {', '.join(map(str, writer.paths))}")
    for symbol in recorder.silent:
        typer.echo(f"  {symbol}: nothing received: is the symbol right?")
    for symbol in recorder.without_snapshot:
        typer.echo(f"  {symbol}: book snapshot missing: its book cannot be replayed from there")
    if not recorder.heard:
        typer.echo(f"tradewire: {no_market_data(source)}", err=True)
        raise typer.Exit(1)


def _check_new(out: Path, *, rotating: bool) -> None:
    """Finds what is wrong with the name of the file before anything is connected.

    Raises:
        OSError: as opening it would raise.
    """
    wrong = 0
    if out.is_dir():
        wrong = errno.EISDIR
    elif not rotating and out.exists():
        wrong = errno.EEXIST
    elif not out.parent.is_dir():
        wrong = errno.ENOENT
    elif not os.access(out.parent, os.W_OK):
        wrong = errno.EACCES
    if wrong:
        raise OSError(wrong, os.strerror(wrong), str(out))


def _first(error: BaseException) -> BaseException:
    """The first error of nested task groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
