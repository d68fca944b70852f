"""`Callback` and `Callbacks`: who is called with what, in what order, and what is reported."""

from __future__ import annotations

import asyncio
import gc
import weakref
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from made_batches import SYMBOLS, batches, message, shown, table
from tradewire import core
from tradewire.core import record
from tradewire.core.record import INTERVALS, Kind

NEVER_NS = 10**15
HEADER = {"venue": 0, "event_ns": 5, "recv_ns": 6}


def trades(*rows: tuple[int, int]) -> Any:
    """(symbol, number) of each."""
    return np.concatenate(
        [message(Kind.TRADE, [(1.5, 2.5, 8)], symbol=one, seq=number, **HEADER) for one, number in rows]
    )


def bar(interval: str, number: int) -> Any:
    made = message(Kind.BAR, [(1.0, 4.0, 0.5, 2.0), (9.0, 18.0, number, 60)], symbol=1, seq=0, **HEADER)
    made["seq"][1] = INTERVALS[interval]
    return made


class Desk:
    """Callbacks, and what they got."""

    def __init__(self, impl: ModuleType) -> None:
        self.impl = impl
        self.latency = impl.Histogram(1, 10**12, 3)
        self.callbacks = impl.Callbacks(table(impl))
        self.unusual: list[tuple[Any, Any, int]] = []

    def callback(self, function: Any, slow_ns: int = NEVER_NS) -> Any:
        return self.impl.Callback(function, self.latency, slow_ns, lambda *what: self.unusual.append(what))

    def add(self, function: Any, kind: Kind = Kind.TRADE, symbol: int = 1, interval_ns: int = 0) -> Any:
        made = self.callback(function)
        self.callbacks.add(kind, symbol, made, interval_ns)
        return made


@pytest.fixture
def desk(impl: ModuleType) -> Desk:
    return Desk(impl)


def test_events_go_to_those_of_their_kind_and_symbol_in_order(desk: Desk) -> None:
    seen: list[Any] = []
    one = desk.add(lambda event: seen.append(("one", event.symbol, event.seq)))
    desk.add(lambda event: seen.append(("two", event.symbol, event.seq)))
    other = desk.add(lambda event: seen.append(("other", event.symbol, event.seq)), symbol=0)
    desk.add(lambda _: seen.append("quote"), Kind.QUOTE)
    desk.callbacks.deliver(trades((1, 7), (0, 8), (1, 9)), core.monotonic_ns())
    names = [SYMBOLS[0][1], SYMBOLS[1][1]]
    assert seen == [
        ("one", names[1], 7), ("two", names[1], 7), ("other", names[0], 8), ("one", names[1], 9), ("two", names[1], 9),
    ]  # fmt: skip
    assert (one.calls, other.calls, desk.latency.count, desk.unusual) == (2, 1, 5, [])


@given(batches)
def test_events_are_those_of_objects(made: Any) -> None:
    for name in ("native", "pure"):
        impl = core.load(name)
        desk, symbols = Desk(impl), table(impl)
        seen: list[Any] = []
        expected = [one for one in impl.objects(made, symbols) if one.symbol and getattr(one, "interval", "?")]
        for kind in range(Kind.TRADE, Kind.CONTROL + 1):
            for symbol in range(len(symbols)):
                for interval_ns in INTERVALS.values() if kind == Kind.BAR else (0,):
                    desk.add(seen.append, Kind(kind), symbol, interval_ns)
        desk.callbacks.deliver(made, 0)
        assert [shown(one) for one in seen] == [shown(one) for one in expected]


def test_bars_are_told_apart_by_interval(desk: Desk) -> None:
    minutes: list[int] = []
    hours: list[int] = []
    desk.add(lambda event: minutes.append(event.trades), Kind.BAR, interval_ns=INTERVALS["1m"])
    desk.add(lambda event: hours.append(event.trades), Kind.BAR, interval_ns=INTERVALS["1h"])
    desk.callbacks.deliver(np.concatenate([bar("1m", 1), bar("1h", 2), bar("5m", 3)]), 0)
    assert (minutes, hours) == ([1], [2])


def test_what_is_discarded_gets_no_more(desk: Desk) -> None:
    seen: list[int] = []
    kept = desk.add(lambda event: seen.append(event.seq))
    gone = desk.add(lambda event: seen.append(-event.seq))
    desk.callbacks.add(Kind.TRADE, 1, gone)
    desk.callbacks.deliver(trades((1, 1)), 0)
    assert seen == [1, -1, -1], "once for each time"
    desk.callbacks.discard(Kind.TRADE, 1, gone)
    desk.callbacks.discard(Kind.TRADE, 1, gone)
    desk.callbacks.discard(Kind.TRADE, 4_000_000_000, gone)
    desk.callbacks.discard(Kind.TRADE, 1, kept, 60)
    desk.callbacks.deliver(trades((1, 2)), 0)
    assert seen == [1, -1, -1, 2]


def test_a_function_may_add_and_discard_while_events_are_delivered(desk: Desk) -> None:
    seen: list[Any] = []

    def once(event: Any) -> None:
        seen.append(("once", event.seq))
        desk.callbacks.discard(Kind.TRADE, 1, first)
        desk.add(lambda event: seen.append(("new", event.seq)))

    first = desk.add(once)
    desk.add(lambda event: seen.append(("old", event.seq)))
    desk.callbacks.deliver(trades((1, 1), (1, 2)), 0)
    assert seen == [("once", 1), ("old", 1), ("old", 2), ("new", 2)]


def test_a_function_may_deliver(desk: Desk) -> None:
    seen: list[int] = []

    def again(event: Any) -> None:
        seen.append(event.seq)
        if event.seq < 3:
            desk.callbacks.deliver(trades((1, event.seq + 10)), 0)

    desk.add(again)
    desk.callbacks.deliver(trades((1, 1), (1, 2), (1, 3)), 0)
    assert seen == [1, 11, 2, 12, 3]


def test_errors_and_results_are_reported_and_end_nothing(desk: Desk) -> None:
    wrong = ValueError("no")

    def function(event: Any) -> object:
        if event.seq == 1:
            raise wrong
        return event.seq if event.seq == 2 else None

    made = desk.add(function)
    desk.callbacks.deliver(trades((1, 1), (1, 2), (1, 3)), 0)
    assert [(result, error) for result, error, _ in desk.unusual] == [(None, wrong), (2, None)]
    assert wrong.__traceback__ is not None
    assert made.calls == 3


def test_slow_calls_are_reported(desk: Desk) -> None:
    def slow(_: Any) -> None:
        until = core.monotonic_ns() + 20_000
        while core.monotonic_ns() < until:
            pass

    desk.callbacks.add(Kind.TRADE, 1, desk.callback(slow, 10_000))
    desk.callbacks.deliver(trades((1, 1)), 0)
    ((result, error, elapsed_ns),) = desk.unusual
    assert (result, error) == (None, None)
    assert elapsed_ns >= 20_000


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_is_no_exception_is_raised_at_once(desk: Desk, error: type[BaseException]) -> None:
    def function(_: Any) -> None:
        raise error

    made = desk.add(function)
    with pytest.raises(error):
        desk.callbacks.deliver(trades((1, 1), (1, 2)), 0)
    assert (made.calls, desk.unusual) == (0, [])
    with pytest.raises(error):
        made.deliver("event", 0)


def test_what_a_report_raises_goes_to_the_caller(desk: Desk) -> None:
    def report(*_: Any) -> None:
        raise LookupError("report")

    desk.callbacks.add(Kind.TRADE, 1, desk.impl.Callback(lambda _: 7, desk.latency, NEVER_NS, report))
    with pytest.raises(LookupError, match="report"):
        desk.callbacks.deliver(trades((1, 1)), 0)


def test_one_is_called_with_anything_and_timed(desk: Desk) -> None:
    seen: list[Any] = []
    made = desk.callback(seen.append)
    made.deliver("event", core.monotonic_ns() - 1_000_000)
    assert (seen, made.calls, desk.latency.count) == (["event"], 1, 1)
    assert desk.latency.max >= 999_000


def test_an_event_that_is_kept_stays_as_it_was(desk: Desk) -> None:
    kept: list[Any] = []
    desk.add(kept.append)
    desk.callbacks.deliver(trades(*((1, number) for number in range(100))), 0)
    assert [event.seq for event in kept] == list(range(100))


def test_a_circle_through_a_function_is_collected(desk: Desk) -> None:
    class Strategy:
        def __init__(self) -> None:
            self.callbacks = desk.impl.Callbacks(table(desk.impl))
            self.callbacks.add(Kind.TRADE, 1, desk.impl.Callback(self.on_trade, desk.latency, NEVER_NS, print))

        def on_trade(self, _: Any) -> None: ...

    gone = weakref.ref(Strategy())
    gc.collect()
    assert gone() is None


def test_refusals(desk: Desk) -> None:
    made = desk.callback(print)
    cases: list[tuple[Any, type[Exception], str]] = [
        (lambda: desk.impl.Callback(1, desk.latency, 1, print), TypeError, "function must be callable, was int"),
        (lambda: desk.impl.Callback(print, desk.latency, 1, 2), TypeError, "unusual must be callable, was int"),
        (
            lambda: desk.impl.Callback(print, 3, 1, print),
            TypeError,
            "latency must be a Histogram of this core",
        ),
        (lambda: desk.impl.Callback(print, desk.latency, -1, print), ValueError, "slow_ns must be 0.."),
        (lambda: desk.impl.Callbacks(3), TypeError, "symbols must be a SymbolTable, was int"),
        (lambda: desk.callbacks.add(Kind.LEVEL, 1, made), ValueError, "kind must be 1..9, was 10"),
        (lambda: desk.callbacks.add(Kind.TRADE, -1, made), ValueError, "symbol_id must be 0..4294967295, was -1"),
        (lambda: desk.callbacks.add(Kind.TRADE, 99, made), ValueError, "one that the table gave out, was 99"),
        (lambda: desk.callbacks.add(Kind.TRADE, 1, print), TypeError, "callback must be a Callback, was"),
        (lambda: desk.callbacks.add(Kind.TRADE, 1, made, -1), ValueError, "interval_ns must be 0.."),
        (lambda: desk.callbacks.deliver([], 0), TypeError, "a batch must be a NumPy array, was list"),
    ]
    for call, error, text in cases:
        with pytest.raises(error, match=text.replace("..", r"\.\.")):
            call()


def test_broken_batches(desk: Desk) -> None:
    seen: list[int] = []
    desk.add(lambda event: seen.append(event.seq))
    cut = trades((1, 1), (1, 2))
    cut["flags"][-1] |= record.MORE
    with pytest.raises(ValueError, match="the last message of the batch is incomplete"):
        desk.callbacks.deliver(cut, 0)
    assert seen == []
    long = trades((1, 1), (1, 2), (1, 3))
    long["flags"][1] |= record.MORE
    with pytest.raises(ValueError, match="record 1: a message of kind 1 has 1 records, had 2"):
        desk.callbacks.deliver(long, 0)
    assert seen == [1]
