"""Values of a payload that know their offsets, whatever codec they were written in. Not for what the values mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

__all__ = [
    "MAX_DEPTH",
    "Array",
    "Float",
    "Integer",
    "Literal",
    "Number",
    "Object",
    "Opaque",
    "Problem",
    "Text",
    "Timestamp",
    "Value",
]

#: Most open containers at any place of a payload.
MAX_DEPTH: Final = 64


class Problem(Exception):  # noqa: N818 - never leaves the core: the decoder turns it into a DecodeError
    """Why a payload or a message is refused: a reason of `protocols.REASONS` and the offset it was seen at."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Text:
    """A string, its escapes decoded."""

    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number in digits, as it is written."""

    offset: int
    token: str


@dataclass(frozen=True, slots=True)
class Integer:
    """A binary integer."""

    offset: int
    number: int


@dataclass(frozen=True, slots=True)
class Float:
    """A binary float, which may be infinite or NaN."""

    offset: int
    number: float


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a timestamp extension holds."""

    offset: int
    stamp: bytes


@dataclass(frozen=True, slots=True)
class Opaque:
    """Bytes, or an extension that is no timestamp."""

    offset: int


@dataclass(frozen=True, slots=True)
class Literal:
    """true, false or null."""

    offset: int
    value: bool | None


@dataclass(frozen=True, slots=True)
class Array:
    """An array."""

    offset: int
    items: list[Value] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Object:
    """An object. Of repeated keys the last one is kept; `repeats` says how many went before it."""

    offset: int
    members: dict[str, Value] = field(default_factory=dict)
    repeats: dict[str, int] = field(default_factory=dict)

    def add(self, key: str, value: Value) -> None:
        if key in self.members:
            self.repeats[key] = self.repeats.get(key, 0) + 1
        self.members[key] = value


Value: TypeAlias = Text | Number | Integer | Float | Timestamp | Opaque | Literal | Array | Object
