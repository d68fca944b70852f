"""Time stamps as venues write them, to ns since 1970 UTC. Not for clocks or clock offsets."""

from __future__ import annotations

import re
import struct
from datetime import date
from typing import Final

from .numbers import I64_MAX, integer_text
from .values import Problem, Text, Timestamp, Value

__all__ = ["UNITS", "integer_time", "rfc3339", "timestamp"]

#: Nanoseconds in one unit of the integer codecs.
UNITS: Final = {"ms": 1_000_000, "us": 1_000, "ns": 1}

_RFC3339 = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z")
_EPOCH: Final = date(1970, 1, 1).toordinal()


def integer_time(value: Value, unit_ns: int) -> int | None:
    """An integer time, in units of `unit_ns`; None if it is out of range.

    Raises:
        Problem: type or number.
    """
    text = integer_text(value)
    return None if text.startswith("-") else _in_range(int(text) * unit_ns)


def rfc3339(value: Value) -> int | None:
    """RFC 3339 text in UTC with 0 to 9 fraction digits, or its binary form. `datetime` holds only six digits.

    None: out of range, or written well but no moment (30 February, a leap second).

    Raises:
        Problem: type or time.
    """
    if isinstance(value, Timestamp):
        return timestamp(value)
    if not isinstance(value, Text):
        raise Problem("type", value.offset)
    match = _RFC3339.fullmatch(value.text)
    if match is None:
        raise Problem("time", value.offset)
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = int((match[7] or "").ljust(9, "0"))
    return _in_range((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000_000 + fraction)


def timestamp(value: Value) -> int | None:
    """A MessagePack timestamp extension of 32, 64 or 96 bits; None if it is out of range, its nanoseconds too.

    Raises:
        Problem: type or time.
    """
    if not isinstance(value, Timestamp):
        raise Problem("type", value.offset)
    nanoseconds = 0
    if len(value.stamp) == 4:
        seconds = int.from_bytes(value.stamp, "big")
    elif len(value.stamp) == 8:
        nanoseconds, seconds = divmod(int.from_bytes(value.stamp, "big"), 1 << 34)
    elif len(value.stamp) == 12:
        nanoseconds, seconds = struct.unpack(">Iq", value.stamp)
    else:
        raise Problem("time", value.offset)
    return _in_range(seconds * 1_000_000_000 + nanoseconds) if nanoseconds < 1_000_000_000 else None


def _in_range(time_ns: int) -> int | None:
    return time_ns if 0 <= time_ns <= I64_MAX else None
