"""Events to records: what `objects` makes of them again, and what a plan would have written."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.core import (
    Bar,
    BookDelta,
    BookSet,
    BookSnapshot,
    Control,
    Decoder,
    Liquidation,
    MarkPrice,
    Quote,
    Ring,
    SymbolTable,
    Ticker,
    Trade,
    objects,
)
from tradewire.core.plan import SequenceRule
from tradewire.core.record import BACKFILL, LAST, PARTIAL
from tradewire.streaming.event_records import EventRecords
from tradewire.venues.binance.plans import USDM_MARKET_DATA

HEAD = {"symbol": "A", "venue": "mine", "event_ns": 11, "recv_ns": 12, "seq": 13}
EVENTS = [
    Trade(**HEAD, price=1.5, quantity=2.5, side="sell", trade_id=7),
    Trade(**HEAD | {"seq": 2**64 - 1, "event_ns": -1}, flags=BACKFILL, price=1.5, quantity=2.5),
    Quote(**HEAD, bid_price=1.0, bid_quantity=2.0, ask_price=3.0, ask_quantity=4.0),
    BookDelta(**HEAD, first_seq=12, prev_seq=11, bids=[(1.0, 2.0), (0.5, 0.0)], asks=[(3.0, 4.0)]),
    BookDelta(**HEAD, asks=[(3.0, 4.0)]),
    BookDelta(**HEAD),
    BookSnapshot(**HEAD, bids=[(1.0, 2.0)]),
    BookSnapshot(**HEAD, flags=PARTIAL | LAST, first_seq=1, bids=[(1.0, 2.0)], asks=[(3.0, 4.0), (4.0, 5.0)]),
    MarkPrice(**HEAD, mark_price=1.0, funding_rate=-0.1),
    MarkPrice(**HEAD, mark_price=1.0, index_price=2.0, next_funding_ns=5, settle_price=3.0, average_price=4.0),
    *(
        Bar(**HEAD, open=1.0, high=3.0, low=0.5, close=2.0, volume=9.0, start_ns=10, interval=interval, closed=closed)
        for interval, closed in (("1m", True), ("1d", False), ("", False))
    ),
    Ticker(**HEAD),
    Ticker(
        **HEAD, last_price=1.0, last_quantity=2.0, open=3.0, high=4.0, low=5.0, volume=6.0, quote_volume=7.0, trades=8
    ),
    Liquidation(**HEAD, price=1.0, quantity=2.0, side="buy", filled_quantity=1.0),
    Control(**HEAD, status="notice", request_id=3, code=-4),
    Control(**HEAD | {"symbol": ""}, status="ack"),
]


@pytest.fixture
def symbols() -> SymbolTable:
    return SymbolTable()


@pytest.fixture
def records(symbols: SymbolTable) -> EventRecords:
    return EventRecords("mine", symbols, 5)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_the_same_afterwards(records: EventRecords, symbols: SymbolTable, event: Any) -> None:
    assert objects(records.batch([event], 99), symbols) == [event]


def test_many_keep_their_order_on_their_way_through_a_ring(records: EventRecords, symbols: SymbolTable) -> None:
    batch = records.batch(EVENTS, 99)
    ring = Ring(1000)
    assert ring.push(batch) == len(batch)
    assert objects(ring.drain(1000), symbols) == EVENTS


def test_none_are_no_records(records: EventRecords) -> None:
    assert len(records.batch([], 99)) == 0


def test_they_are_the_records_of_a_plan(frames: Any) -> None:
    symbols = SymbolTable()
    decoder, ring = Decoder(USDM_MARKET_DATA, symbols, learn=True), Ring(1000)
    payloads = [frames.trade(7), frames.quote(8), frames.depth(1, 3, 0), frames.bar("5m")]
    assert decoder.decode_into(payloads, 12, ring) == len(payloads)
    written = ring.drain(1000)
    batch = EventRecords(USDM_MARKET_DATA.venue, symbols, 1000).batch(objects(written, symbols), 99)
    # Plans mark all records of the last message of a payload, events their first one.
    batch = batch.copy()
    batch["flags"] |= LAST
    assert batch.tobytes() == written.tobytes()


def test_what_is_left_out_is_filled_in(records: EventRecords, symbols: SymbolTable) -> None:
    event = Trade(symbol="A", venue="", seq=1, price=1.0, quantity=1.0)
    (found,) = objects(records.batch([event], 99), symbols)
    assert (found.venue, found.recv_ns, found.event_ns) == ("mine", 99, 0)


def test_books_take_them(records: EventRecords, symbols: SymbolTable) -> None:
    books = BookSet(SequenceRule(next="none"), symbols)
    snapshot = BookSnapshot(**HEAD, bids=[(1.0, 2.0)], asks=[(3.0, 4.0)])
    delta = BookDelta(**HEAD, bids=[(1.0, 0.0), (0.5, 5.0)], asks=[(3.0, 6.0)])
    (symbol_id,), incidents = books.apply(records.batch([snapshot, delta], 99))
    book = books.book(symbol_id)
    assert book is not None
    assert book.levels(9) == ([(0.5, 5.0)], [(3.0, 6.0)])
    assert incidents == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"venue": "other"}, r"^venue of a BookSnapshot must be 'mine' \(self.name\) or empty, was 'other'$"),
        ({"symbol": ""}, "^symbol must be 1..64 bytes, was 0$"),
        ({"asks": [(3.0, 4.0)] * 4}, r"^a BookSnapshot must have 4 levels or fewer, .*\(ring_capacity\), had 5$"),
    ],
)
def test_what_cannot_be_written_is_told(records: EventRecords, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        records.batch([BookSnapshot(**HEAD | {"bids": [(1.0, 2.0)]} | change)], 99)
    assert len(records.batch([BookSnapshot(**HEAD, bids=[(1.0, 2.0)] * 4)], 99)) == 5
