"""The gateway against a scripted server: subscriptions, consumers, life. Books need REST: see tests/integration."""

from __future__ import annotations

import asyncio
import json
import threading
from random import Random
from typing import Any

import pytest

from tradewire.core import Bar, Kind, OrderBook, Quote, Trade
from tradewire.errors import StateError, UnsupportedError
from tradewire.streaming import ConnectionChanged, FeedState, FeedStateChanged, GapDetected, StreamingGateway
from tradewire.streaming import gateway as gateway_module
from tradewire.streaming.events import BookUpdate, ConnectionState, SubscriptionRefused
from tradewire.transport import event_loop


class Venue:
    """The scripted server, answering what gateways ask."""

    def __init__(self, server: Any, frames: Any) -> None:
        self.server = server
        self.frames = frames
        self.peers: dict[str, Any] = {}

    async def accept(self) -> Any:
        """The next connection and its first subscription, acknowledged."""
        peer = await self.server.serve()
        peer.streams = await self.requested(peer)
        self.peers[peer.path] = peer
        return peer

    async def requested(self, peer: Any) -> list[str]:
        message = json.loads((await peer.read_frame())[1])
        peer.send_frame(self.frames.ack(message["id"]))
        params: list[str] = message["params"]
        return params


@pytest.fixture
def venue(wire_server: Any, frames: Any) -> Venue:
    return Venue(wire_server, frames)


def make(venue: Venue, **options: Any) -> StreamingGateway:
    return StreamingGateway(url=venue.server.url, random=Random(1), **options)


def make_spot(venue: Venue, **options: Any) -> StreamingGateway:
    """Of a market where every skipped number is a gap at once."""
    return StreamingGateway(venue="binance_spot", url=venue.server.url, random=Random(1), **options)


async def test_callbacks_get_typed_events(venue: Venue, frames: Any, eventually: Any) -> None:
    trades: list[Trade] = []
    quotes: list[Quote] = []
    gateway = make(venue)
    gateway.subscribe_to_trades(["BTC/USDT", "ethusdt", "BTCUSDT"], trades.append)
    async with gateway:
        gateway.subscribe_to_quotes("btcusdt", callback=quotes.append)
        peer = await venue.accept()
        assert peer.path == "/public/stream"
        assert peer.streams == ["btcusdt@trade", "ethusdt@trade", "btcusdt@bookTicker"]
        for frame in (frames.trade(1), frames.quote(1), frames.trade(1, "ETHUSDT"), frames.quote(2, bid="100.1")):
            peer.send_frame(frame)
        await eventually(lambda: len(quotes) == 2)
    assert [(trade.symbol, trade.price, trade.side) for trade in trades] == [
        ("BTCUSDT", 100.5, "buy"),
        ("ETHUSDT", 100.5, "buy"),
    ]
    assert quotes[1].bid_price == 100.1
    assert gateway.counters["messages.trade"] == 2
    assert gateway.latency.callback.count == 4


async def test_the_time_for_which_a_full_ring_kept_a_socket_waiting_is_counted(
    venue: Venue, frames: Any, eventually: Any
) -> None:
    trades: list[Trade] = []
    gateway = make(venue, ring_capacity=64)
    gateway.subscribe_to_trades("BTCUSDT", trades.append)
    async with gateway:
        peer = await venue.accept()
        peer.send_frame(frames.trade(1))
        await eventually(lambda: trades)
        assert gateway.counters["paused_ns"] == 0
        peer.send(b"".join(venue.server.frame(frames.trade(number)) for number in range(2, 100)))
        await eventually(lambda: len(trades) == 99)
        assert gateway.counters["paused_ns"] > 0


async def test_each_route_has_its_connection(venue: Venue, frames: Any, eventually: Any) -> None:
    async with make(venue, symbols=["BTCUSDT"], channels=["quotes", "mark_price", "bars_5m"]) as gateway:
        await venue.accept()
        await venue.accept()
        assert venue.peers["/public/stream"].streams == ["btcusdt@bookTicker"]
        assert venue.peers["/market/stream"].streams == ["btcusdt@markPrice@1s", "btcusdt@kline_5m"]
        assert [link.name for link in gateway.links] == ["public", "market"]


async def test_bars_of_two_intervals(venue: Venue, frames: Any, eventually: Any) -> None:
    bars: dict[str, list[Bar]] = {"1m": [], "1h": []}
    async with make(venue) as gateway:
        gateway.subscribe_to_bars(["BTCUSDT"], bars["1m"].append)
        gateway.subscribe_to_bars(["BTCUSDT"], bars["1h"].append, interval="1h")
        peer = await venue.accept()
        peer.send_frame(frames.bar("1h"))
        await eventually(lambda: bars["1h"])
        assert bars["1m"] == []
        assert gateway.state("bars_1h", "BTCUSDT") is FeedState.LIVE
        assert gateway.state("bars", "BTCUSDT") is FeedState.SYNCING


async def test_events_of_one_symbol_in_order_with_status(venue: Venue, frames: Any) -> None:
    async with make_spot(venue, symbols=["BTCUSDT", "ETHUSDT"], channels=["trades"]) as gateway:
        events = gateway.events("btc/usdt")
        peer = await venue.accept()
        peer.send_frame(frames.trade(1))
        peer.send_frame(frames.trade(1, "ETHUSDT"))
        peer.send_frame(frames.trade(4))
        seen: list[Any] = []
        async for event in events:
            seen.append(event)
            if isinstance(event, Trade) and event.seq == 4:
                break
    assert {event.symbol for event in seen} <= {"BTCUSDT", ""}
    assert any(isinstance(event, ConnectionChanged) for event in seen)
    (gap,) = [event for event in seen if isinstance(event, GapDetected)]
    assert (gap.channel, gap.missing) == ("trades", 2)
    assert [event.state for event in seen if isinstance(event, FeedStateChanged)] == [FeedState.LIVE]
    assert gateway.counters["messages_missing"] == 2


async def test_batches_hold_every_message(venue: Venue, frames: Any) -> None:
    async with make(venue, symbols=["BTCUSDT"], channels=["trades", "quotes"]) as gateway:
        batches = gateway.batches()
        peer = await venue.accept()
        peer.send(b"".join(venue.server.frame(frames.trade(number)) for number in range(1, 101)))
        kinds: list[int] = []
        async for batch in batches:
            assert not batch.flags.writeable
            kinds += batch["kind"].tolist()
            if kinds.count(Kind.TRADE) == 100:
                break
    assert [batch async for batch in batches] == [], "ends with the gateway"


async def test_a_lost_connection_is_down_then_live_again(venue: Venue, frames: Any, eventually: Any) -> None:
    async with make(venue, symbols=["BTCUSDT"], channels=["trades"]) as gateway:
        for number in (1, 2):
            peer = await venue.accept()
            assert peer.streams == ["btcusdt@trade"]
            peer.send_frame(frames.trade(number))
            await eventually(lambda: gateway.state("trades", "BTCUSDT") is FeedState.LIVE)
            peer.writer.transport.abort()
            await eventually(lambda: gateway.state("trades", "BTCUSDT") is not FeedState.LIVE)
        assert gateway.counters["reconnects"] >= 1


async def test_a_connection_that_never_opened_is_no_reconnect(eventually: Any) -> None:
    tried: list[Any] = []
    gateway = StreamingGateway(url="ws://127.0.0.1:9", symbols=["BTCUSDT"], channels=["trades"], random=Random(1))
    gateway.on_status(lambda event: tried.append(event) if isinstance(event, ConnectionChanged) else None)
    async with gateway:
        await eventually(lambda: any(event.state is ConnectionState.RECONNECTING for event in tried))
        assert gateway.counters["reconnects"] == 0
    assert next(iter(gateway.incidents())).text.startswith("connection public cannot be opened: ")


async def test_silence_is_stale(venue: Venue, frames: Any, eventually: Any) -> None:
    async with make(venue, symbols=["BTCUSDT"], channels=["quotes"], stale_after_s={"quotes": 0.1}) as gateway:
        peer = await venue.accept()
        peer.send_frame(frames.quote(1))
        await eventually(lambda: gateway.state("quotes", "BTCUSDT") is FeedState.STALE)


async def test_refused_streams_are_told(venue: Venue, frames: Any, eventually: Any) -> None:
    refused: list[Any] = []
    gateway = make(venue, symbols=["BTCUSDT"], channels=["trades"])
    gateway.on_status(lambda event: refused.append(event) if isinstance(event, SubscriptionRefused) else None)
    async with gateway:
        peer = await venue.server.serve()
        message = json.loads((await peer.read_frame())[1])
        peer.send_frame(frames.refusal(message["id"], 4))
        await eventually(lambda: refused)
    assert (refused[0].streams, refused[0].code) == (("btcusdt@trade",), 4)


async def test_a_closed_subscription_takes_its_stream_back(venue: Venue, eventually: Any) -> None:
    async with make(venue) as gateway:
        first = gateway.subscribe_to_trades(["BTCUSDT"], print)
        second = gateway.subscribe_to_trades(["BTCUSDT"])
        peer = await venue.accept()
        first.close()
        first.close()
        assert gateway.state("trades", "BTCUSDT") is FeedState.SYNCING
        second.close()
        assert await venue.requested(peer) == ["btcusdt@trade"]
        with pytest.raises(ValueError, match="'trades' of BTCUSDT is not subscribed"):
            gateway.state("trades", "BTCUSDT")


async def test_async_and_offloaded_callbacks(venue: Venue, frames: Any, eventually: Any) -> None:
    seen: list[str] = []

    async def slowly(trade: Trade) -> None:
        await asyncio.sleep(0)
        seen.append("task")

    def aside(trade: Trade) -> None:
        seen.append("thread" if threading.current_thread() is not threading.main_thread() else "loop")

    async with make(venue) as gateway:
        task = gateway.subscribe_to_trades(["BTCUSDT"], slowly)
        gateway.subscribe_to_trades(["BTCUSDT"], aside, offload=True)
        peer = await venue.accept()
        peer.send_frame(frames.trade(1))
        await eventually(lambda: len(seen) == 2)
        assert task.stats is not None
        assert task.stats.name.endswith("slowly")
    assert sorted(seen) == ["task", "thread"]


async def test_stopping_leaves_nothing_behind(venue: Venue, frames: Any) -> None:
    before = asyncio.all_tasks()
    gateway = make(venue, symbols=["BTCUSDT"], channels=["trades", "mark_price"])
    gateway.subscribe_to_trades(["BTCUSDT"], print, offload=True)
    await gateway.start()
    await venue.accept()
    await asyncio.wait_for(gateway.stop(), 2)
    await gateway.stop()
    assert asyncio.all_tasks() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("callback")]
    with pytest.raises(StateError, match="cannot be started again"):
        await gateway.start()
    with pytest.raises(StateError, match="stopped"):
        gateway.subscribe_to_trades(["BTCUSDT"])


async def test_stopping_waits_for_callbacks_that_were_closed_before(venue: Venue, frames: Any, eventually: Any) -> None:
    before = asyncio.all_tasks()
    entered = asyncio.Event()

    async def never_done(_: Trade) -> None:
        entered.set()
        await asyncio.Event().wait()

    gateway = make(venue)
    subscription = gateway.subscribe_to_trades(["BTCUSDT"], never_done)
    await gateway.start()
    peer = await venue.accept()
    peer.send_frame(frames.trade(1))
    await asyncio.wait_for(entered.wait(), 5)
    subscription.close()
    await asyncio.wait_for(gateway.stop(), 2)
    assert asyncio.all_tasks() == before


async def test_a_callback_closed_while_connections_say_goodbye_is_ended(venue: Venue) -> None:
    before = asyncio.all_tasks()

    async def idle(_: Trade) -> None:
        raise AssertionError("nothing comes")

    def on_status(event: Any) -> None:
        if isinstance(event, ConnectionChanged) and event.state is ConnectionState.CLOSED:
            subscription.close()

    gateway = make(venue)
    subscription = gateway.subscribe_to_trades(["BTCUSDT"], idle)
    gateway.on_status(on_status)
    await gateway.start()
    await venue.accept()
    await asyncio.wait_for(gateway.stop(), 2)
    assert asyncio.all_tasks() == before


async def test_stopping_twice_at_once_waits_for_the_end(venue: Venue) -> None:
    before = asyncio.all_tasks()
    async with make(venue, symbols=["BTCUSDT"], channels=["trades"]) as gateway:
        await venue.accept()
        stopping = asyncio.create_task(gateway.stop())
        await asyncio.sleep(0)
    assert asyncio.all_tasks() - {stopping} == before
    await stopping


async def test_a_callback_may_stop_the_gateway(venue: Venue, frames: Any, eventually: Any) -> None:
    before = asyncio.all_tasks()
    gateway = make(venue)

    async def stop(_: Trade) -> None:
        await gateway.stop()

    gateway.subscribe_to_trades(["BTCUSDT"], stop)
    await gateway.start()
    peer = await venue.accept()
    peer.send_frame(frames.trade(1))
    async for _ in gateway.events():
        pass
    await asyncio.wait_for(gateway.stop(), 2)
    assert asyncio.all_tasks() == before


async def test_starting_twice(venue: Venue) -> None:
    async with make(venue) as gateway:
        with pytest.raises(StateError, match="already started"):
            await gateway.start()


async def test_start_streaming_inside_a_loop_names_the_async_way(venue: Venue) -> None:
    gateway = make(venue)
    with pytest.raises(RuntimeError, match="async with gateway"):
        gateway.start_streaming()


async def test_start_streaming_blocks_until_stopped(venue: Venue, frames: Any) -> None:
    seen: list[Trade] = []
    gateway = make(venue)

    def on_trade(trade: Trade) -> None:
        seen.append(trade)
        gateway.stop_streaming()

    gateway.subscribe_to_trades(["BTCUSDT"], on_trade)
    streaming = asyncio.create_task(asyncio.to_thread(gateway.start_streaming))
    peer = await venue.accept()
    peer.send_frame(frames.trade(1))
    await asyncio.wait_for(streaming, 10)
    assert [trade.seq for trade in seen] == [1]


def test_two_channels_with_the_same_events_exclude_each_other() -> None:
    gateway = StreamingGateway(symbols=["BTCUSDT"], channels=["trades", "book"])
    with pytest.raises(UnsupportedError, match="BTCUSDT already gets Trade events from channel 'trades'"):
        gateway.subscribe("agg_trades", ["BTCUSDT"])
    with pytest.raises(UnsupportedError, match="BookUpdate events from channel 'book'"):
        gateway.subscribe("book20", ["BTCUSDT"])
    gateway.subscribe("agg_trades", ["ETHUSDT"])


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"venue": "kraken"}, UnsupportedError, "venue must be one of"),
        ({"symbols": ["BTCUSDT"], "channels": ["candles"]}, UnsupportedError, "has no channel 'candles'"),
        ({"symbols": ["BTC USDT"], "channels": ["trades"]}, ValueError, "symbol must be like"),
        ({"url": "http://x"}, ValueError, r"^url must be ws://host\[:port\] or wss://host\[:port\], was 'http://x'$"),
        ({"rest_url": "x"}, ValueError, r"^rest_url must be http://host\[:port\] or https://host\[:port\], was 'x'$"),
        (
            {"url": "ws://example.com"},
            ValueError,
            r"^url must begin with wss:// \(unencrypted only on loopback\), was",
        ),
        ({"rest_url": "http://example.com"}, ValueError, "^rest_url must begin with https://"),
        ({"policies": {"candles": "keep"}}, UnsupportedError, "has no channel 'candles'"),
        (
            {"policies": {"quotes": "latest"}},
            ValueError,
            "'quotes' must be one of conflate, drop_oldest, keep, was 'lat",
        ),
        (
            {"policies": {"book": "keep", "book5": "conflate"}},
            UnsupportedError,
            r"policies\.book5 is 'conflate', and an",
        ),
        ({"channels": ["trades"]}, ValueError, "symbols must name at least one symbol for channel 'trades'"),
        (
            {"symbols": ["BTCUSDT"], "channels": ["book"], "ring_capacity": 2_000},
            ValueError,
            "ring_capacity must be 2001 or more for channel 'book' of binance, whose snapshots have 1000 levels a side",
        ),
    ],
)
def test_mistakes_show_before_anything_is_connected(options: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        StreamingGateway(**options)


def test_each_consumer_may_name_policies_of_its_own() -> None:
    async def later(_: Any) -> None:
        raise AssertionError("never started")

    gateway = StreamingGateway(queue_capacity=2, policies={"quotes": "drop_oldest"})
    # Without a start nothing is taken out of any queue.
    ways: list[Any] = [
        gateway.events("BTC/USDT", policies={"trades": "keep", "quotes": "conflate"}),
        gateway.events(policies={"trades": "conflate"}),
        gateway.events(policies={}),
        gateway.subscribe_to_trades(["BTCUSDT"], later, policies={"trades": "keep"}),
        gateway.subscribe_to_trades(["BTCUSDT"], print, offload=True, policies={"trades": "conflate"}),
        gateway.subscribe_to_quotes(["BTCUSDT"], later, policies={"quotes": "keep"}),
        gateway.subscribe_to_quotes(["BTCUSDT"], later),
        gateway.subscribe_to_book(["BTCUSDT"], later, policies={"book": "keep"}),
        gateway.subscribe_to_bars(["BTCUSDT"], later, interval="5m", policies={"bars_5m": "conflate"}),
        gateway.subscribe("bars", ["ETHUSDT"], later, policies={"bars": "keep"}),
    ]
    head: Any = {"venue": "binance", "symbol": "BTCUSDT", "event_ns": 0, "recv_ns": 0, "seq": 1}
    trade = Trade(price=1.0, quantity=1.0, side="buy", trade_id=1, **head)
    quote = Quote(bid_price=1.0, bid_quantity=1.0, ask_price=2.0, ask_quantity=1.0, **head)
    prices = dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume"), 1.0)
    bar: Any = {"trades": 1, "start_ns": 0, "closed": False, **prices}
    bars = [Bar(interval="5m", **bar, **head), Bar(interval="1m", **bar, **(head | {"symbol": "ETHUSDT"}))]
    book = BookUpdate(bid=None, ask=None, book=OrderBook(), **head)
    # One sort after the other, and taken out in between: what is dropped is of that sort.
    found: list[list[tuple[int, int]]] = [[] for _ in ways]
    for events in ([trade] * 5, [quote] * 5, bars * 5, [book] * 5):
        gateway._dispatcher.publish(events, 0)
        for way, counts in zip(ways, found, strict=True):
            counts.append((sum(way.queue.dropped_by.values()), sum(way.queue.conflated_by.values())))
            for _ in range(len(way.queue)):
                way.queue.pop()
    assert found == [
        [(0, 0), (0, 4), (3, 4), (3, 8)],
        [(0, 4), (3, 4), (11, 4), (11, 8)],
        [(3, 0), (6, 0), (14, 0), (14, 4)],
        [(0, 0)] * 4,
        [(0, 4)] * 4,
        [(0, 0)] * 4,
        [(0, 0), (3, 0), (3, 0), (3, 0)],
        [(0, 0)] * 4,
        [(0, 0), (0, 0), (0, 4), (0, 4)],
        [(0, 0)] * 4,
    ]
    lost = [(backlog.dropped, backlog.conflated) for backlog in gateway.backlogs.values()]
    assert lost == [(3, 8), (28, 20), (0, 0)]
    for way in ways:
        way.close()
    assert [(backlog.dropped, backlog.conflated) for backlog in gateway.backlogs.values()] == lost


async def _later(_: Any) -> None: ...


@pytest.mark.parametrize(
    ("callback", "options", "words"),
    [
        (None, {}, r"policies must be left out where there is no queue, was {'trades': 'keep'}; async callbacks, off"),
        (print, {}, "policies must be left out where there is no queue"),
        (_later, {"policies": {"quotes": "keep"}}, "must name channel 'trades' alone, .* was 'quotes'; name others"),
        (_later, {"policies": {"trades": "all"}}, "'trades' must be one of conflate, drop_oldest, keep, was 'all'"),
    ],
)
def test_policies_that_would_not_be_heeded_are_refused(callback: Any, options: Any, words: str) -> None:
    gateway = StreamingGateway()
    with pytest.raises(ValueError, match=words):
        gateway.subscribe_to_trades(["BTCUSDT"], callback, **({"policies": {"trades": "keep"}} | options))
    assert (gateway.feeds(), gateway.backlogs["callback"].consumers) == ([], 0), "and nothing is left behind"


def test_channels_and_policies_of_events_are_checked() -> None:
    gateway = StreamingGateway()
    for policies, error, words in (
        ({"candles": "keep"}, UnsupportedError, "binance has no channel 'candles'; it has trades, "),
        ({"quotes": "latest"}, ValueError, "'quotes' must be one of conflate, drop_oldest, keep, was 'latest'"),
        ({"trades": "keep", "agg_trades": "conflate"}, UnsupportedError, "a queue has one policy for each sort"),
    ):
        for symbol in (None, "BTCUSDT"):
            with pytest.raises(error, match=words):
                gateway.events(symbol, policies=policies)  # type: ignore[arg-type]
    assert gateway.backlogs["events"].consumers == 0


async def test_nothing_begins_after_stop(venue: Venue) -> None:
    gateway = make(venue)
    await gateway.stop()
    for begin in (gateway.events, gateway.batches, lambda: gateway.events("BTCUSDT"), lambda: gateway.on_status(print)):
        with pytest.raises(StateError, match="the gateway is stopped; make a new one"):
            begin()


async def test_a_subscription_that_fails_leaves_nothing_behind(venue: Venue) -> None:
    async def callback(_: Any) -> None: ...

    async with make(venue) as gateway:
        gateway.subscribe("agg_trades", ["ETHUSDT"])
        await venue.accept()
        before = asyncio.all_tasks()
        with pytest.raises(UnsupportedError, match="ETHUSDT already gets"):
            gateway.subscribe_to_trades(["BTCUSDT", "ETHUSDT"], callback)
        assert {task.get_name() for task in asyncio.all_tasks() - before} <= {"link public"}
        assert [feed.symbol for feed in gateway.feeds()] == ["ETHUSDT"]
        assert [len(link) for link in gateway.links if link.name == "public"] == [0]


async def test_closing_and_subscribing_again_is_no_gap(venue: Venue, frames: Any, eventually: Any) -> None:
    gaps: list[Any] = []
    async with make_spot(venue) as gateway:
        gateway.on_status(lambda event: gaps.append(event) if isinstance(event, GapDetected) else None)
        subscription = gateway.subscribe_to_trades(["BTCUSDT"])
        peer = await venue.accept()
        peer.send_frame(frames.trade(8))
        await eventually(lambda: gateway.counters["messages.trade"] == 1)
        subscription.close()
        await venue.requested(peer)
        again = gateway.subscribe_to_trades(["BTCUSDT"])
        await venue.requested(peer)
        peer.send_frame(frames.trade(101))
        await eventually(lambda: gateway.counters["messages.trade"] == 2)
        peer.send_frame(frames.trade(102))
        await eventually(lambda: gateway.counters["messages.trade"] == 3)
        assert gaps == []
        peer.writer.transport.abort()
        peer = await venue.accept()
        peer.send_frame(frames.trade(105))
        await eventually(lambda: gaps)
        assert [gap.missing for gap in gaps] == [2], "what a lost connection missed is a gap"
        again.close()


async def test_a_listener_that_subscribes_does_not_end_the_watch(
    venue: Venue, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_module, "_TICK_S", 0.001)
    stale: list[str] = []

    def on_status(event: Any) -> None:
        if isinstance(event, FeedStateChanged) and event.state is FeedState.STALE:
            stale.append(event.symbol)
            if event.symbol == "BTCUSDT":
                gateway.subscribe("quotes", ["XRPUSDT"])

    options: dict[str, Any] = {"channels": ["quotes"], "stale_after_s": {"quotes": 0.1}}
    async with make(venue, symbols=["BTCUSDT", "ETHUSDT"], **options) as gateway:
        gateway.on_status(on_status)
        await venue.accept()
        await eventually(lambda: {"BTCUSDT", "ETHUSDT", "XRPUSDT"} <= set(stale))


async def test_a_callback_that_blocks_makes_no_feed_stale(
    venue: Venue, frames: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    excused: list[int] = []
    async with make(venue) as gateway:
        manager = gateway.managers["binance"]
        monkeypatch.setattr(manager, "excuse", lambda held_up_ns, _: excused.append(held_up_ns))
        gateway.subscribe_to_trades("BTCUSDT", lambda _: threading.Event().wait(0.8))
        peer = await venue.accept()
        peer.send_frame(frames.trade(1))
        await eventually(lambda: excused)
    assert excused[0] > gateway_module._HELD_UP_NS


async def test_a_failed_tick_is_said_and_not_the_last(
    venue: Venue, eventually: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gateway_module, "_TICK_S", 0.001)
    ticks: list[int] = []

    def tick(now_ns: int, _: int) -> None:
        ticks.append(now_ns)
        raise KeyError("bug")

    async with make(venue) as gateway:
        monkeypatch.setattr(gateway.managers["binance"], "tick", tick)
        await eventually(lambda: len(ticks) >= 3)
    assert "feeds could not be checked for silence: KeyError('bug')" in caplog.messages


def test_stop_streaming_before_and_after_and_again() -> None:
    gateway = StreamingGateway()
    gateway.stop_streaming()
    gateway.start_streaming()
    gateway.stop_streaming()
    gateway.stop_streaming()


async def test_a_spinning_gateway_keeps_its_loop_awake_from_start_to_stop(
    venue: Venue, frames: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    spin = event_loop.spin

    def watched(loop: asyncio.AbstractEventLoop) -> Any:
        stop = spin(loop)
        order.append("awake")
        return lambda: (order.append("may sleep"), stop())

    monkeypatch.setattr(event_loop, "spin", watched)
    trades: list[Trade] = []
    gateway = make(venue, loop="spin")
    gateway.subscribe_to_trades("BTCUSDT", trades.append)
    assert order == []
    async with gateway:
        assert order == ["awake"]
        peer = await venue.accept()
        peer.send_frame(frames.trade(1))
        await eventually(lambda: trades)
    assert order == ["awake", "may sleep"]
    await gateway.stop()
    assert order == ["awake", "may sleep"]
