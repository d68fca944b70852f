"""The V2 encoding that all HdrHistogram tools share: a header, then counts as ZigZag LEB128, deflated, in base64.

Integer counts only; the older V0 and V1 and the double-valued variant are refused. Knows nothing of buckets.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable, Iterator

__all__ = ["decode", "encode"]

#: Cookies of HdrHistogram's AbstractHistogram, with the word size of 1 that V2 writes in bits 4-7.
_COMPRESSED_COOKIE = 0x1C849314
_COOKIE = 0x1C849313
_WORD_SIZE_BITS = 0xF0
#: Cookie, payload length, normalising index offset, digits, lowest, highest, scale of a double-valued histogram.
_HEADER = struct.Struct(">IIIIQQd")
_OUTER = struct.Struct(">II")
#: Longest LEB128 form of one count: the ninth byte carries eight bits.
_LONGEST = 9
#: Most bytes that are ever inflated: the largest histogram has under 2**23 slots.
_MOST_PLAIN = _HEADER.size + _LONGEST * 2**23


def _bad(part: str) -> ValueError:
    return ValueError(f"encoded must be a compressed V2 histogram of integer counts, its {part} is not")


def _leb128(number: int) -> bytes:
    left = (number << 1 ^ number >> 63) & (2**64 - 1)
    out = bytearray()
    while left >= 0x80 and len(out) < _LONGEST - 1:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


def _numbers(payload: bytes) -> Iterator[int]:
    at = 0
    while at < len(payload):
        number = 0
        for place in range(_LONGEST):
            if at >= len(payload):
                raise _bad("counts")
            byte = payload[at]
            at += 1
            ninth = place == _LONGEST - 1
            number |= (byte if ninth else byte & 0x7F) << (7 * place)
            if byte < 0x80:
                break
        yield number >> 1 ^ -(number & 1)


def encode(lowest: int, highest: int, digits: int, counts: list[int]) -> str:
    """Base64 of the compressed form; `counts` ends with the last one above zero."""
    payload = bytearray()
    zeros = 0
    for count in counts:
        if count == 0:
            zeros += 1
            continue
        payload += _zeros(zeros) + _leb128(count)
        zeros = 0
    payload += _zeros(zeros)
    header = _HEADER.pack(_COOKIE, len(payload), 0, digits, lowest, highest, 1.0)
    packed = zlib.compress(header + payload)
    return base64.b64encode(_OUTER.pack(_COMPRESSED_COOKIE, len(packed)) + packed).decode()


def _zeros(run: int) -> bytes:
    """A single zero is written as itself, a run of them as minus its length."""
    return b"" if run == 0 else _leb128(-run if run > 1 else 0)


def decode(encoded: str, slots: Callable[[int, int, int], int], most: int) -> list[int]:
    """The counts up to the last one written.

    `slots` gives the number of counts that (lowest, highest, digits) allow, or a ValueError; `most` bounds their sum.
    """
    packed = _unbase64(encoded)
    if len(packed) < _OUTER.size:
        raise _bad("cookie")
    cookie, length = _OUTER.unpack_from(packed)
    if cookie & ~_WORD_SIZE_BITS != _COMPRESSED_COOKIE & ~_WORD_SIZE_BITS:
        raise _bad("cookie")
    if length != len(packed) - _OUTER.size:
        raise _bad("length")
    plain = _inflate(packed[_OUTER.size :])
    if not _HEADER.size <= len(plain) <= _MOST_PLAIN:
        raise _bad("length")
    cookie, length, offset, digits, lowest, highest, scale = _HEADER.unpack_from(plain)
    if cookie & ~_WORD_SIZE_BITS != _COOKIE & ~_WORD_SIZE_BITS:
        raise _bad("cookie")
    try:
        limit = slots(lowest, highest, digits) if (offset, scale) == (0, 1.0) else 0
    except ValueError:
        limit = 0
    if not limit:
        raise _bad("header")
    payload = plain[_HEADER.size :]
    if length != len(payload):
        raise _bad("length")
    return _counts(payload, limit, most)


def _counts(payload: bytes, limit: int, most: int) -> list[int]:
    counts: list[int] = []
    for number in _numbers(payload):
        if (len(counts) - number if number < 0 else len(counts) + 1) > limit:
            raise _bad("counts")
        counts += [0] * -number if number < 0 else [number]
    if sum(counts) > most:
        raise _bad("counts")
    return counts


def _unbase64(encoded: str) -> bytes:
    try:
        packed = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _bad("base64") from None
    if base64.b64encode(packed).decode() != encoded:
        raise _bad("base64")
    return packed


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(data, _MOST_PLAIN + 1)
    except zlib.error:
        raise _bad("deflate stream") from None
    if not stream.eof and len(plain) <= _MOST_PLAIN:
        raise _bad("deflate stream")
    return plain
