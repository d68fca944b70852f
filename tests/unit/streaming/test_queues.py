"""Bounded queues: what is kept, dropped, replaced, and that every one is accounted for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.core import Bar, Quote, Trade
from tradewire.core.record import MORE, RECORD, Kind
from tradewire.model import TradingStatus
from tradewire.streaming import queues
from tradewire.streaming.events import GapDetected
from tradewire.streaming.queues import EVENTS, BatchQueue, EventQueue, OwnPolicies, Policy, default_policies, policy_of

HEAD = {"venue": "binance", "event_ns": 0, "recv_ns": 0}


def trade(number: int, symbol: str = "BTCUSDT") -> Trade:
    return Trade(symbol=symbol, seq=number, price=1.0, quantity=1.0, side="buy", trade_id=number, **HEAD)


def quote(number: int, symbol: str = "BTCUSDT") -> Quote:
    return Quote(symbol=symbol, seq=number, bid_price=1.0, bid_quantity=1.0, ask_price=2.0, ask_quantity=1.0, **HEAD)


def bar(number: int, interval: str) -> Bar:
    numbers = dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume"), 1.0)
    head = {**HEAD, "symbol": "BTCUSDT", "seq": number, "interval": interval}
    return Bar(trades=1, start_ns=0, closed=False, **numbers, **head)  # type: ignore[arg-type]


def gap(number: int) -> GapDetected:
    return GapDetected("binance", "trades", "BTCUSDT", number, 0)


def drain(queue: EventQueue) -> list[Any]:
    return [queue.pop()[0] for _ in range(len(queue))]


def test_events_come_out_in_order_of_arrival() -> None:
    queue = EventQueue(10)
    events = [trade(1), quote(2), gap(3), trade(4), quote(5, "ETHUSDT"), gap(6)]
    for event in events:
        queue.put(event)
    assert drain(queue) == events
    with pytest.raises(IndexError):
        queue.pop()


def test_the_latest_quote_of_each_symbol_is_kept_in_its_own_place() -> None:
    queue = EventQueue(10)
    for event in [quote(1), trade(2), quote(3, "ETHUSDT"), quote(4)]:
        queue.put(event)
    assert drain(queue) == [trade(2), quote(3, "ETHUSDT"), quote(4)]
    assert (queue.conflated, queue.dropped) == (1, 0)


def test_a_symbol_of_two_venues_is_two_things() -> None:
    queue = EventQueue(10)
    head = {**HEAD, "symbol": "BTCUSDT", "bid_price": 1.0, "bid_quantity": 1.0, "ask_price": 2.0, "ask_quantity": 1.0}
    first, spot, last = (
        Quote(**(head | {"venue": venue, "seq": number}))  # type: ignore[arg-type]
        for number, venue in enumerate(["binance", "binance_spot", "binance"])
    )
    for event in (first, spot, last):
        queue.put(event)
    assert drain(queue) == [spot, last]
    assert queue.conflated_by["quote"] == 1


def test_the_oldest_trades_make_room() -> None:
    queue = EventQueue(3)
    for number in range(10):
        queue.put(trade(number))
    assert drain(queue) == [trade(7), trade(8), trade(9)]
    assert queue.dropped == 7


def test_a_busy_channel_takes_no_room_from_a_quiet_one() -> None:
    queue = EventQueue(2)
    for event in [bar(1, "1m"), trade(2), trade(3), trade(4)]:
        queue.put(event)
    assert drain(queue) == [bar(1, "1m"), trade(4)]
    assert {name: count for name, count in queue.dropped_by.items() if count} == {"trade": 2}
    for event in [trade(1), trade(2), bar(3, "1m"), bar(4, "1m")]:
        queue.put(event)
    assert drain(queue) == [trade(2), bar(4, "1m")], "a newcomer takes the room of who has most, itself included"
    assert (queue.dropped_by["trade"], queue.dropped_by["bar"]) == (3, 1)


def test_losses_are_counted_by_sort() -> None:
    queue = EventQueue(1)
    for event in [quote(1), quote(2), trade(3), trade(4), quote(5)]:
        queue.put(event)
    assert (set(queue.dropped_by), set(queue.conflated_by)) == (set(EVENTS), set(EVENTS)), "from the start"
    assert (queue.dropped_by["trade"], queue.conflated_by["quote"]) == (1, 2)
    assert (queue.dropped, queue.conflated) == (1, 2)


@pytest.mark.parametrize("name", ["status", "trade"])
def test_what_is_kept_has_a_bound_too(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queues, "_KEPT_LEAST", 15)
    queue = EventQueue(1, {**default_policies(), Trade: "keep"})
    make: Any = {"status": gap, "trade": trade}[name]
    for number in range(15):
        queue.put(make(number))
    assert (queue.dropped, caplog.messages) == (0, [])
    for number in range(15, 20):
        queue.put(make(number))
    assert drain(queue) == [make(number) for number in range(5, 20)]
    assert queue.dropped_by[name] == queue.dropped == 5
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith(f"{name} events that are to be kept are dropped from now on")
    assert EventQueue(2)._kept_most == 20, "ten times the capacity"


def test_kept_trades_take_no_room_from_status_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_KEPT_LEAST", 10)
    queue = EventQueue(1, {**default_policies(), Trade: "keep"})
    queue.put(gap(0))
    for number in range(1, 30):
        queue.put(trade(number))
    assert drain(queue) == [gap(0), *(trade(number) for number in range(20, 30))]


def test_a_smaller_capacity_drops_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "_KEPT_LEAST", 1)
    queue = EventQueue(4)
    for event in [bar(1, "1m"), *(trade(number) for number in range(2, 5)), *(gap(number) for number in range(5, 25))]:
        queue.put(event)
    queue.resize(2)
    assert drain(queue) == [bar(1, "1m"), trade(4), *(gap(number) for number in range(5, 25))]
    for number in range(30):
        queue.put(gap(number))
    assert len(queue) == 20
    queue.resize(1)
    assert drain(queue) == [gap(number) for number in range(20, 30)]
    with pytest.raises(ValueError, match="capacity must be 1 or more, was 0"):
        queue.resize(0)


def test_status_events_outlive_market_data() -> None:
    queue = EventQueue(2)
    for number in range(100):
        queue.put(trade(number))
        queue.put(gap(number))
    kept = drain(queue)
    assert [event for event in kept if isinstance(event, GapDetected)] == [gap(number) for number in range(100)]
    assert [event.seq for event in kept if isinstance(event, Trade)] == [98, 99]


def test_a_halt_outlives_market_data_and_is_counted_by_its_sort() -> None:
    halt = TradingStatus("alpaca", "AAPL", 0, 0, True, "H", "", "", "", "")
    queue = EventQueue(1)
    for number in range(10):
        queue.put(halt)
        queue.put(trade(number))
    assert drain(queue) == [*[halt] * 10, trade(9)]
    dropping = EventQueue(1, {**default_policies(), TradingStatus: "drop_oldest"})
    dropping.put(halt)
    dropping.put(halt)
    assert dropping.dropped_by["notice"] == 1


def test_policies_can_be_chosen() -> None:
    queue = EventQueue(2, {**default_policies(), Quote: "drop_oldest", Trade: "keep"})
    for number in range(5):
        queue.put(quote(number))
        queue.put(trade(number))
    kept = drain(queue)
    assert [event.seq for event in kept if isinstance(event, Quote)] == [3, 4]
    assert [event.seq for event in kept if isinstance(event, Trade)] == [0, 1, 2, 3, 4]


def test_own_policies_come_before_those_of_others_as_they_are_then() -> None:
    others: dict[type, Policy] = {**default_policies(), Trade: "conflate"}
    queue = EventQueue(1, OwnPolicies({Trade: "keep"}, others))

    def losses() -> tuple[int, int, int]:
        for number in range(3):
            for event in [trade(number), quote(number), bar(number, "1m"), gap(number)]:
                queue.put(event)
        drain(queue)
        return queue.dropped_by["bar"], queue.conflated_by["quote"], queue.dropped + queue.conflated

    assert losses() == (2, 2, 4), "no trade, and no status event"
    others[Quote] = "keep"
    assert losses() == (4, 2, 6)


def test_conflated_bars_keep_to_their_interval() -> None:
    queue = EventQueue(2, {Bar: "conflate"})
    for event in [bar(1, "1m"), bar(2, "1h"), bar(3, "1m")]:
        queue.put(event)
    assert drain(queue) == [bar(2, "1h"), bar(3, "1m")]
    assert queue.conflated == 1


def test_an_unknown_policy_is_refused_by_name() -> None:
    assert policy_of("quotes", "keep") == "keep"
    with pytest.raises(ValueError, match="'quotes' must be one of conflate, drop_oldest, keep, was 'latest'"):
        policy_of("quotes", "latest")  # type: ignore[arg-type]


def test_the_time_of_draining_travels_along() -> None:
    queue = EventQueue(2)
    queue.put(trade(1), 42)
    assert queue.pop() == (trade(1), 42)


@given(
    st.lists(st.tuples(st.sampled_from("tqg?"), st.sampled_from(["BTCUSDT", "ETHUSDT"])), max_size=60),
    st.integers(1, 5),
)
def test_every_event_is_delivered_dropped_or_replaced(steps: list[tuple[str, str]], capacity: int) -> None:
    queue = EventQueue(capacity)
    put, out = 0, []
    for number, (step, symbol) in enumerate(steps):
        if step == "?":
            if len(queue):
                out.append(queue.pop()[0])
            continue
        queue.put({"t": trade, "q": quote}[step](number, symbol) if step != "g" else gap(number))
        put += 1
        waiting = len(queue)
        assert waiting <= capacity + 2 + put
    out += drain(queue)
    assert len(out) + queue.dropped + queue.conflated == put
    numbers = [event.missing if isinstance(event, GapDetected) else event.seq for event in out]
    assert numbers == sorted(numbers), "order of arrival"


@pytest.mark.parametrize("make", [EventQueue, BatchQueue])
def test_capacity_is_checked(make: Any) -> None:
    with pytest.raises(ValueError, match="capacity must be 1 or more, was 0"):
        make(0)


def batch(*messages: int) -> np.ndarray:
    """A batch of messages of so many records each."""
    flags, kinds = [MORE] * sum(messages), [Kind.LEVEL] * sum(messages)
    at = -1
    for size in messages:
        kinds[at + 1] = Kind.TRADE if size == 1 else Kind.BOOK_DELTA
        at += size
        flags[at] = 0
    result = np.zeros(len(flags), RECORD)
    result["flags"], result["kind"] = flags, kinds
    return result


def test_batches_are_dropped_whole_and_messages_counted() -> None:
    queue = BatchQueue(4)
    for one in (batch(1, 3, 2), batch(2, 2), batch(3)):
        queue.put(one)
    assert (queue.dropped_batches, queue.dropped, queue.waiting) == (1, 3, 3)
    assert {name: count for name, count in queue.dropped_by.items() if count} == {"trade": 1, "book": 2}
    assert [len(queue.pop()) for _ in range(len(queue))] == [4, 3]
    assert queue.waiting == 0


def test_batches_of_books_are_bounded_by_their_records() -> None:
    queue = BatchQueue(10)
    for _ in range(5):
        queue.put(batch(16))
    assert (queue.waiting, queue.dropped) == (2, 3)
    queue = BatchQueue(10)
    for _ in range(25):
        queue.put(batch(1))
    assert (queue.waiting, queue.dropped) == (10, 15)


@given(st.lists(st.one_of(st.none(), st.lists(st.integers(1, 4), min_size=1, max_size=3))), st.integers(1, 6))
def test_every_message_of_batches_is_delivered_or_dropped(steps: list[list[int] | None], capacity: int) -> None:
    queue = BatchQueue(capacity)
    put = taken = 0
    for step in steps:
        if step is not None:
            queue.put(batch(*step))
            put += len(step)
        elif len(queue):
            one = queue.pop()
            taken += int(((one["flags"] & MORE) == 0).sum())
        assert queue.waiting + taken + queue.dropped == put
        assert len(queue) <= 1 or queue.waiting <= capacity


def test_a_batch_over_capacity_is_held_alone() -> None:
    queue = BatchQueue(2)
    queue.put(batch(1))
    queue.put(batch(9))
    assert len(queue) == 1
    assert len(queue.pop()) == 9
    assert queue.dropped == 1


def test_a_reader_that_waits_loses_nothing_and_is_behind_once_it_does_not() -> None:
    queue = BatchQueue(4)
    for _ in range(9):
        queue.put(batch(1), reader_waits=True)
    assert (queue.waiting, queue.dropped) == (9, 0)
    queue.put(batch(1))
    assert (queue.waiting, queue.dropped) == (4, 6)
