"""A venue in a child process: ready when made, gone with its parent."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys

import pytest

from tradewire.sim import SimProcess


def test_is_ready_when_made_and_gone_when_stopped() -> None:
    with SimProcess(symbols=("ETHUSDT",)) as sim:
        with contextlib.closing(http.client.HTTPConnection(sim.rest_url.removeprefix("http://"))) as connection:
            connection.request("GET", "/fapi/v1/ping")
            assert connection.getresponse().read() == b"{}"
        assert sim.stream_url.startswith("ws://127.0.0.1:")
        pid = sim.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    sim.stop()


def test_parent_does_not_load_the_servers() -> None:
    script = "import sys; from tradewire.sim import SimProcess; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"aiohttp", "websockets", "uvloop"} & set(done.stdout.split())


def test_says_why_it_did_not_start() -> None:
    with pytest.raises(RuntimeError, match="symbol must be an upper-case name"):
        SimProcess(symbols=("btc",))


def test_a_chatty_venue_does_not_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that says more than a pipe holds before it is ready."""
    script = (
        "import sys\nsys.stderr.write('x' * 1_000_000)\nsys.stderr.flush()\n"
        "print('REST http://a')\nprint('streams ws://a', flush=True)\nsys.stdin.read()"
    )
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _, **options: start([sys.executable, "-c", script], **options))
    with SimProcess() as sim:
        assert (sim.rest_url, sim.stream_url) == ("http://a", "ws://a")


def test_dies_with_its_parent() -> None:
    script = (
        "import sys; from tradewire.sim import SimProcess\n"
        "sim = SimProcess(); print(sim.rest_url, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        host, port = parent.stdout.readline().strip().removeprefix("http://").split(":")
        socket.create_connection((host, int(port))).close()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    with contextlib.suppress(ConnectionError):  # when the venue is gone; otherwise the test's time limit ends this
        while True:
            socket.create_connection((host, int(port))).close()
