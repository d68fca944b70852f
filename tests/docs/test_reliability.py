"""Every campaign has a kept figure at full length, and every kept figure its campaign."""

from __future__ import annotations

import ast
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _campaigns() -> set[str]:
    found = set()
    for path in [*(ROOT / "tests" / "campaigns").glob("test_*.py"), *(ROOT / "tests" / "faults").glob("test_*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                reports = any(
                    isinstance(call, ast.Attribute) and call.attr == "passed" and ast.unparse(call.value) == "campaign"
                    for call in ast.walk(node)
                )
                if reports:
                    found.add(node.name)
    return found


def test_figures_are_kept_of_just_the_campaigns_that_there_are() -> None:
    kept = json.loads((ROOT / "docs" / "reference" / "reliability.json").read_text(encoding="utf-8"))
    assert {line["test"].partition("[")[0] for line in kept} == _campaigns()
    assert not any(line["failures"] for line in kept)
