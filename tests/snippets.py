"""Code that pages and documents show, run as it stands there."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

HOWTO = Path(__file__).resolve().parents[1] / "docs" / "howto"


def blocks(page: str, language: str = "python") -> list[str]:
    """The code blocks of a how-to page, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", (HOWTO / page).read_text(encoding="utf-8"), re.DOTALL)


def run(code: str, **names: Any) -> dict[str, Any]:
    """Runs code with some names there already; all its names."""
    # Without the `annotations` of this file, which the code does not import.
    exec(compile(code, "snippet", "exec", dont_inherit=True), names)  # noqa: S102 - the code under test
    return names


async def run_async(code: str, **names: Any) -> dict[str, Any]:
    """The same for code with `await` outside any function."""
    main = run(f"async def main():\n{textwrap.indent(code, '    ')}\n    return locals()", **names)["main"]
    found: dict[str, Any] = await main()
    return found
