"""Numbers as venues write them: in digits, in strings or binary. Not for times: `times` reads those."""

from __future__ import annotations

import math
import re
from typing import Final, Literal

from .values import Float, Integer, Number, Problem, Text, Value

__all__ = ["I64_MAX", "I64_MIN", "decimal", "integer", "integer_text"]

I64_MIN: Final = -(2**63)
I64_MAX: Final = 2**63 - 1

#: Longer numeric text is refused before anything is computed from it, so that no parse is ever quadratic.
_MAX_CHARACTERS: Final = 40
_MAX_EXPONENT: Final = 30
_EXACT_DIGITS: Final = 15

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")

Sign = Literal["positive", "zero", "any"]


def decimal(value: Value, sign: Sign) -> tuple[float, bool]:
    """The nearest float, and whether it may be inexact: more than 15 digits from the first to the last nonzero one.

    A binary float is what it is, single precision too; a binary integer is inexact if it is no float.

    Raises:
        Problem: type, number or range.
    """
    if isinstance(value, Float):
        number, inexact = value.number, False
        if not math.isfinite(number):
            raise Problem("number", value.offset)
    elif isinstance(value, Integer):
        number = float(value.number)
        inexact = int(number) != value.number
    else:
        number, inexact = _decimal_text(_text(value, _DECIMAL), value)
    # Minus zero has a sign, too.
    if (sign != "any" and math.copysign(1, number) < 0) or (sign == "positive" and number == 0):
        raise Problem("range", value.offset)
    return number, inexact


def _decimal_text(text: str, value: Value) -> tuple[float, bool]:
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and abs(int(exponent)) > _MAX_EXPONENT:
        raise Problem("number", value.offset)
    digits = mantissa.replace("-", "").replace(".", "").strip("0")
    return float(text), len(digits) > _EXACT_DIGITS


def integer(value: Value, sign: Sign) -> int:
    """The integer, within i64.

    Raises:
        Problem: type, number or range.
    """
    text = integer_text(value)
    number = int(text)
    negative = sign != "any" and text.startswith("-")
    if negative or (sign == "positive" and number == 0) or not I64_MIN <= number <= I64_MAX:
        raise Problem("range", value.offset)
    return number


def integer_text(value: Value) -> str:
    """The text of an integer or a string of digits, of any size up to 40 characters.

    Raises:
        Problem: type or number.
    """
    if isinstance(value, Integer):
        return str(value.number)
    text = _text(value, _INTEGER)
    if not _INTEGER.fullmatch(text):
        raise Problem("type", value.offset)
    return text


def _text(value: Value, grammar: re.Pattern[str]) -> str:
    if isinstance(value, Number):
        text, fits = value.token, True
    elif isinstance(value, Text):
        text, fits = value.text, grammar.fullmatch(value.text) is not None
    else:
        raise Problem("type", value.offset)
    if not fits or len(text) > _MAX_CHARACTERS:
        raise Problem("number", value.offset)
    return text
