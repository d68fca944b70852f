"""Hostile and unusual frames, in the groups of the Autobahn test suite (1-7, 10), with the close code each must bring.

Every case is read whole, cut in two at every byte boundary (long ones: at many), byte by byte, and in random pieces
through the lent buffer; messages, control frames and close code are always the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest

from frames import BINARY, CLOSE, CONTINUATION, PING, PLAN, PONG, TEXT, close, fragments, frame
from tradewire.errors import DecodeError

MAX_MESSAGE = 1 << 17
MAX_FRAGMENTS = 200


@dataclass(frozen=True)
class Case:
    name: str
    stream: bytes
    messages: tuple[bytes, ...] = ()
    control: tuple[tuple[int, bytes], ...] = ()
    code: int | None = None  # to fail the connection with


def good(name: str, stream: bytes, *messages: bytes, control: tuple[tuple[int, bytes], ...] = ()) -> Case:
    return Case(name, stream, messages, control)


def bad(name: str, code: int, stream: bytes, *messages: bytes, control: tuple[tuple[int, bytes], ...] = ()) -> Case:
    # What follows a failure is never read, however well-formed it is.
    return Case(name, stream + frame(TEXT, b'"after"') + close(1000), messages, control, code)


def text(size: int) -> bytes:
    """A JSON string of `size` bytes."""
    return b'"' + b"*" * (size - 2) + b'"' if size > 1 else b"1" * size


SIZES = (0, 1, 2, 124, 125, 126, 127, 128, 129, 65534, 65535, 65536, 65537, MAX_MESSAGE)


def group_1_framing() -> Iterator[Case]:
    for opcode, kind in ((TEXT, "text"), (BINARY, "binary")):
        for size in SIZES:
            yield good(f"1-{kind}-{size}", frame(opcode, text(size)), text(size))
    yield good("1-binary-not-utf8", frame(BINARY, b"\xff\xfe\x00"), b"\xff\xfe\x00")
    yield good("1-many", frame(TEXT, b"10") * 12, *[b"10"] * 12)
    for size in (0, 1, 124, 125):
        head = bytes([0x81, 126]) + size.to_bytes(2, "big")
        yield bad(f"1-two-byte-length-{size}", 1002, head + text(size))
    for size in (0, 125, 126, 65535):
        head = bytes([0x81, 127]) + size.to_bytes(8, "big")
        yield bad(f"1-eight-byte-length-{size}", 1002, head + text(size))
    for size in (1 << 63, (1 << 64) - 1, 1 << 63 | 5):
        yield bad(f"1-length-{size:#x}", 1002, bytes([0x82, 127]) + size.to_bytes(8, "big"))
    for size in (MAX_MESSAGE + 1, 1 << 20, 1 << 32, (1 << 63) - 1):
        yield bad(f"1-too-big-{size:#x}", 1009, bytes([0x82, 127]) + size.to_bytes(8, "big"))
    for opcode in (TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG):
        yield bad(f"1-masked-{opcode}", 1002, frame(opcode, b"ab", mask=b"\1\2\3\4"))
        yield bad(f"1-masked-empty-{opcode}", 1002, frame(opcode, b"", mask=b"\0\0\0\0"))
    yield bad("1-masked-after-text", 1002, frame(TEXT, b"1") + frame(TEXT, b"2", mask=b"abcd"), b"1")
    yield bad("1-masked-long", 1002, frame(TEXT, text(200), mask=b"abcd"))


def group_2_pings() -> Iterator[Case]:
    for opcode, kind in ((PING, "ping"), (PONG, "pong")):
        for payload in (b"", b"x", "é".encode(), b"\x00\xff\xfe\xfd", b"*" * 124, b"*" * 125):
            stream = frame(opcode, payload)
            yield good(f"2-{kind}-{len(payload)}-{payload[:2].hex()}", stream, control=((opcode, payload),))
        for size in (126, 127, 65535, 65536):
            yield bad(f"2-{kind}-too-long-{size}", 1002, frame(opcode, b"*" * size))
        many = b"".join(frame(opcode, b"%d" % at) for at in range(10))
        yield good(f"2-{kind}-ten", many, control=tuple((opcode, b"%d" % at) for at in range(10)))
        yield good(f"2-{kind}-then-text", frame(opcode, b"a") + frame(TEXT, b"10"), b"10", control=((opcode, b"a"),))


def group_3_reserved_bits() -> Iterator[Case]:
    for bits in range(1, 8):
        for opcode in (TEXT, BINARY, CLOSE, PING, PONG):
            yield bad(f"3-rsv{bits}-opcode{opcode}", 1002, frame(opcode, b"", reserved=bits))
        yield bad(f"3-rsv{bits}-after-text", 1002, frame(TEXT, b"1") + frame(TEXT, b"2", reserved=bits), b"1")
        started = frame(TEXT, b"1", fin=False)
        yield bad(f"3-rsv{bits}-continuation", 1002, started + frame(CONTINUATION, b"2", reserved=bits))


def group_4_opcodes() -> Iterator[Case]:
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        yield bad(f"4-opcode{opcode}", 1002, frame(opcode))
        yield bad(f"4-opcode{opcode}-payload", 1002, frame(opcode, b"*" * 200))
        yield bad(f"4-opcode{opcode}-after-text", 1002, frame(TEXT, b"1") + frame(opcode, b"x"), b"1")
        yield bad(f"4-opcode{opcode}-in-message", 1002, frame(TEXT, b"1", fin=False) + frame(opcode))
        yield bad(
            f"4-opcode{opcode}-after-ping", 1002, frame(PING, b"p") + frame(opcode, fin=False), control=((PING, b"p"),)
        )


def group_5_fragmentation() -> Iterator[Case]:
    word = b'"fragmented"'
    for opcode in (CLOSE, PING, PONG):
        yield bad(f"5-control{opcode}-fragmented", 1002, frame(opcode, b"", fin=False) + frame(CONTINUATION, b""))
        started = frame(TEXT, b"1", fin=False)
        yield bad(f"5-control{opcode}-fragmented-in-message", 1002, started + frame(opcode, b"x", fin=False))
    for opcode, kind in ((TEXT, "text"), (BINARY, "binary")):
        for count in (2, 3, 12):
            pieces = [word[at * len(word) // count : (at + 1) * len(word) // count] for at in range(count)]
            yield good(f"5-{kind}-in-{count}", fragments(opcode, *pieces), word)
            for between, control in ((frame(PING, b"p"), (PING, b"p")), (frame(PONG, b""), (PONG, b""))):
                stream = fragments(opcode, *pieces, between=between)
                name = f"5-{kind}-in-{count}-control{control[0]}-between"
                yield good(name, stream, word, control=(control,) * (count - 1))
            yield good(f"5-{kind}-in-{count}-twice", fragments(opcode, *pieces) * 2, word, word)
        yield good(f"5-{kind}-empty-fragments", fragments(opcode, b"", word, b"", b""), word)
        yield good(f"5-{kind}-all-empty", fragments(opcode, b"", b"", b""), b"")
        for fin in (True, False):
            yield bad(f"5-{kind}-continuation-first-fin{fin}", 1002, frame(CONTINUATION, b"x", fin=fin))
            stream = frame(opcode, b"1") + frame(CONTINUATION, b"x", fin=fin)
            yield bad(f"5-{kind}-continuation-after-whole-fin{fin}", 1002, stream, b"1")
            stream = fragments(opcode, b"1", b"2") + frame(CONTINUATION, b"x", fin=fin)
            yield bad(f"5-{kind}-continuation-after-last-fin{fin}", 1002, stream, b"12")
            for other in (TEXT, BINARY):
                stream = frame(opcode, b"1", fin=False) + frame(other, b"2", fin=fin)
                yield bad(f"5-{kind}-then-new{other}-fin{fin}", 1002, stream)
        closing = frame(opcode, b"1", fin=False) + close(1000)
        yield good(f"5-{kind}-close-in-message", closing, control=((CLOSE, b"\x03\xe8"),))
        most = [b"1"] * MAX_FRAGMENTS
        yield good(f"5-{kind}-most-fragments", fragments(opcode, *most), b"1" * MAX_FRAGMENTS)
        yield bad(f"5-{kind}-too-many-fragments", 1008, fragments(opcode, *most, b"1"))
        half = text(MAX_MESSAGE // 2 + 1)
        yield bad(f"5-{kind}-too-big-together", 1009, fragments(opcode, half, half))


#: Sequences of Markus Kuhn's UTF-8 decoder stress test, and the ends of each range.
VALID_TEXT = {
    "greek": "κόσμε",
    "first-1": "\x00",
    "first-2": "\x80",
    "first-3": "\u0800",
    "first-4": "\U00010000",
    "last-1": "\x7f",
    "last-2": "\u07ff",
    "last-3": "\uffff",
    "last-4": "\U0010ffff",
    "before-surrogates": "\ud7ff",
    "after-surrogates": "\ue000",
    "replacement": "\ufffd",
    "noncharacters": "\ufffe\uffff\ufdd0\U0001fffe\U0010fffe",
    "mixed": "a\u00e9\u20ac\U0001f600z",
    "byte-order-mark": "\ufeffx",
}
INVALID_TEXT = {
    "lonely-80": b"\x80",
    "lonely-bf": b"\xbf",
    "lonely-many": bytes(range(0x80, 0xC0)),
    "start-2-alone": b"\xc3 ",
    "start-3-alone": b"\xe2 ",
    "start-4-alone": b"\xf0 ",
    "start-5": b"\xf8\x88\x80\x80\x80",
    "start-6": b"\xfc\x84\x80\x80\x80\x80",
    "fe": b"\xfe",
    "ff": b"\xff",
    "cut-2": b"\xc3",
    "cut-3": b"\xe2\x82",
    "cut-4": b"\xf0\x9f\x98",
    "cut-3-then-text": b"\xe2\x82x",
    "cut-4-then-text": b"\xf0\x9f\x98x",
    "overlong-2": b"\xc0\xaf",
    "overlong-2-last": b"\xc1\xbf",
    "overlong-3": b"\xe0\x80\xaf",
    "overlong-3-last": b"\xe0\x9f\xbf",
    "overlong-4": b"\xf0\x80\x80\xaf",
    "overlong-4-last": b"\xf0\x8f\xbf\xbf",
    "nul-overlong": b"\xc0\x80",
    "surrogate-first": b"\xed\xa0\x80",
    "surrogate-last": b"\xed\xbf\xbf",
    "surrogate-pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "above-range": b"\xf4\x90\x80\x80",
    "far-above-range": b"\xf7\xbf\xbf\xbf",
    "f5": b"\xf5\x80\x80\x80",
    "late": b"a" * 70 + b"\xff",
    "early": b"\xff" + b"a" * 70,
}


def group_6_text() -> Iterator[Case]:
    for name, valid in VALID_TEXT.items():
        data = valid.encode()
        yield good(f"6-{name}", frame(TEXT, data), data)
        yield good(f"6-{name}-byte-fragments", fragments(TEXT, *(bytes([byte]) for byte in data), b""), data)
        between = frame(PING, b"p")
        pieces = [data[:1], data[1:], b""]
        stream = fragments(TEXT, *pieces, between=between)
        yield good(f"6-{name}-ping-inside", stream, data, control=((PING, b"p"),) * 2)
    for name, data in INVALID_TEXT.items():
        yield bad(f"6-{name}", 1007, frame(TEXT, data))
        yield bad(f"6-{name}-after-text", 1007, frame(TEXT, b"1") + frame(TEXT, b"ok" + data), b"1")
        yield bad(f"6-{name}-byte-fragments", 1007, fragments(TEXT, *(bytes([byte]) for byte in data), b""))
        yield bad(f"6-{name}-last-fragment", 1007, fragments(TEXT, "é".encode(), data))
        yield good(f"6-{name}-binary", frame(BINARY, data), data)
    # A message that cannot become text any more fails at once, before its last fragment.
    yield bad("6-fails-early", 1007, frame(TEXT, b"\xce\xba\xed\xa0\x80", fin=False))


VALID_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)
INVALID_CODES = (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535)


def group_7_close() -> Iterator[Case]:
    def closed(name: str, payload: bytes, before: bytes = b"", *messages: bytes) -> Case:
        return good(name, before + frame(CLOSE, payload), *messages, control=((CLOSE, payload),))

    yield closed("7-empty", b"")
    yield closed("7-after-text", b"\x03\xe8", frame(TEXT, b"10"), b"10")
    yield bad("7-one-byte", 1002, frame(CLOSE, b"\x03"))
    for code in VALID_CODES:
        yield closed(f"7-code{code}", code.to_bytes(2, "big"))
        yield closed(f"7-code{code}-reason", code.to_bytes(2, "big") + b"bye")
    for code in INVALID_CODES:
        yield bad(f"7-code{code}", 1002, close(code))
        yield bad(f"7-code{code}-reason", 1002, close(code, b"bye"))
    yield closed("7-longest-reason", b"\x03\xe8" + b"*" * 123)
    yield bad("7-too-long-reason", 1002, close(1000, b"*" * 124))
    for name, valid in VALID_TEXT.items():
        yield closed(f"7-reason-{name}", b"\x03\xe8" + valid.encode())
    for name, data in INVALID_TEXT.items():
        yield bad(f"7-reason-{name}", 1007, close(1000, data))
    for name, after in {
        "text": frame(TEXT, b"10"),
        "ping": frame(PING, b"p"),
        "close": close(1001),
        "garbage": b"\xff" * 30,
        "half": b"\x81",
    }.items():
        yield good(f"7-then-{name}", close(1000) + after, control=((CLOSE, b"\x03\xe8"),))


def group_10_many_fragments() -> Iterator[Case]:
    data = text(65536)
    for size in (1300, 400):
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        yield good(f"10-fragments-of-{size}", fragments(TEXT, *pieces), data)


CASES = [
    *group_1_framing(),
    *group_2_pings(),
    *group_3_reserved_bits(),
    *group_4_opcodes(),
    *group_5_fragmentation(),
    *group_6_text(),
    *group_7_close(),
    *group_10_many_fragments(),
]


def test_there_are_enough_cases_and_no_name_twice() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 300


class Connection:
    """A reader on a ring that always has room, and all it has said."""

    def __init__(self, core: ModuleType, decoder: Any, ring: Any) -> None:
        self._reader = core.WireReader(decoder, ring, max_message=MAX_MESSAGE, max_fragments=MAX_FRAGMENTS)
        self.errors: list[DecodeError] = []
        self.control: list[tuple[int, bytes]] = []
        self.close: list[tuple[int, str]] = []

    def feed(self, data: bytes) -> None:
        self._keep(self._reader.feed(data, 1))

    def fill(self, data: bytes) -> None:
        self._reader.get_buffer()[: len(data)] = data
        self._keep(self._reader.buffer_updated(len(data), 1))

    def _keep(self, result: Any) -> None:
        assert (result.messages, result.full) == (0, False)
        assert result.error_count == len(result.errors)
        self.errors += result.errors
        self.control += result.frames
        self.close += [result.close] if result.close else []


def cuts(case: Case) -> Iterator[tuple[str, list[bytes]]]:
    stream, size = case.stream, len(case.stream)
    yield "feed", [stream]
    # Beyond that, the boundaries around the first header, the last frame and some others.
    chosen = range(1, size) if size <= 400 else [*range(1, 16), size // 2, 65536, *range(size - 30, size)]
    for at in chosen:
        yield "feed", [stream[:at], stream[at:]]
    if size <= 2000:
        yield "feed", [stream[at : at + 1] for at in range(size)]
    source = random.Random(case.name)
    for longest in (7, 300, 20_000):
        if size / longest > 400:
            continue
        pieces, at = [], 0
        while at < size:
            step = source.randint(1, longest)
            pieces.append(stream[at : at + step])
            at += step
        yield "fill", pieces


@pytest.fixture(scope="module")
def decoder(impl: ModuleType) -> Any:
    return impl.Decoder(PLAN)


def check(impl: ModuleType, decoder: Any, case: Case) -> int:
    """Reads a case in every form; how many there were."""
    ring = impl.Ring(16)
    # No payload here is a message of the plan: each becomes the error value that the decoder gives for it alone.
    expected = []
    for payload in case.messages:
        with pytest.raises(DecodeError) as caught:
            decoder.decode_into(payload, 1, ring)
        expected.append(caught.value)
    reasons, forms = set(), 0
    for number, (form, pieces) in enumerate(cuts(case)):
        if impl.PROFILE == "pure" and number > 40 and number % 7:
            continue
        connection = Connection(impl, decoder, ring)
        for piece in pieces:
            getattr(connection, form)(piece)
        assert connection.errors == expected
        assert connection.control == list(case.control)
        assert [code for code, _ in connection.close] == ([case.code] if case.code else [])
        reasons.update(reason for _, reason in connection.close)
        forms += 1
    assert len(reasons) == (case.code is not None)
    return forms


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(impl: ModuleType, decoder: Any, case: Case) -> None:
    check(impl, decoder, case)
