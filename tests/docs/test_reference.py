"""The reference pages are what the sources say; every link in the docs leads somewhere, and every page is linked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_reference_pages_are_current() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}run `make docs`"


def _targets(page: Path) -> list[str]:
    """The files that a page links to."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [target for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in target]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in _targets(page):
        assert (page.parent / target).exists(), f"{target} does not exist"


def test_an_index_names_every_page() -> None:
    indexes = [ROOT / "docs" / "index.md", ROOT / "docs" / "adr" / "0000-index.md"]
    named = {(index.parent / target).resolve() for index in indexes for target in _targets(index)}
    assert set(PAGES[1:]) - named == {indexes[0]}
