"""What a successor alone gave."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from made_batches import book, message
from tradewire.core.record import NO_SYMBOL, Kind
from tradewire.streaming.overlap import Overlap

NUMBERED = {Kind.TRADE: "contiguous", Kind.QUOTE: "increasing"}


def trade(number: int, symbol: int = 0, recv_ns: int = 0) -> Any:
    return message(Kind.TRADE, [(100.0, 1.0, number)], symbol=symbol, seq=number, recv_ns=recv_ns)


def delta(last: int, levels: int = 2) -> Any:
    return book(Kind.BOOK_DELTA, (last, last - 1), [(1.0, 2.0)] * levels, [], symbol=0, seq=last)


def ticker(event_ns: int, price: float, recv_ns: int = 0) -> Any:
    slots: list[tuple[Any, ...]] = [(price, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 5)]
    return message(Kind.TICKER, slots, symbol=0, event_ns=event_ns, recv_ns=recv_ns)


def batch(*messages: Any) -> Any:
    return np.concatenate(messages)


def numbers(batches: list[Any], kind: Kind = Kind.TRADE) -> list[int]:
    return [int(row["seq"]) for each in batches for row in each if row["kind"] == kind]


def test_numbered_messages_continue_where_the_present_connection_stopped() -> None:
    overlap = Overlap(NUMBERED)
    overlap.hold(batch(trade(5), trade(6)))
    overlap.delivered(batch(trade(3), trade(4), trade(5)))
    overlap.hold(batch(trade(7), delta(9)))
    overlap.delivered(delta(8))
    held = overlap.take()
    assert numbers(held) == [6, 7]
    assert numbers(held, Kind.BOOK_DELTA) == [9]
    assert overlap.duplicates == 1
    assert overlap.take() == []


def test_symbols_have_numbers_of_their_own() -> None:
    overlap = Overlap(NUMBERED)
    overlap.delivered(trade(1_000, symbol=1))
    overlap.hold(batch(trade(5, symbol=0), trade(999, symbol=1)))
    assert numbers(overlap.take()) == [5]


def test_messages_stay_whole() -> None:
    overlap = Overlap(NUMBERED)
    overlap.delivered(delta(4))
    overlap.hold(batch(delta(4, 7), delta(5, 3), trade(1)))
    (held,) = overlap.take()
    assert held["kind"].tolist() == [Kind.BOOK_DELTA, *[Kind.LEVEL] * 3, Kind.TRADE]
    assert not held.flags.writeable


def test_others_are_the_same_when_their_content_is() -> None:
    overlap = Overlap(NUMBERED)
    overlap.delivered(batch(ticker(7, 100.0, recv_ns=1), trade(1)))
    overlap.hold(batch(ticker(7, 100.0, recv_ns=2), ticker(7, 101.0), ticker(8, 100.0)))
    (held,) = overlap.take()
    assert [(int(row["event_ns"]), float(row["a"])) for row in held[::2]] == [(7, 101.0), (8, 100.0)]


def test_messages_without_a_number_are_compared_by_content() -> None:
    overlap = Overlap(NUMBERED)
    overlap.delivered(message(Kind.TRADE, [(100.0, 1.0, -1)], symbol=0, event_ns=5))
    same = message(Kind.TRADE, [(100.0, 1.0, -1)], symbol=0, event_ns=5, recv_ns=3)
    overlap.hold(batch(same, message(Kind.TRADE, [(100.0, 2.0, -1)], symbol=0, event_ns=5)))
    (held,) = overlap.take()
    assert held["b"].tolist() == [2.0]


def test_met_means_that_the_present_connection_has_caught_up_in_every_feed() -> None:
    overlap = Overlap(NUMBERED)
    overlap.hold(batch(trade(5), delta(2), message(Kind.CONTROL, [(1, 1, 0)], symbol=NO_SYMBOL)))
    overlap.delivered(trade(4))
    overlap.settle()
    assert not overlap.met
    overlap.delivered(trade(5))
    overlap.settle()
    assert not overlap.met, "the book is behind"
    overlap.delivered(delta(2))
    overlap.settle()
    assert overlap.met
    assert overlap.held == 1, "answers to requests are no market data"
    overlap.hold(trade(6))
    overlap.settle()
    assert overlap.met, "once is enough: what comes later follows it"


def test_a_lost_successor_starts_over() -> None:
    overlap = Overlap(NUMBERED)
    overlap.hold(trade(5))
    overlap.settle()
    overlap.forget()
    assert overlap.met
    overlap.hold(trade(9))
    overlap.settle()
    assert not overlap.met
    assert numbers(overlap.take()) == [9]


def test_the_present_connection_is_heard_by_data_alone() -> None:
    overlap = Overlap(NUMBERED)
    overlap.delivered(message(Kind.CONTROL, [(1, 1, 0)], symbol=NO_SYMBOL))
    overlap.settle()
    assert not overlap.present_heard
    overlap.delivered(trade(1))
    overlap.settle()
    assert overlap.present_heard


def test_any_lag_between_the_two_gives_every_message_once_and_in_order() -> None:
    draw = random.Random(3)
    for _ in range(200):
        stream = [trade(number) if draw.random() < 0.6 else ticker(number, 1.0) for number in range(1, 60)]
        joined = draw.randrange(30)
        # Next message of each; the present connection has caught up with the beginning of the other at the end.
        present, successor, ends = 0, joined, (draw.randrange(joined + 1, 60), draw.randrange(joined + 1, 60))
        overlap = Overlap(NUMBERED)
        while present < ends[0] or successor < ends[1]:
            if present < ends[0] and (successor >= ends[1] or draw.random() < 0.5):
                overlap.delivered(stream[present])
                present += 1
            else:
                overlap.hold(stream[successor])
                successor += 1
            if draw.random() < 0.2:
                overlap.settle()
        held = overlap.take()
        got = [*stream[:present], *held]
        assert batch(*got).tobytes() == batch(*stream[: max(ends)]).tobytes()
        assert overlap.duplicates == min(ends) - joined
