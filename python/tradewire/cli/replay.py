"""`tradewire replay`: feeds a recording through the live path and says what the end state is."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewire.errors import UnsupportedError

from .wording import counted

if TYPE_CHECKING:
    from tradewire.streaming.replay import ReplayReport

__all__ = ["MARKETS", "replay"]

#: Value of `--market` -> venue: whose recordings can be replayed.
MARKETS = {"usdm": "binance", "spot": "binance_spot"}
_STEP = 1_000
#: Of one symbol, partial or not: `btcusdt@depth`, `btcusdt@depth20@100ms`.
_DEPTH_STREAM = re.compile(r"[^\s@/!]{1,64}@depth(5|10|20)?(@\d+ms)?")
_DIGEST = re.compile(r"[0-9a-fA-F]{16}")


def replay(
    file: Annotated[
        Path, typer.Argument(help="Recording of binance or binance_spot: `<receive ns> <frame>` lines, gzip or plain.")
    ],
    speed: Annotated[str, typer.Option("--speed", help="max, 1x, 10x, ...")] = "max",
    stream: Annotated[
        str | None, typer.Option("--stream", help="Stream that snapshots without a name belong to: btcusdt@depth.")
    ] = None,
    market: Annotated[str | None, typer.Option("--market", help="usdm or spot; found out when not given.")] = None,
    expect: Annotated[
        str | None, typer.Option("--expect", help="Hash of the end state; exit code 1 when it differs.")
    ] = None,
) -> None:
    """Replay recorded frames through the same path as live ones; report counts, gaps, books and the end state's hash.

    The hash of one book is the first 16 hex digits of SHA-256 over its levels; of several books, over the lines
    `SYMBOL hash` in order of symbol.
    """
    from tradewire.streaming.recording import DamagedRecordingError, Recording
    from tradewire.streaming.replay import Replay, detect, paced
    from tradewire.venues.registry import load

    factor = _factor(speed)
    _check(market, stream, expect)
    with Recording(file) as look:
        found = detect(_readable(look))
    venue = load(MARKETS[market] if market else found.venue or "binance")
    run = Replay(venue, stream or found.stream, mixed_trades=found.mixed_trades)
    started = 0.0
    damage: DamagedRecordingError | None = None
    with Recording(file) as recording, _progress(file.name, recording.size) as advance:
        try:
            for number, (recv_ns, frame) in enumerate(paced(recording, factor, sleep=time.sleep), 1):
                # From the first frame on: not what it takes to get ready.
                started = started or time.perf_counter()
                run.feed(recv_ns, frame)
                if factor or not number % _STEP:
                    advance(recording.position)
            advance(recording.size)
        except DamagedRecordingError as error:
            damage = error
    report = run.report()
    seconds = time.perf_counter() - started if started else 0.0
    if not report.frames and damage is None:
        raise UnsupportedError(f"{file} holds no frames: nothing was recorded")
    if damage is None and report.counts.keys() <= {"control"}:
        refused = f"; refused {report.decode_errors}: {report.first_error}" if report.first_error else ""
        raise UnsupportedError(
            f"{file} holds no market data of Binance: replay reads recordings of {' and '.join(MARKETS.values())}"
            + refused
        )
    typer.echo(_text(report, venue.name, seconds))
    if found.mixed_trades:
        typer.echo("single and aggregated trades together: holes in their numbers are not judged")
    if found.venue not in (None, venue.name):
        fits = next(name for name, of in MARKETS.items() if of == found.venue)
        typer.echo(f"these are messages of {found.venue}: give --market {fits}, or leave --market out", err=True)
    if damage is not None:
        raise damage
    if expect is not None and report.digest != expect.lower():
        reached = f"end state {report.digest}" if report.digest else _no_end_state(report)
        typer.echo(f"{reached} is not the expected {expect}", err=True)
        raise typer.Exit(1)


def _check(market: str | None, stream: str | None, expect: str | None) -> None:
    if market is not None and market not in MARKETS:
        raise UnsupportedError(f"--market must be usdm or spot, was {market!r}")
    if stream is not None and not _DEPTH_STREAM.fullmatch(stream):
        raise UnsupportedError(
            f"--stream must be a symbol's depth stream, such as btcusdt@depth or btcusdt@depth20@100ms, was {stream!r}"
        )
    if expect is not None and not _DIGEST.fullmatch(expect):
        raise UnsupportedError(f"--expect must be 16 hex digits, as printed after `end state`, was {expect!r}")


def _readable(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The lines up to damage, which the replay itself reports."""
    from tradewire.streaming.recording import DamagedRecordingError

    with suppress(DamagedRecordingError):
        yield from lines


def _no_end_state(report: ReplayReport) -> str:
    states = ", ".join(f"{book.symbol} is {book.state}" for book in report.books if book.state != "live")
    return f"no end state ({states or 'no book'})"


def _factor(speed: str) -> float:
    if speed == "max":
        return 0.0
    number = speed.removesuffix("x")
    if not number.replace(".", "", 1).isdigit() or float(number) <= 0:
        raise UnsupportedError(f"--speed must be max, 1x, 10x, ..., was {speed!r}")
    return float(number)


@contextmanager
def _progress(name: str, size: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's standard error; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(name, total=max(size, 1))
        yield lambda position: progress.update(task, completed=position)


def _text(report: ReplayReport, venue: str, seconds: float) -> str:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(report.counts.items()))
    gaps = ", ".join(f"{count} {name}" for name, count in report.sequences.items())
    lines = [
        f"{counted(report.messages, 'message')} in {counted(report.frames, 'frame')} of {venue}, {seconds:.2f} s, "
        f"{report.messages / max(seconds, 1e-9):,.0f} messages/s",
        *([f"  {counts}"] if counts else []),
        f"  book gaps {report.book_gaps}; trades and quotes: {gaps}; {report.missing} messages missing",
        f"  refused {report.decode_errors}" + (f": {report.first_error}" if report.first_error else ""),
    ]
    lines += [
        f"  {book.symbol} {book.state}, last update {book.last_seq}, {book.levels} levels, bid {_level(book.bid)}, "
        f"ask {_level(book.ask)}" + (f", hash {book.digest}" if book.state == "live" else "")
        for book in report.books
    ]
    if report.digest:
        lines.append(f"end state {report.digest}")
    elif report.books:
        lines.append(_no_end_state(report))
    return "\n".join(lines)


def _level(level: tuple[float, float] | None) -> str:
    return "-" if level is None else f"{level[0]:.10g} x {level[1]:.10g}"
