"""Numbers of trades between stream and requests, and the ring of a book. Other messages are in test_gateway.py."""

from __future__ import annotations

import json
import logging
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from tradewire import Secret, TradingStatus
from tradewire.core import Kind, Trade, view
from tradewire.core.record import BACKFILL
from tradewire.streaming import BackFilled, GapDetected, StreamingGateway, backfill, intake
from tradewire.streaming.twins import Given
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.transport.auth import Credential
from tradewire.venues.base import RestPayload


class Answers:
    """The REST trades of a venue, as its market data port gives them."""

    def __init__(self, *numbers: int) -> None:
        self.numbers = numbers

    async def missed_trades(self, *_: Any) -> list[RestPayload]:
        rows = [
            {"id": number, "price": "100.5", "qty": "2", "time": 1_700_000_000_000, "isBuyerMaker": False}
            for number in self.numbers
        ]
        return [RestPayload(json.dumps(rows).encode(), 1, "btcusdt@trade")]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "_SETTLE_S", 0)


def opened(server: Any, answers: Answers, venue: str = "binance") -> tuple[StreamingGateway, list[Trade], list[Any]]:
    gateway = StreamingGateway(venue=venue, url=server.url, random=Random(1))
    gateway.managers[venue]._intake.backfill._source = lambda: answers  # type: ignore[assignment, return-value]
    got: list[Trade] = []
    told: list[Any] = []
    gateway.subscribe_to_trades("BTCUSDT", got.append)
    gateway.on_status(lambda event: told.append(event) if isinstance(event, GapDetected | BackFilled) else None)
    return gateway, got, told


async def accepted(server: Any, frames: Any, gateway: StreamingGateway, eventually: Any) -> Any:
    peer = await server.serve()
    peer.send_frame(frames.ack(json.loads((await peer.read_frame())[1])["id"]))
    # Numbers count from there on.
    await eventually(lambda: gateway.links[0].acknowledged)
    return peer


async def test_fills_outside_the_book_are_neither_delivered_nor_gaps(
    wire_server: Any, frames: Any, eventually: Any
) -> None:
    gateway, got, told = opened(wire_server, Answers(1, 3, 4))
    async with gateway:
        peer = await accepted(wire_server, frames, gateway, eventually)
        outside = frames.trade(2).replace(b'"MARKET"', b'"INSURANCE_FUND"')
        for frame in (frames.trade(1), outside, frames.trade(3), frames.trade(4)):
            peer.send_frame(frame)
        await eventually(lambda: gateway.counters["sequence_skipped"] == 1)
        assert [trade.seq for trade in got] == [1, 3, 4]
        assert told == []
        counters = gateway.counters
        assert (counters["sequence_gap"], counters["messages_missing"]) == (0, 0)


async def test_a_trade_that_comes_after_its_back_fill_is_delivered_once(
    wire_server: Any, frames: Any, eventually: Any
) -> None:
    gateway, got, told = opened(wire_server, Answers(1, 2, 3, 4))
    async with gateway:
        batches = gateway.batches()
        peer = await accepted(wire_server, frames, gateway, eventually)
        peer.send_frame(frames.trade(1))
        peer.send_frame(frames.trade(4))
        await eventually(lambda: len(got) == 4)
        assert [type(event) for event in told] == [GapDetected, BackFilled]
        peer.send_frame(frames.trade(2))
        peer.send_frame(frames.trade(5))
        await eventually(lambda: got[-1].seq == 5)
        assert [(trade.seq, bool(trade.flags & BACKFILL)) for trade in got] == [
            (1, False),
            (4, False),
            (2, True),
            (3, True),
            (5, False),
        ]
        assert gateway.counters["backfill_repeats"] == 1
        assert gateway.counters["sequence_reordered"] == 1
        rows: list[int] = []
        async for batch in batches:
            rows += view(batch, Kind.TRADE)["seq"].tolist()
            if 5 in rows:
                break
        assert rows == [1, 4, 2, 3, 5]


@pytest.mark.parametrize("consumers", ["callback", "events", "batches"])
async def test_a_trade_that_is_sent_again_reaches_nobody(
    wire_server: Any, frames: Any, eventually: Any, consumers: str
) -> None:
    """With the callback alone, the core delivers within the read; the others have batches seen first."""
    gateway, got, told = opened(wire_server, Answers())
    async with gateway:
        events = gateway.events("BTCUSDT") if consumers == "events" else None
        batches = gateway.batches() if consumers == "batches" else None
        peer = await accepted(wire_server, frames, gateway, eventually)
        # One again, a run again, one of a run again.
        for run in ([1], [1], [2, 3, 4], [2, 3, 4], [5, 5, 6], [6], [4, 7]):
            for number in run:
                peer.send_frame(frames.trade(number))
        await eventually(lambda: got and got[-1].seq == 7)
        assert [(trade.seq, trade.flags & BACKFILL) for trade in got] == [(number, 0) for number in range(1, 8)]
        counters = gateway.counters
        assert (counters["sequence_duplicate"], counters["sequence_duplicate.trades"]) == (7, 7)
        assert (counters["sequence_reordered"], counters["backfill_repeats"], counters["messages.trade"]) == (0, 0, 14)
        assert told == []
        rows: list[int] = []
        if events is not None:
            async for event in events:
                rows += [event.seq] if isinstance(event, Trade) else []
                if 7 in rows:
                    break
        if batches is not None:
            async for batch in batches:
                assert len(batch)
                rows += view(batch, Kind.TRADE)["seq"].tolist()
                if 7 in rows:
                    break
        assert rows in ([], [1, 2, 3, 4, 5, 6, 7])
        assert bool(rows) == (consumers != "callback")


async def test_a_trade_that_comes_late_is_delivered_once(wire_server: Any, frames: Any, eventually: Any) -> None:
    gateway, got, _ = opened(wire_server, Answers())
    async with gateway:
        peer = await accepted(wire_server, frames, gateway, eventually)
        for number in (1, 2, 4, 3, 3, 4, 5):
            peer.send_frame(frames.trade(number))
        await eventually(lambda: got and got[-1].seq == 5)
        assert [trade.seq for trade in got] == [1, 2, 4, 3, 5]
        assert (gateway.counters["sequence_duplicate"], gateway.counters["sequence_reordered"]) == (2, 1)


async def test_a_venue_that_counts_anew_after_a_loss_is_not_withheld(
    wire_server: Any, frames: Any, eventually: Any
) -> None:
    gateway, got, _ = opened(wire_server, Answers())
    async with gateway:
        peer = await accepted(wire_server, frames, gateway, eventually)
        for number in range(1, 6):
            peer.send_frame(frames.trade(number))
        await eventually(lambda: len(got) == 5)
        await peer.close()
        peer = await accepted(wire_server, frames, gateway, eventually)
        for number in range(2, 5):
            peer.send_frame(frames.trade(number))
        await eventually(lambda: len(got) == 8)
        assert [trade.seq for trade in got[5:]] == [2, 3, 4]
        assert gateway.counters["sequence_reordered"] == 3


def test_notices_that_cannot_be_delivered_are_counted_and_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "_log", LimitedLog(logging.getLogger("tradewire.streaming")))
    key = Credential(Secret("PK1"), Secret("hush"))
    manager = StreamingGateway(venue="alpaca", credential=key).managers["alpaca"]
    good = b'[{"T":"s","S":"AAPL","sc":"H","t":"2021-02-22T19:15:00Z"}]'
    result: Any = SimpleNamespace(controls=[b'[{"T":"s","S":"AAPL"}]', good], control_count=5)
    published: list[Any] = []
    manager._intake.dispatcher.publish = lambda events, _: published.extend(events)  # type: ignore[method-assign]
    manager._intake.take_notices(result)
    assert [type(event) for event in published] == [TradingStatus], "one bad one costs no other"
    assert (manager.counters["notices"], manager.counters["notices_lost"]) == (1, 4)
    (message,) = caplog.messages
    assert message.startswith("alpaca: 1 payloads with notices are lost: a notice of alpaca cannot be read")


@pytest.mark.parametrize(("venue", "missing"), [("binance", 0), ("binance_spot", 3)])
async def test_what_came_late_is_no_loss(
    wire_server: Any, frames: Any, eventually: Any, venue: str, missing: int
) -> None:
    gateway, got, _ = opened(wire_server, Answers(), venue)
    manager = gateway.managers[venue]
    counters = manager.counters
    async with gateway:
        peer = await accepted(wire_server, frames, gateway, eventually)
        # 1 was never missing; 6 comes twice.
        for number in (2, 1, 5, 3, 4, 7, 6, 6):
            peer.send_frame(frames.trade(number))
        await eventually(lambda: counters["sequence_duplicate"] == 1)
        await eventually(lambda: not manager._intake.backfill._tasks)
        assert sorted(trade.seq for trade in got) == [1, 2, 3, 4, 5, 6, 7]
        assert (counters["messages_missing"], counters["messages_late"]) == (missing, missing)
        assert manager.drop_rate == 0


async def test_the_loss_of_a_trade_that_came_after_its_back_fill_is_taken_back(
    wire_server: Any, frames: Any, eventually: Any
) -> None:
    gateway, got, _ = opened(wire_server, Answers(1, 2, 3, 4))
    async with gateway:
        peer = await accepted(wire_server, frames, gateway, eventually)
        peer.send_frame(frames.trade(1))
        peer.send_frame(frames.quote(1))
        peer.send_frame(frames.trade(4))
        await eventually(lambda: len(got) == 4)
        assert gateway.managers["binance"].drop_rate == 2 / 4, "of the messages that are numbered"
        peer.send_frame(frames.trade(2))
        await eventually(lambda: gateway.counters["messages_late"] == 1)
        assert gateway.managers["binance"].drop_rate == 1 / 4


def test_the_smallest_ring_takes_a_whole_snapshot() -> None:
    gateway = StreamingGateway(symbols="BTCUSDT", channels="book", ring_capacity=2_001)
    levels = [[str(price), "1"] for price in range(1, 1_001)]
    payload = json.dumps({"lastUpdateId": 5, "E": 1, "T": 1, "bids": levels, "asks": levels}).encode()
    assert gateway.managers["binance"]._intake.pipeline.inject(payload, 1, "btcusdt@depth") == 1
    assert gateway.counters["records"] == 2_001


def test_a_ring_too_small_for_a_snapshot_is_refused_with_the_number_that_is_needed() -> None:
    with pytest.raises(ValueError, match="ring_capacity must be 2001 or more for channel 'book' of binance"):
        StreamingGateway(symbols="BTCUSDT", channels="book", ring_capacity=2_000)


async def test_what_another_provider_of_the_venue_gave_is_neither_lost_nor_fetched_nor_given_again(
    wire_server: Any, frames: Any, eventually: Any
) -> None:
    gateway, got, told = opened(wire_server, Answers(1, 2, 3, 4, 5, 6, 7, 8))
    manager = gateway.managers["binance"]
    feed, given = manager.feeds()[0], Given(True)
    async with gateway:
        peer = await accepted(wire_server, frames, gateway, eventually)
        manager.join(given)
        peer.send_frame(frames.trade(1))
        await eventually(lambda: len(got) == 1)
        for number in (2, 3, 5):
            given.add(feed, number, 0)
        for number in (4, 5, 8):
            peer.send_frame(frames.trade(number))
        await eventually(lambda: len(got) == 5)
        assert [(trade.seq, bool(trade.flags & BACKFILL)) for trade in got] == [
            (1, False),
            (4, True),
            (8, False),
            (6, True),
            (7, True),
        ]
        gap, fill = told
        assert (gap.missing, fill.count, fill.still_missing) == (2, 2, 0)
        assert given.count(feed, 1, 9) == 8, "what was fetched is not given by the other one either"
