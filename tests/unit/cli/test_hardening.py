"""What the command does for its secrets, in processes of its own: a test must not lose its own core limit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tradewire.cli.hardening import forget_keys


def run(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=os.environ | environment, timeout=50
    )


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_no_core_file_and_no_peeking() -> None:
    script = (
        "import ctypes, resource\n"
        "from tradewire.cli.hardening import harden\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)\n"
        "assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 1\n"
        "harden()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
    )
    done = run(script)
    assert done.stdout == "(0, 0) 0\n", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_the_command_does_it_and_the_library_does_not() -> None:
    state = "import ctypes, resource; s = lambda: (resource.getrlimit(resource.RLIMIT_CORE)[0] == 0, "
    state += "ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0)\n"
    library = run(
        state + "before = s()\nfrom tradewire import StreamingGateway\nStreamingGateway()\nprint(before == s())"
    )
    assert library.stdout == "True\n", library.stderr
    command = run(
        state + "import sys; sys.argv = ['tradewire', '--version']\nfrom tradewire.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\nprint(s())"
    )
    assert command.stdout.endswith("(True, True)\n"), command.stderr


def test_keys_are_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = ["ALPACA_API_KEY", "ALPACA_SECRET_KEY", "TRADEWIRE_CONFIG_KEY", "HEALTH_TOKEN", "DB_PASSWORD"]
    secret += ["TRADING_EXCHANGES_BINANCE_API_SECRET", "MY_PRIVATE_KEY"]
    kept = ["TRADEWIRE_CORE_", "TOKENS_PER_DAY", "SECRETARY", "KEYBOARD", "ALPACA_AUTH_METHOD"]
    for name in (*secret, *kept):
        monkeypatch.setenv(name, "canary")
    forget_keys()
    assert not [name for name in secret if name in os.environ]
    assert [name for name in kept if name in os.environ] == kept


def test_no_child_process_gets_a_key() -> None:
    script = (
        "import subprocess, sys\n"
        "from tradewire.cli.hardening import forget_keys\n"
        "forget_keys()\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(sorted(os.environ))'], check=True)\n"
    )
    done = run(script, BINANCE_API_KEY="canary", BINANCE_SECRET_KEY="canary")  # noqa: S106 - a canary
    assert done.returncode == 0, done.stderr
    assert "PATH" in done.stdout
    assert "BINANCE" not in done.stdout
