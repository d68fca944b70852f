"""The code of the how-to page about pools runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "howto" / "connection-pool.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
EXPECTED = ["new 1\n", "Credential(api_key=Secret('***'), secret_key=Secret('***'), method='hmac')\n"]


@pytest.mark.parametrize(("code", "printed"), list(zip(BLOCKS, EXPECTED, strict=True)), ids=["pool", "keys"])
def test_it_runs(code: str, printed: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == (printed, "")
