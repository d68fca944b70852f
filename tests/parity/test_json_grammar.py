"""The strict scanner: what it accepts, where it stops, what it keeps."""

from __future__ import annotations

import pytest

from json_corpus import ACCEPTED, REFUSED, corpus, is_json
from tradewire.core.pure.json_grammar import parse
from tradewire.core.pure.values import Array, Literal, Number, Object, Problem, Text


@pytest.mark.parametrize("data", ACCEPTED, ids=repr)
def test_json_is_accepted(data: bytes) -> None:
    assert is_json(data)
    parse(data)


@pytest.mark.parametrize("data", REFUSED, ids=repr)
def test_everything_else_is_refused(data: bytes) -> None:
    assert not is_json(data)
    with pytest.raises(Problem):
        parse(data)


def test_the_corpus_agrees_with_an_independent_parser() -> None:
    disagreements = []
    for data in corpus():
        try:
            parse(data)
            accepted = True
        except Problem:
            accepted = False
        if accepted != is_json(data):
            disagreements.append(data[:80])
    assert disagreements == []


@pytest.mark.parametrize(
    ("data", "reason", "offset"),
    [
        (b"", "syntax", 0),
        (b"  ", "syntax", 2),
        (b"{", "syntax", 1),
        (b'{"a":1,', "syntax", 7),
        (b"[1,]", "syntax", 3),
        (b"[1}", "syntax", 2),
        (b"{} x", "syntax", 3),
        (b"tru", "syntax", 0),
        (b"[truex]", "syntax", 5),
        (b"01", "syntax", 1),
        (b"1.", "syntax", 1),
        (b"1e+", "syntax", 1),
        (b"-", "syntax", 0),
        (b'"abc', "syntax", 4),
        (b'"a\nb"', "syntax", 2),
        (b'"a\\xb"', "syntax", 2),
        (b'"a\\', "syntax", 2),
        (b'"\\u12"', "syntax", 1),
        (b"\xef\xbb\xbf{}", "syntax", 0),
        (b"[\xe9]", "syntax", 1),
        (b'"a\xc3"', "utf8", 2),
        (b'"\xe2\x82', "utf8", 1),
        (b'"\xc3\xa9\x80"', "utf8", 3),
        (b'"x\\ud800"', "utf8", 2),
        (b'"\\ud800\\u00"', "utf8", 1),
        (b'"\\udc00"', "utf8", 1),
        (b"[" * 65, "nesting", 64),
        (b"[" * 64, "syntax", 64),
    ],
    ids=repr,
)
def test_the_first_impossible_byte_is_named(data: bytes, reason: str, offset: int) -> None:
    with pytest.raises(Problem) as caught:
        parse(data)
    assert (caught.value.reason, caught.value.offset) == (reason, offset)


def test_values_know_where_they_stand() -> None:
    data = b' {"a": 1, "b": true, "a": [null]}'
    array = Array(data.index(b"[n"), [Literal(data.index(b"null"), None)])
    assert parse(data) == Object(1, {"a": array, "b": Literal(data.index(b"true"), True)}, {"a": 1})
    assert parse(b'["x\\u00e9\\ud83d\\ude00", -1.50e3]') == Array(0, [Text(1, "xé😀"), Number(24, "-1.50e3")])
