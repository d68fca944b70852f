"""What a live view shows, collected."""

from __future__ import annotations

from tradewire.cli.board import Board
from tradewire.core import Quote, Trade
from tradewire.streaming import BookUpdate, ConnectionChanged, FeedState, StreamingGateway
from tradewire.streaming.events import ConnectionState

HEAD = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}


def test_it_subscribes_in_order_under_one_spelling() -> None:
    gateway = StreamingGateway()
    board = Board(gateway, ["btc/usdt", "ETHUSDT"], ["trades", "bars"])
    assert list(board.rows) == ["BTCUSDT", "ETHUSDT"]
    assert board.channels == ["trades", "bars_1m"]
    board.update()
    assert board.states[("bars_1m", "ETHUSDT")] is FeedState.SYNCING


def test_trades_and_quotes_are_kept() -> None:
    gateway = StreamingGateway()
    board = Board(gateway, ["BTCUSDT"], ["trades", "quotes", "book"])
    trade = Trade(price=1.0, quantity=2.0, side="buy", trade_id=1, **HEAD)
    quote = Quote(bid_price=1.0, bid_quantity=2.0, ask_price=3.0, ask_quantity=4.0, **HEAD)
    gateway._dispatcher.publish([trade, quote], 0)
    row = board.rows["BTCUSDT"]
    assert (row.trade, row.trades, row.bid, row.ask) == (trade, 1, (1.0, 2.0), (3.0, 4.0))


def test_without_quotes_the_book_gives_the_best_prices() -> None:
    gateway = StreamingGateway()
    board = Board(gateway, ["BTCUSDT"], ["book"])
    update = BookUpdate("binance", "BTCUSDT", 0, 0, 1, (1.0, 2.0), None, book=None)  # type: ignore[arg-type]
    gateway._dispatcher.publish([update], 0)
    assert (board.rows["BTCUSDT"].bid, board.rows["BTCUSDT"].ask) == ((1.0, 2.0), None)


async def test_the_last_figures_stay() -> None:
    gateway = StreamingGateway()
    board = Board(gateway, ["BTCUSDT"], ["trades"])
    board.finish()
    await gateway.start()
    await gateway.stop()
    board.update()
    assert board.seconds == board.seconds
    assert board.states == {("trades", "BTCUSDT"): FeedState.SYNCING}


async def test_silent_symbols_and_the_last_trouble_are_kept() -> None:
    gateway = StreamingGateway()
    board = Board(gateway, ["BTCUSDT", "ETHUSDT"], ["trades"])
    gateway.feeds()[1].messages = 1
    for state, reason in ((ConnectionState.RECONNECTING, "refused"), (ConnectionState.CONNECTING, "")):
        gateway.managers["binance"]._emit(ConnectionChanged("binance", "public", state, reason, 1, 0, 0))
    board.update()
    assert board.silent == {"BTCUSDT"}
    assert board.trouble == "refused"
