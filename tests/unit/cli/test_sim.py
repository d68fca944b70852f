"""`tradewire sim`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any


def test_it_serves_until_interrupted() -> None:
    command = [sys.executable, "-m", "tradewire", "sim", "binance", "--port", "0", "--symbols", "btc/usdt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        rest = child.stdout.readline().removeprefix("REST ").strip()
        streams = child.stdout.readline()
        assert streams.startswith("streams ws://127.0.0.1:")
        with urllib.request.urlopen(f"{rest}/fapi/v1/exchangeInfo", timeout=20) as answer:  # noqa: S310 - loopback
            assert [row["symbol"] for row in json.load(answer)["symbols"]] == ["BTCUSDT"]
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0
        assert child.stderr.read() == ""


def test_the_last_port_is_refused(tradewire: Any) -> None:
    done = tradewire("sim", "--port", "65535")
    assert done.returncode == 2
    assert "less than or equal to 65534" in done.stderr


def test_a_port_in_use_is_explained(tradewire: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = tradewire("sim", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"tradewire: port {port} is in use: choose another --port, or 0 for free ones")


def test_faults_by_a_script(tmp_path: Path) -> None:
    script = tmp_path / "faults.txt"
    script.write_text("refuse-rest 503 1 match time")
    command = [sys.executable, "-m", "tradewire", "sim", "alpaca", "--symbols", "aapl,btc/usd", "--script", str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        rest = child.stdout.readline().removeprefix("REST ").strip()
        child.stdout.readline()
        with urllib.request.urlopen(f"{rest}/sim/chaos", timeout=20) as answer:  # noqa: S310 - loopback
            assert [fault["fault"] for fault in json.load(answer)] == ["refuse-rest 503 match time"]
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0


def test_a_bad_script_is_explained(tradewire: Any, tmp_path: Path) -> None:
    script = tmp_path / "faults.txt"
    script.write_text("at 1s explode\nat 2s mute trade")
    done = tradewire("sim", "--script", str(script))
    assert done.returncode == 2
    assert "line 1: fault must be one of mute," in done.stderr
    assert "line 2: 'mute' does not take 'trade'" in done.stderr


def test_a_script_that_is_not_there(tradewire: Any, tmp_path: Path) -> None:
    done = tradewire("sim", "--script", str(tmp_path / "none.txt"))
    assert done.returncode == 2
    assert "does not exist" in done.stderr
