"""Who gets what, and what the core is told to make."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from tradewire.core import Bar, Callbacks, Histogram, OrderBook, Quote, SymbolTable, Trade
from tradewire.core.record import RECORD, Kind
from tradewire.model import PriceBand, TradingStatus
from tradewire.streaming.dispatch import Backlog, Dispatcher, route_key
from tradewire.streaming.events import BookUpdate, GapDetected
from tradewire.streaming.queues import EVENTS, OwnPolicies, default_policies
from tradewire.streaming.subscription import InlineRunner, TaskRunner, ThreadRunner

HEAD = {"venue": "binance", "event_ns": 0, "recv_ns": 0}


class Wanted:
    def __init__(self) -> None:
        self.pairs: set[tuple[int, int | None]] = set()

    def add(self, kind: int, symbol_id: int | None = None) -> None:
        assert (kind, symbol_id) not in self.pairs, "added once"
        self.pairs.add((int(kind), symbol_id))

    def discard(self, kind: int, symbol_id: int | None = None) -> None:
        self.pairs.remove((int(kind), symbol_id))


def trade(symbol: str = "BTCUSDT", number: int = 1) -> Trade:
    return Trade(symbol=symbol, seq=number, price=1.0, quantity=1.0, side="buy", trade_id=number, **HEAD)


def bar(interval: str) -> Bar:
    numbers = dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume"), 1.0)
    return Bar(symbol="BTCUSDT", seq=0, trades=1, start_ns=0, interval=interval, closed=False, **numbers, **HEAD)  # type: ignore[arg-type]


def gap(symbol: str = "BTCUSDT") -> GapDetected:
    return GapDetected("binance", "trades", symbol, 1, 0)


def update() -> BookUpdate:
    return BookUpdate("binance", "BTCUSDT", 0, 0, 1, None, None, OrderBook())


@pytest.fixture
def wanted() -> Wanted:
    return Wanted()


@pytest.fixture
def dispatcher(wanted: Wanted) -> Dispatcher:
    symbols = SymbolTable()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        symbols.add("binance", symbol)
    return Dispatcher(wanted, Callbacks(symbols), Histogram(1, 10**12, 3), 10, default_policies())  # type: ignore[arg-type]


def callback(into: list[Any]) -> InlineRunner:
    return InlineRunner(into.append, Histogram(1, 10**12, 3))


def queued() -> TaskRunner:
    async def later(_: Any) -> None:
        raise AssertionError("never started")

    return TaskRunner(later, Histogram(1, 10**12, 3), 2, default_policies())


def add(dispatcher: Dispatcher, kind: Kind, event_class: type, symbol: str, interval: str = "") -> tuple[Any, Any, Any]:
    seen: list[Any] = []
    runner, keys = callback(seen), [(kind, route_key(event_class, "binance", symbol, interval), 0)]
    dispatcher.add_callback(runner, keys)
    return seen, runner, keys


def test_callbacks_get_their_symbol_and_kind_only(dispatcher: Dispatcher) -> None:
    seen, _, _ = add(dispatcher, Kind.TRADE, Trade, "BTCUSDT")
    dispatcher.publish([trade(), trade("ETHUSDT")], 0)
    assert seen == [trade()]


def test_bars_are_told_apart_by_interval(dispatcher: Dispatcher) -> None:
    minute, _, _ = add(dispatcher, Kind.BAR, Bar, "BTCUSDT", "1m")
    hour, _, _ = add(dispatcher, Kind.BAR, Bar, "BTCUSDT", "1h")
    dispatcher.publish([bar("1m"), bar("1h")], 0)
    assert (minute, hour) == ([bar("1m")], [bar("1h")])


def test_objects_are_wanted_while_somebody_wants_them(dispatcher: Dispatcher, wanted: Wanted) -> None:
    assert wanted.pairs == set()
    keys = [(Kind.TRADE, route_key(Trade, "binance", "BTCUSDT"), 0)]
    first, second = queued(), queued()
    dispatcher.add_callback(first, keys)
    dispatcher.add_callback(second, keys)
    assert wanted.pairs == {(Kind.TRADE, 0)}
    dispatcher.remove_callback(first, keys)
    assert (Kind.TRADE, 0) in wanted.pairs
    dispatcher.remove_callback(second, keys)
    assert wanted.pairs == set()
    assert dispatcher.runners == []


def batch(*numbers: int) -> Any:
    records = np.zeros(len(numbers), RECORD)
    records["kind"], records["seq"], records["a"] = Kind.TRADE, numbers, 1.0
    return records


def test_the_core_calls_whom_it_can_and_makes_no_objects_for_them(dispatcher: Dispatcher, wanted: Wanted) -> None:
    seen, runner, keys = add(dispatcher, Kind.TRADE, Trade, "BTCUSDT")
    assert wanted.pairs == set()
    dispatcher.deliver(batch(1, 2), [], [], 0)
    assert [event.seq for event in seen] == [1, 2]
    dispatcher.remove_callback(runner, keys)
    dispatcher.deliver(batch(3), [], [], 0)
    assert len(seen) == 2


async def test_a_batch_reaches_each_consumer_once(dispatcher: Dispatcher) -> None:
    seen, _, keys = add(dispatcher, Kind.TRADE, Trade, "BTCUSDT")
    later = queued()
    dispatcher.add_callback(later, keys)
    events, batches = dispatcher.open_events(), dispatcher.open_batches()
    one = batch(1)
    dispatcher.deliver(one, [trade()], [], 0)
    assert (len(seen), len(later.queue), len(events.queue), len(batches.queue)) == (1, 1, 1, 1)
    assert await anext(batches) is one
    events.close()
    batches.close()


def test_book_messages_are_never_made_into_objects(dispatcher: Dispatcher, wanted: Wanted) -> None:
    assert not dispatcher.wants_books
    _, runner, keys = add(dispatcher, Kind.BOOK_DELTA, BookUpdate, "BTCUSDT")
    assert dispatcher.wants_books
    assert wanted.pairs == set()
    dispatcher.remove_callback(runner, keys)
    assert not dispatcher.wants_books


async def test_event_streams_get_market_data_and_status_of_their_symbol(dispatcher: Dispatcher, wanted: Wanted) -> None:
    one, every = dispatcher.open_events(frozenset({"BTCUSDT"}), [0]), dispatcher.open_events()
    assert (Kind.TRADE, 0) in wanted.pairs
    assert (Kind.TRADE, None) in wanted.pairs
    dispatcher.publish([trade(), trade("ETHUSDT")], 0)
    dispatcher.publish_status(gap(), 0)
    dispatcher.publish_status(gap("ETHUSDT"), 0)
    dispatcher.publish_status(gap(""), 0)
    dispatcher.close()
    assert [event async for event in one] == [trade(), gap(), gap("")]
    assert [event async for event in every] == [trade(), trade("ETHUSDT"), gap(), gap("ETHUSDT"), gap("")]
    one.close()
    every.close()
    assert wanted.pairs == set()


async def test_notices_are_published_to_their_callbacks_and_to_event_streams(
    dispatcher: Dispatcher, wanted: Wanted
) -> None:
    notices = [
        TradingStatus("binance", "BTCUSDT", 1, 2, True, "H", "", "", "", ""),
        PriceBand("binance", "BTCUSDT", 1, 2, 2.0, 1.0, "", ""),
    ]
    halts, runner, keys = add(dispatcher, Kind.CONTROL, TradingStatus, "BTCUSDT")
    others, _, _ = add(dispatcher, Kind.CONTROL, TradingStatus, "ETHUSDT")
    assert (wanted.pairs, dispatcher.wants_books) == (set(), False)
    async with dispatcher.open_events(frozenset({"BTCUSDT"}), [0]) as events:
        dispatcher.publish(notices, 0)
        assert (halts, others) == (notices[:1], [])
        assert [await anext(events), await anext(events)] == notices
    dispatcher.remove_callback(runner, keys)
    dispatcher.publish(notices, 0)
    assert halts == notices[:1]


async def test_batch_streams_get_the_batch_itself(dispatcher: Dispatcher) -> None:
    stream = dispatcher.open_batches()
    one = batch(1)
    dispatcher.deliver(one, [], [], 0)
    assert await anext(stream) is one
    stream.close()
    dispatcher.deliver(one, [], [], 0)
    assert len(stream.queue) == 0


def test_status_callbacks_get_every_status_event(dispatcher: Dispatcher) -> None:
    seen: list[Any] = []
    dispatcher.add_status_callback(callback(seen))
    dispatcher.publish_status(gap(), 0)
    dispatcher.publish([trade()], 0)
    assert seen == [gap()]


def test_one_that_raises_hurts_nobody_else(dispatcher: Dispatcher) -> None:
    def broken(_: Any) -> None:
        raise ValueError("no")

    runner = InlineRunner(broken, Histogram(1, 10**12, 3))
    dispatcher.add_callback(runner, [(Kind.TRADE, route_key(Trade, "binance", "BTCUSDT"), 0)])
    seen, _, _ = add(dispatcher, Kind.TRADE, Trade, "BTCUSDT")
    dispatcher.publish([trade()], 0)
    assert seen == [trade()]
    assert runner.stats.errors == 1


def test_what_full_queues_lose_is_counted(dispatcher: Dispatcher) -> None:
    events = dispatcher.open_events()
    quotes = [
        Quote(symbol="BTCUSDT", seq=1, bid_price=1.0, bid_quantity=1.0, ask_price=1.0, ask_quantity=1.0, **HEAD)
    ] * 3
    dispatcher.publish([trade(number=number) for number in range(15)] + quotes, 0)
    assert dispatcher.dropped() == 5 + 2
    events.close()
    assert dispatcher.dropped() == 5 + 2, "a total does not shrink"


def test_a_callback_that_closes_itself_costs_the_next_one_nothing(dispatcher: Dispatcher) -> None:
    keys = [(Kind.TRADE, route_key(Trade, "binance", "BTCUSDT"), 0)]
    once = InlineRunner(lambda _: dispatcher.remove_callback(once, keys), Histogram(1, 10**12, 3))
    dispatcher.add_callback(once, keys)
    seen, _, _ = add(dispatcher, Kind.TRADE, Trade, "BTCUSDT")
    dispatcher.publish([trade(number=1), trade(number=2)], 0)
    assert seen == [trade(number=1), trade(number=2)]
    assert once.stats.calls == 1


def test_status_callbacks_may_add_and_close_consumers(dispatcher: Dispatcher) -> None:
    first, second = dispatcher.open_events(), dispatcher.open_events()
    late: list[Any] = []

    def on_status(_: Any) -> None:
        first.close()
        dispatcher.add_status_callback(callback(late))

    dispatcher.add_status_callback(InlineRunner(on_status, Histogram(1, 10**12, 3)))
    dispatcher.publish_status(gap(), 0)
    assert late == [], "begins with the next event"
    assert len(second.queue) == 1


async def test_an_event_stream_that_is_left_takes_its_queue_along(dispatcher: Dispatcher, wanted: Wanted) -> None:
    async def take_one() -> None:
        async for _ in dispatcher.open_events():
            break

    reading = asyncio.create_task(take_one())
    await asyncio.sleep(0)
    assert (Kind.TRADE, None) in wanted.pairs
    dispatcher.publish([trade()], 0)
    await reading
    assert wanted.pairs == set()


def backlog(consumers: int, waiting: int, **dropped: int) -> Backlog:
    return Backlog(consumers, waiting, waiting, dict.fromkeys(EVENTS, 0) | dropped, dict.fromkeys(EVENTS, 0))


def test_backlogs_by_sort_of_consumer(dispatcher: Dispatcher) -> None:
    runner = queued()
    keys = [(Kind.TRADE, route_key(Trade, "binance", "BTCUSDT"), 1)]
    dispatcher.add_callback(runner, keys)
    dispatcher.add_status_callback(callback([]))
    events, batches = dispatcher.open_events(), dispatcher.open_batches()
    dispatcher.publish([trade(number=number) for number in range(5)], 0)
    dispatcher.deliver(batch(*range(70)), [], [], 0)
    dispatcher.deliver(batch(*range(40)), [], [], 0)
    assert dispatcher.backlogs() == {
        "callback": backlog(2, 2, trade=3),
        "events": backlog(1, 5),
        "batches": backlog(1, 40, trade=70),
    }
    dispatcher.remove_callback(runner, keys)
    events.close()
    batches.close()
    batches.close()
    assert dispatcher.backlogs() == {
        "callback": backlog(1, 0, trade=3),
        "events": backlog(0, 0),
        "batches": backlog(0, 0, trade=70),
    }
    assert dispatcher.backlogs()["batches"].dropped == dispatcher.dropped() - 3 == 70


async def test_one_turn_of_the_loop_may_bring_more_batches_than_a_waiting_reader_holds(
    dispatcher: Dispatcher, eventually: Any
) -> None:
    batches = dispatcher.open_batches()
    reading = asyncio.create_task(anext(batches))
    await eventually(lambda: batches._mailbox.reader_waits)
    for _ in range(4):
        dispatcher.deliver(batch(*range(60)), [], [], 0)
    assert len(await reading) == 60
    assert (batches.queue.waiting, batches.queue.dropped) == (180, 0)
    dispatcher.deliver(batch(1), [], [], 0)
    assert batches.queue.dropped == 180, "it had its turn and left them"
    batches.close()


def test_consumers_with_policies_of_their_own_lose_by_these_and_totals_are_their_sum(dispatcher: Dispatcher) -> None:
    own = OwnPolicies({Trade: "conflate", Quote: "drop_oldest"}, default_policies())
    consumers = [dispatcher.open_events(), dispatcher.open_events(policies=own)]
    quote = Quote(symbol="BTCUSDT", seq=1, bid_price=1.0, bid_quantity=1.0, ask_price=1.0, ask_quantity=1.0, **HEAD)
    dispatcher.publish([*(trade(number=number) for number in range(15)), *[quote] * 13], 0)
    counts = [
        {"dropped": {"trade": 5}, "conflated": {"quote": 12}},
        {"dropped": {"quote": 3}, "conflated": {"trade": 14}},
    ]
    for consumer, count in zip(consumers, counts, strict=True):
        for sort in ("dropped", "conflated"):
            assert getattr(consumer.queue, f"{sort}_by") == dict.fromkeys(EVENTS, 0) | count[sort]
    total = dispatcher.backlogs()["events"]
    for consumer in consumers:
        consumer.close()
    assert dispatcher.backlogs()["events"][3:] == total[3:], "a total does not shrink"
    assert total.dropped_by == dict.fromkeys(EVENTS, 0) | {"trade": 5, "quote": 3}
    assert total.conflated_by == dict.fromkeys(EVENTS, 0) | {"trade": 14, "quote": 12}


@pytest.mark.parametrize("direct", [True, False])
def test_a_queue_that_is_closed_amid_a_delivery_is_counted_to_its_end(dispatcher: Dispatcher, direct: bool) -> None:
    keys = [(Kind.BOOK_DELTA, route_key(BookUpdate, "binance", "BTCUSDT"), 0)]
    leaving = queued()
    seen: list[int] = []

    def close(event: Any) -> None:
        if leaving in dispatcher.runners:
            dispatcher.remove_callback(leaving, keys)
        # What a callback publishes, or a reader of the totals, sees meanwhile.
        dispatcher.publish([trade()], 0)
        seen.append(dispatcher.dropped())

    closing = InlineRunner(close, Histogram(1, 10**12, 3))
    for runner in (closing, leaving):
        dispatcher.add_callback(runner, keys)
    leaving.deliver(update(), 0)
    if direct:
        dispatcher.deliver(batch(), [], [update()], 0)
    else:
        dispatcher.publish([update()], 0)
    lost = leaving.queue.conflated
    assert (lost, leaving.queue.waiting) == (1, 1), "what is on its way still arrives"
    assert seen == [0]
    assert dispatcher.dropped() == lost
    assert dispatcher.backlogs()["callback"].conflated_by["book"] == lost
    dispatcher.publish([update()], 0)
    assert (dispatcher.dropped(), leaving.queue.conflated) == (lost, lost)


def test_another_capacity_holds_for_queues_that_are_there_and_to_come(dispatcher: Dispatcher) -> None:
    async def later(_: Any) -> None: ...

    options: Any = (Histogram(1, 10**12, 3), 10, default_policies())
    runners = [TaskRunner(later, *options), ThreadRunner(lambda _: None, *options[1:])]
    for runner in runners:
        dispatcher.add_callback(runner, [(Kind.TRADE, route_key(Trade, "binance", "BTCUSDT"), 0)])
    events, batches = dispatcher.open_events(), dispatcher.open_batches()
    for number in range(6):
        dispatcher.deliver(batch(number), [trade(number=number)], [], 0)
    dispatcher.resize(4)
    late_events, late_batches = dispatcher.open_events(), dispatcher.open_batches()
    queues = [*(runner.queue for runner in runners), events.queue, batches.queue]
    assert [(queue.waiting, queue.dropped) for queue in queues] == [(4, 2)] * 4
    dispatcher.resize(7)
    for number in range(10):
        dispatcher.deliver(batch(number), [trade(number=number)], [], 0)
    assert [queue.waiting for queue in (*queues, late_events.queue, late_batches.queue)] == [7] * 6
    for stream in (events, batches, late_events, late_batches):
        stream.close()


def test_an_observer_sees_status_before_consumers(dispatcher: Dispatcher) -> None:
    order: list[str] = []
    dispatcher.add_status_callback(InlineRunner(lambda _: order.append("consumer"), Histogram(1, 10**12, 3)))
    dispatcher.observe_status(lambda _: order.append("observer"))
    dispatcher.publish_status(gap(), 0)
    assert order == ["observer", "consumer"]
