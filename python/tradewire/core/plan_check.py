"""Whether a field plan makes sense; both decoders ask when they are built. Not for payloads, and not for venues."""

from __future__ import annotations

from typing import Final

from tradewire.errors import PlanError

from .plan import Field, FieldPlan, Filter, Levels, Shape, StreamName
from .record import BACKFILL, CLOSED, PARTIAL, SLOTS, Kind

__all__ = ["check"]

_TIMES: Final = ("ms", "us", "ns", "rfc3339", "timestamp")
_CODECS: Final = ("decimal", "integer", *_TIMES, "symbol", "code")
_SIGNS: Final = ("positive", "zero", "any")
_BOOKS: Final = (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT)
_SHAPE_FLAGS: Final = CLOSED | PARTIAL | BACKFILL
_NAME_BYTES: Final = 64
_SHAPES: Final = 1000
_I64: Final = (-(2**63), 2**63 - 1)

#: Codecs of the targets that are not slots, and the kinds that have them (None: all).
_HEADER_TARGETS: Final[dict[str, tuple[tuple[str, ...], tuple[Kind, ...] | None]]] = {
    "symbol": (("symbol",), None),
    "event_ns": (_TIMES, None),
    "seq": (("integer",), None),
    "side": (("code",), (Kind.TRADE, Kind.LIQUIDATION)),
    "closed": (("code",), (Kind.BAR,)),
    "interval_ns": (("code",), (Kind.BAR,)),
}
_SLOT_CODECS: Final = {"<f8": ("decimal",), "<i8": ("integer", *_TIMES, "code")}


def check(plan: FieldPlan) -> None:
    """Checks a whole plan.

    Raises:
        PlanError: naming the shape, the part of it and the allowed values.
        TypeError: not a FieldPlan.
    """
    if not isinstance(plan, FieldPlan):
        raise TypeError(f"plan must be a FieldPlan, was {type(plan).__name__}")
    _expect(
        1 <= len(plan.venue.encode()) <= _NAME_BYTES,
        "plan",
        f"venue must be 1..{_NAME_BYTES} bytes, was {plan.venue!r}",
    )
    where = f"plan {plan.venue}"
    _expect(plan.codec in ("json", "msgpack"), where, f"codec must be json or msgpack, was {plan.codec!r}")
    plain = plan.dispatch is None or (bool(plan.dispatch) and "." not in plan.dispatch)
    _expect(plain, where, f"dispatch must be a plain name or None, was {plan.dispatch!r}")
    _expect(1 <= len(plan.shapes) <= _SHAPES, where, f"shapes must be 1..{_SHAPES}, were {len(plan.shapes)}")
    if plan.envelope is not None:
        first, second = plan.envelope
        _expect(bool(first and second) and first != second, where, f"envelope must be two keys, was {plan.envelope!r}")
    if plan.stream_name is not None:
        _check_stream_name(plan.stream_name, where)
    for number, shape in enumerate(plan.shapes):
        _check_shape(plan, shape, f"{where}, shape {number} ({shape.channel})")


def _expect(holds: bool, where: str, otherwise: str) -> None:
    if not holds:
        raise PlanError(f"{where}: {otherwise}")


def _check_stream_name(rule: StreamName, where: str) -> None:
    one = len(rule.separator) == 1 and rule.separator.isascii() and rule.separator.isprintable()
    _expect(one, where, f"separator must be one printable ASCII character, was {rule.separator!r}")


def _check_shape(plan: FieldPlan, shape: Shape, where: str) -> None:
    _expect(bool(shape.channel), where, "channel must not be empty")
    _expect(shape.kind in SLOTS and shape.kind != Kind.LEVEL, where, f"kind must be a message's, was {shape.kind!r}")
    _expect(shape.value is None or plan.dispatch is not None, where, "value needs a plan with dispatch")
    _expect(shape.value is not None or bool(shape.keys), where, "a shape must be known by a value or by keys")
    _expect(all(key and "." not in key for key in shape.keys), where, f"keys must be plain names, were {shape.keys!r}")
    _expect(not shape.stream or plan.stream_name is not None, where, "stream needs a plan with stream_name")
    _expect(not shape.flags & ~_SHAPE_FLAGS, where, f"flags must be of CLOSED, PARTIAL and BACKFILL, was {shape.flags}")
    named = shape.kind == Kind.CONTROL or any(field.target == "symbol" for field in shape.fields)
    _expect(named or plan.stream_name is not None, where, "a symbol needs a field, or a plan with stream_name")
    for field in shape.fields:
        _check_field(plan, shape, field, f"{where}, field {field.target}")
    for filtered in shape.filters:
        _check_filter(filtered, f"{where}, filter {filtered.key}")
    _check_levels(shape, where)
    _check_constants(shape, where)


def _check_key(key: str, where: str) -> None:
    parts = key.split(".")
    _expect(len(parts) <= 2 and all(parts), where, f"key must be a name or wrapper.name, was {key!r}")


def _slot_type(kind: Kind, target: str) -> str | None:
    """NumPy type of a slot that a plan may fill: level counts are the decoder's."""
    slots = {name: dtype for record in SLOTS[kind] for name, dtype in record}
    return None if kind in _BOOKS and target in ("bid_count", "ask_count") else slots.get(target)


def _check_field(plan: FieldPlan, shape: Shape, field: Field, where: str) -> None:
    _check_key(field.key, where)
    _expect(field.codec in _CODECS, where, f"codec must be one of {', '.join(_CODECS)}, was {field.codec!r}")
    _expect(field.sign in _SIGNS, where, f"sign must be one of {', '.join(_SIGNS)}, was {field.sign!r}")
    binary = field.codec != "timestamp" or plan.codec == "msgpack"
    _expect(binary, where, "codec timestamp needs a plan of codec msgpack")
    codecs, kinds = _HEADER_TARGETS.get(field.target, ((), None))
    slot = _slot_type(shape.kind, field.target)
    if slot is not None:
        codecs = _SLOT_CODECS[slot]
    _expect(bool(codecs) and (kinds is None or shape.kind in kinds), where, f"{shape.kind.name} has no such target")
    _expect(field.codec in codecs, where, f"codec must be one of {', '.join(codecs)}, was {field.codec!r}")
    signed = field.sign == "any" or field.codec in ("decimal", "integer")
    _expect(signed, where, f"sign {field.sign} needs codec decimal or integer")
    _check_codes(field, where)


def _check_codes(field: Field, where: str) -> None:
    _expect(bool(field.codes) == (field.codec == "code"), where, "codes go with codec code, and it with codes")
    limits = _I64
    if field.target in ("side", "closed"):
        limits = (0, 1)
    elif field.target == "interval_ns":
        limits = (0, _I64[1])
    for value, number in field.codes:
        _expect(isinstance(value, str | bool), where, f"codes must be of str or bool, had {value!r}")
        _expect(_within(number, *limits), where, f"the number of code {value!r} is out of range: {number!r}")


def _check_levels(shape: Shape, where: str) -> None:
    _expect(bool(shape.levels) == (shape.kind in _BOOKS), where, "levels go with book kinds, and they with levels")
    for levels in shape.levels:
        inside = f"{where}, levels {levels.key}"
        _check_key(levels.key, inside)
        _expect(levels.side in ("bid", "ask"), inside, f"side must be bid or ask, was {levels.side!r}")
        _check_map(levels, inside)
    sides = [levels.side for levels in shape.levels]
    _expect(len(sides) == len(set(sides)), where, "each side may have one list of levels")


def _check_map(levels: Levels, where: str) -> None:
    names = (levels.price, levels.quantity)
    keys = all(names) and levels.price != levels.quantity
    _expect(names == (None, None) or keys, where, f"price and quantity must be two keys or None, were {names!r}")


def _check_filter(filtered: Filter, where: str) -> None:
    _check_key(filtered.key, where)
    known = all(isinstance(value, str) or _within(value, *_I64) for value in filtered.allowed)
    _expect(bool(filtered.allowed) and known, where, f"allowed must be integers or strings, was {filtered.allowed!r}")


def _check_constants(shape: Shape, where: str) -> None:
    filled = {field.target for field in shape.fields}
    for target, number in shape.constants:
        inside = f"{where}, constant {target}"
        interval = target == "interval_ns" and shape.kind == Kind.BAR
        _expect(
            interval or _slot_type(shape.kind, target) == "<i8", inside, f"{shape.kind.name} has no such integer target"
        )
        _expect(target not in filled, inside, "a field fills it already")
        lowest = 0 if interval else _I64[0]
        _expect(_within(number, lowest, _I64[1]), inside, f"out of range: {number!r}")


def _within(value: object, lowest: int, highest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest
