"""Campaigns: many random trials of one row of the reliability scoreboard. Short in the ordinary run, long on demand.

`TRADEWIRE_CAMPAIGN=long` runs the full number of trials, `TRADEWIRE_CAMPAIGN_SEED` repeats a run,
`TRADEWIRE_CAMPAIGN_RESULTS` names a file to which each campaign that passed appends one JSON line.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest


class Campaign:
    """One run: its seed, its size, and the line it reports."""

    def __init__(self) -> None:
        self.seed = int(os.environ.get("TRADEWIRE_CAMPAIGN_SEED") or time.time_ns() % 2**32)
        self.random = Random(self.seed)
        self.is_long = os.environ.get("TRADEWIRE_CAMPAIGN") == "long"
        self.line: dict[str, object] = {}
        self._start = time.perf_counter()

    def size(self, short: int, full: int) -> int:
        return full if self.is_long else short

    def passed(self, row: int, trials: int, figure: str) -> None:
        """Reports; called when everything that must hold has been asserted."""
        seconds = round(time.perf_counter() - self._start, 2)
        self.line = {
            "row": row,
            "trials": trials,
            "failures": 0,
            "seed": self.seed,
            "seconds": seconds,
            "figure": figure,
        }


@pytest.fixture
def campaign() -> Iterator[Campaign]:
    run = Campaign()
    print(f"campaign seed {run.seed}")  # noqa: T201 - shown when the test fails
    yield run
    results = os.environ.get("TRADEWIRE_CAMPAIGN_RESULTS")
    if run.line:
        print(json.dumps(run.line))  # noqa: T201
    if run.line and results:
        with Path(results).open("a", encoding="utf-8") as file:
            file.write(json.dumps(run.line) + "\n")
