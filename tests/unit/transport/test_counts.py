"""Numbers of limiters and breakers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tradewire.transport.counts import check_count, check_seconds


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        ("3", TypeError, "must be a whole number, was '3'"),
        (1.5, TypeError, "must be a whole number, was 1.5"),
        (True, TypeError, "must be a whole number, was True"),
        (None, TypeError, "must be a whole number, was None"),
        (0, ValueError, "must be at least 1, was 0"),
    ],
)
def test_what_is_no_count(value: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=f"^threshold {re.escape(said)}$"):
        check_count("threshold", value)


@pytest.mark.parametrize("value", [0, 11])
def test_a_count_may_be_bounded_by_another(value: int) -> None:
    check_count("burst", 10, ("rate", 10))
    with pytest.raises(ValueError, match=rf"^burst must be 1\.\.rate \(10\), was {value}$"):
        check_count("burst", value, ("rate", 10))


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        ("30", TypeError, "must be a number of seconds, was '30'"),
        (True, TypeError, "must be a number of seconds, was True"),
        (0, ValueError, "must be over 0 and at most 1e9 seconds, was 0"),
        (float("inf"), ValueError, "must be over 0 and at most 1e9 seconds, was inf"),
        (float("nan"), ValueError, "must be over 0 and at most 1e9 seconds, was nan"),
    ],
)
def test_what_is_no_time(value: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=f"^timeout {re.escape(said)}$"):
        check_seconds("timeout", value)


def test_what_passes() -> None:
    check_count("threshold", 1)
    check_seconds("timeout", 1)
    check_seconds("timeout", 0.001)
