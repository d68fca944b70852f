"""Kinds of values that a setting may have: texts, numbers, flags, secrets, lists. Settings are in `settings.py`.

Each kind reads a text (`read`) and checks a Python value (`check`); both raise ValueError, whose text says what is
allowed and never shows the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from .secret import Secret

__all__ = ["Address", "Choice", "Flag", "Integer", "Kind", "Listed", "Mapped", "Number", "SecretText", "Text"]

_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{0,18})?|\.[0-9]{1,18})(?:[eE][+-]?[0-9]{1,2})?")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
#: Names of entries: they become parts of paths and of environment names.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class Kind:
    """What a value may be. `allowed` says it in words; both readers raise ValueError, without the value in its text."""

    allowed = ""
    #: Whether quotes around a value change nothing; `"10"` is a text and no number.
    quotable = True

    def read(self, text: str) -> Any:
        """The value of a text."""
        # Not abstract: sections and lists of them are kinds too, and are never written as one text.
        raise NotImplementedError

    def check(self, value: Any) -> Any:
        """A Python value, checked; here of a kind whose values are texts."""
        if not isinstance(value, str):
            raise self._refuse()
        return self.read(value)

    def _refuse(self) -> ValueError:
        return ValueError(f"must be {self.allowed}")


@dataclass(frozen=True, slots=True)
class Text(Kind):
    """A text, not empty.

    Attributes:
        allowed: in words.
        pattern: of the whole text.
    """

    allowed: str = "a text"
    pattern: str = r"(?s:.+)"

    def read(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise self._refuse()
        return text


class SecretText(Kind):
    """A text that is never shown."""

    allowed = "a text that is not empty (it is secret and never shown)"

    def read(self, text: str) -> Secret:
        if not text:
            raise self._refuse()
        return Secret(text)

    def check(self, value: Any) -> Secret:
        return value if isinstance(value, Secret) and value else super().check(value)


class Choice(Kind):
    """One of some words."""

    __slots__ = ("allowed", "words")

    def __init__(self, *words: str) -> None:
        self.words = words
        self.allowed = "one of " + ", ".join(words)

    def read(self, text: str) -> str:
        if text not in self.words:
            raise self._refuse()
        return text


class Flag(Kind):
    """True or false."""

    allowed = "true or false"
    quotable = False

    def read(self, text: str) -> bool:
        word = text.lower()
        if word not in _TRUE + _FALSE:
            raise self._refuse()
        return word in _TRUE

    def check(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise self._refuse()
        return value


class _Ranged(Kind):
    __slots__ = ("allowed", "highest", "lowest", "unit")

    _noun = ""
    quotable = False

    def __init__(self, lowest: float, highest: float, unit: str = "") -> None:
        self.lowest, self.highest, self.unit = lowest, highest, unit
        self.allowed = f"{self._noun} from {lowest:,} to {highest:,}" + (f" ({unit})" if unit else "")

    def _in_range(self, value: float) -> bool:
        return self.lowest <= value <= self.highest


class Integer(_Ranged):
    """An integer within a range."""

    __slots__ = ()
    _noun = "an integer"

    def read(self, text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise self._refuse()
        return self.check(int(text))

    def check(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self._in_range(value):
            raise self._refuse()
        return value


class Number(_Ranged):
    """A number within a range; neither NaN nor infinite."""

    __slots__ = ()
    _noun = "a number"

    def read(self, text: str) -> float:
        if not _NUMBER.fullmatch(text):
            raise self._refuse()
        return self.check(float(text))

    def check(self, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self._refuse()
        # NaN is in no range.
        if not self._in_range(value):
            raise self._refuse()
        return float(value)


class Address(Kind):
    """An address with host, and without user or password in it."""

    __slots__ = ("allowed", "schemes")

    def __init__(self, *schemes: str) -> None:
        self.schemes = schemes
        self.allowed = "an address like " + " or ".join(f"{scheme}://host[:port][/path]" for scheme in schemes)

    def read(self, text: str) -> str:
        try:
            parts = urlsplit(text)
            # Reading the port checks it.
            valid = parts.scheme in self.schemes and bool(parts.hostname) and parts.port != 0
            valid = valid and "@" not in parts.netloc and text.isprintable() and not {" ", "#"} & set(text)
        except ValueError:
            valid = False
        if not valid:
            raise self._refuse()
        return text


class Listed(Kind):
    """A list of values of one kind; in an environment variable they are separated by commas."""

    __slots__ = ("allowed", "item")

    def __init__(self, item: Kind) -> None:
        self.item = item
        self.allowed = f"a list, each {item.allowed}"

    def check(self, value: Any) -> tuple[Any, ...]:
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise self._refuse()
        return tuple(self.item.check(each) for each in value)


class Mapped(Kind):
    """Values of one kind by name.

    Args:
        item: kind of the values.
        key: what the names are, in words.
    """

    __slots__ = ("allowed", "item", "key")

    def __init__(self, item: Kind, key: str) -> None:
        self.item, self.key = item, key
        self.allowed = f"a mapping from {key} to {item.allowed}"

    def check(self, value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise self._refuse()
        return MappingProxyType({self.name(key): self.item.check(each) for key, each in value.items()})

    @staticmethod
    def name(key: Any) -> str:
        """The name of an entry, checked."""
        if not isinstance(key, str) or not _NAME.fullmatch(key):
            raise ValueError("names must be letters, digits, '-' and '_', beginning with a letter, 64 at most")
        return key
