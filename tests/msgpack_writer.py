"""MessagePack in all of its forms, and JSON samples in it. Written from the specification; `msgspec` checks it."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from msgspec.msgpack import Ext

from payload_tree import Members

__all__ = ["first", "pack", "stamp", "translated"]

#: Which of several forms to write.
Choose: TypeAlias = Callable[[Sequence[bytes]], bytes]

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_INTEGERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}


def first(forms: Sequence[bytes]) -> bytes:
    """The shortest form."""
    return forms[0]


def pack(value: Any, choose: Choose = first) -> bytes:
    """A value, each part of it in the form chosen."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return choose(_integer(value))
        case float():
            return choose([b"\xcb" + struct.pack(">d", value), *_single(value)])
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return choose(_heads(len(text), 0xA0, 31, {0xD9: 1, 0xDA: 2, 0xDB: 4})) + text
        case bytes():
            return choose(_heads(len(value), 0, -1, {0xC4: 1, 0xC5: 2, 0xC6: 4})) + value
        case Ext():
            fixed = {1: b"\xd4", 2: b"\xd5", 4: b"\xd6", 8: b"\xd7", 16: b"\xd8"}
            short = [fixed[len(value.data)]] if len(value.data) in fixed else []
            forms = short + _heads(len(value.data), 0, -1, {0xC7: 1, 0xC8: 2, 0xC9: 4})
            return choose(forms) + struct.pack("b", value.code) + value.data
        case Members() | dict():
            pairs = list(value.items()) if isinstance(value, dict) else value
            inside = b"".join(pack(key, choose) + pack(each, choose) for key, each in pairs)
            return choose(_heads(len(pairs), 0x80, 15, {0xDE: 2, 0xDF: 4})) + inside
        case _:
            inside = b"".join(pack(each, choose) for each in value)
            return choose(_heads(len(value), 0x90, 15, {0xDC: 2, 0xDD: 4})) + inside


def _heads(size: int, short: int, longest: int, wide: dict[int, int]) -> list[bytes]:
    """Every head that can say `size`, the shortest first."""
    heads = [bytes([short | size])] if size <= longest else []
    fitting = [(head, width) for head, width in wide.items() if size >> 8 * width == 0]
    return heads + [bytes([head]) + size.to_bytes(width, "big") for head, width in fitting]


def _integer(value: int) -> list[bytes]:
    forms = [struct.pack("b", value)] if -32 <= value <= 127 else []
    for head, form in _INTEGERS.items():
        try:
            forms.append(bytes([head]) + struct.pack(form, value))
        except struct.error:
            continue
    return sorted(forms, key=len)


def _single(value: float) -> list[bytes]:
    try:
        short = struct.pack(">f", value)
    except OverflowError:
        return []
    return [b"\xca" + short] if struct.unpack(">f", short)[0] == value else []


def stamp(seconds: int, nanoseconds: int = 0, bits: int = 96) -> Ext:
    """A timestamp extension."""
    if bits == 32:
        return Ext(-1, seconds.to_bytes(4, "big"))
    if bits == 64:
        return Ext(-1, (nanoseconds << 34 | seconds).to_bytes(8, "big"))
    return Ext(-1, struct.pack(">Iq", nanoseconds, seconds))


def translated(sample: bytes) -> Any:
    """A JSON sample as values to pack, its times as timestamp extensions in the shortest form."""
    return _translated(json.loads(sample, object_pairs_hook=Members))


def _translated(value: Any) -> Any:
    if isinstance(value, Members):
        return Members((key, _translated(each)) for key, each in value)
    if isinstance(value, list):
        return [_translated(each) for each in value]
    match = _STAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return value
    seconds = int(datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp())
    nanoseconds = int((match[2] or "").ljust(9, "0"))
    return stamp(seconds, nanoseconds, 64 if nanoseconds else 32)
