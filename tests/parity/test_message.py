"""Messages to 64-byte records: slots, flags, counts."""

from __future__ import annotations

import math

import numpy as np

from tradewire.core.pure.message import PLACES, Level, Message
from tradewire.core.record import CLOSED, INEXACT, LAST, MORE, PARTIAL, RECORD, SIDE, SLOTS, Kind, view


def records(message: Message, *, last: bool = False) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    return np.frombuffer(message.encode(3, 99, last=last), RECORD)


def test_absent_values() -> None:
    for kind in Kind:
        if kind is Kind.LEVEL:
            continue
        batch = records(Message(kind))
        assert len(batch) == len(SLOTS[kind])
        for part, slots in enumerate(SLOTS[kind]):
            row = view(batch, kind, part)[0]
            for name, dtype in slots:
                counted = name in ("bid_count", "ask_count")
                assert row[name] == (0 if counted else -1) if dtype == "<i8" else math.isnan(row[name])
            for unused in range(len(slots), 4):
                assert row[f"_{unused}"] == 0


def test_every_slot_has_its_place() -> None:
    for kind, records_ in SLOTS.items():
        message = Message(kind)
        for value, name in enumerate(PLACES[kind]):
            message.put(name, value)
        batch = records(message)
        if kind in (Kind.BOOK_DELTA, Kind.BOOK_SNAPSHOT, Kind.LEVEL):
            continue
        rows = [view(batch, kind, part)[0] for part in range(len(records_))]
        found = [rows[part][name] for part, slots in enumerate(records_) for name, _ in slots]
        assert found == list(range(len(found)))


def test_a_book_counts_its_sides() -> None:
    message = Message(Kind.BOOK_SNAPSHOT, PARTIAL, symbol_id=7, event_ns=5, seq=11)
    message.levels = [Level(2.0, 0.0, SIDE), Level(1.0, 3.0, INEXACT), Level(3.0, 4.0, SIDE)]
    batch = records(message, last=True)
    header = view(batch, Kind.BOOK_SNAPSHOT)[0]
    assert (header["bid_count"], header["ask_count"]) == (1, 2)
    levels = view(batch, Kind.LEVEL)
    assert levels[["price", "quantity"]].tolist() == [(2.0, 0.0), (1.0, 3.0), (3.0, 4.0)]
    shared = PARTIAL | LAST
    assert batch["flags"].tolist() == [
        shared | MORE | INEXACT,
        shared | MORE | SIDE,
        shared | MORE | INEXACT,
        shared | SIDE,
    ]
    for name, value in (("venue", 3), ("symbol", 7), ("event_ns", 5), ("recv_ns", 99), ("seq", 11)):
        assert set(batch[name].tolist()) == {value}
    assert len(message) == 4


def test_a_bar_keeps_its_interval_in_the_second_record() -> None:
    message = Message(Kind.BAR, first_flags=CLOSED, seq=0, interval_ns=60)
    message.put("volume", 1.0, inexact=True)
    batch = records(message)
    assert batch["seq"].tolist() == [0, 60]
    assert batch["flags"].tolist() == [MORE | CLOSED | INEXACT, INEXACT]
    assert message.inexact
