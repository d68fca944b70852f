"""Options that several commands share, and how their text is read."""

from __future__ import annotations

import logging
from typing import Annotated

import typer

from tradewire.errors import UnsupportedError
from tradewire.transport.address import check_address

__all__ = [
    "Channels",
    "MetricsPort",
    "RestUrl",
    "Seconds",
    "Symbols",
    "Url",
    "Venue",
    "check_addresses",
    "log_to_stderr",
    "parse_duration",
    "parse_size",
    "quiet_logging",
    "several",
]

_VENUES = "alpaca, alpaca_crypto, alpaca_sip, alpaca_test, binance, binance_spot"
#: As the error about an unknown one lists them.
_CHANNELS = (
    "trades, agg_trades, quotes, book, book5, book10, book20, mark_price, ticker, mini_ticker, liquidations, "
    "bars, bars_1m ... bars_1M"
)
_ALPACA_CHANNELS = "trades, quotes, bars_1m, updated_bars, bars_1d"

Venue = Annotated[str, typer.Option("--venue", help=f"One of {_VENUES}.")]
Symbols = Annotated[str, typer.Option("--symbols", help="Comma-separated; BTCUSDT, btcusdt and BTC/USDT are the same.")]
Channels = Annotated[
    str,
    typer.Option(
        "--channels",
        help=f"Comma-separated. Binance: {_CHANNELS}; Spot: no mark_price, no liquidations. "
        f"Alpaca: {_ALPACA_CHANNELS}; crypto: book, too. More: docs/howto/venues.md.",
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        "--url", help="Streaming address instead of the venue's own (ws://127.0.0.1:9002); goes with --rest-url."
    ),
]
RestUrl = Annotated[
    str | None,
    typer.Option(
        "--rest-url", help="REST address instead of the venue's own (http://127.0.0.1:9001); goes with --url."
    ),
]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="Stop after this long; otherwise at Ctrl-C.")]

MetricsPort = Annotated[
    int | None,
    typer.Option(
        "--metrics-port", min=0, max=65535, help="Serve Prometheus metrics on 127.0.0.1 at this port; 0: a free one."
    ),
]

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


def check_addresses(url: str | None, rest_url: str | None) -> None:
    """Both addresses or neither: messages of one venue and snapshots of another would make a wrong book.

    Raises:
        UnsupportedError: only one is given, or one is not an address.
    """
    try:
        check_address("--url", url, ("ws", "wss"))
        check_address("--rest-url", rest_url, ("http", "https"))
    except ValueError as error:
        raise UnsupportedError(str(error)) from None
    if (url is None) != (rest_url is None):
        given, missing = ("--url", "--rest-url") if rest_url is None else ("--rest-url", "--url")
        raise UnsupportedError(
            f"{given} is given without {missing}: give both, so that stream and book snapshots come from one venue"
        )


def parse_size(text: str, option: str) -> int:
    """Bytes of `100M`, `512K`, `1G` (of 1024, in either case) or a plain number.

    Raises:
        UnsupportedError: written otherwise.
    """
    return int(_scaled(text.upper(), _SIZES, text, f"{option} must be bytes, or a number with K, M or G (100M)"))


def parse_duration(text: str, option: str) -> float:
    """Seconds of `90`, `90s`, `15m`, `1h`, `1d`.

    Raises:
        UnsupportedError: written otherwise.
    """
    return _scaled(text, _DURATIONS, text, f"{option} must be seconds, or a number with s, m, h or d (15m)")


def _scaled(text: str, units: dict[str, int], written: str, rule: str) -> float:
    number, unit = (text[:-1], text[-1]) if text[-1:].isalpha() else (text, "")
    if unit not in units or not number.isascii() or not number.replace(".", "", 1).isdigit():
        raise UnsupportedError(f"{rule}, was {written!r}")
    return float(number) * units[unit]


def quiet_logging() -> None:
    """Keeps log lines out of a live view: only errors, on standard error."""
    log_to_stderr(logging.ERROR)
    logging.getLogger().setLevel(logging.ERROR)


def log_to_stderr(level: int = logging.WARNING) -> None:
    """Log lines of the command and of every library, from `level` on, without credentials in them."""
    from tradewire.telemetry.redaction import RedactingFilter

    logging.basicConfig(level=level, format="tradewire: %(message)s")
    for handler in logging.getLogger().handlers:
        if not any(isinstance(found, RedactingFilter) for found in handler.filters):
            handler.addFilter(RedactingFilter())
