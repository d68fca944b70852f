"""The live view and the summary, drawn on a pretended terminal."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tradewire import Secret
from tradewire.cli import view
from tradewire.cli.board import Board
from tradewire.cli.chaos import ACTS
from tradewire.cli.story import Line
from tradewire.core import Trade
from tradewire.model.notices import TradingStatus
from tradewire.streaming import GapDetected, StreamingGateway
from tradewire.transport.auth import Credential


@pytest.fixture
def board() -> Board:
    board = Board(StreamingGateway(symbols=["BTCUSDT", "ETHUSDT"], channels=["trades", "quotes", "book"]))
    row = board.rows["binance", "BTCUSDT"]
    head = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}
    row.trade = Trade(price=83084.3, quantity=0.002, side="buy", trade_id=1, **head)
    row.bid, row.ask = (83084.3, 2.986), (83084.4, 4.632)
    counters = board.gateway.managers["binance"].counters
    counters.add("messages", 12_345)
    counters.add_all({"trade": 12_000, "quote": 345, "injected": 2}, "messages.")
    for value in (900, 25_000, 3_000_000, 2_000_000_000):
        board.gateway.latency.queue.record(value)
    return board


def _drawn(board: Board, width: int = 160, height: int = 50) -> str:
    screen = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    screen.print(view.render(board, "tradewire demo"))
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def test_the_view_shows_prices_states_rates_and_latencies(board: Board) -> None:
    text = _drawn(board)
    for part in ("tradewire demo", "BTCUSDT", "83084.3 x 0.002", "83084.4 x 4.632", "syncing", "messages/s", "12,345"):
        assert part in text
    for part in ("received -> drained", "p99.9", "2.00 s"):
        assert part in text


def test_the_summary_says_it_in_words(board: Board) -> None:
    board.finish()
    board.silent.discard(("binance", "BTCUSDT"))
    text = view.summary(board)
    assert text.startswith("12,345 messages (")
    assert "  345 quote, 12,000 trade\n" in text
    assert "BTCUSDT: last trade 83084.3 x 0.002, bid 83084.3 x 2.986" in text
    assert "ETHUSDT: nothing received: is the symbol right? [trades syncing, quotes syncing, book syncing]" in text
    assert "received -> drained: p50 25.0 us" in text


def test_the_summary_without_any_message() -> None:
    board = Board(StreamingGateway(symbols=["BTCUSDT"], channels=["trades"]))
    board.finish()
    lines = view.summary(board).splitlines()
    assert lines[0].startswith("0 messages (0/s)")
    assert lines[1] == "  BTCUSDT: no trade [trades syncing]"


def _alpaca(*channels: str) -> Board:
    credential = Credential("alpaca", Secret("k"), Secret("s"))
    return Board(StreamingGateway(venue="alpaca", symbols=["AAPL", "MSFT"], channels=channels, credential=credential))


def test_a_halt_is_a_line_of_the_view_and_a_notice_in_the_summary() -> None:
    board = _alpaca("statuses")
    halt = TradingStatus("alpaca", "AAPL", 0, 1, True, "H", "Trading Halt", "T1", "Halt News Pending", "C")
    board.gateway._dispatcher.publish([halt], 0)
    board.gateway.feeds()[0].messages = 1
    counters = board.gateway.managers["alpaca"].counters
    counters.add_all({"messages": 5, "messages.control": 5, "notices": 1, "notices_lost": 2})
    (line,) = [line for line in _drawn(board).splitlines() if "halted" in line]
    assert line.rstrip().endswith("halted        alpaca statuses AAPL: Trading Halt, Halt News Pending")
    board.finish()
    lines = view.summary(board).splitlines()
    assert lines[1] == "  2 control replies, 1 notice, 2 notices lost"
    assert lines[2] == "  AAPL: 1 notice [statuses syncing]"
    assert lines[3] == "  MSFT: nothing received, which is normal for statuses [statuses syncing]"


def test_the_summary_speaks_of_what_is_asked_for_only() -> None:
    """Corrections bring trades along, which nobody looks at."""
    board = _alpaca("corrections", "bars_1m")
    for feed in board.gateway.feeds():
        feed.messages = 1
    board.gateway.managers["alpaca"].counters.add_all({"messages": 4, "messages.trade": 2, "messages.control": 2})
    board.finish()
    lines = view.summary(board).splitlines()
    assert lines[1] == "  2 control replies, 2 trade"
    assert lines[2] == "  AAPL: 0 notices [corrections syncing, bars_1m syncing]"
    board = Board(StreamingGateway(symbols=["BTCUSDT", "ETHUSDT"], channels=["bars_1m"]))
    board.gateway.feeds()[0].messages = 1
    board.finish()
    lines = view.summary(board).splitlines()
    assert lines[1:3] == ["  BTCUSDT: received [bars_1m syncing]", "  ETHUSDT: nothing received [bars_1m syncing]"]


def test_the_summary_tells_replaced_from_lost_and_names_what_failed(board: Board) -> None:
    events = board.gateway.events()
    board.queue = events.queue
    events.queue.conflated_by["quote"], events.queue.dropped_by["trade"] = 104, 3
    board.silent.discard(("binance", "BTCUSDT"))
    counters = board.gateway.managers["binance"].counters
    counters.add("messages.control")
    counters.add("reconnects")
    counters.add("snapshot_errors.BTCUSDT", 2)
    text = view.summary(board)
    assert "  1 control reply, 345 quote" in text
    assert "1 reconnect, 0 book gaps, 0 trade gaps, 0 refused messages, 104 conflated, 3 lost" in text
    assert ", 2 book snapshots failed [" in text
    assert "  ETHUSDT: nothing received: is the symbol right? [" in text


def test_a_clock_behind_the_venues_is_said(board: Board) -> None:
    board.gateway.latency.venue.record(-5)
    assert "1 negative: this clock is behind the venue's" in view.summary(board)
    board.gateway.latency.venue.record(5)
    assert "max 5 ns (1, 1 negative)" in view.summary(board)


def test_several_providers_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "streaming.yaml"
    path.write_text(
        "streaming:\n  symbols: [BTCUSDT]\n  providers:\n"
        "    - {name: binance, subscriptions: [trades]}\n    - {name: binance_spot, subscriptions: [book]}\n"
    )
    board = Board(StreamingGateway(path))
    text = _drawn(board)
    assert "provider" in text
    assert "binance_spot" in text
    board.finish()
    lines = view.summary(board).splitlines()
    assert "  binance BTCUSDT: no trade [trades syncing]" in lines
    assert "  binance_spot BTCUSDT: bid -, ask - [book syncing]" in lines


def test_the_last_eight_events_are_shown_and_all_are_counted(board: Board) -> None:
    manager = board.gateway.managers["binance"]
    for number in range(9):
        manager._emit(GapDetected("binance", "trades", "BTCUSDT", number + 1, number * 10**9))
    board.injected.append(Line(20 * 10**9, "fault", "binance", "everything is cut"))
    board.metrics = "http://127.0.0.1:9/metrics"
    text = _drawn(board)
    assert "everything is cut" in text
    assert "9 messages are missing" in text
    assert "3 messages are missing" in text
    assert "2 messages are missing" not in text
    assert "metrics: http://127.0.0.1:9/metrics" in text
    assert "  9 gaps\n" in view.summary(board) + "\n"


def test_in_80_columns_a_long_line_goes_on_below_its_own_words(board: Board) -> None:
    names = ["BTCUSDT", "ETHUSDT"]
    acts = [Line(0, "fault", act.venue, act.what.format(*names)) for act in ACTS]
    lost = "connection stream is lost: ws://127.0.0.1:34567/stream ended it (1001 going away); next attempt in 0.4 s"
    board.injected += [*acts, Line(1, "reconnecting", "binance_spot", lost)]
    lines = [line.rstrip() for line in _drawn(board, 80).splitlines()]
    assert max(map(len, lines)) <= 80
    story = lines[next(number for number, line in enumerate(lines) if "  fault  " in line) : -2]
    first = [line for line in story if line[:1].strip()]
    assert len(first) == 7
    assert all(line.startswith(" " * 26) and line[26] != " " for line in story if line not in first)
    text = " ".join(line[26:].strip() for line in story)
    for line in board.injected:
        assert f"{line.where}: {line.what}" in text


def _two_venues(tmp_path: Path) -> Board:
    path = tmp_path / "streaming.yaml"
    path.write_text(
        "streaming:\n  symbols: [BTCUSDT, ETHUSDT, SOLUSDT]\n  providers:\n"
        "    - {name: binance, subscriptions: [trades, quotes, book]}\n"
        "    - {name: binance_spot, subscriptions: [trades, quotes, book]}\n"
    )
    board = Board(StreamingGateway(path))
    for row in board.rows.values():
        row.bid, row.ask = (83084.3, 2.986), (83084.35, 2.1)
    board.injected += [Line(10**9 * at, "stale", "binance trades BTCUSDT", f"number {at}") for at in range(1, 9)]
    return board


def test_in_80_by_24_all_that_matters_is_on_the_screen(tmp_path: Path) -> None:
    lines = [line.rstrip() for line in _drawn(_two_venues(tmp_path), 80, 24).splitlines()]
    rows = [line.split() for line in lines if line.startswith("binance")]
    assert [row[:5] for row in rows] == [
        [provider, symbol, "-", "83084.30", "83084.35"]
        for provider in ("binance", "binance_spot")
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    ]
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert [line.split()[-1] for line in lines if "number" in line] == [str(at) for at in range(1, 9)]
    assert "drained -> callback" in "\n".join(lines)
    assert lines[-1].endswith("Ctrl-C ends")


def test_latencies_give_way_to_the_story_and_symbols_to_its_end(tmp_path: Path) -> None:
    board = _two_venues(tmp_path)
    lines = _drawn(board, 80, 20).splitlines()
    assert len(lines) <= 20
    assert sum("number" in line for line in lines) == 8
    assert "drained" not in "\n".join(lines)
    lines = _drawn(board, 80, 11).rstrip().splitlines()
    assert len(lines) == 11
    assert [line.split()[-1] for line in lines if "number" in line] == ["6", "7", "8"]
    assert [line.strip() for line in lines if " more" in line] == ["and 3 more"]
    assert lines[-1].rstrip().endswith("Ctrl-C ends")


def test_quantities_and_boxes_come_with_room(tmp_path: Path) -> None:
    board = _two_venues(tmp_path)
    assert "83084.35 x 2.100" not in _drawn(board, 80)
    assert "83084.35 x 2.100" in _drawn(board, 120)
    assert "│" not in _drawn(board, 120)
    assert "│ 83084.35 x 2.100 │" in _drawn(board, 160)
    low = _drawn(board, 160, 24)
    assert "│" not in low
    assert "83084.35 x 2.100" in low


def test_decimals_stay_as_long_as_they_were_so_that_columns_keep_still(board: Board) -> None:
    row = board.rows["binance", "BTCUSDT"]
    row.bid = (83084.25, 1e-7)
    assert "83084.25 x 0.0000001 " in _drawn(board)
    row.bid = (83085.0, 2.5)
    assert "83085.00 x 2.5000000 " in _drawn(board)
    row.bid = (float("nan"), 2.5)
    assert "nan x 2.5000000 " in _drawn(board)


def test_a_hop_that_nothing_took_has_no_times(board: Board) -> None:
    hop = next(line for line in _drawn(board).splitlines() if "drained -> callback" in line)
    assert [cell.strip() for cell in hop.split("│")[2:-1]] == ["-", "-", "-", "-", "0"]


def test_a_live_view_leaves_nothing_on_the_screen(board: Board) -> None:
    screen = Console(file=io.StringIO(), width=160, force_terminal=True)
    with view.live_view(board, "tradewire demo", screen) as live:
        live.refresh()
    assert "tradewire demo" in screen.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("ns", "text"), [(999, "999 ns"), (1_500, "1.5 us"), (2_500_000, "2.5 ms"), (3 * 10**9, "3.00 s")]
)
def test_times(ns: int, text: str) -> None:
    assert view._time(ns) == text


@pytest.mark.parametrize(("count", "text"), [(999, "999 B"), (1_500, "1.5 KB"), (2_500_000, "2.5 MB"), (3e9, "3.0 GB")])
def test_bytes(count: float, text: str) -> None:
    assert view._bytes(count) == text


def test_a_console_knows_a_pipe() -> None:
    assert not view.console().is_terminal


def test_a_terminal_that_cannot_draw_is_like_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert view.console().is_terminal
    monkeypatch.setenv("TERM", "dumb")
    assert not view.console().is_terminal
