"""What went wrong with a socket, in words that a person reads. Raises and classifies nothing."""

from __future__ import annotations

import re

__all__ = ["reason_of"]

_NUMBER = re.compile(r"\[Errno -?\d+\] ")


def reason_of(error: BaseException) -> str:
    """Its text without the system's error numbers, or the name of its class where it has none."""
    return _NUMBER.sub("", str(error)) or type(error).__name__
