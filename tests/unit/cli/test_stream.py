"""`tradewire stream` on a simulated venue."""

from __future__ import annotations

import json
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


def test_a_pipe_gets_a_json_object_per_event(tradewire: Any, venue: Any) -> None:
    done = tradewire(*_words(venue, "--symbols", "btc/usdt", "--channels", "trades,mark_price"))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"Trade", "MarkPrice", "ConnectionChanged", "FeedStateChanged"} <= {event["event"] for event in events}
    trade = next(event for event in events if event["event"] == "Trade")
    assert (trade["symbol"], trade["venue"], type(trade["price"]), type(trade["event_ns"])) == (
        "BTCUSDT",
        "binance",
        float,
        int,
    )
    assert "messages (" in done.stderr, "the summary does not disturb the lines"


def test_a_venue_that_is_not_there_is_exit_code_1(tradewire: Any) -> None:
    addresses = ["--url", "ws://127.0.0.1:9", "--rest-url", "http://127.0.0.1:9"]
    done = tradewire("stream", *addresses, "--seconds", "0.5", "--quiet")
    assert done.returncode == 1
    assert done.stderr.startswith("tradewire: nothing was received: cannot connect to ")
    assert done.stderr.count("127.0.0.1:9") == 1
    assert done.stderr.count("\n") == 1
    assert "trades down" in done.stdout
    assert "\n  \n" not in done.stdout, "no line of kinds without kinds"


def test_a_silent_symbol_is_named(tradewire: Any, venue: Any) -> None:
    done = tradewire(*_words(venue, "--quiet", "--symbols", "BTCUSDT,NOPEUSDT"))
    assert done.returncode == 0, done.stderr
    assert "  NOPEUSDT: nothing received: is the symbol right? [trades " in done.stdout
    assert "  BTCUSDT: last trade " in done.stdout


def test_one_address_alone_is_refused(tradewire: Any) -> None:
    for command in (["stream"], ["record", "--out", "unused"]):
        done = tradewire(*command, "--url", "ws://127.0.0.1:9")
        assert (done.returncode, done.stdout) == (2, "")
        assert "--url is given without --rest-url: give both" in done.stderr


def test_it_ends_quietly_when_nobody_reads_on(venue: Any) -> None:
    """As in `tradewire stream | head -2`, without a time limit."""
    addresses = ["--url", venue.stream_url, "--rest-url", venue.rest_url]
    command = [sys.executable, "-m", "tradewire", "stream", *addresses, "--channels", "trades"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert "event" in json.loads(child.stdout.readline())
        child.stdout.close()
        try:
            assert child.wait(20) == 1
            assert child.stderr.read() == ""
        finally:
            child.kill()
