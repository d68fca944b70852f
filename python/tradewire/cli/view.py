"""The live terminal view (rich) and the readable summary at the end of a run. Collects nothing: `board.py` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tradewire.core import BUILD, IMPLEMENTATION
from tradewire.streaming import FeedState
from tradewire.telemetry import HOPS

from .story import FAULT, HEALED, clock, counts
from .wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from .board import Board, Row
    from .story import Line

__all__ = ["console", "live_view", "render", "summary"]

_STYLES = {
    FeedState.LIVE: "green",
    FeedState.SYNCING: "yellow",
    FeedState.GAP: "bold magenta",
    FeedState.STALE: "bold yellow",
    FeedState.DOWN: "bold red",
}
_LINES = 8
#: The longest word of a line: `reconnecting`.
_WORD = 12
_HOP_NAMES = {
    "venue": "venue -> received",
    "queue": "received -> drained",
    "callback": "drained -> callback",
}


def console() -> Console:
    """Standard output; whether it is a terminal decides between the live view and plain text."""
    return Console(highlight=False)


def live_view(board: Board, title: str, on: Console) -> Live:
    """A live view; the caller refreshes it. Nothing of it stays on the screen afterwards."""
    return Live(get_renderable=lambda: render(board, title), console=on, auto_refresh=False, transient=True)


class _View:
    """Head, story and foot; of the story as many of the newest lines as the terminal is high."""

    def __init__(self, head: Group, story: Sequence[Line], foot: Text) -> None:
        self._head, self._story, self._foot = head, story, foot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = console.height - sum(len(console.render_lines(part, options)) for part in (self._head, self._foot))
        story = self._story
        while story and len(console.render_lines(_story(story), options)) > room:
            story = story[1:]
        yield self._head
        yield _story(story)
        yield self._foot


def render(board: Board, title: str) -> RenderableType:
    """The whole view as it is now."""
    board.update()
    head = Text.assemble(
        (title, "bold"),
        f"   {IMPLEMENTATION} core ({BUILD['profile']})   {board.seconds:.0f} s   ",
        (f"{board.messages_per_s:,.0f} messages/s   {_bytes(board.bytes_per_s)}/s", "bold cyan"),
    )
    counters = board.gateway.counters
    metrics = [f"metrics: {board.metrics}"] if board.metrics else []
    foot = Text(
        "   ".join([counted(counters["messages"], "message"), *_incidents(board), *metrics, "Ctrl-C ends"]),
        style="dim",
    )
    return _View(Group(head, _market_table(board), _latency_table(board)), board.story[-_LINES:], foot)


def summary(board: Board) -> str:
    """The run in words: what arrived, the state of every feed, latency per hop."""
    gateway, counters = board.gateway, board.gateway.counters
    seconds = max(board.seconds, 1e-9)
    # `injected` says where messages came from, not what they are.
    kinds = {kind: count for kind, count in counters.group("messages.").items() if kind != "injected"}
    lines = [
        f"{counted(counters['messages'], 'message')} ({counters['messages'] / seconds:,.0f}/s) and "
        f"{_bytes(counters['bytes'])} in {seconds:.1f} s on the {IMPLEMENTATION} core"
    ]
    if kinds:
        lines.append("  " + ", ".join(_kind(kind, count) for kind, count in sorted(kinds.items())))
    lines += [_symbol(board, key, row) for key, row in board.rows.items()]
    for hop, values in gateway.latency.summary().items():
        if values["count"]:
            figures = f"p50 {_time(values['p50_ns'])}, p99 {_time(values['p99_ns'])}, p99.9 {_time(values['p99_9_ns'])}"
            seen = f"{values['count']:,}" + (f", {values['negative']:,} negative" if values["negative"] else "")
            lines.append(f"  {_HOP_NAMES[hop]}: {figures}, max {_time(values['max_ns'])} ({seen})")
        elif values["negative"]:
            lines.append(f"  {_HOP_NAMES[hop]}: {values['negative']:,} negative: this clock is behind the venue's")
    lines.append("  " + ", ".join(_incidents(board)))
    story = counts(board.story)
    if story:
        lines.append("  " + ", ".join(story))
    return "\n".join(lines)


def _incidents(board: Board) -> list[str]:
    counters = board.gateway.counters
    return [
        counted(counters["reconnects"], "reconnect"),
        counted(counters["book_gaps"], "book gap"),
        counted(counters["sequence_gap"], "trade gap"),
        counted(counters["decode_errors"], "refused message"),
        f"{board.conflated:,} conflated",
        f"{board.lost:,} lost",
    ]


def _kind(kind: str, count: int) -> str:
    return counted(count, "control reply", "control replies") if kind == "control" else f"{count:,} {kind}"


def _symbol(board: Board, key: tuple[str, str], row: Row) -> str:
    provider, symbol = key
    states = ", ".join(f"{name} {state}" for (by, name, of), state in board.states.items() if (by, of) == key)
    counters = board.gateway.managers[provider].counters
    if _are_many(board):
        symbol = f"{provider} {symbol}"
    if key in board.silent and board.gateway.counters["messages"]:
        return f"  {symbol}: nothing received: is the symbol right? [{states}]"
    trade = f"last trade {_number(row.trade.price)} x {_number(row.trade.quantity)}" if row.trade else "no trade"
    failed = counters[f"snapshot_errors.{key[1]}"]
    snapshots = f", {counted(failed, 'book snapshot')} failed" if failed else ""
    return f"  {symbol}: {trade}, bid {_level(row.bid)}, ask {_level(row.ask)}{snapshots} [{states}]"


def _market_table(board: Board) -> Table:
    table = Table(expand=False, pad_edge=False)
    many = _are_many(board)
    if many:
        # Cut off, `binance` and `binance_spot` look alike.
        table.add_column("provider", overflow="fold")
    table.add_column("symbol", style="bold")
    for name in ("last trade", "bid", "ask"):
        table.add_column(name, justify="right")
    for channel in board.channels:
        table.add_column(channel)
    for (provider, symbol), row in board.rows.items():
        trade = Text("-")
        if row.trade is not None:
            side = "green" if row.trade.side == "buy" else "red"
            trade = Text(f"{_number(row.trade.price)} x {_number(row.trade.quantity)}", style=side)
        feeds = []
        for channel in board.channels:
            state = board.states.get((provider, channel, symbol))
            feeds.append(Text(state.value, style=_STYLES[state]) if state is not None else Text("-"))
        table.add_row(*([provider] if many else []), symbol, trade, _level(row.bid), _level(row.ask), *feeds)
    return table


def _are_many(board: Board) -> bool:
    return len({provider for provider, _ in board.rows}) > 1


def _story(lines: Sequence[Line]) -> Table:
    """What a narrow terminal has no room for goes on below, beside the times."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(no_wrap=True, min_width=_WORD)
    table.add_column(overflow="fold")
    for line in lines:
        style = "bold red" if line.word == FAULT else "green" if line.word in HEALED else "yellow"
        table.add_row(clock(line), Text(line.word, style=style), Text(f"{line.where}: {line.what}"))
    return table


def _latency_table(board: Board) -> Table:
    table = Table(expand=False, pad_edge=False)
    table.add_column("hop")
    for name in ("p50", "p99", "p99.9", "max", "count"):
        table.add_column(name, justify="right")
    values = board.gateway.latency.summary()
    for hop in HOPS:
        figures = values[hop]
        cells = [_time(figures[name]) for name in ("p50_ns", "p99_ns", "p99_9_ns", "max_ns")]
        table.add_row(_HOP_NAMES[hop], *cells, f"{figures['count']:,}")
    return table


def _level(level: tuple[float, float] | None) -> str:
    return "-" if level is None else f"{_number(level[0])} x {_number(level[1])}"


def _number(value: float) -> str:
    return f"{value:.10f}".rstrip("0").rstrip(".")


def _time(ns: int) -> str:
    if ns < 1_000:
        return f"{ns} ns"
    if ns < 1_000_000:
        return f"{ns / 1e3:.1f} us"
    if ns < 1_000_000_000:
        return f"{ns / 1e6:.1f} ms"
    return f"{ns / 1e9:.2f} s"


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1_000:
            return f"{count:,.0f} {unit}" if unit == "B" else f"{count:,.1f} {unit}"
        count /= 1_000
    return f"{count:,.1f} GB"
