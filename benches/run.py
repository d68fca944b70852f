"""One run of everything: our cores, the peers and the floors on the same bytes; raw results and the README table.

Takes 10 to 15 minutes on a quiet machine: ours 2, peers and floors 4, the Rust benchmarks 2 and their build up to 5.
PEERS_REPEATS sets the samples per measurement of a peer (5; the median counts). Every whole run is kept in
benches/results, also when it is worse than the one before.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import os
import platform
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import criterion
import end_to_end
from goals import GOALS, MEMORY_GOALS_MIB, Goal
from tradewire import core

ROOT = Path(__file__).resolve().parents[1]
PEER_SCRIPTS = ROOT / "benches" / "peers"
RESULTS = ROOT / "benches" / "results"
README = ROOT / "README.md"
MARKS = ("<!-- benchmarks: begin -->", "<!-- benchmarks: end -->")

#: (environment, script, arguments); `quick` runs the first group only.
QUICK = [
    ("core", "decode.py", ["floor", "msgspec", "batch"]),
    ("core", "histogram.py", []),
    ("core", "signing.py", ["std"]),
]
FULL = [
    *QUICK,
    ("ccxt", "decode.py", ["ccxt"]),
    ("cf", "decode.py", ["cryptofeed"]),
    ("naut", "decode.py", ["nautilus"]),
    ("core", "limiter.py", []),
    ("core", "breaker.py", []),
    ("ccxt", "signing.py", ["ccxt"]),
    ("pb", "signing.py", ["python-binance"]),
    ("bc", "signing.py", ["binance-connector"]),
    ("naut", "signing.py", ["nautilus"]),
    *[("core", "memory.py", [case]) for case in ("bare", "numpy")],
    ("pb", "memory.py", ["python-binance"]),
    ("ccxt", "memory.py", ["ccxt.pro binance instance"]),
    ("naut", "memory.py", ["nautilus_trader binance adapter"]),
]

Row = dict[str, Any]

#: Samples per measurement of a peer.
REPEATS = os.environ.get("PEERS_REPEATS", "5")
#: Ratios closer than this cannot be told apart on a shared machine.
TIE = 1.1


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def ours(only: str | None) -> list[Row]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "benches/python",
            "-q",
            "-p",
            "no:randomly",
            "--timeout",
            "900",
            "--benchmark-json",
            file.name,
        ]
        say("ours: " + " ".join(command[2:4]))
        subprocess.run([*command, *(["-k", only] if only else [])], cwd=ROOT, check=True, stdout=sys.stderr)
        measured = json.load(file)["benchmarks"]
    rows = []
    for one in measured:
        operations = one["extra_info"]["operations"]
        samples = sorted(value / operations * 1e9 for value in one["stats"]["data"])
        rows.append(
            {
                "topic": "ours",
                "peer": f"tradewire {one['extra_info']['implementation']}",
                "case": one["name"],
                "version": version("msgspec") if "msgspec" in one["name"] else core.BUILD["version"],
                "ns_per_op": round(statistics.median(samples), 3),
                "min": round(samples[0], 3),
                "max": round(samples[-1], 3),
                "repeats": len(samples),
            }
        )
    return rows


def peers(venvs: Path, jobs: list[tuple[str, str, list[str]]]) -> Iterator[Row]:
    environment = {**os.environ, "PYTHONPATH": str(venvs / "floors"), "PEERS_REPEATS": REPEATS}
    for name, script, arguments in jobs:
        python = venvs / name / "bin" / "python"
        label = f"{name}: {script} {' '.join(arguments)}"
        if not (venvs / name / ".ready").exists():
            say(f"{label}: absent")
            yield {"topic": "absent", "peer": name, "case": script, "version": ""}
            continue
        say(label)
        done = subprocess.run(
            [python, script, *arguments], cwd=PEER_SCRIPTS, env=environment, capture_output=True, text=True
        )
        yield from (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
        if done.returncode:
            say(done.stderr[-500:])


def recording_floor(venvs: Path) -> Iterator[Row]:
    data = Path(os.environ.get("TRADEWIRE_DATA", ROOT.parent / "shared" / "data"))
    recording, program = data / "binance_usdm_btcusdt_20240808.gz", venvs / "floors" / "recording_floor"
    if not (recording.exists() and program.exists()):
        return
    say("floor: the recording by simdjson")
    with gzip.open(recording) as lines, tempfile.NamedTemporaryFile() as bare:
        for line in lines:
            payload = line.rstrip(b"\n").split(b" ", 1)[1]
            if payload.startswith(b'{"stream"'):
                bare.write(struct.pack("<I", len(payload)) + payload)
        bare.flush()
        done = subprocess.run(["taskset", "-c", "0", program, bare.name], capture_output=True, text=True, check=True)
    yield from (json.loads(line) for line in done.stdout.splitlines())


def scenario(script: Path, *arguments: str) -> Iterator[Row]:
    """What a scenario printed; one that fails is said, and costs no figures of others."""
    done = subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True)
    if done.returncode:
        say(f"{script.name} failed: {done.stderr[-500:]}")
        return
    yield from (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))


def memory() -> Iterator[Row]:
    """Resident memory of an embedded gateway with one Binance stream on the simulated venue."""
    script = ROOT / "benches" / "scenario" / "gateway_memory.py"
    for arguments in ([], ["--view"]):
        say(f"memory of the gateway {' '.join(arguments)}")
        yield from scenario(script, *arguments)


def limiter_accuracy() -> Iterator[Row]:
    """A hundred tasks at one limiter."""
    say("accuracy of the limiter (1.5 min)")
    script = ROOT / "benches" / "scenario" / "limiter_accuracy.py"
    yield from scenario(script)


def machine() -> dict[str, Any]:
    model = (
        next(
            (
                line.split(":", 1)[1].strip()
                for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")
            ),
            "",
        )
        if Path("/proc/cpuinfo").exists()
        else ""
    )
    rust = subprocess.run(["rustc", "--version"], capture_output=True, text=True).stdout.strip()
    return {
        "cpu": model or platform.processor(),
        "cpus": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "rustc": rust,
    }


def figure(rows: list[Row], key: str) -> Row | None:
    if key.startswith("="):
        return {"ns_per_op": float(key[1:]), "version": ""}
    if "|" not in key:
        return next((row for row in rows if row["case"] == key), None)
    topic, peer, case = key.split("|")
    if case == "p99":
        found = next(
            (row for row in rows if row["topic"] == topic and row["peer"] == peer and "p99_query_ns" in row), None
        )
        return found and {**found, "ns_per_op": found["p99_query_ns"]}
    matching = [
        row
        for row in rows
        if row["topic"] == topic and row["peer"] == peer and case in row["case"] and "ns_per_op" in row
    ]
    if topic == "decode" and "->" not in case and not peer.startswith("floor"):
        matching = [row for row in matching if row["case"].startswith(case.split(":")[0] + ":")]
    return min(matching, key=lambda row: row["ns_per_op"], default=None)


def line(goal: Goal, rows: list[Row]) -> str:
    mine, other = figure(rows, goal.ours), figure(rows, goal.other)
    pure = figure(rows, goal.ours.replace("native", "pure")) if "native" in goal.ours else None
    if mine is None:
        return f"| {goal.work} | **absent** | | {goal.name} | | | | |"
    slow = f"{pure['ns_per_op']:.4g}" if pure else ""
    aim = f"{goal.ratio:.3g}x" if goal.ratio else "floor"
    if goal.stretch:
        aim += f" [{goal.stretch:g}x]"
    if other is None:
        return f"| {goal.work} | {mine['ns_per_op']:.4g} | {slow} | {goal.name} | absent | | {aim} | |"
    ratio = other["ns_per_op"] / mine["ns_per_op"]
    verdict = (
        "" if not goal.ratio else "yes" if ratio >= goal.ratio else "tie" if ratio * TIE >= goal.ratio else "**no**"
    )
    name = f"{goal.name} {other['version']}".strip()
    return f"| {goal.work} | {mine['ns_per_op']:.4g} | {slow} | {name} | {other['ns_per_op']:.4g} | {ratio:.3g}x | {aim} | {verdict} |"


def table(result: dict[str, Any]) -> str:
    rows = result["rows"]
    lines = [
        f"Measured {result['date']} on {result['machine']['cpu']} ({result['machine']['cpus']} CPUs), Python {result['machine']['python']}, "
        f"{result['machine']['rustc']}; ns per operation, medians of one run; ratio = other / native (above 1: native is faster); tie: within {TIE}x of the goal.",
        "",
        "| work | native ns | pure ns | compared with | its ns | ratio | goal | reached |",
        "|---|---|---|---|---|---|---|---|",
        *(line(goal, rows) for goal in GOALS),
    ]
    resident = [row for row in rows if row["topic"] == "memory" and "rss_kib" in row]
    if resident:
        lines += ["", "| resident memory | MiB | goal |", "|---|---|---|"]
        for row in resident:
            goal = MEMORY_GOALS_MIB.get(row["case"])
            mib = row["rss_kib"] / 1024
            verdict = "" if goal is None else f"under {goal}: " + ("yes" if mib < goal else "**no**")
            lines.append(f"| {row['peer']} {row['version']}: {row['case']} | {mib:.0f} | {verdict} |")
    paced = [row for row in rows if row["topic"] == "e2e" and "p99_us" in row]
    if paced:
        lines += ["", "| send to callback | p50 us | p99 us | p99.9 us |", "|---|---|---|---|"]
        for row in paced:
            what = f"{row['peer']} {row['version']}: {row['case']}"
            lines.append(f"| {what} | {row['p50_us']:.1f} | {row['p99_us']:.1f} | {row['p99.9_us']:.1f} |")
    limited = [row for row in rows if row["topic"] == "limiter accuracy"]
    if limited:
        lines += ["", "| limiter | of the rate | 0.99 to 1.00 | fullest 100 ms | burst + rate x 100 ms |"]
        lines.append("|---|---|---|---|---|")
        for row in limited:
            most, allowed = row["fullest_100ms"], row["most_in_100ms"]
            even = "yes" if 0.99 <= row["rate_ratio"] <= 1.001 else "**no**"
            within = "yes" if most <= allowed else "**no**"
            lines.append(f"| {row['case']} | {row['rate_ratio']:.4f} | {even} | {most:,} | {allowed:,}: {within} |")
    return "\n".join(lines)


def keep(result: dict[str, Any], now: datetime.datetime, folder: Path) -> Path:
    """Writes the raw results under a name of their own; nothing that is there is ever replaced."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{now:%Y%m%d-%H%M%S}.json"
    with path.open("x", encoding="utf-8") as file:
        file.write(json.dumps(result, indent=1) + "\n")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="folder that `make peers` filled")
    parser.add_argument(
        "--quick", action="store_true", help="only our cores, msgspec and the floors; 4 minutes, not kept"
    )
    parser.add_argument("--only", help="only our benchmarks whose name holds this; not kept")
    arguments = parser.parse_args()
    if core.IMPLEMENTATION != "native" or core.BUILD["profile"] != "release":
        sys.exit(f"benchmarks want the release build of the native core; this is {core.IMPLEMENTATION} {core.BUILD}")
    venvs = arguments.peers.resolve()
    whole = not (arguments.only or arguments.quick)
    # First, because it compiles: what fails there costs no figures.
    rust = criterion.run() if whole else []
    rows = ours(arguments.only)
    if not arguments.only:
        rows += [
            *peers(venvs, QUICK if arguments.quick else FULL),
            *recording_floor(venvs),
            *memory(),
            *limiter_accuracy(),
        ]
    if whole:
        rows += end_to_end.rows(venvs)
    now = datetime.datetime.now(datetime.UTC)
    result = {
        "date": now.date().isoformat(),
        "machine": machine(),
        "build": core.BUILD,
        "quick": arguments.quick,
        "peers_repeats": int(REPEATS),
        "rows": rows,
        "criterion": rust,
    }
    if whole:
        keep(result, now, RESULTS)
    text = table(result)
    print(text)
    if not whole:
        return
    readme = README.read_text()
    before, rest = readme.split(MARKS[0])
    README.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{rest.split(MARKS[1])[1]}")
    missed = [row for row in text.splitlines() if "**no**" in row or "**absent**" in row]
    if missed:
        sys.exit("not reached:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
