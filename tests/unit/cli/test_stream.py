"""`tradewire stream` on a simulated venue."""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def _words(venue: Any, *more: str) -> list[str]:
    return ["stream", "--url", venue.stream_url, "--rest-url", venue.rest_url, "--seconds", "2", *more]


def test_quiet_only_counts(tradewire: Any, venue: Any) -> None:
    done = tradewire(*_words(venue, "--quiet", "--symbols", "BTCUSDT,ETHUSDT", "--channels", "trades,quotes,book"))
    assert done.returncode == 0, done.stderr
    assert "messages (" in done.stdout
    assert "book live" in done.stdout
    assert "Trade(" not in done.stdout


def test_a_pipe_gets_a_line_per_event(tradewire: Any, venue: Any) -> None:
    done = tradewire(*_words(venue, "--symbols", "btc/usdt", "--channels", "trades,mark_price"))
    assert done.returncode == 0, done.stderr
    kinds = {line.partition("(")[0] for line in done.stdout.splitlines()}
    assert {"Trade", "MarkPrice", "ConnectionChanged", "FeedStateChanged"} <= kinds
    assert "messages (" in done.stderr, "the summary does not disturb the lines"


def test_a_venue_that_is_not_there_is_no_traceback(tradewire: Any) -> None:
    done = tradewire("stream", "--url", "ws://127.0.0.1:9", "--seconds", "0.3", "--quiet")
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "trades down" in done.stdout


def test_it_ends_quietly_when_nobody_reads_on(venue: Any) -> None:
    """As in `tradewire stream | head -2`, without a time limit."""
    addresses = ["--url", venue.stream_url, "--rest-url", venue.rest_url]
    command = [sys.executable, "-m", "tradewire", "stream", *addresses, "--channels", "trades"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert "(" in child.stdout.readline()
        child.stdout.close()
        try:
            assert child.wait(20) == 1
            assert child.stderr.read() == ""
        finally:
            child.kill()
