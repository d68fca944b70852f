"""`${VAR}` and its defaults."""

from __future__ import annotations

import pytest

from tradewire.config.interpolation import interpolate

VARIABLES = {"A": "1", "EMPTY": "", "NESTED": "${A}"}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("plain", "plain"),
        ("${A}", "1"),
        ("x${A}y${A}z", "x1y1z"),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${B:-d}", "d"),
        ("${B:-}", ""),
        ("${B:-a:-b}", "a:-b"),
        ("${NESTED}", "${A}"),
        ("$${A}", "${A}"),
        ("$A $ $$ {A}", "$A $ $$ {A}"),
    ],
)
def test_what_is_put_in(text: str, result: str) -> None:
    found = interpolate(text, VARIABLES.get)
    assert (found.text, found.missing, found.malformed) == (result, (), False)


def test_missing_ones_are_all_named() -> None:
    found = interpolate("${B} ${A} ${C}", VARIABLES.get)
    assert found.missing == ("B", "C")
    assert found.names == ("B", "A", "C")


@pytest.mark.parametrize("text", ["${}", "${A", "${1A}", "${A-b}", "${ A }", "${A:-${B}}"])
def test_malformed_ones(text: str) -> None:
    assert interpolate(text, VARIABLES.get).malformed


def test_defaults_are_told_whether_they_are_taken_or_not() -> None:
    assert interpolate("${A:-one} ${B:-two} ${C:-} ${A} $${D:-x}", VARIABLES.get).defaults == ("one", "two")
