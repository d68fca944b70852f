"""JSON text to values that know their offsets, by RFC 8259 and nothing more lenient. Not for what the values mean.

The stdlib's `json` takes NaN, lone surrogates, any depth and numbers of any length, and forgets where a value stood.
"""

from __future__ import annotations

import re
from typing import Final

from .values import MAX_DEPTH, Array, Literal, Number, Object, Problem, Text, Value

__all__ = ["parse"]

_SPACE = re.compile(rb"[ \t\n\r]*")
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f\x80-\xff]*')
_NON_ASCII = re.compile(rb"[\x80-\xff]+")
_CODE_UNIT = re.compile(rb"\\u([0-9a-fA-F]{4})")
_LITERALS: Final = {ord("t"): (b"true", True), ord("f"): (b"false", False), ord("n"): (b"null", None)}
_ESCAPES: Final = dict(zip(b'"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True))
_HIGH, _LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)


def parse(data: bytes) -> Value:
    """The one value that `data` holds.

    Raises:
        Problem: syntax, nesting or utf8, at the first byte from the left that cannot be.
    """
    scanner = _Scanner(data)
    value = scanner.value(depth=0)
    if scanner.peek() is not None:
        raise scanner.unexpected()
    return value


class _Scanner:
    """A place in the data, moving right. Every method starts at `at` and leaves it behind what it read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def unexpected(self) -> Problem:
        return Problem("syntax", self.at)

    def peek(self) -> int | None:
        """The next byte that is no white space; None at the end."""
        self.at = self._end(_SPACE)
        return self.data[self.at] if self.at < len(self.data) else None

    def value(self, depth: int) -> Value:
        first = self.peek()
        if first is None:
            raise self.unexpected()
        if first in b"{[":
            if depth == MAX_DEPTH:
                raise Problem("nesting", self.at)
            return self._object(depth + 1) if first == ord("{") else self._array(depth + 1)
        if first == ord('"'):
            return self._string()
        return self._literal(*_LITERALS[first]) if first in _LITERALS else self._number()

    def _end(self, pattern: re.Pattern[bytes]) -> int:
        match = pattern.match(self.data, self.at)
        return match.end() if match else self.at

    def _more(self, close: str) -> bool:
        """Steps over a comma (True) or the closing bracket (False)."""
        byte = self.peek()
        if byte is None or byte not in (ord(","), ord(close)):
            raise self.unexpected()
        self.at += 1
        return byte == ord(",")

    def _array(self, depth: int) -> Array:
        array = Array(self.at)
        self.at += 1
        if self.peek() == ord("]"):
            self.at += 1
            return array
        array.items.append(self.value(depth))
        while self._more("]"):
            array.items.append(self.value(depth))
        return array

    def _object(self, depth: int) -> Object:
        found = Object(self.at)
        self.at += 1
        if self.peek() == ord("}"):
            self.at += 1
            return found
        self._member(found, depth)
        while self._more("}"):
            self._member(found, depth)
        return found

    def _member(self, found: Object, depth: int) -> None:
        if self.peek() != ord('"'):
            raise self.unexpected()
        key = self._string().text
        if self.peek() != ord(":"):
            raise self.unexpected()
        self.at += 1
        found.add(key, self.value(depth))

    def _literal(self, word: bytes, value: bool | None) -> Literal:
        start = self.at
        if not self.data.startswith(word, start):
            raise self.unexpected()
        self.at += len(word)
        return Literal(start, value)

    def _number(self) -> Number:
        start, self.at = self.at, self._end(_NUMBER)
        if self.at == start:
            raise self.unexpected()
        return Number(start, self.data[start : self.at].decode("ascii"))

    def _string(self) -> Text:
        start = self.at
        self.at += 1
        parts: list[str] = []
        while True:
            begin, self.at = self.at, self._end(_PLAIN)
            parts.append(self.data[begin : self.at].decode("ascii"))
            if self.at == len(self.data):
                raise self.unexpected()
            byte = self.data[self.at]
            if byte == ord('"'):
                self.at += 1
                return Text(start, "".join(parts))
            if byte == ord("\\"):
                parts.append(self._escape())
            elif byte >= 0x80:
                parts.append(self._non_ascii())
            else:
                raise self.unexpected()

    def _non_ascii(self) -> str:
        begin, self.at = self.at, self._end(_NON_ASCII)
        try:
            return self.data[begin : self.at].decode("utf-8")
        except UnicodeDecodeError as error:
            raise Problem("utf8", begin + error.start) from None

    def _escape(self) -> str:
        start = self.at
        text = _ESCAPES.get(self.data[start + 1]) if start + 1 < len(self.data) else None
        if text is not None:
            self.at += 2
            return text
        unit = self._code_unit()
        if unit is None:
            raise self.unexpected()
        self.at += 6
        if unit in _HIGH:
            low = self._code_unit()
            if low is not None and low in _LOW:
                self.at += 6
                return chr(0x10000 + ((unit - _HIGH.start) << 10) + (low - _LOW.start))
        if unit in _HIGH or unit in _LOW:
            raise Problem("utf8", start)
        return chr(unit)

    def _code_unit(self) -> int | None:
        """The UTF-16 code unit of the backslash-u escape that stands here, if one does."""
        match = _CODE_UNIT.match(self.data, self.at)
        return int(match[1], 16) if match else None
