"""Checks the addresses that users give in place of a venue's own. Connects to nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from tradewire.telemetry.origin import masked_address

__all__ = ["check_address"]


def check_address(name: str, text: str | None, schemes: Sequence[str], *, whole: bool = False) -> None:
    """Passes None and `scheme://host[:port][/path]`, unencrypted only on loopback: keys are sent there.

    Args:
        name: what the caller calls it, for the error.
        text: as given.
        schemes: the allowed ones.
        whole: whether it may have a query. Elsewhere that has no place: paths of the venue are put behind it.

    Raises:
        ValueError: something else; names, passwords, queries and fragments inside are not repeated.
    """
    if text is None:
        return
    try:
        parts = urlsplit(text)
        # Reading the port checks it.
        valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        valid = valid and not (parts.fragment or re.search(r"\s", text)) and (whole or not parts.query)
    except ValueError:
        valid = False
    if not valid:
        wanted = " or ".join(f"{scheme}://host[:port]" for scheme in schemes)
        raise ValueError(f"{name} must be {wanted}, was {masked_address(text)!r}")
    if not text.startswith(("wss:", "https:")):
        # Here and not above: who connects to a venue itself does not pay for the configuration.
        from tradewire.config.checks import clear_text_rule

        rule = clear_text_rule(text)
        if rule is not None:
            raise ValueError(f"{name} {rule}, was {masked_address(text)!r}")
