"""What a live view shows, collected."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire import Secret
from tradewire.cli.board import Board
from tradewire.cli.story import Line
from tradewire.core import Quote, Trade
from tradewire.model.notices import Imbalance, TradingStatus
from tradewire.streaming import BookUpdate, ConnectionChanged, FeedState, GapDetected, StreamingGateway
from tradewire.streaming.events import ConnectionState
from tradewire.transport.auth import Credential

HEAD = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}
BTC = ("binance", "BTCUSDT")
TWO = """
streaming:
  symbols: [BTCUSDT, ETHUSDT]
  providers:
    - {name: binance, subscriptions: [trades, quotes]}
    - {name: spot, venue: binance_spot, symbols: [BTCUSDT], subscriptions: [trades, book]}
"""


def test_it_follows_the_subscriptions_in_order() -> None:
    board = Board(StreamingGateway(symbols=["btc/usdt", "ETHUSDT"], channels=["trades", "bars"]))
    assert list(board.rows) == [BTC, ("binance", "ETHUSDT")]
    assert board.channels == ["trades", "bars_1m"]
    board.update()
    assert board.states["binance", "bars_1m", "ETHUSDT"] is FeedState.SYNCING


def test_trades_and_quotes_are_kept() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT"], channels=["trades", "quotes", "book"])
    board = Board(gateway)
    trade = Trade(price=1.0, quantity=2.0, side="buy", trade_id=1, **HEAD)
    quote = Quote(bid_price=1.0, bid_quantity=2.0, ask_price=3.0, ask_quantity=4.0, **HEAD)
    gateway._dispatcher.publish([trade, quote], 0)
    row = board.rows[BTC]
    assert (row.trade, row.bid, row.ask) == (trade, (1.0, 2.0), (3.0, 4.0))


def test_without_quotes_the_book_gives_the_best_prices() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT"], channels=["book"])
    board = Board(gateway)
    update = BookUpdate("binance", "BTCUSDT", 0, 0, 1, (1.0, 2.0), None, book=None)  # type: ignore[arg-type]
    gateway._dispatcher.publish([update], 0)
    assert (board.rows[BTC].bid, board.rows[BTC].ask) == ((1.0, 2.0), None)


def configured(tmp_path: Path, text: str) -> StreamingGateway:
    path = tmp_path / "streaming.yaml"
    path.write_text(text)
    return StreamingGateway(path)


def test_providers_have_rows_of_their_own(tmp_path: Path) -> None:
    gateway = configured(tmp_path, TWO)
    board = Board(gateway)
    assert list(board.rows) == [BTC, ("binance", "ETHUSDT"), ("spot", "BTCUSDT")]
    assert board.channels == ["trades", "quotes", "book"]
    spot = Trade(price=7.0, quantity=2.0, side="buy", trade_id=1, **(HEAD | {"venue": "binance_spot"}))
    update = BookUpdate("binance_spot", "BTCUSDT", 0, 0, 1, (1.0, 2.0), None, book=None)  # type: ignore[arg-type]
    gateway._dispatcher.publish([spot, update], 0)
    assert board.rows[BTC].trade is None
    row = board.rows["spot", "BTCUSDT"]
    assert (row.trade, row.bid) == (spot, (1.0, 2.0)), "quotes of another provider are no reason to leave books out"


def test_a_reload_changes_the_rows_and_lets_go_of_what_is_gone(tmp_path: Path) -> None:
    gateway = configured(tmp_path, TWO)
    board = Board(gateway)
    kept = board.rows[BTC]
    changed = TWO.replace("[BTCUSDT, ETHUSDT]", "[BTCUSDT, SOLUSDT]").replace("[trades, quotes]", "[trades]")
    gateway._apply(configured(tmp_path, changed)._configured.plan)  # type: ignore[union-attr]
    board.update()
    assert list(board.rows) == [BTC, ("binance", "SOLUSDT"), ("spot", "BTCUSDT")]
    assert board.rows[BTC] is kept
    assert board.silent == set(board.rows)
    fed = {(feed.channel.name, feed.symbol) for feed in gateway.managers["binance"].feeds()}
    assert fed == {("trades", "BTCUSDT"), ("trades", "SOLUSDT")}, "the board keeps no feed alive"


def _alpaca(*channels: str) -> Board:
    credential = Credential("alpaca", Secret("k"), Secret("s"))
    return Board(StreamingGateway(venue="alpaca", symbols=["AAPL"], channels=channels, credential=credential))


def test_notices_that_are_asked_for_are_kept_as_lines_and_counted() -> None:
    board = _alpaca("trades", "statuses")
    assert board.rows["alpaca", "AAPL"].notices == 0
    halts = [TradingStatus("alpaca", "AAPL", 0, at, True, "H", "Halt", "", "", "C") for at in range(1, 151)]
    board.gateway._dispatcher.publish([*halts, Imbalance("alpaca", "AAPL", 0, 999, 1.5, "C")], 0)
    assert board.rows["alpaca", "AAPL"].notices == 150
    assert {line.word for line in board.story} == {"halted"}, "imbalances are not asked for"
    assert [line.recv_ns for line in board.story] == list(range(51, 151)), "the last hundred"
    assert _alpaca("trades").rows["alpaca", "AAPL"].notices is None


def test_silence_is_normal_where_only_channels_that_may_be_silent_are_asked_for() -> None:
    board = _alpaca("statuses", "imbalances")
    board.update()
    assert board.calm == {("alpaca", "AAPL")}
    assert board.is_calm
    board.gateway.feeds()[0].state = FeedState.DOWN
    board.update()
    assert not board.is_calm, "refused, or not connected"
    board = _alpaca("statuses", "trades")
    board.update()
    assert not board.calm
    assert not board.is_calm


async def test_the_last_figures_stay() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT"], channels=["trades"])
    board = Board(gateway)
    board.finish()
    await gateway.start()
    await gateway.stop()
    board.update()
    assert board.seconds == board.seconds
    assert board.states == {("binance", "trades", "BTCUSDT"): FeedState.SYNCING}


async def test_silent_symbols_and_the_last_trouble_are_kept() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT", "ETHUSDT"], channels=["trades"])
    board = Board(gateway)
    gateway.feeds()[1].messages = 1
    for state, reason in ((ConnectionState.RECONNECTING, "refused"), (ConnectionState.CONNECTING, "")):
        gateway.managers["binance"]._emit(ConnectionChanged("binance", "public", state, reason, 1, 0, 0))
    board.update()
    assert board.silent == {BTC}
    assert board.trouble == "refused"


@pytest.mark.parametrize(("at_ns", "order"), [(1, ["fault", "gap"]), (9, ["gap", "fault"])])
def test_the_story_is_in_order(at_ns: int, order: list[str]) -> None:
    gateway = StreamingGateway()
    board = Board(gateway)
    gateway.managers["binance"]._emit(GapDetected("binance", "book", "BTCUSDT", 0, 5))
    board.injected.append(Line(at_ns, "fault", "binance", "cut"))
    assert [line.word for line in board.story] == order
