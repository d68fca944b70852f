"""The choice of the core: by name, once, and loud when it cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tradewire import core

SAY = "import tradewire.core as core; print(core.IMPLEMENTATION, core.BUILD['profile'], core.IMPORT_ERROR)"
#: A finder that hides the native module, as a checkout that was never built does.
HIDE = (
    "import sys\n"
    "class Hide:\n"
    "    def find_spec(self, name, path=None, target=None):\n"
    "        if name == 'tradewire.core._native':\n"
    "            raise ImportError('no such file, said the loader')\n"
    "sys.meta_path.insert(0, Hide())\n"
)


def _python(script: str, choice: str | None, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "TRADEWIRE_CORE"}
    if choice is not None:
        environment["TRADEWIRE_CORE"] = choice
    return subprocess.run([sys.executable, *options, "-c", script], capture_output=True, text=True, env=environment)


@pytest.mark.parametrize(
    ("choice", "runs"), [("native", "native"), ("pure", "pure"), ("auto", "native"), (None, "native")]
)
def test_a_name_chooses(choice: str | None, runs: str) -> None:
    assert _python(SAY, choice, "-W", "error").stdout.split()[0] == runs


def test_an_unknown_name_is_an_error() -> None:
    done = _python(SAY, "rust")
    assert "TRADEWIRE_CORE must be one of auto, native, pure, was 'rust'" in done.stderr
    assert done.returncode == 1


def test_native_demanded_and_missing_carries_the_reason() -> None:
    done = _python(HIDE + SAY, "native")
    assert done.returncode == 1
    assert "no such file, said the loader" in done.stderr
    assert "make build" in done.stderr


def test_auto_and_missing_is_pure_with_one_warning() -> None:
    done = _python(HIDE + SAY, "auto")
    assert done.stdout.startswith("pure pure")
    assert done.stderr.count("RuntimeWarning") == 1
    assert "no such file, said the loader" in done.stderr


def test_load_gives_either_core_and_nothing_else() -> None:
    assert core.load("pure").PROFILE == "pure"
    assert core.load("native").PROFILE in {"release", "debug"}
    with pytest.raises(ValueError, match="must be 'native' or 'pure', was 'auto'"):
        core.load("auto")


def test_the_running_core_is_the_one_that_was_asked_for() -> None:
    wanted = os.environ.get("TRADEWIRE_CORE", "auto")
    assert wanted in {"auto", core.IMPLEMENTATION}
