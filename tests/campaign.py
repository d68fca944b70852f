"""A campaign: many random trials of one promise. Short in the ordinary run, long on demand.

`TRADEWIRE_CAMPAIGN=long` runs the full number of trials, `TRADEWIRE_CAMPAIGN_SEED` repeats a run,
`TRADEWIRE_CAMPAIGN_RESULTS` names a file to which each campaign that passed appends one JSON line.
"""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random


class Campaign:
    """One run: its seed, its size, and the line it reports."""

    def __init__(self, test: str) -> None:
        self.seed = int(os.environ.get("TRADEWIRE_CAMPAIGN_SEED") or time.time_ns() % 2**32)
        self.random = Random(self.seed)
        self.is_long = os.environ.get("TRADEWIRE_CAMPAIGN") == "long"
        self.line: dict[str, object] = {}
        self._test = test
        self._start = time.perf_counter()

    def size(self, short: int, full: int) -> int:
        return full if self.is_long else short

    def passed(self, row: int | str, trials: int, figure: str) -> None:
        """Reports; called when everything that must hold has been asserted. `row` is the scoreboard's number, or a
        name where it has none."""
        self.line = {
            "row": row,
            "test": self._test,
            "trials": trials,
            "failures": 0,
            "seed": self.seed,
            "seconds": round(time.perf_counter() - self._start, 2),
            "date": datetime.now(UTC).date().isoformat(),
            "figure": figure,
        }

    def report(self) -> None:
        """Writes the line."""
        results = os.environ.get("TRADEWIRE_CAMPAIGN_RESULTS")
        if self.line:
            print(json.dumps(self.line))  # noqa: T201 - shown with -s
        if self.line and results:
            with Path(results).open("a", encoding="utf-8") as file:
                file.write(json.dumps(self.line) + "\n")


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that so many percent do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
