"""Runs the Rust benchmarks and reads what criterion found, for the kept results. Not for comparisons: `run.py` has peers.

`cargo bench` alone is for work on the core: it compares with its own last run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Seconds of warm-up and of measuring per benchmark: two minutes for all, beside the build.
OPTIONS = ["--warm-up-time", "0.5", "--measurement-time", "2", "--noplot"]


def run(only: str | None = None) -> list[dict[str, Any]]:
    """All Rust benchmarks, or those whose name holds `only`."""
    print("Rust: cargo bench", file=sys.stderr, flush=True)
    # A folder of its own, so that nothing of an earlier run is taken for this one's.
    with tempfile.TemporaryDirectory() as home:
        command = ["cargo", "bench", "-p", "tradewire-core", "--bench", "*", "--locked", "--quiet", "--", *OPTIONS]
        environment = {**os.environ, "CRITERION_HOME": home}
        subprocess.run([*command, *([only] if only else [])], cwd=ROOT, env=environment, check=True, stdout=sys.stderr)
        return read(Path(home))


def read(home: Path) -> list[dict[str, Any]]:
    """One row a benchmark, by name: median and its 95 % confidence interval in ns per iteration.

    Args:
        home: of criterion. An iteration of a benchmark with `elements` or `bytes` handles that many.
    """
    rows = []
    for found in home.rglob("new/estimates.json"):
        median = json.loads(found.read_text(encoding="utf-8"))["median"]
        about = json.loads((found.parent / "benchmark.json").read_text(encoding="utf-8"))
        interval = median["confidence_interval"]
        row = {
            "case": about["full_id"],
            "ns_per_iteration": round(median["point_estimate"], 3),
            "low": round(interval["lower_bound"], 3),
            "high": round(interval["upper_bound"], 3),
        }
        rows.append(row | {unit.lower(): count for unit, count in (about["throughput"] or {}).items()})
    return sorted(rows, key=lambda row: str(row["case"]))
