"""Field plans and sequence rules: how a venue's messages look, as plain data. Not for parsing: the decoders do that.

A plan is written once per venue (`venues/<venue>/plans.py`) and read by both decoders. Everything is immutable and
compares by value; a plan is checked when a `Decoder` is built from it (`PlanError`).

How a payload is read:

1. `envelope=("stream", "data")`: an object holding both keys is unwrapped; the value of the first is the stream name.
   Any other object or array is the payload itself, and the stream name is the caller's `stream` argument.
2. An array payload holds one message per element (all of them or, on malformed JSON, none are delivered).
3. A message object is matched to the first `Shape` that fits: if it holds the key `dispatch` with a string value, only
   shapes with that `value` (no such shape: a Control event, status unknown); otherwise only shapes without `value`.
   All `keys` of the shape must be present. A shape with `stream` also wants the channel part of the stream name to be
   one of them.
4. Rows that a `Filter` refuses are counted and dropped.
5. Each `Field` fills one target. When several fields name one target, the first present one in plan order wins. A time
   that is out of range is passed over; where nothing else gives the target a value, it is 0 (`DecoderProtocol`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tradewire.errors import PlanError

from .record import Kind

__all__ = ["Field", "FieldPlan", "Filter", "Levels", "SequenceRule", "Shape", "StreamName"]

Codec = Literal["decimal", "integer", "ms", "us", "ns", "rfc3339", "timestamp", "symbol", "code"]
Sign = Literal["positive", "zero", "any"]

_FIRST = ("straddle", "straddle_next")
_NEXT = ("prev_link", "contiguous", "none")
_MOST_BUFFERED = 1 << 20


@dataclass(frozen=True, slots=True)
class Field:
    """One value of a message.

    Attributes:
        target: a header target (`symbol`, `event_ns`, `seq`, `side`, `closed`, `interval_ns`) or a slot name of the
            kind (`record.SLOTS`).
        key: key in the message object; a dot goes into a wrapper (`"k.o"`), one level deep.
        codec: how the value is written. `decimal`: JSON number or numeric string to float. `integer`: JSON integer or
            string of digits to i64. `ms`, `us`, `ns`: an integer time in that unit. `rfc3339`: UTC text with 0 to 9
            fraction digits. `timestamp`: MessagePack timestamp extension. `symbol`: text looked up in the symbol table.
            `code`: a string or bool looked up in `codes`.
        required: a message without it (or with null) is a DecodeError, reason `missing`. When several fields share a
            target, one of them present is enough.
        sign: `positive` (> 0), `zero` (>= 0) or `any`; checked for decimal and integer.
        codes: for `code`: (value, number) pairs. For `side`: 0 buy, 1 sell. An unlisted value is reason `code`.
    """

    target: str
    key: str
    codec: Codec = "decimal"
    required: bool = True
    sign: Sign = "any"
    codes: tuple[tuple[str | bool, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Levels:
    """One side of a book message: a list of [price, quantity] pairs, or of maps.

    Attributes:
        side: which side.
        key: key of the list in the message object, dotted as in `Field`.
        price, quantity: key of the map each level is; both None: each level is an array whose first two elements
            are price and quantity (further elements are skipped).
        required: False where a venue leaves an empty side out.
    """

    side: Literal["bid", "ask"]
    key: str
    price: str | None = None
    quantity: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Filter:
    """Keeps a row only when `key` is absent or its value is one of `allowed` (integers or strings)."""

    key: str
    allowed: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """One kind of message.

    Attributes:
        kind: what it becomes.
        channel: its name in errors and counters (`"trades"`, `"book"`, ...).
        value: value of the dispatch key, or None for messages known by their keys alone.
        keys: keys that must be present, be it with null.
        stream: channel parts of the stream name that this shape is for (`"depth20"`); empty: any.
        fields, levels, filters: see the classes.
        flags: flag bits set on every record (`record.PARTIAL`).
        constants: (target, integer) pairs, for what the venue does not send: integer slots (a Control's status) and a
            bar's `interval_ns`.
    """

    kind: Kind
    channel: str
    value: str | None = None
    keys: tuple[str, ...] = ()
    stream: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    levels: tuple[Levels, ...] = ()
    filters: tuple[Filter, ...] = ()
    flags: int = 0
    constants: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StreamName:
    """How a stream name is built: `<symbol><separator><channel>[<separator>...]`.

    The symbol part, upper-cased when `upper`, names the symbol of messages that carry none (Spot partial depth, REST
    snapshots). The channel part is the text between the first and the second separator.
    """

    separator: str = "@"
    upper: bool = True


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """All messages of one venue's feed. `codec` is how they are written on the wire: `"json"` or `"msgpack"`."""

    venue: str
    shapes: tuple[Shape, ...]
    codec: Literal["json", "msgpack"] = "json"
    dispatch: str | None = None
    envelope: tuple[str, str] | None = None
    stream_name: StreamName | None = None


@dataclass(frozen=True, slots=True)
class SequenceRule:
    """How the deltas of a book chain to its snapshot and to each other. PlanError: an unknown word, or buffer outside
    1..2**20.

    Attributes:
        first: which delta may follow a snapshot with last sequence `L`. `straddle`: `first_seq <= L <= last_seq`
            (Binance USD-M). `straddle_next`: `first_seq <= L + 1 <= last_seq` (Binance Spot). Deltas that end before
            that are stale: `last_seq < L` for `straddle`, `last_seq <= L` for `straddle_next`.
        next: how later deltas chain. `prev_link`: `prev_seq == last_seq` of the delta before. `contiguous`:
            `first_seq <= last + 1 <= last_seq`. Deltas with `last_seq <= last` are stale; under `prev_link`, one with a
            later `event_ns` than the book's is a gap, because the venue has begun to count anew. `none`: the venue
            numbers nothing; order of arrival is all there is, `first` means nothing, deltas before the first snapshot
            are stale, and every later one applies.
        buffer: deltas kept while waiting for a snapshot; beyond it the oldest are dropped.
    """

    first: Literal["straddle", "straddle_next"] = "straddle"
    next: Literal["prev_link", "contiguous", "none"] = "prev_link"
    buffer: int = 1000

    def __post_init__(self) -> None:
        for name, known in (("first", _FIRST), ("next", _NEXT)):
            if getattr(self, name) not in known:
                words = ", ".join(map(repr, known))
                raise PlanError(f"SequenceRule: {name} must be one of {words}, was {getattr(self, name)!r}")
        if type(self.buffer) is not int or not 1 <= self.buffer <= _MOST_BUFFERED:
            raise PlanError(f"SequenceRule: buffer must be 1..{_MOST_BUFFERED}, was {self.buffer!r}")
