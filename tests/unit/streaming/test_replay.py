"""Replaying recorded frames."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tradewire.streaming.replay import Detected, Replay, detect, paced
from tradewire.venues.registry import load


def replay(*lines: bytes, stream: str | None = "btcusdt@depth") -> Replay:
    run = Replay(load("binance"), stream)
    for number, line in enumerate(lines):
        run.feed(1_700_000_000_000_000_000 + number, line)
    return run


def test_counts_books_and_gaps(frames: Any) -> None:
    run = replay(
        frames.depth(5, 10, 4),
        frames.snapshot(7),
        frames.trade(1),
        frames.trade(3),
        frames.quote(1),
        frames.quote(1),
        frames.depth(11, 12, 10, bid="100.5"),
    )
    report = run.report()
    assert report.counts == {"trade": 2, "quote": 2, "book_delta": 2, "book_snapshot": 1}
    assert (report.frames, report.messages, report.decode_errors, report.book_gaps) == (7, 7, 0, 0)
    assert report.sequences == {"gap": 1, "duplicate": 1, "reordered": 0}
    assert report.missing == 1
    (book,) = report.books
    assert (book.symbol, book.state, book.last_seq, book.bid) == ("BTCUSDT", "live", 12, (100.5, 5.0))
    assert report.digest == book.digest


def test_a_dropped_diff_is_one_gap(frames: Any) -> None:
    run = replay(frames.snapshot(7), frames.depth(5, 10, 4), frames.depth(12, 13, 11))
    assert run.report().book_gaps == 1


def test_a_truncated_line_is_one_refused_message(frames: Any) -> None:
    report = replay(frames.trade(1), frames.trade(2)[:-5], frames.trade(3)).report()
    assert report.decode_errors == 1
    assert report.first_error.startswith("frame 2: binance ")
    assert report.counts["trade"] == 2


def test_a_frame_that_is_no_text_ends_a_connection_not_the_replay(frames: Any) -> None:
    report = replay(b"\xff\xfe", frames.trade(1)).report()
    assert (report.counts["trade"], report.decode_errors) == (1, 1)
    assert report.first_error.startswith("frame 1: ")


def test_the_fresh_connection_knows_the_stream_of_snapshots(frames: Any) -> None:
    report = replay(b"\xff\xfe", frames.snapshot(7), frames.depth(5, 10, 4)).report()
    assert [(book.symbol, book.state) for book in report.books] == [("BTCUSDT", "live")]


def test_there_is_no_end_state_while_a_book_is_not_live(frames: Any) -> None:
    report = replay(frames.depth(5, 10, 4)).report()
    assert [book.state for book in report.books] == ["syncing"]
    assert report.digest == ""


def test_several_books_have_one_digest(frames: Any) -> None:
    run = Replay(load("binance"))
    for symbol in ("ETHUSDT", "BTCUSDT"):
        data = json.loads(frames.snapshot(7))
        run.feed(1, json.dumps({"stream": f"{symbol.lower()}@depth", "data": data}).encode())
    report = run.report()
    lines = sorted(f"{book.symbol} {book.digest}" for book in report.books)
    assert lines[0].startswith("BTCUSDT ")
    assert report.digest == hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def test_no_book_no_digest(frames: Any) -> None:
    assert replay(frames.trade(1)).report().digest == ""


@pytest.mark.parametrize("size", [10, 125, 126, 65_535, 65_536, 200_000])
def test_frames_of_every_header_length(frames: Any, size: int) -> None:
    frame = frames.trade(1)
    report = replay(frame[:-1] + b" " * max(size - len(frame), 0) + frame[-1:]).report()
    assert report.messages == 1


def test_paced_keeps_the_recorded_distances() -> None:
    now = 0
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += int(seconds * 1e9)

    lines = [(1_000_000_000, b"a"), (2_000_000_000, b"b"), (2_000_000_000, b"c"), (4_000_000_000, b"d")]
    assert list(paced(lines, 10, sleep=sleep, clock=lambda: now)) == lines
    assert slept == [pytest.approx(0.1), pytest.approx(0.2)]


def test_max_speed_never_sleeps() -> None:
    lines = [(0, b"a"), (10**18, b"b")]
    assert list(paced(lines, 0, sleep=lambda _: pytest.fail("slept"))) == lines


def numbered(*lines: bytes) -> list[tuple[int, bytes]]:
    return list(enumerate(lines))


def test_usdm_is_recognised(frames: Any) -> None:
    expected = Detected("binance", "btcusdt@depth", mixed_trades=False)
    assert detect(numbered(b"broken", b"[]", frames.depth(1, 2, 0))) == expected
    assert detect(numbered(frames.quote(1))) == expected


def test_spot_is_recognised() -> None:
    diff = b'{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[],"a":[]}'
    quote = b'{"u":400900217,"s":"BNBUSDT","b":"25.35","B":"31.2","a":"25.36","A":"40.6"}'
    assert detect(numbered(diff)) == Detected("binance_spot", "bnbbtc@depth", mixed_trades=False)
    assert detect(numbered(quote)) == Detected("binance_spot", "bnbusdt@depth", mixed_trades=False)
    snapshot = b'{"lastUpdateId":1,"bids":[],"asks":[]}'
    assert detect(numbered(snapshot)) == Detected("binance_spot", None, mixed_trades=False)


def test_trades_do_not_show_the_market(frames: Any) -> None:
    assert detect(numbered(frames.trade(1), frames.trade(2))) == Detected(None, "btcusdt@depth", mixed_trades=False)


def test_several_symbols_leave_the_stream_open(frames: Any) -> None:
    assert detect(numbered(frames.trade(1), frames.trade(1, "ETHUSDT"))).stream is None


def test_single_and_aggregated_trades_are_not_one_sequence(frames: Any) -> None:
    aggregated = b'{"e":"aggTrade","E":1,"s":"BTCUSDT","a":900,"p":"1","q":"1","f":1,"l":1,"T":1,"m":false}'
    lines = numbered(frames.trade(1), aggregated, frames.trade(2), frames.quote(5), frames.quote(5))
    found = detect(lines)
    assert found.mixed_trades
    run = Replay(load("binance"), mixed_trades=True)
    for line in lines:
        run.feed(*line)
    report = run.report()
    assert report.sequences == {"gap": 0, "duplicate": 1, "reordered": 0}
    assert (report.counts["trade"], report.missing) == (3, 0)
