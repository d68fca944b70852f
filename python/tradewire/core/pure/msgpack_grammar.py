"""MessagePack to values that know their offsets. Not for what the values mean.

Every form of the specification is read, and none needs to be the shortest one. The `msgpack` package does not say
where a payload is wrong, and keeps the last of two equal keys in silence.
"""

from __future__ import annotations

import struct
from typing import Final

from .values import MAX_DEPTH, Array, Float, Integer, Literal, Object, Opaque, Problem, Text, Timestamp, Value

__all__ = ["parse"]

_TIMESTAMP: Final = -1
_CONSTANTS: Final[dict[int, bool | None]] = {0xC0: None, 0xC2: False, 0xC3: True}
_NUMBERS: Final = {
    first: struct.Struct(form)
    for first, form in zip(range(0xCA, 0xD4), (">f", ">d", ">B", ">H", ">I", ">Q", ">b", ">h", ">i", ">q"), strict=True)
}
#: First byte -> width of the length or count behind it.
_BINARIES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_EXTENSIONS: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_TEXTS: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_ARRAYS: Final = {0xDC: 2, 0xDD: 4}
_MAPS: Final = {0xDE: 2, 0xDF: 4}
#: First byte -> size of the extension.
_FIXED_EXTENSIONS: Final = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}


def parse(data: bytes) -> Value:
    """The one value that `data` holds.

    Raises:
        Problem: syntax, nesting or utf8: the first from the left. Offset of a value that is cut off, or begins with the
            one byte that none begins with: its first byte; of one that is missing: the length of the data.
    """
    scanner = _Scanner(data)
    value = scanner.value(depth=0)
    if scanner.at != len(data):
        raise Problem("syntax", scanner.at)
    return value


class _Scanner:
    """A place in the data, moving right. Every method starts at `at` and leaves it behind what it read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def value(self, depth: int) -> Value:
        start = self.at
        first = self._take(1, start)[0]
        if first <= 0x7F or first >= 0xE0:
            return Integer(start, first if first <= 0x7F else first - 0x100)
        if first <= 0x8F or first in _MAPS:
            return self._map(start, self._size(first & 0x0F, _MAPS.get(first), start), depth)
        if first <= 0x9F or first in _ARRAYS:
            return self._array(start, self._size(first & 0x0F, _ARRAYS.get(first), start), depth)
        if first <= 0xBF or first in _TEXTS:
            return self._text(start, self._size(first & 0x1F, _TEXTS.get(first), start))
        if first in _CONSTANTS:
            return Literal(start, _CONSTANTS[first])
        if first in _NUMBERS:
            return self._number(start, _NUMBERS[first])
        if first in _BINARIES:
            self._take(self._size(0, _BINARIES[first], start), start)
            return Opaque(start)
        if first in _FIXED_EXTENSIONS or first in _EXTENSIONS:
            size = self._size(_FIXED_EXTENSIONS.get(first, 0), _EXTENSIONS.get(first), start)
            return self._extension(start, size)
        raise Problem("syntax", start)

    def _take(self, size: int, start: int) -> bytes:
        """The next bytes of the value that began at `start`."""
        if size > len(self.data) - self.at:
            raise Problem("syntax", start)
        self.at += size
        return self.data[self.at - size : self.at]

    def _size(self, short: int, width: int | None, start: int) -> int:
        """A length or count: in the first byte already, or `width` bytes of its own."""
        return short if width is None else int.from_bytes(self._take(width, start), "big")

    def _map(self, start: int, count: int, depth: int) -> Object:
        found = Object(start)
        self._check_depth(start, depth)
        for _ in range(count):
            key = self.value(depth + 1)
            value = self.value(depth + 1)
            if isinstance(key, Text):
                found.add(key.text, value)
        return found

    def _array(self, start: int, count: int, depth: int) -> Array:
        array = Array(start)
        self._check_depth(start, depth)
        for _ in range(count):
            array.items.append(self.value(depth + 1))
        return array

    def _check_depth(self, start: int, depth: int) -> None:
        if depth == MAX_DEPTH:
            raise Problem("nesting", start)

    def _text(self, start: int, size: int) -> Text:
        raw = self._take(size, start)
        try:
            return Text(start, raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise Problem("utf8", self.at - size + error.start) from None

    def _number(self, start: int, form: struct.Struct) -> Integer | Float:
        (number,) = form.unpack(self._take(form.size, start))
        return Float(start, number) if isinstance(number, float) else Integer(start, number)

    def _extension(self, start: int, size: int) -> Timestamp | Opaque:
        kind, *_ = struct.unpack("b", self._take(1, start))
        stamp = self._take(size, start)
        return Timestamp(start, stamp) if kind == _TIMESTAMP else Opaque(start)
