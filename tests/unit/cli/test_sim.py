"""`tradewire sim`."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
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
