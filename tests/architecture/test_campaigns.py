"""`make row-NN` runs the campaigns of that row of the scoreboard: it chooses them by the names of their files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CAMPAIGNS = sorted((ROOT / "tests" / "campaigns").glob("test_*.py"))


def _rows(path: Path) -> Iterator[int]:
    """The numbers under which the campaigns of a file report."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "campaign.passed":
            row = ast.literal_eval(node.args[0])
            if isinstance(row, int):
                yield row


def test_campaigns_are_in_the_file_of_their_row() -> None:
    strays = [(path.name, row) for path in CAMPAIGNS for row in _rows(path) if f"row{row:02}" not in path.name]
    assert strays == []


def test_every_row_with_a_campaign_is_a_target() -> None:
    (line,) = [line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if line.startswith("ROWS")]
    assert line.split()[2:] == [f"row-{row:02}" for row in sorted({row for path in CAMPAIGNS for row in _rows(path)})]
