"""Message objects to messages, by one shape of a field plan. Not for finding the shape: the decoder does that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from tradewire.core.plan import Field, Levels, Shape
from tradewire.core.record import CLOSED, INEXACT, SIDE, SIDELESS, Kind

from .message import Level, Message
from .numbers import decimal, integer
from .times import UNITS, integer_time, rfc3339, timestamp
from .values import Array, Integer, Literal, Number, Object, Problem, Text, Value

__all__ = ["ShapeReader", "check_symbol"]

_SYMBOL_BYTES = 64
_SIDED = (Kind.TRADE, Kind.LIQUIDATION)

#: A field's value and whether it may be inexact.
Read: TypeAlias = tuple[float, bool]


class ShapeReader:
    """Reads the messages of one shape. Every method may raise Problem."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._targets: dict[str, list[Field]] = {}
        for field in shape.fields:
            self._targets.setdefault(field.target, []).append(field)
        self._symbol_fields = self._targets.pop("symbol", [])

    def keeps(self, found: Object) -> bool:
        """Whether all filters let the message through."""
        return all(_allowed(_present(found, each.key), each.allowed) for each in self.shape.filters)

    def symbol(self, found: Object, stream: Text | None) -> Text | None:
        """The symbol and where it stands; None for a Control message without one.

        Args:
            found: the message object.
            stream: symbol part of the stream name, for messages without a symbol field.
        """
        value = _first_present(found, self._symbol_fields)
        if value is not None:
            return check_symbol(value)
        if any(field.required for field in self._symbol_fields):
            raise Problem("missing", found.offset)
        if self.shape.kind == Kind.CONTROL:
            return None
        if stream is None:
            raise Problem("missing", found.offset)
        return check_symbol(stream)

    def message(self, found: Object, tally: Counter[str]) -> Message:
        """Everything but the symbol. Repeated keys of level maps go to the tally."""
        message = Message(self.shape.kind, self.shape.flags)
        if self.shape.kind in _SIDED:
            message.first_flags = SIDELESS
        for name, number in self.shape.constants:
            _fill(message, name, (number, False))
        for target, fields in self._targets.items():
            self._target(found, target, fields, message)
        for levels in self.shape.levels:
            message.levels.extend(_side(found, levels, tally))
        return message

    def _target(self, found: Object, target: str, fields: list[Field], message: Message) -> None:
        """Fills a target by the first field present whose value can be used; times that cannot leave it 0."""
        absent = True
        for field in fields:
            value = _present(found, field.key)
            if value is None:
                continue
            absent = False
            read = _read(field, value)
            if read is not None:
                _fill(message, target, read)
                return
            _fill(message, target, (0, False))
            if message.bad_time is None:
                message.bad_time = value.offset
        if absent and any(field.required for field in fields):
            raise Problem("missing", found.offset)


def check_symbol(value: Value) -> Text:
    """A symbol as venues may spell it: 1 to 64 bytes without control characters."""
    if not isinstance(value, Text):
        raise Problem("type", value.offset)
    size = len(value.text.encode())
    if not 1 <= size <= _SYMBOL_BYTES or any(character < " " or character == "\x7f" for character in value.text):
        raise Problem("symbol", value.offset)
    return value


def _present(found: Object, key: str) -> Value | None:
    """The value under a key that may go through a wrapper; None when absent or null."""
    head, _, inner = key.partition(".")
    value = _unless_null(found.members.get(head))
    if not inner or value is None:
        return value
    return _unless_null(value.members.get(inner)) if isinstance(value, Object) else None


def _unless_null(value: Value | None) -> Value | None:
    return None if isinstance(value, Literal) and value.value is None else value


def _first_present(found: Object, fields: list[Field]) -> Value | None:
    values = (_present(found, field.key) for field in fields)
    return next((value for value in values if value is not None), None)


def _allowed(value: Value | None, allowed: tuple[int | str, ...]) -> bool:
    if value is None:
        return True
    if isinstance(value, Text):
        return value.text in allowed
    if not isinstance(value, Number | Integer):
        return False
    try:
        return integer(value, "any") in allowed
    except Problem:
        return False


def _read(field: Field, value: Value) -> Read | None:
    """The number in a value; None: a time that is out of range."""
    match field.codec:
        case "decimal":
            return decimal(value, field.sign)
        case "integer":
            number = integer(value, field.sign)
            if field.target == "seq" and number < 0:
                raise Problem("range", value.offset)
            return number, False
        case "ms" | "us" | "ns":
            time_ns = integer_time(value, UNITS[field.codec])
            return None if time_ns is None else (time_ns, False)
        case "rfc3339":
            time_ns = rfc3339(value)
            return None if time_ns is None else (time_ns, False)
        case "timestamp":
            time_ns = timestamp(value)
            return None if time_ns is None else (time_ns, False)
        case _:
            return _code(field, value), False


def _code(field: Field, value: Value) -> int:
    wanted: str | bool | None = None
    if isinstance(value, Text):
        wanted = value.text
    elif isinstance(value, Literal):
        wanted = value.value
    else:
        raise Problem("type", value.offset)
    for known, number in field.codes:
        if known == wanted:
            return number
    raise Problem("code", value.offset)


def _fill(message: Message, target: str, read: Read) -> None:
    number, inexact = read
    match target:
        case "event_ns" | "seq" | "interval_ns":
            setattr(message, target, number)
        case "side":
            message.first_flags = SIDE if number else 0
        case "closed":
            message.first_flags |= CLOSED if number else 0
        case _:
            message.put(target, number, inexact=inexact)


def _side(found: Object, levels: Levels, tally: Counter[str]) -> Iterator[Level]:
    value = _present(found, levels.key)
    if value is None:
        if levels.required:
            raise Problem("missing", found.offset)
        return
    if not isinstance(value, Array):
        raise Problem("type", value.offset)
    flags = SIDE if levels.side == "ask" else 0
    for item in value.items:
        price_value, quantity_value = _pair(item, levels, tally)
        if price_value is None:
            raise Problem("missing", item.offset)
        price, price_inexact = decimal(price_value, "positive")
        if quantity_value is None:
            raise Problem("missing", item.offset)
        quantity, quantity_inexact = decimal(quantity_value, "zero")
        yield Level(price, quantity, flags | (INEXACT if price_inexact or quantity_inexact else 0))


def _pair(item: Value, levels: Levels, tally: Counter[str]) -> tuple[Value | None, Value | None]:
    found: list[Value | None]
    if levels.price is None or levels.quantity is None:
        if not isinstance(item, Array):
            raise Problem("type", item.offset)
        found = [*item.items[:2], None, None]
    else:
        if not isinstance(item, Object):
            raise Problem("type", item.offset)
        tally["duplicate_key"] += sum(item.repeats.get(key, 0) for key in (levels.price, levels.quantity))
        found = [item.members.get(levels.price), item.members.get(levels.quantity)]
    return _unless_null(found[0]), _unless_null(found[1])
