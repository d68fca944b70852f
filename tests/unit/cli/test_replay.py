"""`tradewire replay` on the synthetic recording, and on the recorded ones where they are found."""

from __future__ import annotations

import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import recordings
from rebuilt_book import Rebuilt
from tradewire import core
from tradewire.cli.replay import _factor
from tradewire.errors import UnsupportedError

DATA = Path(__file__).resolve().parents[2] / "data"
GOLDEN = json.loads((DATA / "synthetic_usdm.json").read_text("utf-8"))


def test_the_golden_end_state_is_reached(tradewire: Any) -> None:
    done = tradewire("replay", str(DATA / "synthetic_usdm.txt.gz"), "--expect", GOLDEN["book"]["hash"].upper())
    assert done.returncode == 0, done.stderr
    assert f"{GOLDEN['lines']:,} messages in {GOLDEN['lines']:,} frames of binance" in done.stdout
    assert "book gaps 0" in done.stdout
    assert f"last update {GOLDEN['book']['last_u']}" in done.stdout
    assert f"end state {GOLDEN['book']['hash']}" in done.stdout


def test_another_end_state_is_exit_code_1(tradewire: Any) -> None:
    done = tradewire("replay", str(DATA / "synthetic_usdm.txt.gz"), "--expect", "0" * 16)
    assert done.returncode == 1
    assert "is not the expected 0000000000000000" in done.stderr


def test_an_empty_file_is_no_success(tradewire: Any, tmp_path: Path) -> None:
    path = tmp_path / "empty.gz"
    path.write_bytes(gzip.compress(b""))
    done = tradewire("replay", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path} holds no frames" in done.stderr
    done = tradewire("replay", str(tmp_path / "none"))
    assert done.returncode == 2
    assert "none does not exist: check the name" in done.stderr


def test_frames_that_nothing_can_be_made_of_are_no_success(tradewire: Any, tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_text('1 {"result":null,"id":1}\n2 [1, 2\n')
    done = tradewire("replay", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{path} holds no market data of Binance: replay reads recordings of binance and bin" in done.stderr
    assert "; refused 1: frame 2: " in done.stderr
    with path.open("a") as file:
        file.write("no stamp\n")
    done = tradewire("replay", str(path))
    assert done.returncode == 2
    assert "line 3: must be '<receive ns> <frame>'" in done.stderr
    assert "\n  \n" not in done.stdout, "no line of kinds without kinds"


def test_a_plain_file_with_a_hole_reports_the_gap(tradewire: Any, tmp_path: Path) -> None:
    lines = gzip.decompress((DATA / "synthetic_usdm.txt.gz").read_bytes()).splitlines(keepends=True)
    diffs = [number for number, line in enumerate(lines) if b"@depth" in line[:60]]
    del lines[diffs[len(diffs) // 2]]
    path = tmp_path / "hole.txt"
    path.write_bytes(b"".join(lines))
    done = tradewire("replay", str(path), "--market", "usdm", "--stream", "btcusdt@depth")
    assert done.returncode == 0
    assert "book gaps 1;" in done.stdout
    assert "BTCUSDT syncing" in done.stdout
    assert "hash" not in done.stdout
    assert "no end state (BTCUSDT is syncing)" in done.stdout
    done = tradewire("replay", str(path), "--market", "usdm", "--stream", "btcusdt@depth", "--expect", "0" * 16)
    assert done.returncode == 1
    assert done.stderr == f"no end state (BTCUSDT is syncing) is not the expected {'0' * 16}\n"


def test_the_other_market_is_named(tradewire: Any) -> None:
    path = str(DATA / "synthetic_usdm.txt.gz")
    done = tradewire("replay", path, "--market", "spot")
    assert done.returncode == 0
    assert done.stderr == "these are messages of binance: give --market usdm, or leave --market out\n"
    assert tradewire("replay", path, "--market", "usdm").stderr == ""


def test_trades_alone_are_of_either_market(tradewire: Any, tmp_path: Path) -> None:
    path = tmp_path / "trades.txt"
    path.write_bytes(b'1 {"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":1,"p":"1","q":"1","X":"MARKET","m":false}\n')
    for market in ([], ["--market", "spot"], ["--market", "usdm"]):
        done = tradewire("replay", str(path), *market)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("option", "value", "allowed"),
    [
        ("--stream", "foo", "a symbol's depth stream, such as btcusdt@depth or btcusdt@depth20@100ms"),
        ("--stream", "btcusdt@trade", "a symbol's depth stream, such as btcusdt@depth or btcusdt@depth20@100ms"),
        ("--expect", "zzz", "16 hex digits, as printed after `end state`"),
        ("--expect", "", "16 hex digits, as printed after `end state`"),
        ("--market", "coinm", "usdm or spot"),
    ],
)
def test_what_no_replay_understands_is_refused(tradewire: Any, option: str, value: str, allowed: str) -> None:
    done = tradewire("replay", str(DATA / "synthetic_usdm.txt.gz"), option, value)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tradewire: {option} must be {allowed}, was {value!r}\n"


@pytest.mark.parametrize("kept", [0.9, 0.05])
def test_of_a_cut_recording_the_beginning_is_reported(tradewire: Any, tmp_path: Path, kept: float) -> None:
    packed = (DATA / "synthetic_usdm.txt.gz").read_bytes()
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: int(len(packed) * kept)])
    done = tradewire("replay", str(path))
    assert done.returncode == 2
    assert " messages in " in done.stdout
    assert "book gaps 0" in done.stdout
    assert "the gzip file is damaged" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("text", "factor"), [("max", 0.0), ("1x", 1.0), ("10x", 10.0), ("2.5", 2.5)])
def test_speeds(text: str, factor: float) -> None:
    assert _factor(text) == factor


@pytest.mark.parametrize("text", ["", "x", "0x", "-1x", "fast", "1e3"])
def test_what_is_no_speed(text: str) -> None:
    with pytest.raises(UnsupportedError, match="--speed must be max, 1x, 10x"):
        _factor(text)


def beginning(name: str, tmp_path: Path) -> tuple[Path, str]:
    """The first lines of a recording as a file, and what a plain rebuild says of their end state."""
    path, rebuilt = tmp_path / "beginning.gz", Rebuilt(linked="usdm" in name)
    with gzip.open(recordings.DATA / name) as whole, gzip.open(path, "wb", compresslevel=1) as part:
        for line in islice(whole, 5_000):
            part.write(line)
            rebuilt.frame(line.split(b" ", 1)[1])
    assert rebuilt.diffs > 300
    return path, rebuilt.digest()


@recordings.needed
@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("binance_usdm_btcusdt_20240808.gz", "921229b19ef6498b"),
        ("binance_spot_btcusdt_20240808.gz", "a643ec6dd820a9de"),
    ],
)
def test_the_recorded_end_states_are_reached(tradewire: Any, name: str, digest: str, tmp_path: Path) -> None:
    """Of the whole recordings on the native core; on the pure one, which would take minutes, of their beginning."""
    path = recordings.DATA / name
    if core.IMPLEMENTATION == "pure":
        path, digest = beginning(name, tmp_path)
    done = tradewire("replay", str(path), "--expect", digest)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "book gaps 0; trades and quotes: 0 gap, 0 duplicate, 0 reordered; 0 messages missing" in done.stdout
