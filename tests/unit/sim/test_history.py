"""Aggregation of trades, bars and day statistics."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tradewire.sim.history import INTERVALS, History, bar_span

NOON = int(datetime(2026, 10, 7, 12, 0, tzinfo=UTC).timestamp() * 1000)  # a Wednesday
MINUTE = 60_000


def _ms(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("interval", "start", "end"),
    [
        ("1m", _ms(2026, 10, 7, 12, 0), _ms(2026, 10, 7, 12, 1)),
        ("4h", _ms(2026, 10, 7, 12, 0), _ms(2026, 10, 7, 16, 0)),
        ("1d", _ms(2026, 10, 7), _ms(2026, 10, 8)),
        ("1w", _ms(2026, 10, 5), _ms(2026, 10, 12)),
        ("1M", _ms(2026, 10, 1), _ms(2026, 11, 1)),
    ],
)
def test_span_of_a_bar(interval: str, start: int, end: int) -> None:
    assert bar_span(interval, NOON + 5) == (start, end)
    assert bar_span(interval, end - 1) == (start, end)


def test_december_ends_with_the_year() -> None:
    assert bar_span("1M", _ms(2026, 12, 31)) == (_ms(2026, 12, 1), _ms(2027, 1, 1))


def test_aggregates_hold_one_price_one_side_and_100_ms() -> None:
    history = History(100, NOON, 1, 1)
    history.trade(100, 2, NOON + 10, False)
    history.trade(100, 3, NOON + 90, False)
    history.trade(100, 1, NOON + 91, True)  # other side
    history.trade(101, 1, NOON + 92, True)  # other price
    history.trade(101, 1, NOON + 100, True)  # next 100 ms
    found = [(a.agg_id, a.first_id, a.last_id, a.lots, a.time_ms) for a in history.take_agg_trades()]
    assert found == [
        (1, 1, 2, 5, NOON + 90),
        (2, 3, 3, 1, NOON + 91),
        (3, 4, 4, 1, NOON + 92),
        (4, 5, 5, 1, NOON + 100),
    ]
    assert history.take_agg_trades() == []


def test_bars_agree_with_the_trades() -> None:
    history = History(100, NOON, 1, 1)
    prices = [100, 104, 99, 101]
    for index, price in enumerate(prices):
        history.trade(price, 2, NOON + index * 100, index % 2 == 0)
    history.trade(90, 1, NOON + 3 * MINUTE, False)
    first, second, third, last = history.bars("1m", 0, NOON + 10 * MINUTE, 10)
    assert (first.open, first.high, first.low, first.close, first.lots, first.count) == (100, 104, 99, 101, 8, 4)
    assert (first.taker_lots, first.taker_value, first.first_id, first.last_id) == (4, 2 * 104 + 2 * 101, 1, 4)
    assert [(bar.open, bar.close, bar.lots, bar.first_id) for bar in (second, third)] == [(101, 101, 0, -1)] * 2
    assert (last.start_ms, last.open, last.count) == (NOON + 3 * MINUTE, 90, 1)
    (hour,) = history.bars("1h", 0, NOON + 10 * MINUTE, 10)
    assert (hour.start_ms, hour.open, hour.high, hour.low, hour.close, hour.count) == (NOON, 100, 104, 90, 90, 5)
    for interval in INTERVALS:
        running = history.bar(interval, NOON + 3 * MINUTE)
        assert running is not None
        assert running.last_id == 5


def test_limit_counts_from_the_start_if_there_is_one() -> None:
    history = History(100, NOON, 1, 1)
    history.roll(NOON + 9 * MINUTE)
    assert [bar.start_ms for bar in history.bars("1m", None, NOON * 2, 2)] == [NOON + 8 * MINUTE, NOON + 9 * MINUTE]
    assert [bar.start_ms for bar in history.bars("1m", NOON, NOON * 2, 2)] == [NOON, NOON + MINUTE]


def test_day_forgets_what_is_older() -> None:
    history = History(100, NOON, 1, 1)
    history.trade(500, 1, NOON, False)
    later = NOON + 24 * 60 * MINUTE + MINUTE
    history.trade(120, 1, later, False)
    day = history.day(later)
    assert (day.high, day.count, day.start_ms) == (500, 1, later - 24 * 60 * MINUTE)  # flat minutes keep the last price
    assert history.last_price == 120


def test_clock_that_was_set_back_by_days_still_has_a_day() -> None:
    history = History(100, NOON, 1, 1)
    assert history.day(NOON - 3 * 24 * 60 * MINUTE).close == 100


def test_no_bar_before_the_market_opened() -> None:
    assert History(100, NOON, 1, 1).bar("1m", NOON - 1) is None


def test_the_last_trade() -> None:
    history = History(100, NOON, 1, 1)
    assert (history.last_price, history.last_lots) == (100, 0)
    history.trade(101, 7, NOON + 10, False)
    assert (history.last_price, history.last_lots) == (101, 7)
