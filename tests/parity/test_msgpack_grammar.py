"""The MessagePack reader: every form of the specification, and where it stops."""

from __future__ import annotations

import struct
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.msgpack import Ext

from msgpack_writer import pack
from payload_tree import Members
from tradewire.core.pure.msgpack_grammar import parse
from tradewire.core.pure.values import (
    Array,
    Float,
    Integer,
    Literal,
    Object,
    Opaque,
    Problem,
    Text,
    Timestamp,
    Value,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.builds(Ext, st.integers(0, 127), st.binary())
)
VALUES = st.recursive(
    SCALARS, lambda inside: st.lists(inside, max_size=20) | st.dictionaries(st.text(), inside, max_size=20)
)


def meant(value: Value) -> Any:
    """What a reader without offsets would give."""
    match value:
        case Text(text=text):
            return text
        case Integer(number=number) | Float(number=number):
            return number
        case Literal(value=constant):
            return constant
        case Array(items=items):
            return [meant(each) for each in items]
        case Object(members=members):
            return {key: meant(each) for key, each in members.items()}
        case _:
            return Opaque


def opaque(value: Any) -> Any:
    """The same, of what was written."""
    if isinstance(value, bytes | Ext):
        return Opaque
    if isinstance(value, dict):
        return {key: opaque(each) for key, each in value.items()}
    return [opaque(each) for each in value] if isinstance(value, list) else value


@given(value=VALUES, data=st.data())
def test_every_form_is_read(value: Any, data: st.DataObject) -> None:
    written = pack(value, lambda forms: data.draw(st.sampled_from(forms)))
    assert msgspec.msgpack.decode(written) == value, "the writer is wrong"
    assert meant(parse(written)) == opaque(value)


@given(st.binary())
def test_what_an_independent_reader_takes_is_taken(data: bytes) -> None:
    try:
        expected = msgspec.msgpack.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, TypeError):
        return
    if not isinstance(expected, datetime):
        assert repr(meant(parse(data))) == repr(opaque(expected))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\xca\x42\xfd\x19\x9a", Float(0, struct.unpack(">f", b"\x42\xfd\x19\x9a")[0])),
        (b"\xd6\xff\x00\x00\x00\x01", Timestamp(0, b"\x00\x00\x00\x01")),
        (b"\xc7\x03\xffabc", Timestamp(0, b"abc")),
        (b"\xd6\x01\x00\x00\x00\x01", Opaque(0)),
        (b"\xc4\x00", Opaque(0)),
        (b"\x82\xa1a\x01\xa1a\xc0", Object(0, {"a": Literal(6, None)}, {"a": 1})),
        (b"\x83\x01\x02\xc4\x01a\x03\x90\x04", Object(0)),
    ],
)
def test_what_is_read(data: bytes, value: Value) -> None:
    assert parse(data) == value


@pytest.mark.parametrize(
    ("data", "reason", "offset"),
    [
        (b"", "syntax", 0),
        (b"\xc1", "syntax", 0),
        (b"\x92\x01", "syntax", 2),
        (b"\x92\x01\xc1", "syntax", 2),
        (b"\x01\x01", "syntax", 1),
        (b"\x91\xa3xx", "syntax", 1),
        (b"\x91\xcd\x01", "syntax", 1),
        (b"\x91\xd9", "syntax", 1),
        (b"\x81\xa1x", "syntax", 3),
        (b"\xdb\xff\xff\xff\xffx", "syntax", 0),
        (b"\xc9\xff\xff\xff\xff\x01x", "syntax", 0),
        (b"\xdd\xff\xff\xff\xff\x01", "syntax", 6),
        (b"\xdf\xff\xff\xff\xff\x01", "syntax", 6),
        (b"\xd8\xff0123456789", "syntax", 0),
        (b"\x92\xa2a\xff\xc1", "utf8", 3),
        (b"\x81\xa2\xc3\x28\x01", "utf8", 2),
        (b"\x91" * 65, "nesting", 64),
        (b"\x91" * 64 + b"\x80", "nesting", 64),
        (b"\x81" * 65, "nesting", 64),
    ],
)
def test_what_cannot_be_is_found_where_it_stands(data: bytes, reason: str, offset: int) -> None:
    with pytest.raises(Problem) as caught:
        parse(data)
    assert (caught.value.reason, caught.value.offset) == (reason, offset)


def test_sixty_four_levels_are_read() -> None:
    parse(b"\x91" * 63 + b"\x80")
    parse(pack(Members([(Members(), 1)])))
