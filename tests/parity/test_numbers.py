"""Numbers of payloads, read by the pure core."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.core.pure.numbers import decimal, integer
from tradewire.core.pure.values import Array, Float, Integer, Literal, Number, Opaque, Problem, Text, Timestamp


def reason(call: object, *arguments: object) -> str:
    with pytest.raises(Problem) as caught:
        call(*arguments)  # type: ignore[operator]
    assert caught.value.offset == 7
    return caught.value.reason


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "+1", "01", "-01", "1.", ".5", "1e5", "1E400", "NaN", "Infinity", "-Infinity", "1_000", " 1", "1 "),
        *("\uff11\uff12", "\u0663", "1,5", "0x1F", "--1", "1.2.3", "9" * 41, "1" * 10_000),
    ],
)
def test_numeric_strings_follow_the_strict_grammar(text: str) -> None:
    assert reason(decimal, Text(7, text), "any") == "number"
    assert reason(integer, Text(7, text), "any") == "number"


@pytest.mark.parametrize("token", ["1e31", "1E-31", "1e99999999999999999999", "1" * 41, "0." + "1" * 40])
def test_number_tokens_are_bounded(token: str) -> None:
    assert reason(decimal, Number(7, token), "any") == "number"


def test_what_is_read() -> None:
    assert decimal(Text(0, "83091.70"), "positive") == (83091.7, False)
    assert decimal(Number(0, "1.5E+030"), "positive") == (1.5e30, False)
    assert decimal(Number(0, "-1e-30"), "any") == (-1e-30, False)
    assert math.copysign(1, decimal(Text(0, "-0"), "any")[0]) == -1
    assert integer(Text(0, "3447222699101865076"), "zero") == 3447222699101865076
    assert integer(Number(0, "-9223372036854775808"), "any") == -(2**63)


@pytest.mark.parametrize(
    ("text", "inexact"),
    [
        ("123456789012345", False),
        ("1234567890123456", True),
        ("0.00000000000000000012345", False),
        ("123456789012345000000", False),
        ("0.123456789012345000", False),
        ("2036102085.69746400", True),
        ("100000000000000000.1", True),
    ],
)
def test_more_than_fifteen_digits_are_inexact(text: str, inexact: bool) -> None:
    assert decimal(Text(0, text), "any")[1] is inexact
    assert decimal(Number(0, text), "any")[1] is inexact


@pytest.mark.parametrize("text", ["0", "0.000", "-0", "-1"])
def test_signs(text: str) -> None:
    assert reason(decimal, Text(7, text), "positive") == "range"
    if text.startswith("-"):
        assert reason(decimal, Text(7, text), "zero") == "range"


def test_integers() -> None:
    assert reason(integer, Number(7, "9223372036854775808"), "any") == "range"
    assert reason(integer, Text(7, "-1"), "zero") == "range"
    assert reason(integer, Text(7, "-0"), "zero") == "range"
    assert reason(integer, Number(7, "1.0"), "any") == "type"
    assert reason(integer, Number(7, "1e3"), "any") == "type"
    assert reason(integer, Text(7, "1.0"), "any") == "number"


@pytest.mark.parametrize("value", [Literal(7, True), Array(7), Opaque(7), Timestamp(7, bytes(4))], ids=repr)
def test_other_types_are_refused(value: Literal | Array | Opaque | Timestamp) -> None:
    assert reason(decimal, value, "any") == "type"
    assert reason(integer, value, "any") == "type"


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?", fullmatch=True))
def test_rounding_is_that_of_float(text: str) -> None:
    assert decimal(Text(0, text), "any")[0] == float(text)


def test_binary_numbers_are_as_they_stand() -> None:
    assert decimal(Float(0, 0.1 + 0.2), "positive") == (0.1 + 0.2, False)
    assert decimal(Integer(0, 2**53), "positive") == (2.0**53, False)
    assert decimal(Integer(0, -(2**53) - 1), "any") == (-(2.0**53), True)
    assert integer(Integer(0, 2**63 - 1), "positive") == 2**63 - 1
    for number in (math.nan, math.inf, -math.inf):
        assert reason(decimal, Float(7, number), "any") == "number"
    for value in (Float(7, -0.0), Float(7, -1.5), Integer(7, -1)):
        assert reason(decimal, value, "zero") == "range"
    for value in (Float(7, 0.0), Integer(7, 0)):
        assert reason(decimal, value, "positive") == "range"
    assert reason(integer, Integer(7, 2**63), "any") == "range"
    assert reason(integer, Integer(7, -1), "zero") == "range"
    assert reason(integer, Float(7, 1.0), "any") == "type"
