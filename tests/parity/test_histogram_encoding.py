"""The V2 encoding: read by the HdrHistogram package, reading it, and by the other core; damaged ones refused alike."""

from __future__ import annotations

import base64
import struct
import zlib
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewire import core

NATIVE, PURE = core.load("native"), core.load("pure")
HOUR = 3_600_000_000_000
#: By digits, so that the pure core's counts stay few.
HIGHEST = {1: HOUR, 2: HOUR, 3: HOUR, 4: 10**6, 5: 10**6}
BAD = "encoded must be a compressed V2 histogram of integer counts, its {} is not"

samples = st.lists(st.one_of(st.integers(0, 3000), st.integers(0, 10**6)), max_size=30)


def made(impl: ModuleType, values: list[int], lowest: int = 1, digits: int = 3) -> Any:
    histogram = impl.Histogram(lowest, HIGHEST[digits], digits)
    histogram.record_many(np.array(values, np.int64))
    return histogram


def counts(histogram: HdrHistogram) -> list[tuple[int, int]]:
    return [(item.value_iterated_to, item.count_added_in_this_iter_step) for item in histogram.get_recorded_iterator()]


@pytest.mark.any_core
@given(values=samples, digits=st.integers(1, 4), lowest=st.sampled_from([1, 2, 1000]))
@settings(max_examples=15, deadline=None)
def test_the_hdrhistogram_package_reads_it(values: list[int], digits: int, lowest: int) -> None:
    theirs = HdrHistogram(lowest, HIGHEST[digits], digits)
    for value in values:
        theirs.record_value(value)
    for impl in (NATIVE, PURE):
        read = HdrHistogram.decode(made(impl, values, lowest, digits).encode())
        assert counts(read) == counts(theirs)
        assert read.get_total_count() == len(values)
        assert read.lowest_trackable_value == lowest
        assert read.highest_trackable_value == HIGHEST[digits]
        assert read.significant_figures == digits


@pytest.mark.any_core
@given(values=samples, digits=st.integers(1, 4))
@settings(max_examples=15, deadline=None)
def test_it_reads_the_hdrhistogram_package(values: list[int], digits: int) -> None:
    theirs = HdrHistogram(1, HIGHEST[digits], digits)
    for value in values:
        theirs.record_value(value)
    encoded = theirs.encode().decode()
    for impl in (NATIVE, PURE):
        read, own = impl.Histogram.decode(encoded), made(impl, values, 1, digits)
        assert (read.count, read.min, read.max, read.mean) == (own.count, own.min, own.max, own.mean)
        assert read.percentiles([1, 50, 99]) == own.percentiles([1, 50, 99])


@pytest.mark.any_core
@given(values=samples, digits=st.integers(1, 5), lowest=st.integers(1, 5000))
@settings(max_examples=15, deadline=None)
def test_each_core_reads_the_other(values: list[int], digits: int, lowest: int) -> None:
    native, pure = (made(impl, values, lowest, digits) for impl in (NATIVE, PURE))
    assert plain(native.encode()) == plain(pure.encode()), "equal once inflated"
    for impl in (NATIVE, PURE):
        for source in (native, pure):
            read = impl.Histogram.decode(source.encode())
            assert (read.count, read.min, read.max, read.mean) == (pure.count, pure.min, pure.max, pure.mean)


def plain(encoded: str) -> bytes:
    return zlib.decompress(base64.b64decode(encoded)[8:])


def packed(payload: bytes, *, outer: int = 0x1C849314, header: tuple[Any, ...] = (), tail: bytes = b"") -> str:
    """An encoded histogram of 1..1000 with 3 digits, with what the test wants different."""
    fields = header or (0x1C849313, len(payload), 0, 3, 1, 1000, 1.0)
    data = zlib.compress(struct.pack(">IIIIQQd", *fields) + payload) + tail
    return base64.b64encode(struct.pack(">II", outer, len(data)) + data).decode()


def test_counts_of_every_length_survive(impl: ModuleType) -> None:
    numbers = [0, 1, 63, 64, 2**13, 2**31, 2**55, 2**56, 2**61]
    native_form = packed(b"".join(leb(number) for number in numbers))
    read = impl.Histogram.decode(native_form)
    assert read.count == sum(numbers)
    assert plain(read.encode()) == plain(native_form)


def leb(number: int) -> bytes:
    """ZigZag LEB128 with a ninth byte of eight bits, written the other way round than the code under test does."""
    zigzag = 2 * number if number >= 0 else -2 * number - 1
    if zigzag >> 56:
        return bytes(zigzag >> 7 * place & 127 | 128 for place in range(8)) + bytes([zigzag >> 56])
    places = max(1, -(-zigzag.bit_length() // 7))
    return bytes((zigzag >> 7 * place & 127) | (128 if place < places - 1 else 0) for place in range(places))


def cut_short() -> str:
    data = base64.b64decode(packed(b"\2"))[8:-5]
    return base64.b64encode(struct.pack(">II", 0x1C849314, len(data)) + data).decode()


DAMAGED = {
    "empty": ("", "cookie"),
    "not base64": ("%%%%", "base64"),
    "not ASCII": ("é", "base64"),
    "a lone surrogate": ("\ud800", "base64"),
    "white space": (packed(b"\2") + "\n", "base64"),
    "padding bits": (packed(b"\2")[:-2] + "9=" if packed(b"\2").endswith("=") else "AB==", "base64"),
    "another cookie": (packed(b"\2", outer=0x1C849303), "cookie"),
    "an inner cookie of V1": (packed(b"\2", header=(0x1C849301, 1, 0, 3, 1, 1000, 1.0)), "cookie"),
    "too long": (base64.b64encode(base64.b64decode(packed(b"\2")) + b"\0").decode(), "length"),
    "too short": (base64.b64encode(base64.b64decode(packed(b"\2"))[:-1]).decode(), "length"),
    "not deflated": (base64.b64encode(struct.pack(">II", 0x1C849314, 4) + b"abcd").decode(), "deflate stream"),
    "no digits": (packed(b"\2", header=(0x1C849313, 1, 0, 0, 1, 1000, 1.0)), "header"),
    "a shifted histogram": (packed(b"\2", header=(0x1C849313, 1, 5, 3, 1, 1000, 1.0)), "header"),
    "a histogram of doubles": (packed(b"\2", header=(0x1C849313, 1, 0, 3, 1, 1000, 0.5)), "header"),
    "an empty range": (packed(b"\2", header=(0x1C849313, 1, 0, 3, 5, 9, 1.0)), "header"),
    "less payload than said": (packed(b"\2", header=(0x1C849313, 2, 0, 3, 1, 1000, 1.0)), "length"),
    "more payload than said": (packed(b"\2\2", header=(0x1C849313, 1, 0, 3, 1, 1000, 1.0)), "length"),
    "more payload than fits": (packed(b"\2", header=(0x1C849313, 2**31, 0, 3, 1, 1000, 1.0)), "length"),
    "no whole header": (
        base64.b64encode(struct.pack(">II", 0x1C849314, 11) + zlib.compress(b"abc")).decode(),
        "length",
    ),
    "a stream cut short": (cut_short(), "deflate stream"),
    "a count cut short": (packed(b"\x80"), "counts"),
    "more counts than slots": (packed(leb(-5000) + b"\2"), "counts"),
    "a run past the end": (packed(leb(-(2**62))), "counts"),
    "the longest run": (packed(leb(-(2**63))), "counts"),
    "a total beyond the limit": (packed(leb(2**61) * 3), "counts"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_encodings_are_refused(impl: ModuleType, case: str) -> None:
    encoded, part = DAMAGED[case]
    with pytest.raises(ValueError, match="compressed V2") as caught:
        impl.Histogram.decode(encoded)
    assert str(caught.value) == BAD.format(part)


def test_only_text_is_decoded(impl: ModuleType) -> None:
    with pytest.raises(TypeError, match="encoded must be a string, was bytes"):
        impl.Histogram.decode(b"AAAA")


def outcome(impl: ModuleType, encoded: str) -> Any:
    try:
        return impl.Histogram.decode(encoded).count
    except ValueError as error:
        return str(error)


@pytest.mark.any_core
@given(values=samples, at=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.integers(0, 6))
@settings(max_examples=100, deadline=None)
def test_random_damage_is_judged_alike(values: list[int], at: int, byte: int, cut: int) -> None:
    data = bytearray(base64.b64decode(made(NATIVE, values).encode()))
    data[at % len(data)] = byte
    data = data[: len(data) - cut]
    data[4:8] = struct.pack(">I", len(data) - 8)
    encoded = base64.b64encode(data).decode()
    assert outcome(NATIVE, encoded) == outcome(PURE, encoded)
