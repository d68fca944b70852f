"""Options that several commands share, and how their text is read."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from tradewire.errors import UnsupportedError

__all__ = [
    "Channels",
    "RestUrl",
    "Seconds",
    "Symbols",
    "Url",
    "Venue",
    "parse_duration",
    "parse_size",
    "quiet_logging",
    "several",
]

Venue = Annotated[str, typer.Option("--venue", help="Venue name, such as binance or binance_spot.")]
Symbols = Annotated[str, typer.Option("--symbols", help="Comma-separated; BTCUSDT, btcusdt and BTC/USDT are the same.")]
Channels = Annotated[
    str, typer.Option("--channels", help="Comma-separated: trades, quotes, book, mark_price, bars_1m, ...")
]
Url = Annotated[
    str | None, typer.Option("--url", help="Streaming address instead of the venue's own (ws://127.0.0.1:8700).")
]
RestUrl = Annotated[str | None, typer.Option("--rest-url", help="REST address instead of the venue's own.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="Stop after this long; otherwise at Ctrl-C.")]

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_DURATIONS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def several(text: str, what: str) -> list[str]:
    """The items of a comma-separated list.

    Raises:
        UnsupportedError: it is empty.
    """
    items = [item.strip() for item in text.split(",") if item.strip()]
    if not items:
        raise UnsupportedError(f"--{what} is empty; give a comma-separated list")
    return items


def parse_size(text: str) -> int:
    """Bytes of `100M`, `512K`, `1G` or a plain number.

    Raises:
        UnsupportedError: written otherwise.
    """
    return int(_scaled(text, _SIZES, "a size such as 100M"))


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `15m`, `1h`, `1d`.

    Raises:
        UnsupportedError: written otherwise.
    """
    return _scaled(text, _DURATIONS, "a duration such as 15m")


def _scaled(text: str, units: dict[str, int], example: str) -> float:
    number, unit = (text[:-1], text[-1]) if text[-1:].isalpha() else (text, "")
    if unit not in units or not number.replace(".", "", 1).isdigit():
        raise UnsupportedError(f"{text!r} is not {example}")
    return float(number) * units[unit]


def quiet_logging() -> None:
    """Keeps log lines out of a live view: only errors, on standard error."""
    logging.basicConfig(level=logging.ERROR, format="tradewire: %(message)s")
