"""The wire reader's direct way into a digest, on both cores: what it deals with itself, and what it gives back."""

from __future__ import annotations

import gc
import weakref
from types import ModuleType
from typing import Any

import pytest

from frames import PING, PLAN, TEXT, frame, trade
from tradewire.core.record import Kind

NEVER_NS = 10**15


class Desk:
    """A reader that goes direct, with all that its digest needs."""

    def __init__(self, impl: ModuleType) -> None:
        self.impl = impl
        symbols = impl.SymbolTable()
        decoder = impl.Decoder(PLAN, symbols, learn=True)
        self.ring, self.wanted, self.callbacks = impl.Ring(8), impl.Wanted(symbols), impl.Callbacks(symbols)
        books, tracker = impl.BookSet(None, symbols), impl.SequenceTracker({})
        self.digest = impl.Digest(self.ring, tracker, books, self.wanted, self.callbacks)
        self.reader = impl.WireReader(decoder, self.ring)
        self.seen: list[int] = []
        self.asked = (False, False, 0)
        self.symbol = symbols.add(PLAN.venue, "X")
        self.call(lambda event: self.seen.append(event.seq))
        self.reader.direct(self.digest, lambda: self.asked)

    def call(self, function: Any) -> None:
        callback = self.impl.Callback(function, self.impl.Histogram(1, NEVER_NS, 3), NEVER_NS, print)
        self.callbacks.add(Kind.TRADE, self.symbol, callback)

    def read(self, *frames: bytes) -> Any:
        data = b"".join(frames)
        self.reader.get_buffer()[: len(data)] = data
        return self.reader.buffer_updated(len(data))

    def totals(self) -> tuple[int, int, int]:
        totals = self.digest.totals()
        return totals["reads"], totals["messages"], totals["bytes"]


@pytest.fixture
def desk(impl: ModuleType) -> Desk:
    return Desk(impl)


def test_plain_reads_are_delivered_and_counted_at_once(desk: Desk) -> None:
    one, two = frame(TEXT, trade(1)), frame(TEXT, trade(2))
    assert desk.read(one, two[:10]) is None
    assert desk.read(two[10:]) is None
    assert (desk.seen, desk.totals()) == ([1, 2], (2, 2, len(one + two)))
    assert len(desk.ring) == 0


def test_other_reads_come_back_whole(desk: Desk) -> None:
    result = desk.read(frame(TEXT, trade(1)), frame(PING, b"?"))
    assert (result.frames, desk.seen, desk.totals()) == ([(9, b"?")], [], (0, 0, 0))
    assert desk.digest.run(False, False, 0) is None
    assert desk.seen == [1]
    assert desk.read(*(frame(TEXT, trade(number)) for number in range(2, 12))).full
    assert desk.seen == [1]


def test_what_somebody_asks_about_is_given_by_the_next_run(desk: Desk) -> None:
    desk.wanted.add(Kind.TRADE)
    assert desk.read(frame(TEXT, trade(1))).messages == 1
    assert (desk.seen, desk.totals()) == ([], (0, 0, 0))
    batch, *_ = desk.digest.run(False, False, 0)
    assert batch["seq"].tolist() == [1]
    assert desk.digest.run(False, False, 0) is None


def test_every_batch_asked_for_stays_in_the_ring(desk: Desk) -> None:
    desk.asked = (True, False, 0)
    assert desk.read(frame(TEXT, trade(1))).messages == 1
    assert len(desk.ring) == 1
    desk.asked = (False, False, 0)
    assert desk.read(frame(TEXT, trade(2))) is None
    assert desk.seen == [1, 2]


def test_the_present_time_is_that_of_the_read(desk: Desk) -> None:
    desk.wanted.add(Kind.TRADE)
    before = desk.impl.wall_ns()
    desk.read(frame(TEXT, trade(1)))
    batch, *_ = desk.digest.run(False, False, 0)
    assert before <= batch["recv_ns"][0] <= desk.impl.wall_ns()


def test_an_interrupt_leaves_the_reader_whole(desk: Desk) -> None:
    def interrupted(event: Any) -> None:
        if event.seq == 1:
            raise KeyboardInterrupt

    desk.call(interrupted)
    with pytest.raises(KeyboardInterrupt):
        desk.read(frame(TEXT, trade(1)))
    assert desk.read(frame(TEXT, trade(2))) is None
    assert (desk.seen, desk.totals()[:2]) == ([1, 2], (2, 2))


def test_a_callback_may_use_reader_and_digest(desk: Desk) -> None:
    def curious(event: Any) -> None:
        assert desk.reader.pending == 0
        desk.ring.push(desk.ring.drain(1))
        assert desk.digest.run(True, True, 0) is None, "the outer call goes on"
        desk.reader.direct(None)

    desk.call(curious)
    assert desk.read(frame(TEXT, trade(1)), frame(TEXT, trade(2))) is None
    assert desk.seen == [1, 2]
    assert desk.read(frame(TEXT, trade(3))).messages == 1
    assert desk.seen == [1, 2]


def test_a_copied_feed_is_never_direct(desk: Desk) -> None:
    assert desk.reader.feed(frame(TEXT, trade(1)), 1).messages == 1
    assert (desk.seen, len(desk.ring)) == ([], 1)


def test_the_digest_and_who_asks_are_let_go(desk: Desk) -> None:
    class Owner:
        reader: Any

        def asks(self) -> tuple[bool, bool, int]:
            return False, False, 0

    owner = Owner()
    owner.reader = desk.impl.WireReader(desk.impl.Decoder(PLAN), desk.ring)
    owner.reader.direct(desk.digest, owner.asks)
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_refusals(desk: Desk) -> None:
    with pytest.raises(TypeError, match=r"^digest must be a Digest of this core, was int$"):
        desk.reader.direct(7, lambda: (False, False, 0))
    with pytest.raises(TypeError, match=r"^asks must be callable, was int$"):
        desk.reader.direct(desk.digest, 7)
    with pytest.raises(TypeError, match=r"^asks must be callable, was NoneType$"):
        desk.reader.direct(desk.digest)
    assert desk.read(frame(TEXT, trade(1))) is None
