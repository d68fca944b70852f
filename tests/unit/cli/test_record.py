"""`tradewire record` on a simulated venue, and the replay of what it wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradewire.sim import SimProcess


def _words(venue: Any, out: Path, *more: str) -> list[str]:
    addresses = ["--url", venue.stream_url, "--rest-url", venue.rest_url]
    return ["record", "--out", str(out), *addresses, "--seconds", "3", *more]


def test_what_is_recorded_replays_without_a_gap(tradewire: Any, venue: Any, tmp_path: Path) -> None:
    out = tmp_path / "capture.gz"
    done = tradewire(*_words(venue, out, "--symbols", "BTCUSDT,ETHUSDT"))
    assert done.returncode == 0, done.stderr
    assert "2 snapshots, 0 reconnects" in done.stdout
    first = tradewire("replay", str(out))
    assert first.returncode == 0, first.stderr
    assert "book gaps 0; trades and quotes: 0 gap, 0 duplicate, 0 reordered" in first.stdout
    assert "refused 0" in first.stdout
    assert "BTCUSDT live" in first.stdout
    assert "ETHUSDT live" in first.stdout
    digest = first.stdout.rpartition("end state ")[2].strip()
    assert tradewire("replay", str(out), "--expect", digest).returncode == 0


def test_rotation_and_nothing_overwritten(tradewire: Any, venue: Any, tmp_path: Path) -> None:
    out = tmp_path / "capture"
    done = tradewire(*_words(venue, out, "--rotate-size", "25K"))
    assert done.returncode == 0, done.stderr
    files = sorted(tmp_path.iterdir())
    assert len(files) > 3, "the last one may end before its snapshot"
    for file in files[1:3]:
        replayed = tradewire("replay", str(file))
        assert "BTCUSDT live" in replayed.stdout, replayed.stdout
        assert "book gaps 0" in replayed.stdout
        assert "end state " in replayed.stdout
    out.write_text("here already")
    again = tradewire(*_words(venue, out))
    assert again.returncode == 2
    assert "exists and is never overwritten: choose another name" in again.stderr
    assert "Traceback" not in again.stderr
    assert out.read_text() == "here already"


def test_a_silent_symbol_is_named(tradewire: Any, venue: Any, tmp_path: Path) -> None:
    done = tradewire(*_words(venue, tmp_path / "capture", "--symbols", "BTCUSDT,NOPEUSDT"))
    assert done.returncode == 0, done.stderr
    assert ", 1 snapshot, 0 reconnects -> " in done.stdout
    assert "  NOPEUSDT: nothing received: is the symbol right?" in done.stdout
    assert "BTCUSDT:" not in done.stdout


def test_answers_without_market_data_are_exit_code_1(tradewire: Any, venue: Any, tmp_path: Path) -> None:
    done = tradewire(*_words(venue, tmp_path / "capture", "--symbols", "NOPEUSDT"))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "  NOPEUSDT: nothing received: is the symbol right?" in done.stdout
    assert f"{venue.stream_url} answers, but no market data was received; check the symbols" in done.stderr


def test_what_no_replay_reads_is_said_by_both(tradewire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "capture"
    monkeypatch.setenv("ALPACA_API_KEY", "PKSIMULATED")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "simulated")
    with SimProcess("alpaca", symbols=("AAPL",), rate=200) as sim:
        words = ["--venue", "alpaca", "--symbols", "AAPL", "--channels", "trades,quotes"]
        done = tradewire(*_words(sim, out, *words))
    assert done.returncode == 0, done.stderr
    reads = "replay reads recordings of binance and binance_spot"
    assert done.stderr == f"tradewire: {reads}, not of alpaca\n"
    replayed = tradewire("replay", str(out))
    assert (replayed.returncode, replayed.stdout) == (2, "")
    assert replayed.stderr == f"tradewire: {out} holds no market data of Binance: {reads}\n"


def test_a_venue_that_is_not_there_is_exit_code_1(tradewire: Any, tmp_path: Path) -> None:
    addresses = ["--url", "ws://127.0.0.1:9", "--rest-url", "http://127.0.0.1:9"]
    done = tradewire("record", "--out", str(tmp_path / "capture"), *addresses, "--seconds", "0.5")
    assert done.returncode == 1
    assert done.stderr.count("ws://127.0.0.1:9") == 1
    assert "nothing was received; check the address" in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_found_before_connecting(tradewire: Any, tmp_path: Path) -> None:
    done = tradewire("record", "--out", str(tmp_path))
    assert (done.returncode, done.stderr) == (2, f"tradewire: {tmp_path} is a folder: give the name of a file\n")
    done = tradewire("record", "--out", str(tmp_path / "no" / "capture"))
    assert done.returncode == 2
    assert "no does not exist: check the name, or make the folder" in done.stderr
