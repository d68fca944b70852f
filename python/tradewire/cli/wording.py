"""Words that several commands share: counts with their nouns, and failures with what to do next. Prints nothing."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from tradewire.transport.failure import reason_of

__all__ = ["counted", "explained", "no_market_data", "nothing_received"]

#: How asyncio names the address that it could not listen on: `('127.0.0.1', 9001)`.
_BOUND = re.compile(r"bind on address \('[^']*', (\d+)")


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 message`, `2 messages`, `1 reply`, `2 replies`."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def explained(error: BaseException) -> str:
    """What a user reads of an error: what is wrong and, for files and ports, what to do next."""
    if not isinstance(error, OSError):
        return str(error)
    bound = _BOUND.search(str(error))
    if bound:
        return _port(int(bound[1]), error)
    if isinstance(error.filename, str | bytes | os.PathLike):
        return _file(Path(os.fsdecode(error.filename)), error)
    return reason_of(error)


def nothing_received(address: str, reason: str = "") -> str:
    """What is said when a venue sent nothing at all.

    Args:
        address: of the venue, or its name; empty when it was said before.
        reason: the last error, which names the address; empty: none, or said before.
    """
    what = f": {reason}" if reason else f" from {address}" if address else ""
    return f"nothing was received{what}; check the address, and that the venue is running and reachable"


def no_market_data(source: str) -> str:
    """What is said when a venue, by name or address, answered and sent nothing that was asked for."""
    return f"{source} answers, but no market data was received; check the symbols, and that their market is open"


def _port(port: int, error: OSError) -> str:
    other = "choose another --port, or 0 for free ones; streams take the port after it"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use: {other}"
    if error.errno == errno.EACCES:
        return f"port {port} needs rights that you do not have: {other}"
    return f"port {port} cannot be used ({error.strerror}): {other}"


def _file(path: Path, error: OSError) -> str:
    if path.is_dir():
        return f"{path} is a folder: give the name of a file"
    if isinstance(error, FileExistsError):
        return f"{path} exists and is never overwritten: choose another name"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        if path.parent.is_dir():
            return f"{path} does not exist: check the name"
        state = "is not a folder" if path.parent.exists() else "does not exist"
        return f"the folder {path.parent} {state}: check the name, or make the folder"
    if isinstance(error, PermissionError):
        return f"no permission for {path}: check the rights of the file and of its folder"
    return f"{path}: {error.strerror}"
