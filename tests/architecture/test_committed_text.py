"""What must never be committed: machine paths, registry hosts, unfinished marks."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Written in pieces so that this file does not find itself.
FORBIDDEN = {
    "a path of one machine": re.compile(r"/(?:work|root|home/[a-z]+)/" + r"\w"),
    "a registry host": re.compile(
        r"(?:index-u" + r"rl|extra-index-u" + r"rl|\"resol" + r"ved\": *\"http|files\.python" + r"hosted)"
    ),
    "an unfinished mark": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|unimple" + r"mented!|to" + r"do!\("),
}


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout (an unpacked source archive has nothing to check)")
    return [ROOT / line for line in listed.stdout.splitlines() if not line.endswith((".gz", ".png", ".lock"))]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_forbidden_text(what: str) -> None:
    found = []
    for path in _tracked():
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FORBIDDEN[what].search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not found, "\n".join(found)


def test_lock_files_hold_no_address() -> None:
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in constraints
    assert "@" not in constraints
