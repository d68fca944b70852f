"""Books, trades and quotes of the generator agree with each other; one seed is one market."""

from __future__ import annotations

import itertools

import pytest

from tradewire.sim.history import Trade
from tradewire.sim.instruments import instrument
from tradewire.sim.market import Market, Pit
from tradewire.sim.matching import BUY, SELL

SYMBOLS = ("BTCUSDT", "ETHUSDT", "DOGEUSDT")
NOW = 1_791_382_992_488


class Recorder:
    """A tape that checks each message against the book at that moment, and keeps all."""

    def __init__(self) -> None:
        self.trades: list[tuple[str, Trade]] = []
        self.quotes: list[tuple[str, int, int, int, int, int]] = []
        self.liquidations = 0

    def trade(self, pit: Pit, trade: Trade) -> None:
        limit = pit.bid if trade.seller_took else pit.ask  # the quote before the order that swept
        assert trade.price <= limit if trade.seller_took else trade.price >= limit
        self.trades.append((pit.instrument.symbol, trade))

    def quote(self, pit: Pit) -> None:
        assert pit.book.top(BUY, 1) == [(pit.bid, pit.bid_lots)]
        assert pit.book.top(SELL, 1) == [(pit.ask, pit.ask_lots)]
        assert pit.bid < pit.ask
        self.quotes.append((pit.instrument.symbol, pit.update_id, pit.bid, pit.bid_lots, pit.ask, pit.ask_lots))

    def liquidation(self, pit: Pit, side: int, price: int, trades: list[Trade]) -> None:
        assert trades
        assert [trade for _, trade in self.trades[-len(trades) :]] == trades
        assert all(trade.seller_took is (side == SELL) for trade in trades)
        self.liquidations += 1


def _market(seed: int) -> tuple[Market, Recorder]:
    tape = Recorder()
    return Market(tuple(instrument(symbol) for symbol in SYMBOLS), seed=seed, now_ms=NOW, tape=tape), tape


@pytest.fixture(scope="module")
def long_run() -> tuple[Market, Recorder]:
    market, tape = _market(7)
    for step in range(60):
        market.advance(NOW + step * 1000, 1_000)
    return market, tape


def test_message_count_is_what_the_tape_heard(long_run: tuple[Market, Recorder]) -> None:
    market, tape = long_run
    assert market.messages == len(tape.trades) + len(tape.quotes)
    assert 60_000 <= market.messages < 60_000 + 60 * 50


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_trade_ids_have_no_hole(long_run: tuple[Market, Recorder], symbol: str) -> None:
    ids = [trade.trade_id for name, trade in long_run[1].trades if name == symbol]
    assert len(ids) > 1_000
    assert ids == list(range(ids[0], ids[0] + len(ids)))


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_quotes_go_forward_and_say_something_new(long_run: tuple[Market, Recorder], symbol: str) -> None:
    quotes = [quote for quote in long_run[1].quotes if quote[0] == symbol]
    assert all(a[1] < b[1] and a[2:] != b[2:] for a, b in itertools.pairwise(quotes))
    pit = long_run[0].pits[symbol]
    assert quotes[-1][2:] == (pit.bid, pit.bid_lots, pit.ask, pit.ask_lots)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_market_stays_a_market(long_run: tuple[Market, Recorder], symbol: str) -> None:
    pit = long_run[0].pits[symbol]
    assert abs(pit.bid / pit.instrument.start_price - 1) < 0.1
    assert 50 <= len(pit.book.bids) < 1_000
    assert 50 <= len(pit.book.asks) < 1_000
    assert len(pit.book) < 10_000


def test_trades_and_quotes_come_in_the_measured_proportion(long_run: tuple[Market, Recorder]) -> None:
    _, tape = long_run
    assert 1.0 < len(tape.quotes) / len(tape.trades) < 6.0
    assert tape.liquidations > 0


def test_first_symbols_are_the_busiest(long_run: tuple[Market, Recorder]) -> None:
    counts = [sum(1 for name, _ in long_run[1].trades if name == symbol) for symbol in SYMBOLS]
    assert counts == sorted(counts, reverse=True)


def test_one_seed_is_one_market_whatever_the_steps() -> None:
    (first, first_tape), (second, second_tape) = _market(3), _market(3)
    first.advance(NOW, 2_000)
    while second.messages < 2_000:
        second.advance(NOW, 1)
    assert first_tape.trades == second_tape.trades
    assert first_tape.quotes == second_tape.quotes
    assert _market(4)[0].pits["BTCUSDT"].book.totals != _market(3)[0].pits["BTCUSDT"].book.totals


def test_changes_name_the_first_and_the_levels() -> None:
    market, _ = _market(5)
    pit = market.pits["BTCUSDT"]
    before = dict(pit.book.totals)
    last = pit.update_id
    market.advance(NOW, 200)
    changed, first = pit.take_changes()
    assert last < first <= pit.update_id
    assert {key for key in before.keys() | pit.book.totals if before.get(key) != pit.book.totals.get(key)} <= changed
    assert pit.take_changes()[0] == set()


def test_a_halted_symbol_rests_while_the_others_go_on() -> None:
    market, tape = _market(3)
    pits = list(market.pits.values())
    market.halt(pits[0], True)
    market.advance(NOW, 1_000)
    assert market.halted(pits[0])
    assert {symbol for symbol, *_ in [*tape.quotes, *tape.trades]} == {"ETHUSDT", "DOGEUSDT"}
    for pit in pits[1:]:
        market.halt(pit, True)
    told = market.messages
    market.advance(NOW + 1, 1_000)
    assert market.messages == told, "nothing can happen, and nobody waits for it"
    market.halt(pits[0], False)
    market.advance(NOW + 2, 100)
    assert tape.quotes[-1][0] == "BTCUSDT"
    assert market.messages >= told + 100


def test_no_symbols_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1 symbol"):
        Market((), seed=1, now_ms=NOW, tape=Recorder())
