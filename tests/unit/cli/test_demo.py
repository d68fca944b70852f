"""`tradewire demo`: a bounded run, an interrupted one, and one that is killed."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tradewire.cli.chaos import ACTS


def test_a_bounded_run_ends_with_a_summary(tradewire: Any) -> None:
    done = tradewire("demo", "--seconds", "3", "--rate", "200")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for venue in ("binance", "binance_spot"):
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
            name = f"  {venue} {symbol}"
            assert f"{name}: last trade" in done.stdout or f"{name}: no trade" in done.stdout
    assert "messages (" in done.stdout
    assert "received -> drained: p50" in done.stdout


def test_a_symbol_that_cannot_be_simulated_is_one_line_of_error(tradewire: Any) -> None:
    for command in ("demo", "sim"):
        done = tradewire(command, "--symbols", "AAPL")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "tradewire: symbol must be an upper-case name ending in USDT or USDC, was 'AAPL'\n"


def test_two_spellings_are_one_symbol(tradewire: Any) -> None:
    done = tradewire("demo", "--symbols", "btcusdt,BTC/USDT", "--seconds", "0.5", "--rate", "200")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Simulated Binance USD-M and Spot, 1 symbol each, 0.5 s ...\n")


def _children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    if not path.exists():
        pytest.skip("no /proc here")
    return [int(child) for child in path.read_text("ascii").split()]


def _wait_for(condition: Any, timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        os.sched_yield()


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _start_on_a_terminal(*more: str) -> tuple[subprocess.Popen[bytes], int]:
    outside, inside = pty.openpty()
    command = [sys.executable, "-m", "tradewire", "demo", "--rate", "200", *more]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "140", "LINES": "40"}
    child = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=subprocess.PIPE, env=environment)
    os.close(inside)
    return child, outside


def _read_until(outside: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen:
        seen += os.read(outside, 65_536)
    return seen


def _drain(outside: int) -> bytes:
    seen = b""
    try:
        while piece := os.read(outside, 65_536):
            seen += piece
    except OSError:  # the terminal is gone with its last user
        pass
    return seen


@pytest.mark.parametrize(("more", "shown"), [((), b"live"), (("--chaos", "--metrics-port", "0"), b"fault  ")])
def test_ctrl_c_ends_a_live_view_quickly_and_cleanly(more: tuple[str, ...], shown: bytes) -> None:
    child, outside = _start_on_a_terminal(*more)
    _read_until(outside, shown)
    venues = _children(child.pid)
    assert len(venues) == 2
    started = time.monotonic()
    child.send_signal(signal.SIGINT)
    rest = _drain(outside)
    assert child.wait(10) == 0
    assert time.monotonic() - started < 2, "the promise of the command"
    assert child.stderr is not None
    assert child.stderr.read() == b""
    child.stderr.close()
    os.close(outside)
    assert b"messages (" in rest
    assert not any(_alive(venue) for venue in venues)


def test_nothing_is_left_when_the_command_is_killed() -> None:
    child, outside = _start_on_a_terminal()
    _read_until(outside, b"live")
    venues = _children(child.pid)
    child.kill()
    child.wait(10)
    assert child.stderr is not None
    child.stderr.close()
    os.close(outside)
    _wait_for(lambda: not any(_alive(venue) for venue in venues))


def test_the_help_says_when_it_ends(tradewire: Any) -> None:
    text = " ".join(tradewire("demo", "--help").stdout.split())
    assert "without one (a pipe, a log, TERM=dumb) it ends after 10 s" in text


@pytest.mark.timeout(180)
def test_faults_are_injected_and_healed(tradewire: Any) -> None:
    done = tradewire("demo", "--chaos", "--rate", "400", "--metrics-port", "0", timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[-1] == f"  {len(ACTS)} faults injected, all healed"
    assert any(line.startswith("metrics: http://127.0.0.1:") for line in lines)
    words = {word for line in lines if (word := line.partition(": ")[0].rpartition("  ")[2])}
    assert {"fault", "gap", "resynced", "reconnecting", "connected", "stale", "remedy", "recovered"} <= words
    assert sum("  fault: " in line for line in lines) == len(ACTS)


def test_a_short_run_leaves_out_what_could_not_be_healed(tradewire: Any) -> None:
    done = tradewire("demo", "--chaos", "--seconds", "3", "--rate", "200")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  0 faults injected: the run was too short\n" in done.stdout


def test_faults_that_are_not_healed_are_named() -> None:
    """The book of a market at rest never learns that deltas are missing."""
    script = (
        "from tradewire.cli import chaos, demo\n"
        "chaos._PATIENCE_S = 0.2\n"
        "chaos.Chaos.__init__.__kwdefaults__['acts'] = (chaos.Act(0, 'binance', 'drop 1 book', 'lost', 'never'),)\n"
        "import typer; typer.run(demo.demo)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "--chaos", "--rate", "200"], capture_output=True, text=True, timeout=50
    )
    assert done.returncode == 1, done.stderr
    _, _, told = done.stdout.partition("  1 fault injected, not healed:\n")
    first, *others = told.splitlines()
    assert first == "    binance: lost"
    # One more delta before the market came to rest shows the hole, which nothing has time to heal.
    assert all(re.fullmatch(r"    book of \w+ is gap", line) for line in others)
