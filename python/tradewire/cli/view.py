"""The live terminal view (rich) and the readable summary at the end of a run. Collects nothing: `board.py` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tradewire.core import BUILD, IMPLEMENTATION
from tradewire.streaming import FeedState
from tradewire.telemetry import HOPS

from .story import FAULT, HALTED, HEALED, RESUMED, clock, counts
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
#: Of them, those that symbols make room for.
_KEPT = 3
#: Usual length of price and quantity: `83084.30 x 0.00200`.
_PAIR = 20
#: Blanks between columns without lines.
_GAP = 2
#: The longest word of a line: `reconnecting`.
_WORD = 12
_HOP_NAMES = {
    "venue": "venue -> received",
    "queue": "received -> drained",
    "callback": "drained -> callback",
}


def console() -> Console:
    """Standard output; whether it is a terminal decides between the live view and plain text. One that cannot move its
    cursor (TERM=dumb) is none."""
    found = Console(highlight=False)
    return Console(highlight=False, force_terminal=False) if found.is_dumb_terminal else found


def live_view(board: Board, title: str, on: Console) -> Live:
    """A live view; the caller refreshes it. Nothing of it stays on the screen afterwards."""
    return Live(get_renderable=lambda: render(board, title), console=on, auto_refresh=False, transient=True)


class _View:
    """Head, market, latencies, story and foot, as roomy as the terminal allows: without lines around the tables when it
    is low, without quantities when it is narrow. The foot and the story (its newest lines) come before the latencies
    and before symbols that there is no room for."""

    def __init__(self, board: Board, head: Text, foot: Text) -> None:
        self._board, self._head, self._foot = board, head, foot

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        def height(*parts: RenderableType) -> int:
            return sum(len(console.render_lines(part, options)) for part in parts)

        board, story = self._board, self._board.story[-_LINES:]
        room = console.height - height(self._head, self._foot)
        boxed, quantities = (_width(board, boxed=lines) <= options.max_width for lines in (True, False))
        layouts: list[list[Table]] = [
            [_market_table(board, boxed=lines, quantities=quantities), *([_latency_table(board, boxed=lines)] * hops)]
            for lines, hops in ((True, True), (False, True), (False, False))
            if boxed or not lines
        ]
        tables = next((tables for tables in layouts if height(*tables) + len(story) <= room), layouts[-1])
        left = room - height(*tables)
        if (lacking := min(len(story), _KEPT) - left) > 0:
            rows = max(len(board.rows) - lacking - 1, 1)
            tables = [_market_table(board, boxed=False, quantities=quantities, rows=rows)]
            left = room - height(*tables)
        while story and height(_story(story)) > left:
            story = story[1:]
        yield self._head
        yield from tables
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
    return _View(board, head, foot)


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
    # Notices come as control messages.
    replies = kinds.pop("control", 0) - counters["notices"] - counters["notices_lost"]
    sorts = [
        *([counted(replies, "control reply", "control replies")] if replies > 0 else []),
        *([counted(counters["notices"], "notice")] if counters["notices"] else []),
        *([f"{counted(counters['notices_lost'], 'notice')} lost"] if counters["notices_lost"] else []),
        *(f"{count:,} {kind}" for kind, count in sorted(kinds.items())),
    ]
    if sorts:
        lines.append("  " + ", ".join(sorts))
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


def _symbol(board: Board, key: tuple[str, str], row: Row) -> str:
    provider, symbol = key
    feeds = {name: state for (by, name, of), state in board.states.items() if (by, of) == key}
    states = ", ".join(f"{name} {state}" for name, state in feeds.items())
    counters = board.gateway.managers[provider].counters
    if _are_many(board):
        symbol = f"{provider} {symbol}"
    if key in board.silent and board.gateway.counters["messages"]:
        why = f", which is normal for {', '.join(feeds)}" if key in board.calm else ": is the symbol right?"
        return f"  {symbol}: nothing received{why} [{states}]"
    parts = []
    # Of what is not asked for it is not known whether there was any.
    if row.trade:
        parts.append(f"last trade {_pair(row, (row.trade.price, row.trade.quantity))}")
    elif "trades" in feeds or "agg_trades" in feeds:
        parts.append("no trade")
    if row.bid or row.ask or any(name == "quotes" or name.startswith("book") for name in feeds):
        parts.append(f"bid {_pair(row, row.bid)}, ask {_pair(row, row.ask)}")
    if row.notices is not None:
        parts.append(counted(row.notices, "notice"))
    failed = counters[f"snapshot_errors.{key[1]}"]
    if failed:
        parts.append(f"{counted(failed, 'book snapshot')} failed")
    what = ", ".join(parts) or ("nothing received" if key in board.silent else "received")
    return f"  {symbol}: {what} [{states}]"


def _width(board: Board, *, boxed: bool) -> int:
    """Columns that the market with quantities takes when every number is of usual length: not those of this moment, or
    the view would jump between its forms."""
    names = [max(map(len, (symbol for _, symbol in board.rows)), default=0)]
    if _are_many(board):
        names.append(max(len(provider) for provider, _ in board.rows))
    channels = [max(len(channel), len(FeedState.SYNCING)) for channel in board.channels]
    cells = [*names, _PAIR, _PAIR, _PAIR, *channels]
    return sum(cells) + len(cells) * (3 if boxed else _GAP)


def _table(*, boxed: bool, gap: int = _GAP) -> Table:
    if boxed:
        return Table(expand=False, pad_edge=False)
    return Table(expand=False, pad_edge=False, box=None, padding=(0, gap, 0, 0))


def _market_table(board: Board, *, boxed: bool, quantities: bool, rows: int | None = None) -> Table:
    """A line for each symbol, or for the first `rows` of them and one that counts the others."""
    table = _table(boxed=boxed, gap=_GAP if quantities else 1)
    many = _are_many(board)
    if many:
        # Cut off, `binance` and `binance_spot` look alike.
        table.add_column("provider", overflow="fold")
    table.add_column("symbol", style="bold", no_wrap=True)
    for name in ("last trade", "bid", "ask"):
        table.add_column(name, justify="right", no_wrap=True)
    for channel in board.channels:
        table.add_column(channel)
    shown = list(board.rows.items())[:rows]
    for (provider, symbol), row in shown:
        trade = Text("-")
        if row.trade is not None:
            side = "green" if row.trade.side == "buy" else "red"
            trade = Text(_pair(row, (row.trade.price, row.trade.quantity), quantities=quantities), style=side)
        feeds = []
        for channel in board.channels:
            state = board.states.get((provider, channel, symbol))
            feeds.append(Text(state.value, style=_STYLES[state]) if state is not None else Text("-"))
        best = [_pair(row, level, quantities=quantities) for level in (row.bid, row.ask)]
        table.add_row(*([provider] if many else []), symbol, trade, *best, *feeds)
    if len(shown) < len(board.rows):
        table.add_row(*([""] if many else []), f"and {len(board.rows) - len(shown):,} more")
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
        is_good = line.word in HEALED or line.word == RESUMED
        style = "bold red" if line.word in (FAULT, HALTED) else "green" if is_good else "yellow"
        table.add_row(clock(line), Text(line.word, style=style), Text(f"{line.where}: {line.what}"))
    return table


def _latency_table(board: Board, *, boxed: bool) -> Table:
    table = _table(boxed=boxed)
    table.add_column("hop")
    for name in ("p50", "p99", "p99.9", "max", "count"):
        table.add_column(name, justify="right")
    values = board.gateway.latency.summary()
    for hop in HOPS:
        figures = values[hop]
        names = ("p50_ns", "p99_ns", "p99_9_ns", "max_ns")
        cells = [_time(figures[name]) if figures["count"] else "-" for name in names]
        table.add_row(_HOP_NAMES[hop], *cells, f"{figures['count']:,}")
    return table


def _pair(row: Row, pair: tuple[float, float] | None, *, quantities: bool = True) -> str:
    """Price and quantity, each with the decimals that the symbol has."""
    if pair is None:
        return "-"
    price, quantity = (f"{value:.{decimals}f}" for value, decimals in zip(pair, row.decimals, strict=True))
    return f"{price} x {quantity}" if quantities else price


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
