"""Payload bytes to events or records, by a field plan. Not for framing (`wire`) or for what messages add up to."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from tradewire.core.plan import Field, FieldPlan, Filter, Levels
from tradewire.core.plan_check import check
from tradewire.core.protocols import FULL, REASONS, Batch, Event
from tradewire.core.record import NO_SYMBOL, RECORD, ControlStatus, Kind
from tradewire.errors import DecodeError

from . import json_grammar, msgpack_grammar
from .argument import integer
from .fields import check_text
from .message import Message
from .numbers import I64_MAX
from .objects import objects
from .shape import ShapeReader
from .symbols import SymbolTable
from .values import Array, Object, Problem, Text, Value

if TYPE_CHECKING:
    from tradewire.core.protocols import RingProtocol

__all__ = ["Decoder"]

_STREAM_BYTES: Final = 256
_QUARANTINED: Final = 16
_EXCERPT_BYTES: Final = 64
_PRINTABLE: Final = bytes(byte if 0x20 <= byte <= 0x7E else ord(".") for byte in range(256))
_PARSERS: Final = {"json": json_grammar.parse, "msgpack": msgpack_grammar.parse}
_COUNTERS: Final = (
    "messages",
    *(kind.name.lower() for kind in Kind if kind != Kind.LEVEL),
    *REASONS,
    "filtered",
    "unknown_symbol",
    "unknown_event",
    "duplicate_key",
    "inexact",
)


class Decoder:
    """Payload bytes to events or records, by a field plan."""

    __slots__ = ("_counters", "_learn", "_named", "_parse", "_plan", "_quarantine", "_readers", "_symbols", "_venue_id")

    def __init__(
        self,
        plan: FieldPlan,
        symbols: Iterable[str] | SymbolTable | None = None,
        *,
        learn: bool | None = None,
    ) -> None:
        check(plan)
        self._plan = plan
        self._parse = _PARSERS[plan.codec]
        self._symbols = _table(plan.venue, symbols)
        self._venue_id = self._symbols.add_venue(plan.venue)
        self._learn = symbols is None if learn is None else learn
        self._readers = [ShapeReader(shape) for shape in plan.shapes]
        self._named = _named_keys(plan)
        self._counters = dict.fromkeys(_COUNTERS, 0)
        self._quarantine: deque[tuple[str, str]] = deque(maxlen=_QUARANTINED)

    @property
    def symbols(self) -> SymbolTable:
        return self._symbols

    @property
    def counters(self) -> dict[str, int]:
        return dict(self._counters)

    @property
    def quarantine(self) -> list[tuple[str, str]]:
        return list(self._quarantine)

    def decode(self, data: bytes, recv_ns: int, stream: str | None = None) -> list[Event]:
        _check_arguments(recv_ns, stream)
        payload = self._read(_check_data(data), stream)
        self._settle(payload)
        return objects(self._batch(payload, recv_ns), self._symbols)

    def decode_into(
        self, data: bytes | Sequence[bytes], recv_ns: int, ring: RingProtocol, stream: str | None = None
    ) -> int:
        _check_arguments(recv_ns, stream)
        if not isinstance(data, list | tuple):
            return self._write(_check_data(data), recv_ns, ring, stream)
        for done, each in enumerate(data):
            try:
                if self._write(_check_data(each), recv_ns, ring, stream) == FULL:
                    return done
            except DecodeError:
                pass  # counted and quarantined
        return len(data)

    def _write(self, data: bytes, recv_ns: int, ring: RingProtocol, stream: str | None) -> int:
        payload = self._read(data, stream)
        records = sum(len(message) for message in payload.messages)
        if records > ring.capacity:
            payload = _Payload(data, stream)
            payload.refuse(Problem("size", 0), None)
        elif payload.messages and records > ring.capacity - len(ring):
            return FULL
        self._settle(payload)
        if payload.messages:
            ring.push(self._batch(payload, recv_ns))
        return len(payload.messages)

    def _settle(self, payload: _Payload) -> None:
        """Counts what became of a payload, and raises its error if it has to."""
        for name, count in payload.tally.items():
            self._counters[name] += count
        self._quarantine.extend(payload.quarantined)
        if payload.error is not None and not payload.messages:
            reason, offset = payload.error.reason, payload.error.offset
            raise DecodeError(self._plan.venue, payload.error_channel, offset, reason, payload.excerpt(offset))

    def _batch(self, payload: _Payload, recv_ns: int) -> Batch:
        final = len(payload.messages) - 1
        encoded = (
            message.encode(self._venue_id, recv_ns, last=at == final) for at, message in enumerate(payload.messages)
        )
        return np.frombuffer(b"".join(encoded), RECORD)

    def _read(self, data: bytes, stream: str | None) -> _Payload:
        payload = _Payload(data, stream)
        try:
            value, name, payload.tally["duplicate_key"] = self._unwrap(self._parse(data), stream)
        except Problem as problem:
            payload.refuse(problem, None)
            return payload
        for element in value.items if isinstance(value, Array) else [value]:
            self._element(element, name, payload)
        return payload

    def _unwrap(self, value: Value, stream: str | None) -> tuple[Value, Text | None, int]:
        """What the payload is about: value, stream name, repeated keys of the envelope."""
        name = None if stream is None else Text(0, stream)
        repeats = 0
        if (
            isinstance(value, Object)
            and self._plan.envelope
            and all(key in value.members for key in self._plan.envelope)
        ):
            repeats = sum(value.repeats.get(key, 0) for key in self._plan.envelope)
            given, value = (value.members[key] for key in self._plan.envelope)
            if not isinstance(given, Text):
                raise Problem("type", given.offset)
            name = given
        if name is not None and len(name.text.encode()) > _STREAM_BYTES:
            raise Problem("size", name.offset)
        return value, name, repeats

    def _element(self, value: Value, name: Text | None, payload: _Payload) -> None:
        if not isinstance(value, Object):
            payload.refuse(Problem("type", value.offset), None)
            return
        payload.tally["duplicate_key"] += _repeats(value, self._named)
        symbol_part, channel_part = self._parts(name)
        reader = self._reader(value, channel_part)
        if reader is None:
            payload.deliver(self._unknown_event(value, payload))
            return
        try:
            if not reader.keeps(value):
                payload.tally["filtered"] += 1
                return
            symbol = reader.symbol(value, symbol_part)
            symbol_id = NO_SYMBOL if symbol is None else self._symbol_id(symbol.text)
            if symbol is not None and symbol_id is None:
                payload.note("unknown_symbol", symbol.offset)
                return
            message = reader.message(value, payload.tally)
        except Problem as problem:
            payload.refuse(problem, reader.shape.channel)
            return
        message.symbol_id = NO_SYMBOL if symbol_id is None else symbol_id
        payload.deliver(message)

    def _parts(self, name: Text | None) -> tuple[Text | None, str | None]:
        """Symbol part and channel part of a stream name."""
        rule = self._plan.stream_name
        if name is None or rule is None:
            return None, None
        symbol, _, rest = name.text.partition(rule.separator)
        if rule.upper:
            symbol = "".join(letter.upper() if letter.isascii() else letter for letter in symbol)
        return Text(name.offset, symbol), rest.partition(rule.separator)[0]

    def _reader(self, found: Object, channel_part: str | None) -> ShapeReader | None:
        """The first shape that fits."""
        given = found.members.get(self._plan.dispatch) if self._plan.dispatch is not None else None
        value = given.text if isinstance(given, Text) else None
        for reader in self._readers:
            shape = reader.shape
            if shape.value != value or (shape.stream and channel_part not in shape.stream):
                continue
            if all(key in found.members for key in shape.keys):
                return reader
        return None

    def _unknown_event(self, found: Object, payload: _Payload) -> Message:
        payload.note("unknown_event", found.offset)
        message = Message(Kind.CONTROL, symbol_id=NO_SYMBOL)
        message.put("status", ControlStatus.UNKNOWN)
        return message

    def _symbol_id(self, symbol: str) -> int | None:
        known = self._symbols.get(self._plan.venue, symbol)
        if known is not None or not self._learn:
            return known
        try:
            return self._symbols.add(self._plan.venue, symbol)
        except ValueError:
            return None  # the table is full


@dataclass(slots=True)
class _Payload:
    """What became of one payload; nothing is counted before it is certain."""

    data: bytes
    stream: str | None
    messages: list[Message] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)
    quarantined: list[tuple[str, str]] = field(default_factory=list)
    error: Problem | None = None
    error_channel: str = "?"

    def excerpt(self, offset: int) -> str:
        """The 64 bytes from 32 before the offset."""
        start = max(0, offset - _EXCERPT_BYTES // 2)
        return _printable(self.data[start : start + _EXCERPT_BYTES])

    def note(self, name: str, offset: int) -> None:
        """Counts and quarantines."""
        self.tally[name] += 1
        self.quarantined.append((name, self.excerpt(offset)))

    def refuse(self, problem: Problem, channel: str | None) -> None:
        self.note(problem.reason, problem.offset)
        if self.error is None:
            self.error = problem
            self.error_channel = channel if channel is not None else self._stream_excerpt()

    def deliver(self, message: Message) -> None:
        self.messages.append(message)
        self.tally["messages"] += 1
        self.tally[message.kind.name.lower()] += 1
        self.tally["inexact"] += message.inexact
        if message.bad_time is not None:
            self.note("time", message.bad_time)

    def _stream_excerpt(self) -> str:
        return "?" if self.stream is None else _printable(self.stream.encode()[:_EXCERPT_BYTES])


def _named_keys(plan: FieldPlan) -> dict[str, set[str]]:
    """Keys of messages that the plan names, each with the keys inside it."""
    named: dict[str, set[str]] = {} if plan.dispatch is None else {plan.dispatch: set()}
    for shape in plan.shapes:
        parts: list[Field | Levels | Filter] = [*shape.fields, *shape.levels, *shape.filters]
        for key in (*shape.keys, *(part.key for part in parts)):
            head, _, inner = key.partition(".")
            named.setdefault(head, set()).update({inner} - {""})
    return named


def _repeats(found: Object, named: dict[str, set[str]]) -> int:
    """Repetitions of named keys in a message and in the last value of each wrapper."""
    count = 0
    for head, inner in named.items():
        count += found.repeats.get(head, 0)
        wrapper = found.members.get(head)
        if isinstance(wrapper, Object):
            count += sum(wrapper.repeats.get(key, 0) for key in inner)
    return count


def _printable(data: bytes) -> str:
    return data.translate(_PRINTABLE).decode("ascii")


def _check_data(data: object) -> bytes:
    if not isinstance(data, bytes):
        raise TypeError(f"data must be bytes, was {type(data).__name__}")
    return data


def _check_arguments(recv_ns: int, stream: str | None) -> None:
    integer(recv_ns, "recv_ns", 0, I64_MAX)
    if stream is not None:
        check_text("stream", stream)


def _table(venue: str, symbols: Iterable[str] | SymbolTable | None) -> SymbolTable:
    if isinstance(symbols, SymbolTable):
        return symbols
    if isinstance(symbols, str):
        raise TypeError("symbols must be names or a SymbolTable, was str")
    table = SymbolTable()
    for symbol in symbols or ():
        table.add(venue, symbol)
    return table
