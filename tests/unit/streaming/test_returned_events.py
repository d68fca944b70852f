"""What `_parse_message` returns and where that goes, against a scripted server. Connections: test_adapters.py."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

import pytest

from tradewire.core import BookDelta, BookSnapshot, Control, Trade, view, wall_ns
from tradewire.core.plan import SequenceRule
from tradewire.core.record import Kind
from tradewire.streaming import BookUpdate, FeedState, StreamingGateway, adapters, books
from tradewire.telemetry.limited_log import LimitedLog
from tradewire.venues.adapter import DataProviderAdapter, RawMessage
from tradewire.venues.registry import ADAPTERS


@dataclass
class Returning(DataProviderAdapter):
    """Has what to return on its list."""

    name: str = "returning"
    returned: ClassVar[dict[str, Any]] = {}

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> dict[str, Any]:
        return {"action": "subscribe", "channel": channel, "symbols": symbols}

    def _parse_message(self, data: Any) -> Any:
        return self.returned[data]


@pytest.fixture
def returned(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    StreamingGateway.register_provider("returning", Returning)
    found: dict[str, Any] = {}
    monkeypatch.setattr(Returning, "returned", found)
    # Tests before may have said the same less than ten seconds ago.
    monkeypatch.setattr(adapters, "_log", LimitedLog(logging.getLogger("tradewire.streaming")))
    yield found
    ADAPTERS.clear()


def make(server: Any, venue: str, no_wait: Random) -> StreamingGateway:
    return StreamingGateway(venue=venue, url=server.url, random=no_wait)


def trade(venue: str = "returning", **fields: Any) -> Trade:
    return Trade(**{"symbol": "A", "venue": venue, "price": 1.5, "quantity": 1.0} | fields)


def snapshot(bid: float, **fields: Any) -> BookSnapshot:
    return BookSnapshot(symbol="A", venue="", bids=[(bid, 5.0)], asks=[(9.0, 5.0)], **fields)


async def test_books_of_ones_own_are_kept_like_a_venues(
    wire_server: Any, eventually: Any, no_wait: Random, returned: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    returned |= {
        "early": BookDelta(symbol="A", venue="", seq=4, bids=[(1.0, 1.0)]),
        "whole": [snapshot(2.0, seq=5)],
        "better": BookDelta(symbol="A", venue="", seq=6, bids=[(3.0, 1.0)], asks=[(9.0, 0.0), (8.0, 2.0)]),
        "anew": snapshot(4.0),
    }
    seen: list[BookUpdate] = []
    gateway = make(wire_server, "returning", no_wait)
    gateway.subscribe_to_book(["A"], seen.append)

    def tops() -> list[Any]:
        return [(update.seq, update.bid, update.ask) for update in seen]

    events = gateway.events("A")
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        peer.send_frame('"early"')
        await eventually(lambda: gateway.counters["messages.book_delta"] == 1)
        assert gateway.book("A") is None
        (told,) = [record.getMessage() for record in caplog.records]
        assert told == "returning: a BookDelta of A came before a BookSnapshot: there is no book until that comes"
        peer.send_frame('"whole"')
        peer.send_frame('"better"')
        await eventually(lambda: len(seen) == 2)
        assert tops() == [(5, (2.0, 5.0), (9.0, 5.0)), (6, (3.0, 1.0), (8.0, 2.0))]
        book = gateway.book("A")
        assert book is not None
        assert book.levels(9) == ([(3.0, 1.0), (2.0, 5.0)], [(8.0, 2.0)])
        assert gateway.state("book", "A") is FeedState.LIVE
        assert gateway.links[0].proven
        assert [feed.messages for feed in gateway.feeds()] == [3], "snapshots are messages of the feed"
        await peer.close()
        again = await wire_server.serve()
        assert gateway.book("A") is None, "nothing is served of a connection that is gone"
        await again.read_frame()
        again.send_frame('"anew"')
        await eventually(lambda: len(seen) == 3)
        assert tops()[2] == (0, (4.0, 5.0), (9.0, 5.0))
    got = [event async for event in events if type(event) is BookUpdate]
    assert [(update.venue, update.bid) for update in got] == [("returning", (4.0, 5.0))], "books conflate"
    assert sum("before a BookSnapshot" in record.getMessage() for record in caplog.records) == 1


@dataclass
class Numbering(Returning):
    book_rule: ClassVar[SequenceRule] = SequenceRule(first="straddle_next", next="contiguous")


async def test_numbers_of_ones_own_show_holes(
    wire_server: Any, eventually: Any, no_wait: Random, returned: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "_STREAMED_S", 0.01)

    def delta(seq: int) -> BookDelta:
        return BookDelta(symbol="A", venue="", first_seq=seq, seq=seq, bids=[(3.0, float(seq))])

    returned |= {str(seq): delta(seq) for seq in range(10)} | {"5s": snapshot(2.0, seq=5), "8s": snapshot(4.0, seq=8)}
    StreamingGateway.register_provider("numbering", Numbering)
    seen: list[BookUpdate] = []
    gateway = make(wire_server, "numbering", no_wait)
    gateway.subscribe_to_book(["A"], seen.append)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        for name in ("6", "5s", "8"):
            peer.send_frame(f'"{name}"')
        await eventually(lambda: gateway.state("book", "A") is FeedState.GAP)
        assert gateway.book("A") is None
        assert json.loads((await peer.read_frame())[1])["channel"] == "book", "asked for anew"
        for name in ("9", "8s"):
            peer.send_frame(f'"{name}"')
        await eventually(lambda: gateway.state("book", "A") is FeedState.LIVE)
        assert [update.seq for update in seen] == [6, 9]
        assert (gateway.counters["book_gaps"], gateway.counters["resyncs"]) == (1, 1)


async def test_snapshots_alone_keep_a_book_fresh(
    wire_server: Any, eventually: Any, no_wait: Random, returned: dict[str, Any]
) -> None:
    returned["whole"] = snapshot(2.0)
    gateway = make(wire_server, "returning", no_wait)
    gateway.subscribe_to_book(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        (feed,) = gateway.feeds()
        assert feed.state is FeedState.SYNCING
        asked_ns = feed.heard_ns
        peer.send_frame('"whole"')
        await eventually(lambda: feed.messages == 1)
        assert feed.state is FeedState.LIVE
        assert feed.heard_ns > asked_ns


async def test_events_of_ones_own_are_batches_and_are_measured(
    wire_server: Any, eventually: Any, no_wait: Random, returned: dict[str, Any]
) -> None:
    came_ns = wall_ns()
    notice = Control(symbol="A", venue="", status="notice", code=3)
    returned["both"] = [trade(event_ns=came_ns - 5_000_000_000), notice, trade(recv_ns=came_ns - 7)]
    seen: list[Trade] = []
    gateway = make(wire_server, "returning", no_wait)
    gateway.subscribe_to_trades(["A"], seen.append)
    async with gateway:
        batches = gateway.batches()
        peer = await wire_server.serve()
        await peer.read_frame()
        peer.send_frame('"both"')
        batch = await anext(batches)
        assert batch["kind"].tolist() == [Kind.TRADE, Kind.CONTROL, Kind.TRADE]
        assert view(batch, Kind.CONTROL)["code"].tolist() == [3]
        (manager,) = gateway.managers.values()
        assert manager.latency.venue.count == 1
        assert manager.latency.venue.percentile(50) >= 5_000_000_000
        assert manager.latency.queue.count == 3
        await batches.aclose()
    assert came_ns <= seen[0].recv_ns <= wall_ns(), "when it came"
    assert seen[1].recv_ns == came_ns - 7, "what the provider says itself stands"
    assert [gateway.counters[f"messages.{kind}"] for kind in ("trade", "control")] == [2, 1]
    assert gateway.counters["messages"] == 3


async def test_raw_messages_keep_their_place_among_events(
    wire_server: Any, eventually: Any, no_wait: Random, returned: dict[str, Any]
) -> None:
    returned["mixed"] = [trade(seq=1), RawMessage("", "x", 0), trade(seq=2), trade(seq=3), RawMessage("", "y", 0)]
    seen: list[Any] = []
    gateway = make(wire_server, "returning", no_wait)
    gateway.subscribe_to_trades(["A"], seen.append)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        peer.send_frame('"mixed"')
        await eventually(lambda: len(seen) == 5)
    assert [each.data if type(each) is RawMessage else each.seq for each in seen] == [1, "x", 2, 3, "y"]
    assert {each.venue for each in seen} == {"returning"}
    assert (gateway.counters["messages.raw"], gateway.counters["messages.trade"]) == (2, 3)


@pytest.mark.parametrize("event", [trade("other"), RawMessage("other", {}, 0)], ids=["event", "raw"])
async def test_an_event_of_another_venue_is_a_bad_message_that_says_so(
    wire_server: Any,
    eventually: Any,
    no_wait: Random,
    returned: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    event: Any,
) -> None:
    returned |= {"wrong": [trade(), event], "right": trade("", seq=2)}
    seen: list[Any] = []
    gateway = make(wire_server, "returning", no_wait)
    gateway.subscribe_to_trades(["A"], seen.append)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        peer.send_frame('"wrong"')
        peer.send_frame('"right"')
        await eventually(lambda: seen)
    assert [(each.venue, each.seq) for each in seen] == [("returning", 2)]
    assert (gateway.counters["decode_errors"], gateway.counters["messages"]) == (1, 1)
    name = type(event).__name__
    assert f"venue of a {name} must be 'returning' (self.name) or empty, was 'other'" in caplog.text


async def test_control_events_show_no_more_than_acknowledgements(
    wire_server: Any, eventually: Any, no_wait: Random, returned: dict[str, Any]
) -> None:
    returned["control"] = Control(symbol="", venue="", status="error", code=1)
    gateway = make(wire_server, "returning", no_wait)
    gateway.subscribe_to_trades(["A"], lambda _: None)
    async with gateway:
        peer = await wire_server.serve()
        await peer.read_frame()
        peer.send_frame('"control"')
        await eventually(lambda: gateway.counters["messages.control"] == 1)
        assert not gateway.links[0].proven
