"""The wheel, installed with pip into an empty environment outside the checkout, is all a user needs."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wheels = sorted((ROOT / "dist").glob("*.whl"))
    assert len(wheels) == 1, "run `make wheel` first"
    home = tmp_path_factory.mktemp("installed")
    venv.create(home / "env", with_pip=True)
    python = home / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheels[0]]
    subprocess.run(install, check=True, cwd=home)
    return python


def _run(python: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "TRADEWIRE"))}
    environment["TRADEWIRE_CORE"] = "native"
    return subprocess.run(
        [python, *words], cwd=python.parents[2], capture_output=True, text=True, env=environment, timeout=120
    )


def test_demo(python: Path) -> None:
    done = _run(python, python.parent / "tradewire", "demo", "--seconds", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BTCUSDT" in done.stdout


def test_embedding_snippet(python: Path) -> None:
    done = _run(python, ROOT / "examples" / "embedding.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_version_names_the_core(python: Path) -> None:
    done = _run(python, python.parent / "tradewire", "--version")
    assert "native" in done.stdout


def test_it_is_not_the_checkout(python: Path) -> None:
    done = _run(python, "-c", "import tradewire; print(tradewire.__file__)")
    assert str(ROOT) not in done.stdout
    assert sys.prefix not in done.stdout
