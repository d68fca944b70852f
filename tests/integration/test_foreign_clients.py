"""Other people's clients stream trades, quotes and books from the simulated venue with only their URLs changed.

Runs where `make foreign` has made an environment with ccxt and python-binance (their dependencies do not agree with
ours); skipped elsewhere. What they received is compared with the venue's own trades, quotes and books.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tradewire.sim import BinanceSim

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-foreign" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "foreign"

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-foreign; `make foreign` makes it"),
    pytest.mark.timeout(120),
]


@dataclass
class Witness:
    """Hears the venue's streams without a socket in between."""

    combined: bool = False
    out: list[bytes] = field(default_factory=list)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(frame[4 if frame[1] == 126 else 10 if frame[1] == 127 else 2 :]) for frame in self.out]


def _floats(levels: list[list[Any]]) -> list[list[float]]:
    return [[float(price), float(quantity)] for price, quantity in levels]


async def _run(script: str) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """What the client printed, and what the venue sent on each stream."""
    names = ["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth20", "btcusdt@depth20@100ms"]
    async with BinanceSim(rate=600) as sim:
        witnesses = {name: Witness() for name in names}
        for name, witness in witnesses.items():
            sim.feed.topics[name].add(witness)
        child = await asyncio.create_subprocess_exec(
            str(PYTHON),
            str(SCRIPTS / script),
            sim.rest_url,
            sim.stream_url,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        stdout, stderr = await child.communicate()
    assert child.returncode == 0, stderr.decode()
    return json.loads(stdout), {name: witness.messages() for name, witness in witnesses.items()}


def _check_trades_and_quotes(got: dict[str, Any], sent: dict[str, list[dict[str, Any]]]) -> None:
    trades = {
        item["t"]: [item["t"], float(item["p"]), float(item["q"]), "sell" if item["m"] else "buy"]
        for item in sent["btcusdt@trade"]
    }
    assert len(got["trades"]) >= 20
    assert all(trade == trades[trade[0]] for trade in got["trades"])
    ids = [trade[0] for trade in got["trades"]]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    quotes = {item["u"]: [item["u"], *(float(item[key]) for key in "bBaA")] for item in sent["btcusdt@bookTicker"]}
    assert len(got["quotes"]) >= 20
    assert all(quote == quotes[quote[0]] for quote in got["quotes"])


async def test_ccxt() -> None:
    got, sent = await _run("ccxt_client.py")
    print("ccxt", got["version"])  # noqa: T201 # reason: the version belongs to the result
    assert got["markets"] == ["BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"]
    assert got["tick"] == 0.1
    _check_trades_and_quotes(got, sent)
    true_books = {item["u"]: (_floats(item["b"]), _floats(item["a"])) for item in sent["btcusdt@depth20@100ms"]}
    compared = [book for book in got["books"] if book[0] in true_books]  # not the snapshot between two updates
    assert len(compared) >= 15
    assert [(_floats(bids), _floats(asks)) for _, bids, asks in compared] == [true_books[book[0]] for book in compared]
    assert min(got["agg_trades"], got["bars"], got["rest"]["trades"], got["rest"]["bars"]) >= 1
    assert got["ticker"] == pytest.approx(83_000, rel=0.1)
    assert got["rest"]["funding"] == 0.0001


async def test_python_binance() -> None:
    got, sent = await _run("python_binance_client.py")
    print("python-binance", got["version"])  # noqa: T201 # reason: the version belongs to the result
    assert got["markets"] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    _check_trades_and_quotes(got, sent)
    true_books = {item["E"]: (_floats(item["b"][:10]), _floats(item["a"][:10])) for item in sent["btcusdt@depth20"]}
    assert len(got["books"]) >= 20
    assert all((_floats(bids), _floats(asks)) == true_books[time] for time, bids, asks in got["books"])
    assert got["agg_trade"] == "aggTrade"
    assert (got["rest"]["book"], got["rest"]["trades"]) == (50, 10)
    assert float(got["rest"]["ticker"]) == pytest.approx(83_000, rel=0.1)
