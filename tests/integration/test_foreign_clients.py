"""Other people's clients stream trades, quotes and books from the simulated venue with only their URLs changed.

Runs where `make foreign` has made an environment with ccxt, python-binance and alpaca-py (their dependencies do not
agree with ours); skipped elsewhere. What they received is compared with the venue's own trades, quotes and books.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sim_wires import Inbox
from tradewire.sim import AlpacaSim, BinanceSim, BinanceSpotSim
from tradewire.sim.alpaca_tape import Tape
from tradewire.sim.market import Pit

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-foreign" / "bin" / "python"
SCRIPTS = Path(__file__).parent / "foreign"

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-foreign; `make foreign` makes it"),
    pytest.mark.timeout(120),
]


def _floats(levels: list[list[Any]]) -> list[list[float]]:
    return [[float(price), float(quantity)] for price, quantity in levels]


async def _client(script: str, sim: AlpacaSim | BinanceSim | BinanceSpotSim) -> dict[str, Any]:
    """What a client of the venue printed."""
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
    printed: dict[str, Any] = json.loads(stdout)
    return printed


async def _run(
    script: str, venue: type[BinanceSim | BinanceSpotSim] = BinanceSim
) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    """What the client printed, and what the venue sent on each stream."""
    names = ["btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth20", "btcusdt@depth20@100ms", "btcusdt@depth@100ms"]
    async with venue(rate=600) as sim:
        witnesses = {name: Inbox(combined=False) for name in names}
        for name, witness in witnesses.items():
            sim.feed.topics[name].add(witness)
        printed = await _client(script, sim)
    return printed, {name: witness.take() for name, witness in witnesses.items()}


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


async def test_ccxt_on_spot() -> None:
    got, sent = await _run("ccxt_spot_client.py", BinanceSpotSim)
    assert got["markets"] == ["BTC/USDT", "ETH/USDT", "SOL/USDT"]
    _check_trades_and_quotes(got, sent)
    true_books = {
        item["lastUpdateId"]: (_floats(item["bids"]), _floats(item["asks"])) for item in sent["btcusdt@depth20@100ms"]
    }
    compared = [book for book in got["books"] if book[0] in true_books]
    assert len(compared) >= 15
    assert [(_floats(bids), _floats(asks)) for _, bids, asks in compared] == [true_books[book[0]] for book in compared]
    assert got["ticker"] == pytest.approx(83_000, rel=0.1)
    assert min(got["rest"]["trades"], got["rest"]["bars"]) >= 1
    assert got["rest"]["ticker"] == pytest.approx(83_000, rel=0.1)


async def test_python_binance_on_spot() -> None:
    got, sent = await _run("python_binance_spot_client.py", BinanceSpotSim)
    assert got["markets"] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    _check_trades_and_quotes(got, sent)
    ids = {item["E"]: item["u"] for item in sent["btcusdt@depth@100ms"]}
    true_books = {
        item["lastUpdateId"]: (_floats(item["bids"]), _floats(item["asks"])) for item in sent["btcusdt@depth20@100ms"]
    }
    assert len(got["books"]) >= 20
    compared = [book for book in got["books"] if book[0] in ids]
    assert len(compared) >= 15
    for event_ms, bids, asks in compared:
        assert (_floats(bids), _floats(asks)) == true_books[ids[event_ms]]
    assert (got["rest"]["book"], got["rest"]["trades"], got["rest"]["agg_trades"]) == (50, 10, 10)
    assert float(got["rest"]["ticker"]) == pytest.approx(83_000, rel=0.1)


def _check_stock(got: dict[str, Any], tape: Tape, pit: Pit) -> None:
    """What a stock feed gave is what was traded, quoted and told of a minute."""
    assert (len(got["trades"]) >= 20, len(got["quotes"]) >= 20, len(got["bars"])) == (True, True, 1)
    ticks = {item.trade_id: item for item in tape.prints}
    for number, price, size, time_us in got["trades"]:
        item = ticks[number]
        assert (price, size, time_us) == (pytest.approx(item.price * 0.01), item.lots, item.ns // 1_000)
    # Several in one microsecond happen.
    tops = {(top.ns // 1_000, top.bid, top.ask) for top in tape.tops}
    for bid, ask, time_us in got["quotes"]:
        assert (time_us, round(bid * 100), round(ask * 100)) in tops
    start_us, *prices, count = got["bars"][0]
    bar = pit.history.bar("1m", start_us // 1_000)
    assert bar is not None
    assert [round(price * 100) for price in prices] == [bar.open, bar.high, bar.low, bar.close]
    assert count == bar.count


async def test_alpaca_py() -> None:
    """Trades, quotes and a bar of the test, iex and sip streams, crypto trades and books; all by MessagePack."""
    symbols = ("FAKEPACA", "AAPL", "MSFT")
    async with AlpacaSim(rate=600) as sim:
        got_so_far = asyncio.create_task(_client("alpaca_py_client.py", sim))
        while not got_so_far.done():  # bars come with full minutes: set the clock forward once everybody has subscribed
            topics = [sim.feed.topic("bars", symbol) for symbol in symbols]
            if all(topic is not None and topic.listeners for topic in topics) and not sim.chaos.skew_ms:
                sim.chaos.skew(60_000)
            await asyncio.wait((got_so_far,), timeout=0.1)
        got = got_so_far.result()
        pits = sim.feed.market.pits
    print("alpaca-py", got["version"])  # noqa: T201 # reason: the version belongs to the result
    for symbol in symbols:
        _check_stock(got["stocks"][symbol], sim.feed.tapes[symbol], pits[symbol])
    pairs = got["pairs"]
    ticks = {item.trade_id: item for item in sim.feed.tapes["BTC/USD"].prints}
    assert all(ticks[number].price * 0.01 == pytest.approx(price) for number, price, _, _ in pairs["trades"])
    assert pairs["books"][0][:2] >= [100, 100]
    history = {row[0]: row[1:] for row in got["history"]}
    assert all(history[number] == [price, size] for number, price, size, _ in got["stocks"]["FAKEPACA"]["trades"])
    assert got["latest"] == pytest.approx(134, rel=0.1)
