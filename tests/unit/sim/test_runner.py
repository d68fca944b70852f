"""The blocking entry: ready lines, prompt and silent end on a signal."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tradewire.sim import run


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serves_until_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "tradewire.sim", "binance", "--symbols", "ETHUSDT", "--rate", "1000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline().startswith("REST http://127.0.0.1:")
        assert child.stdout.readline().startswith("streams ws://127.0.0.1:")
        child.send_signal(number)
        assert child.wait() == 0
        assert child.stderr.read() == ""


def test_bad_symbol_is_a_usage_error() -> None:
    command = [sys.executable, "-m", "tradewire.sim", "--symbols", "btc"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "symbol must be" in done.stderr


def test_unknown_venue_is_named() -> None:
    with pytest.raises(ValueError, match=r"venue must be one of alpaca, binance, binance_spot, was 'mars'"):
        run("mars")
