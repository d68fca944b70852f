"""Time stamps of payloads, read by the pure core."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.core.pure.times import UNITS, integer_time, rfc3339, timestamp
from tradewire.core.pure.values import Integer, Literal, Number, Problem, Text, Timestamp, Value


def reason(value: Value, unit: str | None = None) -> str:
    with pytest.raises(Problem) as caught:
        rfc3339(value) if unit is None else integer_time(value, UNITS[unit])
    return caught.value.reason


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2021-02-22T15:51:44.208Z", 1_614_009_104_208_000_000),
        ("2021-02-22T15:51:45.335689322Z", 1_614_009_105_335_689_322),
        ("2023-04-06T13:15:42.83540958Z", 1_680_786_942_835_409_580),
        ("2024-02-29T23:59:59.9Z", 1_709_251_199_900_000_000),
        ("2262-04-11T23:47:16.854775807Z", 2**63 - 1),
    ],
)
def test_rfc3339(text: str, ns: int) -> None:
    assert rfc3339(Text(0, text)) == ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Z",
        "2021-02-22",
        "2021-02-22T19:15:00",
        "2021-02-22t19:15:00Z",
        "2021-02-22 19:15:00Z",
        "2021-02-22T19:15:00+00:00",
        "2021-02-22T19:15:00.Z",
        "2021-02-29T00:00:00.Z",
        "1969-12-31T23:59:59",
        "2021-02-22T19:15:00.1234567890Z",
        "\uff12021-02-22T19:15:00Z",
        "2021-02-22T19:15:00Z\n",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    assert reason(Text(0, text)) == "time"


@pytest.mark.parametrize(
    "text",
    [
        "2021-02-29T00:00:00Z",
        "2021-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2021-04-00T00:00:00Z",
        "2021-02-22T24:00:00Z",
        "2021-02-22T23:60:00Z",
        "2016-12-31T23:59:60Z",
        "1969-12-31T23:59:59.999999999Z",
        "2262-04-11T23:47:16.854775808Z",
        "9999-99-99T99:99:99.999999999Z",
    ],
)
def test_what_is_no_moment_between_1970_and_2262_is_out_of_range(text: str) -> None:
    assert rfc3339(Text(0, text)) is None


def test_integer_times() -> None:
    assert integer_time(Number(0, "1723161256353"), UNITS["ms"]) == 1_723_161_256_353_000_000
    assert integer_time(Text(0, "1723161256353001"), UNITS["us"]) == 1_723_161_256_353_001_000
    assert integer_time(Number(0, "9223372036854775807"), UNITS["ns"]) == 2**63 - 1
    for token in ("-1", "-0", "9223372036854775808", "9" * 40):
        assert integer_time(Number(0, token), UNITS["ns"]) is None
    assert integer_time(Number(0, "9223372036855"), UNITS["ms"]) is None
    assert reason(Number(0, "9" * 41), "ns") == "number"
    assert reason(Number(0, "1.5"), "ms") == "type"
    assert reason(Text(0, "1.5"), "ms") == "number"
    assert reason(Literal(0, True), "ms") == "type"
    assert reason(Number(0, "0")) == "type"


@given(st.integers(0, 2**63 - 1))
def test_every_nanosecond(ns: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1000)
    assert rfc3339(Text(0, f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}{ns % 1000:03d}Z")) == ns


def test_timestamp_extensions() -> None:
    for stamp, ns in [
        ("ffffffff", (2**32 - 1) * 10**9),
        ("5008d9a86033d311", 1_614_009_105_335_689_322),
        ("1402366a000000006033d311", 1_614_009_105_335_689_322),
        ("32f2d7ff0000000225c17d04", 2**63 - 1),
        ("32f2d8000000000225c17d04", None),
        ("3b9ac9ffffffffffffffffff", None),
        ("3b9aca000000000000000001", None),
        ("ee6b280000000001", None),
    ]:
        value = Timestamp(0, bytes.fromhex(stamp))
        assert (timestamp(value), rfc3339(value)) == (ns, ns), stamp
    for size in {*range(20)} - {4, 8, 12}:
        assert reason(Timestamp(0, bytes(size))) == "time"
    for value in (Text(0, "2024-01-01T00:00:00Z"), Integer(0, 1)):
        with pytest.raises(Problem, match="type"):
            timestamp(value)
    assert integer_time(Integer(0, 5), UNITS["ms"]) == 5_000_000
    assert integer_time(Integer(0, -1), UNITS["ms"]) is None
    assert integer_time(Integer(0, 2**64 - 1), UNITS["ns"]) is None
    assert reason(Timestamp(0, bytes(4)), "ms") == "type"
