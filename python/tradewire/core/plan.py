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

How values are read: `decimal` and `integer` in strings follow the strict grammar (integer: without fraction); a JSON
number with a fraction or an exponent is no integer (`type`). Every numeric text has at most 40 characters (`number`). A
minus sign is refused (`range`) unless the sign is `any`, that of zero too; `seq` is never negative. `rfc3339` is
`YYYY-MM-DDTHH:MM:SS[.f]Z`, upper case, else `time`. Symbols and times in text that are no string are `type`, a `code`
that is no string or bool too. A decimal slot takes codec decimal, an integer slot the others. Levels: price positive,
quantity zero or more, null in one is `missing`. Filters: an integer without fraction or exponent by value, a string by
its text; another type is refused. A symbol has no byte below 0x20 and no 0x7f. A message (not Control) without symbol
field has that of the stream name, at the offset of the envelope's stream, else 0; without a stream name it is
`missing`. Stream names are upper-cased in ASCII only; without separator a name is all symbol.

One plan serves both codecs; with `codec="msgpack"` it reads MessagePack, in all forms of the specification, be they the
shortest or not. Maps are objects, nil is null, and what `DecoderProtocol` says of JSON holds, but for this:

- `syntax`: a value that is cut off, or longer than what is left of the payload, or begins with 0xc1, at its first byte;
  a value that is missing, at the end of the data; bytes behind the one value. `nesting`: the map or array of level 65,
  empty or not. `utf8`: the first wrong byte of any string.
- A string is text, and what it holds is read as in JSON, numeric strings too. Bytes are never text. Keys that are no
  strings are passed over.
- `decimal` takes binary numbers as they are: single precision is widened, NaN and infinity are `number`, and INEXACT is
  only an integer that is no float. Minus zero has a minus sign. `integer` takes integers of all widths, beyond i64 they
  are `range`; a float is `type`, whatever its value.
- `timestamp` takes the timestamp extension (type -1) of 32, 64 or 96 bits; another length is `time`, nanoseconds over
  999,999,999 are out of range. `rfc3339` takes it as well as text: venues write times as extensions in one codec and as
  text in the other. Other extensions and bytes are `type` where a field wants them, and passed over where none does.
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
        codec: how the value is written. `decimal`: number or numeric string to float. `integer`: integer or
            string of digits to i64. `ms`, `us`, `ns`: an integer time in that unit. `rfc3339`: UTC text with 0 to 9
            fraction digits, in MessagePack also its timestamp extension. `timestamp`: that extension, and only in a
            plan of codec msgpack. `symbol`: text looked up in the symbol table. `code`: a string or bool looked up in
            `codes`.
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
    """All messages of one venue's feed. `codec` is how they are written on the wire: `"json"` or `"msgpack"`.

    A venue that writes both has one plan and `dataclasses.replace(plan, codec="msgpack")`.
    """

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
