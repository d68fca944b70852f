"""The command as a whole: how it ends when it is interrupted before it has begun."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Interrupts the process when it begins to import a module, as Ctrl-C at that moment does.
INTERRUPT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPT_AT"]:
            sys.meta_path.remove(self)
            os.write(1, b"interrupted")
            os.kill(os.getpid(), signal.SIGINT)

# As in a terminal, whatever the tests were started from.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.meta_path.insert(0, Finder())
"""


def test_a_core_that_there_is_not_is_said() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tradewire", "--version"],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "TRADEWIRE_CORE": "purr"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tradewire: TRADEWIRE_CORE must be one of auto, native, pure, was 'purr'\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals between processes")
@pytest.mark.parametrize("start", [["-m", "tradewire"], ["-c", "from tradewire.cli import main; main()"]])
@pytest.mark.parametrize("module", ["tradewire.errors", "numpy", "typer", "tradewire.cli.demo", "tradewire.streaming"])
def test_an_interrupt_amid_the_imports_is_quiet(tmp_path: Path, module: str, start: list[str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(INTERRUPT)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, *start, "stream", "--config", "none.yaml"],
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": path, "INTERRUPT_AT": module},
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "interrupted", "")
