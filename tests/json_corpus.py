"""JSON texts in the classes of the JSONTestSuite, written and generated here, with an independent verdict on each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn

__all__ = ["ACCEPTED", "REFUSED", "corpus", "is_json"]

#: Texts that every parser must accept (RFC 8259).
ACCEPTED: tuple[bytes, ...] = (
    b"{}",
    b"[]",
    b" {\t} ",
    b"\r\n[ ]\n",
    b'{"a":1}',
    b'{"a":[1,2,{"b":null}],"c":"d"}',
    b'{"a":1,"a":2}',
    b'{"":0}',
    b'{"\\u0061":true}',
    b'{"a" :\t[ ] , "b":{ }}',
    b"[true,false,null]",
    b"[[[[]]],{}]",
    b'["a","b"]',
    b"[0,-0,1,-1,10,1234567890]",
    b"[0.0,-0.0,1.5,-1.50,0.001]",
    b"[1e5,1E5,1e+5,1e-5,1.5e05,-0e0,0E+1]",
    b"[123456789012345678901234567890]",
    b"[1e400,-1e400,1e-400]",
    b"3",
    b"-0.5",
    b'"text"',
    b"null",
    b"true",
    b"false",
    b'""',
    b'"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    b'"\\u0000\\u001f\\u0041\\u00e9\\uFFFF"',
    b'"\\uD83D\\uDE00 \\ud834\\udd1e"',
    b'"\x7f"',
    '"é € 😀 \u2028 \ufeff"'.encode(),
    '{"币安人生USDT":1}'.encode(),
    b'{"e":"aggTrade","E":1791382992488,"s":"BTCUSDT","p":"83091.70","q":"0.022","m":false}',
    b"[" * 64 + b"]" * 64,
    b'{"a":' * 64 + b"1" + b"}" * 64,
)

#: Texts that every parser must refuse.
REFUSED: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\xef\xbb\xbf{}",
    b"{",
    b"[",
    b"}",
    b"]",
    b"[}",
    b"{]",
    b"[1,]",
    b"[,1]",
    b"[1,,2]",
    b"[,]",
    b"[1 2]",
    b"[1;2]",
    b"[1:2]",
    b"[1]]",
    b"[1]x",
    b"[][]",
    b"{}{}",
    b"{} #",
    b"[]\x00",
    b"\x00[]",
    b"[\x00]",
    b"[\x0b1]",
    b"[\x0c]",
    b"[\xc2\xa0]",
    b"[\xe2\x81\xa0]",
    b'{"a"}',
    b'{"a":}',
    b'{"a",1}',
    b'{"a":1,}',
    b'{"a":1,,"b":2}',
    b'{,"a":1}',
    b'{"a":1 "b":2}',
    b'{"a"::1}',
    b"{a:1}",
    b"{'a':1}",
    b"{1:1}",
    b"{null:1}",
    b"{[]:1}",
    b'{"a":1}}',
    b"['a']",
    b"[a]",
    b'["a',
    b'["a]',
    b'["a""b"]',
    b'["a"b]',
    b'["a":1]',
    b'["\t"]',
    b'["\n"]',
    b'["\x00"]',
    b'["\x1f"]',
    b'["\\a"]',
    b'["\\0"]',
    b'["\\x41"]',
    b'["\\\'"]',
    b'["\\U0041"]',
    b'["\\u"]',
    b'["\\u1"]',
    b'["\\u12"]',
    b'["\\u123"]',
    b'["\\u12G4"]',
    b'["\\u 123"]',
    b'["\\u+123"]',
    b'["\\"]',
    b'["\\',
    b'["\\ud800"]',
    b'["\\ud800\\"]',
    b'["\\ud800\\u"]',
    b'["\\ud800\\u0041"]',
    b'["\\ud800\\ud800\\udc00"]',
    b'["\\udc00"]',
    b'["\\udc00\\ud800"]',
    b'["\\ud800\\n"]',
    b'["\xff"]',
    b'["\xc3"]',
    b'["\xc3(" ]',
    b'["\xc0\xaf"]',
    b'["\xe0\x80\xaf"]',
    b'["\xed\xa0\x80"]',
    b'["\xf4\x90\x80\x80"]',
    b'["\xf8\x88\x80\x80\x80"]',
    b'["\x80"]',
    b"\xff[]",
    b"[\xe9]",
    b"[NaN]",
    b"[nan]",
    b"[Infinity]",
    b"[-Infinity]",
    b"[+Infinity]",
    b"[inf]",
    b"[-]",
    b"[--1]",
    b"[+1]",
    b"[++1]",
    b"[.5]",
    b"[-.5]",
    b"[1.]",
    b"[1.e5]",
    b"[1.5.2]",
    b"[01]",
    b"[-01]",
    b"[00]",
    b"[0x1F]",
    b"[0b1]",
    b"[1e]",
    b"[1e+]",
    b"[1E-]",
    b"[1e1.5]",
    b"[e5]",
    b"[1_000]",
    b"[1 000]",
    b"[1,000.5.1]",
    b"[1a]",
    b"[1-2]",
    b"[0e+-1]",
    "[\uff11\uff12]".encode(),
    "[1½]".encode(),
    b"[tru]",
    b"[True]",
    b"[TRUE]",
    b"[truefalse]",
    b"[nul]",
    b"[None]",
    b"[undefined]",
    b"/**/[]",
    b"[]/**/",
    b"[1]//",
    b"#[]",
    b"<a/>",
    b"*",
    b"[*]",
    b"&",
    b"[1,",
    b'{"a":1',
    b'{"a":"',
    b'{"a":tr',
    b"[-",
    b"[1.",
)

#: Texts whose every mutation is a case.
_MUTATED: tuple[bytes, ...] = (
    b'{"a":[1.5e+10,-0],"b":{"c":"\\u00e9\\n"},"d":null}',
    '{"s":"é😀","p":"0.5","m":true}'.encode(),
    b'["\\ud83d\\ude00",[ ],{ }]',
)
_INSERTED = (b"\x00", b'"', b"\\", b"{", b"]", b",", b":", b"0", b"-", b".", b"e", b" ", b"u", b"\xff", b"\xc3\xa9")


def corpus() -> Iterator[bytes]:
    """Every case: the two lists, bare and inside an object, and all mutations of a few texts. Over 2,000."""
    for text in (*ACCEPTED, *REFUSED):
        yield text
        yield b'{"x":' + text + b"}"
    yield b"[" * 65 + b"]" * 65
    yield b'{"a":' * 65 + b"1" + b"}" * 65
    yield b"[" * 100_000
    yield b"1" * 10_000
    yield b'{"x":' + b"1" * 10_000 + b"}"
    for text in _MUTATED:
        for at in range(len(text)):
            yield text[:at]
            yield text[:at] + text[at + 1 :]
            yield text[:at] + bytes([text[at] ^ 0x01]) + text[at + 1 :]
            yield text[:at] + bytes([text[at] ^ 0x80]) + text[at + 1 :]
            for inserted in _INSERTED:
                yield text[:at] + inserted + text[at:]


def is_json(data: bytes) -> bool:
    """What the stdlib's parser says once its leniencies are closed."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return False
    return _depth(value) <= 64 and _is_text(value)


def _refuse(name: str) -> NoReturn:
    raise ValueError(name)


def _depth(value: Any) -> int:
    if isinstance(value, tuple):  # a member of an object
        return max(map(_depth, value))
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    return 0


def _is_text(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_text, value))
    return not isinstance(value, str) or not any("\ud800" <= character <= "\udfff" for character in value)
