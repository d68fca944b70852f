"""Recorded frames of real venues, read where they are found. Not part of the project: tests that need them may skip.

`TRADEWIRE_DATA` names the folder; by default it is `../shared/data` beside the project, and `none` says that the data
is absent on purpose. The synthetic recording is part of the project: its tests never skip.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = [
    "ABSENT",
    "DATA",
    "cryptofeed_frames",
    "cryptofeed_snapshots",
    "header",
    "needed",
    "sample",
    "spot",
    "synthetic",
    "synthetic_golden",
    "usdm",
]

_ROOT = Path(__file__).resolve().parents[1]
_GIVEN = os.environ.get("TRADEWIRE_DATA")

#: Where the recordings are.
DATA = Path(_GIVEN) if _GIVEN and _GIVEN != "none" else _ROOT.parent / "shared" / "data"
ABSENT = _GIVEN == "none" or not DATA.is_dir()

#: Marks a test that needs the recordings.
needed = pytest.mark.skipif(ABSENT, reason="recorded data is absent")

_SYNTHETIC = Path(__file__).resolve().parent / "data"
_CRYPTOFEED = DATA / "cryptofeed_binance_futures"


def header() -> str:
    """One line for the header of a test run."""
    if _GIVEN == "none":
        return "recorded data: none, as asked by TRADEWIRE_DATA"
    return "recorded data: ABSENT, its tests are skipped (see TRADEWIRE_DATA)" if ABSENT else "recorded data: found"


def usdm() -> Iterator[tuple[int, bytes]]:
    """(receive time in ns, frame) of 93,954 USD-M BTCUSDT frames; one of them a bare REST depth snapshot."""
    return _lines(DATA / "binance_usdm_btcusdt_20240808.gz")


def spot() -> Iterator[tuple[int, bytes]]:
    """(receive time in ns, frame) of 41,249 Spot BTCUSDT frames; one of them a bare REST depth snapshot."""
    return _lines(DATA / "binance_spot_btcusdt_20240808.gz")


def synthetic() -> Iterator[tuple[int, bytes]]:
    """(receive time in ns, frame) of the simulator's recording, which holds every channel of USD-M BTCUSDT."""
    return _lines(_SYNTHETIC / "synthetic_usdm.txt.gz")


def synthetic_golden() -> dict[str, Any]:
    """What the simulator itself knew when it made `synthetic`."""
    golden: dict[str, Any] = json.loads((_SYNTHETIC / "synthetic_usdm.json").read_text(encoding="utf-8"))
    return golden


def sample(name: str) -> bytes:
    """One payload of `binance_futures/market_data_json`."""
    return (DATA / "binance_futures" / "market_data_json" / f"{name}.json").read_bytes()


def cryptofeed_frames() -> Iterator[tuple[int, bytes]]:
    """(receive time in ns, frame) of 1,535 USD-M frames of four symbols, 2021."""
    with (_CRYPTOFEED / "BINANCE_FUTURES.ws.1.0").open("rb") as lines:
        next(lines)  # the URL
        for line in lines:
            seconds, _, frame = line.rstrip(b"\n").partition(b": ")
            yield _ns(seconds), frame


def cryptofeed_snapshots() -> Iterator[tuple[str, int, bytes]]:
    """(symbol, receive time in ns, payload) of the REST depth snapshots that belong to `cryptofeed_frames`."""
    with (_CRYPTOFEED / "BINANCE_FUTURES.http.0.0").open("rb") as lines:
        for line in lines:
            url, _, rest = line.rstrip(b"\n").partition(b" -> ")
            seconds, _, payload = rest.partition(b": ")
            if b"/depth?" in url:
                yield url.partition(b"symbol=")[2].partition(b"&")[0].decode(), _ns(seconds), payload


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with gzip.open(path, "rb") as lines:
        for line in lines:
            received, _, frame = line.rstrip(b"\n").partition(b" ")
            yield int(received), frame


def _ns(seconds: bytes) -> int:
    whole, _, fraction = seconds.partition(b".")
    return int(whole) * 1_000_000_000 + int(fraction.ljust(9, b"0")[:9] or 0)
