"""Checks the addresses that users give in place of a venue's own. Connects to nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

__all__ = ["check_address"]

_USER = re.compile(r"//[^/@]*@")


def check_address(name: str, text: str | None, schemes: Sequence[str]) -> None:
    """Passes None and `scheme://host[:port][/path]`. A query has no place: paths of the venue are put behind it.

    Args:
        name: what the caller calls it, for the error.
        text: as given.
        schemes: the allowed ones.

    Raises:
        ValueError: something else; names and passwords inside are not repeated.
    """
    if text is None:
        return
    try:
        parts = urlsplit(text)
        # Reading the port checks it.
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        valid = valid and not (parts.query or parts.fragment or re.search(r"\s", text))
    except ValueError:
        valid = False
    if not valid:
        wanted = " or ".join(f"{scheme}://host[:port]" for scheme in schemes)
        raise ValueError(f"{name} must be {wanted}, was {_USER.sub('//***@', text)!r}")
