"""`tradewire stream` on a simulated venue."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tradewire.sim import SimProcess


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


def test_a_pipe_gets_every_quote(tradewire: Any) -> None:
    with SimProcess(symbols=("BTCUSDT",), rate=3_000) as sim:
        done = tradewire(*_words(sim, "--symbols", "BTCUSDT", "--channels", "quotes"))
    assert done.returncode == 0, done.stderr
    assert " 0 conflated, 0 lost" in done.stderr


def test_halts_alone_are_worth_a_stream(tradewire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_API_KEY", "PK1")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "hush")
    with SimProcess("alpaca", symbols=("AAPL",), rate=20, script="every 200ms tell halt AAPL") as alpaca:
        done = tradewire(*_words(alpaca, "--venue", "alpaca", "--symbols", "AAPL", "--channels", "statuses"))
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    halt = next(event for event in events if event["event"] == "TradingStatus")
    assert (halt["symbol"], halt["halted"], halt["code"], halt["reason"]) == ("AAPL", True, "H", "Halt News Pending")
    assert re.search(r"\n  3 control replies, \d+ notices?\n  AAPL: \d+ notices? \[statuses live\]\n", done.stderr)


def test_silence_where_it_is_normal_is_no_failure(tradewire: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPACA_API_KEY", "PK1")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "hush")
    with SimProcess("alpaca", symbols=("AAPL",), script="mute imbalances") as alpaca:
        words = _words(alpaca, "--venue", "alpaca", "--symbols", "AAPL", "--quiet", "--channels")
        done = tradewire(*words, "imbalances")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  AAPL: nothing received, which is normal for imbalances [imbalances syncing]\n" in done.stdout


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


def test_answers_without_market_data_are_exit_code_1(tradewire: Any, venue: Any) -> None:
    done = tradewire(*_words(venue, "--quiet", "--symbols", "NOPEUSDT"))
    assert "  1 control reply\n" in done.stdout
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"{venue.stream_url} answers, but no market data was received; check the symbols" in done.stderr


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


def _file(tmp_path: Path, venue: Any, more: str = "") -> Path:
    path = tmp_path / "streaming.yaml"
    addresses = f"websocket_url: '{venue.stream_url}', rest_url: '{venue.rest_url}', subscriptions: [trades, quotes]"
    path.write_text(
        f"streaming:\n  symbols: [BTCUSDT]\n  providers:\n    - {{name: first, venue: binance, {addresses}}}\n"
        f"    - {{name: second, venue: binance, symbols: [ETHUSDT], {addresses}}}\n{more}"
    )
    return path


def test_all_providers_of_a_configuration(tradewire: Any, venue: Any, tmp_path: Path) -> None:
    path = _file(tmp_path, venue, "streaming_health: {api: {enabled: true}}\n")
    done = tradewire("stream", "--config", str(path), "--seconds", "2", "--quiet", "--metrics-port", "0")
    assert done.returncode == 0, done.stderr
    assert "  first BTCUSDT: last trade " in done.stdout
    assert "  second ETHUSDT: last trade " in done.stdout
    hint, metrics = done.stderr.splitlines()
    assert hint.startswith("tradewire: streaming_health.api.enabled: the health server is not part of this version")
    assert metrics.startswith("tradewire: metrics: http://127.0.0.1:")


def test_a_configuration_and_what_it_says_exclude_each_other(tradewire: Any, venue: Any, tmp_path: Path) -> None:
    path = str(_file(tmp_path, venue))
    done = tradewire("stream", "--config", path, "--venue", "binance", "--symbols", "BTCUSDT", "--seconds", "1")
    assert done.returncode == 2
    assert done.stderr == "tradewire: --venue, --symbols cannot be given with --config: write it into the file\n"
    done = tradewire("stream", "--hot-reload", "--seconds", "1")
    assert done.returncode == 2
    assert "--hot-reload is given without --config" in done.stderr


def test_errors_of_a_configuration_say_what_to_do(
    tradewire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALPACA_API_KEY", raising=False)
    path = tmp_path / "streaming.yaml"
    done = tradewire("stream", "--config", str(path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(path) in done.stderr
    path.write_text(
        "streaming: {symbols: [AAPL], providers: [{name: alpaca, auth_method: api_key, subscriptions: [trades]}]}"
    )
    done = tradewire("stream", "--config", str(path))
    assert done.returncode == 2
    assert "set ALPACA_API_KEY and ALPACA_SECRET_KEY" in done.stderr
    path.write_text(
        "streaming:\n  symbols: [BTCUSDT]\n  providers:\n  - {name: binance, subscriptions: [smells]}\n"
        "  - {name: binance_spot, subscriptions: [tastes]}\n  - {name: nowhere}\n"
    )
    done = tradewire("stream", "--config", str(path))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines[1:]] == [f"{path}:{line}" for line in (4, 5, 6)]
    for text in (
        "{providers: [{name: binance, subscriptions: [trades]}]}",
        "{symbols: [A], providers: [{name: binance}]}",
    ):
        path.write_text(f"streaming: {text}")
        done = tradewire("stream", "--config", str(path))
        assert (done.returncode, done.stderr) == (
            2,
            f"tradewire: {path} asks for nothing: write streaming.symbols and a provider's subscriptions\n",
        )
    path.write_text("streaming: {symbols: [AAPL], providers: [{name: binance, subscription: [trades]}]}")
    done = tradewire("stream", "--config", str(path))
    assert done.returncode == 2
    assert "subscriptions" in done.stderr, "the nearest known name"


def test_a_reload_shows_other_symbols_says_so_and_still_knows_the_keys(venue: Any, tmp_path: Path) -> None:
    """Keys are read from the environment once: they are gone from it when the file changes."""
    path = _file(tmp_path, venue)
    path.write_text(path.read_text().replace("name: first,", "name: first, auth_method: api_key, credential: desk,"))
    command = [sys.executable, "-m", "tradewire", "stream", "--config", str(path), "--hot-reload"]
    environment = os.environ | {"DESK_API_KEY": "k", "DESK_SECRET_KEY": "s"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        try:
            _read_until_symbol(child.stdout, "BTCUSDT")
            wanted = _file(tmp_path, venue).read_text().replace("[BTCUSDT]", "[SOLUSDT]")
            path.write_text(wanted.replace("name: first,", "name: first, auth_method: api_key, credential: desk,"))
            _read_until_symbol(child.stdout, "SOLUSDT")
            path.write_text(path.read_text() + "environment: testnet\n")
            assert child.stderr.readline() == "tradewire: configuration applied: streaming.symbols\n"
            assert "stays paper until the process is started anew" in child.stderr.readline()
            child.send_signal(signal.SIGINT)
            assert child.stdout.read() is not None
            assert child.wait(20) == 0
        finally:
            child.kill()


def _read_until_symbol(lines: Any, symbol: str) -> None:
    for line in lines:
        event = json.loads(line)
        if event["event"] == "Trade" and event["symbol"] == symbol:
            return
    raise AssertionError(f"the stream ended before {symbol} came")
