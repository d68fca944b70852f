"""Bounded queues: what is kept, dropped, replaced, and that every one is accounted for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewire.core import Bar, Quote, Trade
from tradewire.core.record import MORE, RECORD
from tradewire.streaming.events import GapDetected
from tradewire.streaming.queues import BatchQueue, EventQueue, default_policies, policy_of

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


def test_the_oldest_trades_make_room() -> None:
    queue = EventQueue(3)
    for number in range(10):
        queue.put(trade(number))
    assert drain(queue) == [trade(7), trade(8), trade(9)]
    assert queue.dropped == 7


def test_status_events_are_never_dropped() -> None:
    queue = EventQueue(2)
    for number in range(100):
        queue.put(trade(number))
        queue.put(gap(number))
    kept = drain(queue)
    assert [event for event in kept if isinstance(event, GapDetected)] == [gap(number) for number in range(100)]
    assert [event.seq for event in kept if isinstance(event, Trade)] == [98, 99]


def test_policies_can_be_chosen() -> None:
    queue = EventQueue(2, {**default_policies(), Quote: "drop_oldest", Trade: "keep"})
    for number in range(5):
        queue.put(quote(number))
        queue.put(trade(number))
    kept = drain(queue)
    assert [event.seq for event in kept if isinstance(event, Quote)] == [3, 4]
    assert [event.seq for event in kept if isinstance(event, Trade)] == [0, 1, 2, 3, 4]


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
    flags = [MORE] * sum(messages)
    at = -1
    for size in messages:
        at += size
        flags[at] = 0
    result = np.zeros(len(flags), RECORD)
    result["flags"] = flags
    return result


def test_batches_are_dropped_whole_and_messages_counted() -> None:
    queue = BatchQueue(10)
    first, second, third = batch(1, 3, 2), batch(4), batch(3)
    for one in (first, second, third):
        queue.put(one)
    assert (queue.dropped_batches, queue.dropped) == (1, 3)
    assert [len(queue.pop()) for _ in range(len(queue))] == [4, 3]


def test_a_batch_over_capacity_is_held_alone() -> None:
    queue = BatchQueue(2)
    queue.put(batch(1))
    queue.put(batch(5))
    assert len(queue) == 1
    assert len(queue.pop()) == 5
    assert queue.dropped == 1
