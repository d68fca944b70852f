"""How option texts are read."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from tradewire.cli.options import (
    _ALPACA_CHANNELS,
    _CHANNELS,
    _VENUES,
    check_addresses,
    log_to_stderr,
    parse_duration,
    parse_size,
    quiet_logging,
    several,
)
from tradewire.errors import UnsupportedError
from tradewire.venues.registry import load, names


def test_lists_ignore_blanks_and_empty_items() -> None:
    assert several(" a, b,,c ", "symbols") == ["a", "b", "c"]
    with pytest.raises(UnsupportedError, match="--symbols is empty"):
        several(" , ", "symbols")


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("100", 100), ("512K", 524288), ("100M", 104857600), ("1.5G", 1610612736), ("10k", 10240)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text, "--rotate-size") == size


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("1.5m", 90), ("1h", 3600), ("1d", 86400)])
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text, "--rotate-time") == seconds


@pytest.mark.parametrize("text", ["", "M", "-1", "1e3", "ten", "1x", "1..2"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(
        UnsupportedError, match=rf"--rotate-size must be bytes, .* K, M or G .*, was {re.escape(repr(text))}"
    ):
        parse_size(text, "--rotate-size")
    with pytest.raises(UnsupportedError, match=r"--rotate-time must be seconds, .* s, m, h or d"):
        parse_duration(text, "--rotate-time")


@pytest.fixture
def _root_level() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)


@pytest.mark.usefixtures("_root_level")
def test_quiet_logging_shows_errors_only_whatever_was_said_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    log_to_stderr()
    logging.getLogger("x").warning("before")
    quiet_logging()
    logging.getLogger("x").warning("after")
    logging.getLogger("x").error("at last")
    assert capsys.readouterr().err == "tradewire: before\ntradewire: at last\n"


@pytest.mark.usefixtures("_root_level")
def test_log_lines_of_every_library_are_cleaned(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    log_to_stderr()
    log_to_stderr()
    assert [len(handler.filters) for handler in root.handlers] == [1]
    logging.getLogger("somebody.else").warning("GET /x?signature=%s", "canary")
    assert capsys.readouterr().err == "tradewire: GET /x?signature=***\n"


def test_both_addresses_or_neither() -> None:
    check_addresses(None, None)
    check_addresses("ws://127.0.0.1:9002", "http://127.0.0.1:9001")
    with pytest.raises(UnsupportedError, match="--url is given without --rest-url: give both"):
        check_addresses("ws://127.0.0.1:9002", None)
    with pytest.raises(UnsupportedError, match="--rest-url is given without --url: give both"):
        check_addresses(None, "http://127.0.0.1:9001")


@pytest.mark.parametrize("text", ["", "127.0.0.1:9002", "http://host", "ws://", "ws://host:port"])
def test_a_bad_address_is_shown_as_it_was_typed(text: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"--url must be ws://.* or wss://.*, was {re.escape(repr(text))}$"):
        check_addresses(text, "http://host")
    with pytest.raises(UnsupportedError, match=r"--rest-url must be http://.* or https://.*, was 'ws://host'"):
        check_addresses("wss://host", "ws://host")


def test_keys_do_not_go_in_clear_text() -> None:
    with pytest.raises(
        UnsupportedError, match=r"^--url must begin with wss:// \(unencrypted only on loopback\), was 'ws"
    ):
        check_addresses("ws://example.com", "https://example.com")
    with pytest.raises(UnsupportedError, match=r"^--rest-url must begin with https://"):
        check_addresses("wss://example.com", "http://example.com")


def test_help_and_error_list_the_same_channels() -> None:
    with pytest.raises(UnsupportedError) as caught:
        load("binance").channel("nope")
    listed = str(caught.value).partition("it has ")[2]
    first, last = _CHANNELS.split(" ... ")
    assert listed.startswith(first)
    assert listed.endswith(f", {last}")
    with pytest.raises(UnsupportedError, match=f"it has {_ALPACA_CHANNELS}, "):
        load("alpaca").channel("nope")


def test_the_help_lists_every_venue() -> None:
    assert _VENUES.split(", ") == names()
