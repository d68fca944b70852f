"""The examples run as a reader would run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXPECTED = {
    "custom_provider.py": ["my_venue BTCUSDT ", "none missing: True"],
    "download_history.py": [
        "BTCUSDT: price step 0.10, quantity step 0.001, trading",
        " aggregate trades, ",
        "refused with code -1121: Invalid symbol.",
        "weight used: ",
    ],
    "embedding.py": ["decoded BTCUSDT 83091.7 0.022", "book applied", "gateway: ", "best (("],
    "two_venues.py": ["binance_spot quotes BTCUSDT: live", "basis points from spot", "spot: "],
    "imbalance_strategy.py": ["BTCUSDT: ", "stood aside 0 times"],
}


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_it_runs(name: str) -> None:
    done = subprocess.run([sys.executable, str(EXAMPLES / name)], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    # On a machine that is busy otherwise any callback may take long.
    assert [line for line in done.stderr.splitlines() if "held up the event loop" not in line] == []
    for part in EXPECTED[name]:
        assert part in done.stdout
