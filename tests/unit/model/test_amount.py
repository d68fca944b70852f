"""Amounts are exact, and only plain decimals are amounts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.model.amount import amount


@pytest.mark.parametrize(
    ("value", "exact"),
    [(150.00, "150.0"), (0.1, "0.1"), (1e-7, "1E-7"), (3, "3"), ("0.00010", "0.00010"), (Decimal("1.50"), "1.50")],
)
def test_exact(value: Any, exact: str) -> None:
    assert str(amount("price", value)) == exact


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "+1", "1_000", "1e3", "NaN", "Infinity", "01", ".5", "1.", "\uff11\uff12", "0x1"]
)
def test_texts_that_python_would_take_and_we_do_not(text: str) -> None:
    with pytest.raises(ValueError, match=r"price must be a plain decimal such as '0\.001', was "):
        amount("price", text)


def test_a_text_may_have_forty_characters() -> None:
    assert amount("price", "1" * 40) == int("1" * 40)
    with pytest.raises(ValueError, match="plain decimal"):
        amount("price", "1" * 41)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_finite(value: Any) -> None:
    with pytest.raises(ValueError, match="quantity must be finite, was "):
        amount("quantity", value, negative=True)


def test_sign_and_zero_only_where_allowed() -> None:
    with pytest.raises(ValueError, match=r"quantity must not be negative, was -1"):
        amount("quantity", -1)
    with pytest.raises(ValueError, match=r"quantity must be above 0, was 0\.0"):
        amount("quantity", 0.0)
    assert amount("price", "-37.63", negative=True) == Decimal("-37.63")
    assert amount("filled", 0, zero=True) == 0


@pytest.mark.parametrize("value", [None, True, b"1", [1]])
def test_types(value: Any) -> None:
    with pytest.raises(TypeError, match="quantity must be a Decimal, int, float or decimal text, was "):
        amount("quantity", value)


@given(st.floats(min_value=1e-12, max_value=1e12))
def test_a_float_goes_through_and_back(value: float) -> None:
    assert float(amount("price", value)) == value
