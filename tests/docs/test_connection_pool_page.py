"""The code of the how-to page about pools runs as it stands there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from snippets import blocks

EXPECTED = ["new 1\n", "Credential(api_key=Secret('***'), secret_key=Secret('***'), method='hmac')\n"]


@pytest.mark.parametrize(
    ("code", "printed"), list(zip(blocks("connection-pool.md"), EXPECTED, strict=True)), ids=["pool", "keys"]
)
def test_it_runs(code: str, printed: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == (printed, "")
