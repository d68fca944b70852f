"""Loopback WebSocket to callback and to batches, over TLS as well, beside clients made by hand and libraries.

Blasts run one client after another. Latencies go round among the clients instead, a short run each, and the median of
the rounds counts: how long a sleeping machine takes to wake drifts by a third within a minute.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["rows"]

_HERE = Path(__file__).resolve().parent
_OURS = str(_HERE / "scenario" / "gateway_e2e.py")
#: (environment, clients of peers/e2e.py).
_PEERS = (
    ("core", "picows_msgspec"),
    ("core", "floor"),
    ("pb", "python_binance"),
    ("cf", "cryptofeed"),
    ("ccxt", "ccxt_pro"),
)
_PACED = ("picows_msgspec", "floor")
_ROUNDS = 5

Row = dict[str, Any]


def rows(venvs: Path) -> Iterator[Row]:
    """One for each client and case; what is missing is said.

    Args:
        venvs: where the environments of the peers are, and the load source among the floors.
    """
    if not (venvs / "floors" / "blast").exists():
        _say("end to end: absent")
        return
    blasts, paced = [[sys.executable, _OURS]], [[sys.executable, _OURS, "callback", "spin"]]
    for name, client in _PEERS:
        command = [str(venvs / name / "bin" / "python"), "e2e.py", client]
        if not (venvs / name / ".ready").exists():
            _say(f"end to end, {client}: absent")
            continue
        blasts.append(command)
        if client in _PACED:
            paced.append(command)
    for command in blasts:
        _say(f"end to end: {_label(command)}")
        for row in _run(command, venvs, WS_SECONDS="1.5", WS_REPEAT="3", E2E_PACED=""):
            yield {**row, "ns_per_op": row["ns_per_msg"]} if "ns_per_msg" in row else row
    _say(f"end to end: latencies, {_ROUNDS} rounds")
    rounds: dict[tuple[str, str], list[Row]] = {}
    for _ in range(_ROUNDS):
        for command in paced:
            for row in _run(command, venvs, WS_SECONDS="0", WS_REPEAT="1", E2E_PACED="10000"):
                rounds.setdefault((row["peer"], row["case"]), []).append(row)
    for each in rounds.values():
        found = [row for row in each if "p50_us" in row]
        row = each[0]
        if found:
            row = row | {name: statistics.median(one[name] for one in found) for name in row if name.endswith("_us")}
            row |= {"repeats": len(found), "ns_per_op": row["p50_us"] * 1000}
        yield row


def _run(command: list[str], venvs: Path, **chosen: str) -> Iterator[Row]:
    environment = {**os.environ, "PYTHONPATH": str(venvs / "floors"), "E2E_LOOPS": "uvloop", **chosen}
    done = subprocess.run(command, cwd=_HERE / "peers", env=environment, capture_output=True, text=True)
    if done.returncode:
        _say(f"{_label(command)} failed: {done.stderr[-500:]}")
    yield from (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))


def _label(command: list[str]) -> str:
    return " ".join(Path(part).name for part in command[1:])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
