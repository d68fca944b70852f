"""What texts may say of an address: logs, errors, events, `repr`. Checks nothing, and connects to nothing.

Keys stand in queries, in paths (`wss://host/ws/KEY`) and before the host, and nothing in an address tells which part
is one.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["masked_address", "origin_of"]

_SCHEMES = ("ws", "wss", "http", "https")
_SECRET = re.compile(r"(?<=//)[^/?#]*(?=@)|(?<=[?#]).+", re.DOTALL)


def origin_of(url: str) -> str:
    """`scheme://host[:port]`: whom we talk to. For every text about a connection; nothing else of the address."""
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, parts.hostname
        # Reading the port checks it.
        port = parts.port
    except ValueError:
        return "an unreadable address"
    if scheme not in _SCHEMES or not host:
        return "an address without a host"
    name = f"[{host}]" if ":" in host else host
    return f"{scheme}://{name}" if port is None else f"{scheme}://{name}:{port}"


def masked_address(text: str) -> str:
    """The address, right or wrong, with its path, which those see who wrote it; user, password, query and fragment are
    `***`."""
    return _SECRET.sub("***", text)
