"""From payload to batch: the path that live and replayed frames share."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.core import BookSnapshot, Callback, Callbacks, Histogram, SymbolTable, Trade
from tradewire.core.record import Kind
from tradewire.errors import DecodeError
from tradewire.streaming.pipeline import Drained, Pipeline
from tradewire.venues.registry import load


@pytest.fixture
def drained() -> list[Drained]:
    return []


@pytest.fixture
def pipeline(drained: list[Drained]) -> Pipeline:
    pipeline = Pipeline(load("binance"), drained.append, ring_capacity=64)
    pipeline.symbols.add("binance", "BTCUSDT")
    return pipeline


def feed(pipeline: Pipeline, wire_server: Any, *payloads: bytes) -> None:
    reader = pipeline.reader()
    data = b"".join(wire_server.frame(payload) for payload in payloads)
    result = reader.feed(data, 1_700_000_000_500_000_000)
    pipeline.count(result, len(data))
    pipeline.pump()
    assert not result.full


@pytest.fixture
def framing() -> Any:
    class Framing:
        @staticmethod
        def frame(payload: bytes) -> bytes:
            length = len(payload)
            head = bytes((0x81, length)) if length < 126 else b"\x81\x7e" + length.to_bytes(2, "big")
            return head + payload

    return Framing


def test_a_read_becomes_one_batch(pipeline: Pipeline, drained: list[Drained], frames: Any, framing: Any) -> None:
    pipeline.wanted.add(Kind.TRADE, None)
    feed(pipeline, framing, frames.trade(1), frames.quote(5), frames.depth(1, 2, 0), frames.trade(2))
    (one,) = drained
    assert len(one.batch) == 4 + 2, "two levels"
    assert [type(event) for event in one.events] == [Trade, Trade], "objects only of what is wanted"
    counters = pipeline.counters
    assert counters.group("messages.") == {"trade": 2, "quote": 1, "book_delta": 1}
    assert (counters["messages"], counters["batches"], counters["records"], counters["reads"]) == (4, 1, 6, 1)


def test_latency_hops_are_recorded(pipeline: Pipeline, frames: Any, framing: Any) -> None:
    feed(pipeline, framing, frames.trade(1), frames.trade(2))
    assert pipeline.latency.venue.count == 2
    assert pipeline.latency.venue.percentile(50) == pytest.approx(500_000_000, rel=1e-3)
    assert pipeline.latency.queue.count + pipeline.latency.queue.overflow == 2


def test_replay_records_no_latency(frames: Any, framing: Any) -> None:
    pipeline = Pipeline(load("binance"), lambda _: None, learn=True, timed=False)
    feed(pipeline, framing, frames.trade(1))
    assert pipeline.latency.queue.count == 0
    assert pipeline.counters["messages"] == 1


def test_holes_and_repeats_are_handed_on(pipeline: Pipeline, drained: list[Drained], frames: Any, framing: Any) -> None:
    feed(pipeline, framing, frames.trade(1), frames.trade(4), frames.trade(4))
    assert drained[0].sequence_incidents == [(1, "gap", 2), (2, "duplicate", 0)]


def test_unknown_symbols_are_refused_live(
    pipeline: Pipeline, drained: list[Drained], frames: Any, framing: Any
) -> None:
    feed(pipeline, framing, frames.trade(1, "ETHUSDT"))
    assert drained == []
    assert pipeline.decoder.counters["unknown_symbol"] == 1


def test_refused_messages_are_counted(pipeline: Pipeline, frames: Any, framing: Any) -> None:
    feed(pipeline, framing, b'{"stream":"btcusdt@trade","data":{"e":"trade"', frames.trade(1))
    assert pipeline.counters["decode_errors"] == 1
    assert pipeline.counters["messages"] == 1


def test_a_broken_frame_is_counted_by_its_close_code(pipeline: Pipeline, frames: Any, framing: Any) -> None:
    pipeline.count(pipeline.reader().feed(framing.frame(frames.trade(1)) + b"\x8b\x00", 1), 2)
    pipeline.count(pipeline.reader().feed(b"\x81\x01\xff", 1), 3)
    assert pipeline.counters["protocol_errors"] == 2
    assert pipeline.counters.group("protocol_errors.") == {"1002": 1, "1007": 1}
    assert (pipeline.counters["messages"], pipeline.counters["decode_errors"]) == (1, 0)


def test_a_snapshot_joins_the_stream(pipeline: Pipeline, drained: list[Drained], frames: Any) -> None:
    pipeline.wanted.add(Kind.BOOK_SNAPSHOT, None)
    assert pipeline.inject(frames.snapshot(7), 1, "btcusdt@depth") == 1
    (event,) = drained[0].events
    assert isinstance(event, BookSnapshot)
    assert (event.symbol, event.last_seq) == ("BTCUSDT", 7)


def test_a_bad_snapshot_is_an_error(pipeline: Pipeline) -> None:
    with pytest.raises(DecodeError):
        pipeline.inject(b"{}x", 1, "btcusdt@depth")


def test_a_snapshot_waits_for_room(pipeline: Pipeline, drained: list[Drained], frames: Any, framing: Any) -> None:
    reader = pipeline.reader()
    reader.feed(b"".join(framing.frame(frames.trade(number)) for number in range(63)), 1)
    assert len(pipeline.ring) == 63
    pipeline.inject(frames.snapshot(7), 1, "btcusdt@depth")
    assert sum(len(one.batch) for one in drained) == 63 + 3


def test_what_nobody_asks_about_goes_straight_to_the_callbacks(frames: Any, framing: Any) -> None:
    handled: list[Drained] = []
    asked = [(False, False, 0)]
    symbols = SymbolTable()
    callbacks = Callbacks(symbols)
    pipeline = Pipeline(load("binance"), handled.append, symbols=symbols, callbacks=callbacks, asks=lambda: asked[0])
    seen: list[Any] = []
    callback = Callback(seen.append, Histogram(1, 10**12, 3), 10**12, print)
    callbacks.add(Kind.TRADE, symbols.add("binance", "BTCUSDT"), callback)
    feed(pipeline, framing, frames.trade(1))
    assert ([trade.trade_id for trade in seen], handled) == ([1], [])
    asked[0] = (True, False, 0)
    feed(pipeline, framing, frames.trade(2))
    assert len(seen) == len(handled) == 1, "the handler delivers what it asked about"


def test_pumping_from_inside_a_handler_does_not_recurse(frames: Any, framing: Any) -> None:
    depths = []
    depth = 0

    def handler(_: Drained) -> None:
        nonlocal depth
        depth += 1
        pipeline.pump()
        depths.append(depth)
        depth -= 1

    pipeline = Pipeline(load("binance"), handler, learn=True)
    feed(pipeline, framing, frames.trade(1))
    feed(pipeline, framing, frames.trade(2))
    assert depths == [1, 1]


def test_diverted_batches_are_delivered_when_asked_for(
    pipeline: Pipeline, drained: list[Drained], frames: Any, framing: Any
) -> None:
    pipeline.wanted.add(Kind.TRADE, None)
    pipeline.reader().feed(framing.frame(frames.trade(1)) + framing.frame(frames.trade(2)), 1)
    (batch,) = pipeline.divert()
    assert (len(batch), len(pipeline.ring), drained) == (2, 0, [])
    pipeline.deliver(batch)
    (one,) = drained
    assert [event.trade_id for event in one.events] == [1, 2]
    assert pipeline.counters["batches"] == 1


def test_answers_for_one_caller_reach_nobody_else(pipeline: Pipeline, drained: list[Drained], frames: Any) -> None:
    row = b'{"id":7,"price":"100.5","qty":"2","time":1700000000000,"isBuyerMaker":false}'
    (batch,) = pipeline.decode(b"[" + row + b"]", 5, "btcusdt@trade")
    assert (batch["seq"].tolist(), len(pipeline.ring), drained) == ([7], 0, [])
    assert pipeline.decode(b"[]", 5, "btcusdt@trade") == []
    with pytest.raises(DecodeError):
        pipeline.decode(b"nonsense", 5, "btcusdt@trade")


@pytest.mark.parametrize("codec", ["json", "msgpack"])
def test_answers_to_requests_are_json_whatever_the_streams_codec(codec: Any) -> None:
    pipeline = Pipeline(load("alpaca"), lambda _: None, codec=codec)
    pipeline.symbols.add("alpaca", "AAPL")
    rows = b'[{"t":"2023-04-06T11:54:26.8Z","p":162.92,"s":3,"i":628}]'
    assert pipeline.inject(rows, 1, "AAPL@trades") == 1
    (batch,) = pipeline.decode(rows, 1, "AAPL@trades")
    assert batch["seq"].tolist() == [628]
