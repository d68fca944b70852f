"""How option texts are read."""

from __future__ import annotations

import logging

import pytest

from tradewire.cli.options import parse_duration, parse_size, quiet_logging, several
from tradewire.errors import UnsupportedError


def test_lists_ignore_blanks_and_empty_items() -> None:
    assert several(" a, b,,c ", "symbols") == ["a", "b", "c"]
    with pytest.raises(UnsupportedError, match="--symbols is empty"):
        several(" , ", "symbols")


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("100", 100), ("512K", 524288), ("100M", 104857600), ("1.5G", 1610612736)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600), ("1d", 86400)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "M", "-1", "1e3", "ten", "1x", "1..2"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(UnsupportedError, match="is not a size such as 100M"):
        parse_size(text)
    with pytest.raises(UnsupportedError, match="is not a duration such as 15m"):
        parse_duration(text)


def test_quiet_logging_shows_errors_only(monkeypatch: pytest.MonkeyPatch) -> None:
    levels = []
    monkeypatch.setattr(logging, "basicConfig", lambda **options: levels.append(options["level"]))
    quiet_logging()
    assert levels == [logging.ERROR]
