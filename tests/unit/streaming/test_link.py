"""A connection that comes back, against a scripted server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from random import Random
from typing import Any

import pytest

from owned_link import Owned, request
from tradewire.core import monotonic_ns
from tradewire.streaming import link as link_module
from tradewire.streaming.events import ConnectionChanged, ConnectionState
from tradewire.streaming.link import Link
from tradewire.transport.frames import PING
from tradewire.transport.policy.breaker import BreakerState, BreakerStates
from tradewire.venues.base import StreamLimits
from tradewire.venues.binance.session import BinanceSession
from tradewire.venues.session import Broken, Outcome, Ready, Reply


@pytest.fixture
async def owned(wire_server: Any, no_wait: Random) -> AsyncIterator[Owned]:
    owned = Owned(wire_server.url + "/public/stream", no_wait)
    owned.link.start()
    yield owned
    await owned.link.stop(0.01)


async def _served(owned: Owned, wire_server: Any, frames: Any, eventually: Any, *, answered: bool) -> Any:
    """The next connection, after its subscription was asked for, and granted where it is `answered`."""
    peer = await wire_server.serve()
    asked = await request(peer)
    if answered:
        peer.send_frame(frames.ack(asked["id"]))
        await eventually(lambda: owned.link.acknowledged)
    return peer


async def test_nothing_is_connected_before_something_is_wanted(owned: Owned, wire_server: Any) -> None:
    await asyncio.sleep(0)
    assert wire_server.connections == 0
    assert owned.states == []


async def test_it_subscribes_to_what_is_wanted(owned: Owned, wire_server: Any, frames: Any, eventually: Any) -> None:
    owned.link.add("btcusdt@trade")
    owned.link.add("btcusdt@bookTicker")
    peer = await wire_server.serve()
    assert peer.path == "/public/stream"
    message = await request(peer)
    assert message == {"method": "SUBSCRIBE", "params": ["btcusdt@trade", "btcusdt@bookTicker"], "id": 1}
    peer.send_frame(frames.ack(1))
    peer.send_frame(frames.trade(1))
    await eventually(lambda: owned.pipeline.counters["messages"] == 2)
    assert owned.states == [ConnectionState.CONNECTING, ConnectionState.CONNECTED]


async def test_later_changes_are_sent_as_they_come(owned: Owned, wire_server: Any) -> None:
    owned.link.add("btcusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    owned.link.add("ethusdt@trade")
    assert (await request(peer))["params"] == ["ethusdt@trade"]
    owned.link.discard("btcusdt@trade")
    assert await request(peer) == {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3}
    assert owned.link.subscribed == {"ethusdt@trade"}


async def test_at_most_200_names_a_message(owned: Owned, wire_server: Any) -> None:
    names = [f"s{number}usdt@trade" for number in range(450)]
    for name in names:
        owned.link.add(name)
    peer = await wire_server.serve()
    sizes, received = [], []
    while len(received) < len(names):
        params = (await request(peer))["params"]
        sizes.append(len(params))
        received += params
    assert sizes == [200, 200, 50]
    assert received == names


async def test_control_messages_keep_below_the_limit(
    owned: Owned, wire_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    taken: list[int] = []

    class Counted:
        def ready_ns(self, weights: object, now_ns: int, due_ns: int, *, reserve: bool) -> int:
            asked.append(now_ns)
            return 0 if len(asked) != 2 else now_ns + 1_000_000

        def try_take(self, weights: object, now_ns: int, due_ns: int, *, reserve: bool) -> int:
            taken.append(now_ns)
            return 0

    monkeypatch.setattr(StreamLimits, "limiter", lambda _: Counted())
    for number in range(201):
        owned.link.add(f"s{number}@trade")
    peer = await wire_server.serve()
    await request(peer)
    assert len((await request(peer))["params"]) == 1
    assert taken == [asked[0], asked[2]], "asked, refused, asked again after the wait"


async def test_a_lost_connection_comes_back_with_the_same_subscriptions(
    owned: Owned, wire_server: Any, eventually: Any
) -> None:
    wanted = {"btcusdt@trade", "ethusdt@trade"}
    for stream in wanted:
        owned.link.add(stream)
    for _ in range(20):
        peer = await wire_server.serve()
        assert set((await request(peer))["params"]) == wanted
        peer.writer.transport.abort()
    await eventually(lambda: owned.states.count(ConnectionState.RECONNECTING) == 20)
    lost = [change for change in owned.changes if change.state is ConnectionState.RECONNECTING]
    assert [change.attempt for change in lost] == list(range(1, 21)), "nothing proved that the venue serves"


async def test_backoff_starts_over_only_after_an_answer_and_a_valid_message(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    owned.link.add("btcusdt@trade")
    for sent in ([], [frames.ack(2)], [frames.trade(1)], [frames.ack(4), frames.trade(2)], []):
        peer = await wire_server.serve()
        await request(peer)
        before = owned.pipeline.counters["messages"]
        for frame in sent:
            peer.send_frame(frame)
        await eventually(lambda before=before, sent=sent: owned.pipeline.counters["messages"] == before + len(sent))
        peer.writer.transport.abort()
    await eventually(lambda: owned.states.count(ConnectionState.RECONNECTING) == 5)
    lost = [change for change in owned.changes if change.state is ConnectionState.RECONNECTING]
    assert [change.attempt for change in lost] == [1, 2, 3, 0, 1], "the end of one that served is no failed attempt"
    assert owned.link._attempts.backoff.attempts == 2, "but it is waited after, as after a failed one"


@pytest.mark.parametrize(
    ("lasted", "answered", "attempts"), [(True, True, [0, 0, 0]), (False, True, [1, 2, 3]), (True, False, [1, 2, 3])]
)
async def test_in_a_closed_market_a_connection_that_lasted_was_no_failed_attempt(
    owned: Owned,
    wire_server: Any,
    frames: Any,
    eventually: Any,
    monkeypatch: pytest.MonkeyPatch,
    lasted: bool,
    answered: bool,
    attempts: list[int],
) -> None:
    if lasted:
        monkeypatch.setattr(link_module, "_SERVED_NS", 0)
    owned.link.add("btcusdt@trade")
    for _ in attempts:
        peer = await _served(owned, wire_server, frames, eventually, answered=answered)
        count = len(owned.changes)
        peer.writer.transport.abort()
        await eventually(lambda count=count: len(owned.changes) > count)
    lost = [change.attempt for change in owned.changes if change.state is ConnectionState.RECONNECTING]
    assert lost == attempts


async def test_refused_streams_are_told_and_asked_for_again_only_after_a_reconnect(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    owned.link.add("btcusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    peer.send_frame(frames.refusal(1, 4))
    await eventually(lambda: owned.refused)
    refused = owned.refused[0]
    assert (refused.streams, refused.code, refused.message) == (("btcusdt@trade",), 4, "Invalid request")
    owned.link.add("ethusdt@trade")
    assert (await request(peer))["params"] == ["ethusdt@trade"]
    peer.writer.transport.abort()
    peer = await wire_server.serve()
    assert [(await request(peer))["params"] for _ in range(2)] == [["ethusdt@trade"], ["btcusdt@trade"]]
    assert not owned.link.grants("ethusdt@trade"), "not answered yet"
    assert owned.link.refusal("btcusdt@trade") == (4, "Invalid request")
    peer.send_frame(frames.refusal(4, 4))
    peer.send_frame(frames.ack(3))
    await eventually(lambda: owned.link.grants("ethusdt@trade") and owned.link.stands_alone("btcusdt@trade"))
    assert len(owned.refused) == 1, "told once"


async def test_nobody_listening_is_tried_again(owned: Owned, wire_server: Any, eventually: Any) -> None:
    await wire_server.stop()
    owned.link.add("btcusdt@trade")
    await eventually(lambda: len(owned.changes) >= 10)
    assert "cannot connect" in owned.changes[1].reason


async def test_a_silent_connection_is_asked_then_dropped(
    owned: Owned, wire_server: Any, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    owned.link._idle_ns = -1
    owned.link.add("btcusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    owned.link.add("ethusdt@trade")
    opcodes = [(await peer.read_frame())[0] for _ in range(2)]
    assert PING in opcodes
    monkeypatch.setattr(link_module, "_DEAD_NS", -1)
    owned.link.add("solusdt@trade")
    await eventually(lambda: ConnectionState.RECONNECTING in owned.states)
    assert any("nothing received for" in change.reason for change in owned.changes)


async def test_an_unanswered_subscription_ends_the_connection(
    owned: Owned, wire_server: Any, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    monkeypatch.setattr(link_module, "_ACK_NS", -1)
    owned.link.add("btcusdt@trade")
    await wire_server.serve()
    await eventually(lambda: any("no answer to a subscription" in change.reason for change in owned.changes))


async def test_a_refused_unsubscription_does_not_bar_the_stream(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    owned.link.add("btcusdt@trade")
    owned.link.add("ethusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    owned.link.discard("btcusdt@trade")
    await request(peer)
    peer.send_frame(frames.refusal(2))
    await eventually(lambda: owned.refused)
    owned.link.add("btcusdt@trade")
    async with asyncio.timeout(5):
        assert await request(peer) == {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 3}


async def test_a_refused_stream_that_is_added_again_is_asked_for_again(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    owned.link.add("btcusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    owned.link.discard("btcusdt@trade")
    peer.send_frame(frames.refusal(1))
    await eventually(lambda: owned.refused)
    owned.link.add("btcusdt@trade")
    names: list[str] = []
    async with asyncio.timeout(5):
        while "btcusdt@trade" not in names:
            message = await request(peer)
            names = message["params"] if message["method"] == "SUBSCRIBE" else []


async def test_what_was_added_or_discarded_settles_with_its_answer(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    owned.link.add("btcusdt@trade")
    for number in (1, 2):
        peer = await wire_server.serve()
        await request(peer)
        peer.send_frame(frames.ack(number))
        await eventually(lambda number=number: owned.pipeline.counters["messages"] == number)
        if number == 1:
            peer.writer.transport.abort()
    assert owned.settled == ["btcusdt@trade"], "a reconnect changes nothing that was asked for"
    owned.link.discard("btcusdt@trade")
    await request(peer)
    peer.send_frame(frames.ack(3))
    await eventually(lambda: len(owned.settled) == 2)


async def test_a_renewed_stream_is_taken_back_and_asked_for_again(owned: Owned, wire_server: Any) -> None:
    owned.link.add("btcusdt@trade")
    owned.link.add("ethusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    owned.link.renew("btcusdt@trade")
    assert await request(peer) == {"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 2}
    assert await request(peer) == {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 3}
    assert owned.link.subscribed == {"btcusdt@trade", "ethusdt@trade"}


async def test_an_owner_that_raises_does_not_end_the_connecting(
    owned: Owned, wire_server: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(link: Link, event: ConnectionChanged) -> None:
        raise KeyError(event.state)

    monkeypatch.setattr(owned, "on_link", broken)
    owned.link.add("btcusdt@trade")
    for _ in range(2):
        peer = await wire_server.serve()
        await request(peer)
        peer.writer.transport.abort()
    assert "link public could not tell of its state reconnecting" in caplog.messages


async def test_a_reconnect_on_demand(owned: Owned, wire_server: Any, eventually: Any) -> None:
    owned.link.reconnect("nothing to give up yet")
    owned.link.add("btcusdt@trade")
    await request(await wire_server.serve())
    assert owned.link.is_held
    owned.link.reconnect("it is mute")
    assert not owned.link.is_held
    await request(await wire_server.serve())
    assert owned.link.is_held
    assert [change.reason for change in owned.changes if change.state is ConnectionState.RECONNECTING] == ["it is mute"]


@pytest.mark.parametrize(
    ("answered", "failed", "attempts"), [(True, False, [0, 0, 0]), (False, False, [1, 2, 3]), (True, True, [1, 2, 3])]
)
async def test_what_we_give_up_although_the_venue_answered_is_no_failed_attempt(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any, answered: bool, failed: bool, attempts: list[int]
) -> None:
    owned.link.add("btcusdt@trade")
    for _ in attempts:
        await _served(owned, wire_server, frames, eventually, answered=answered)
        count = len(owned.changes)
        owned.link.reconnect("it is mute", failed=failed)
        await eventually(lambda count=count: len(owned.changes) > count)
    lost = [change.attempt for change in owned.changes if change.state is ConnectionState.RECONNECTING]
    assert lost == attempts
    assert owned.link._attempts.backoff.attempts == 3, "it is waited after all the same"


async def test_what_the_venue_ends_after_we_gave_one_up_is_a_failed_attempt(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    owned.link.add("btcusdt@trade")
    for ours in (True, False):
        peer = await wire_server.serve()
        peer.send_frame(frames.ack((await request(peer))["id"]))
        await eventually(lambda: owned.link.acknowledged)
        count = len(owned.changes)
        if ours:
            owned.link.move(wire_server.url + "/public/other", "the address changed")
        else:
            peer.writer.transport.abort()
        await eventually(lambda count=count: len(owned.changes) > count)
    lost = [change.attempt for change in owned.changes if change.state is ConnectionState.RECONNECTING]
    assert lost == [0, 1]


async def test_an_open_breaker_holds_attempts_back(wire_server: Any, no_wait: Random, eventually: Any) -> None:
    breaker = BreakerStates(
        failure_threshold=2,
        reset_timeout_ns=3_600_000_000_000,
        half_open_max_requests=1,
        success_threshold=1,
        lease_ns=1_000_000_000,
    )
    await wire_server.stop()
    owned = Owned(wire_server.url + "/public/stream", no_wait, breaker)
    owned.link.add("btcusdt@trade")
    owned.link.start()
    await eventually(lambda: breaker.state is BreakerState.OPEN)
    assert owned.link.breaker_state is BreakerState.OPEN
    assert owned.states == [ConnectionState.CONNECTING, ConnectionState.RECONNECTING] * 2
    await owned.link.stop(0.01)


async def test_what_serves_closes_the_breaker_also_after_the_lease_of_its_probe(
    wire_server: Any, no_wait: Random, frames: Any, eventually: Any
) -> None:
    breaker = BreakerStates(
        failure_threshold=1, reset_timeout_ns=0, half_open_max_requests=1, success_threshold=1, lease_ns=1
    )
    breaker.open(0)
    owned = Owned(wire_server.url + "/public/stream", no_wait, breaker)
    owned.link.add("btcusdt@trade")
    owned.link.start()
    peer = await wire_server.serve()
    asked = await request(peer)
    assert owned.link.breaker_state is BreakerState.HALF_OPEN
    peer.send_frame(frames.ack(asked["id"]))
    peer.send_frame(frames.trade(1))
    await eventually(lambda: owned.link.proven)
    assert owned.link.breaker_state is BreakerState.CLOSED
    await owned.link.stop(0.01)


@pytest.mark.parametrize(("answered", "after"), [(True, BreakerState.HALF_OPEN), (False, BreakerState.OPEN)])
async def test_a_probe_that_we_give_up_although_the_venue_answered_gives_its_place_back(
    wire_server: Any, no_wait: Random, frames: Any, eventually: Any, answered: bool, after: BreakerState
) -> None:
    hour_ns = 3_600_000_000_000
    breaker = BreakerStates(
        failure_threshold=1, reset_timeout_ns=hour_ns, half_open_max_requests=1, success_threshold=1, lease_ns=hour_ns
    )
    breaker.open(monotonic_ns() - hour_ns)
    owned = Owned(wire_server.url + "/public/stream", no_wait, breaker)
    owned.link.add("btcusdt@trade")
    owned.link.start()
    await _served(owned, wire_server, frames, eventually, answered=answered)
    owned.link.reconnect("it is mute")
    await eventually(lambda: ConnectionState.RECONNECTING in owned.states)
    assert owned.link.breaker_state is after
    if answered:
        await _served(owned, wire_server, frames, eventually, answered=True)
    await owned.link.stop(0.01)


@pytest.mark.parametrize("moment", ["idle", "connecting", "backoff", "streaming"])
async def test_stopping_leaves_nothing(owned: Owned, wire_server: Any, eventually: Any, moment: str) -> None:
    if moment == "backoff":
        owned.link._attempts.backoff._random = Random(3)  # waits in earnest
        await wire_server.stop()
    if moment != "idle":
        owned.link.add("btcusdt@trade")
    if moment == "connecting":
        await wire_server.accept()
    if moment == "backoff":
        await eventually(lambda: ConnectionState.RECONNECTING in owned.states)
    if moment == "streaming":
        await request(await wire_server.serve())
    await owned.link.stop(0.01)
    await owned.link.stop(0.01)
    assert owned.link.state is ConnectionState.CLOSED
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("link")]


def test_a_bad_address_shows_at_once(no_wait: Random) -> None:
    with pytest.raises(ValueError, match="url must be ws://"):
        Owned("http://127.0.0.1", no_wait)


async def test_it_serves_when_all_is_answered_and_data_came(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    for stream in ("btcusdt@trade", "nonsense"):
        owned.link.add(stream)
    assert not owned.link.acknowledged
    peer = await wire_server.serve()
    await request(peer)
    assert (owned.link.wanted, owned.link.acknowledged) == (["btcusdt@trade", "nonsense"], False)
    peer.send_frame(frames.ack(1))
    await eventually(lambda: owned.link.acknowledged)
    assert not owned.link.proven
    peer.send_frame(frames.trade(1))
    await eventually(lambda: owned.link.proven)
    owned.link.add("ethusdt@trade")
    assert not owned.link.acknowledged
    await request(peer)
    peer.send_frame(frames.refusal(2))
    await eventually(lambda: owned.link.acknowledged)
    peer.writer.transport.abort()
    await eventually(lambda: not owned.link.proven)
    assert not owned.link.acknowledged


async def test_a_planned_reconnect_does_not_wait(owned: Owned, wire_server: Any, eventually: Any) -> None:
    owned.link.add("btcusdt@trade")
    for _ in range(3):
        await request(await wire_server.serve())
        before = len(owned.changes)
        owned.link.reconnect("planned", at_once=True)
        await eventually(lambda before=before: len(owned.changes) > before)
        lost = owned.changes[before]
        assert (lost.state, lost.reason, lost.retry_in_ns) == (ConnectionState.RECONNECTING, "planned", 0)
    assert owned.link._attempts.backoff.attempts == 0


async def test_a_notice_of_the_end_is_handed_on(owned: Owned, wire_server: Any, eventually: Any) -> None:
    owned.link.add("btcusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    peer.send_frame('{"e":"serverShutdown","E":1770123456789}')
    await eventually(lambda: owned.ending)
    assert owned.ending == ["the venue shuts this server down"]


class Turned(BinanceSession):
    """A conversation that the venue ends for good when it says `-1`, and for now when it says `-2`."""

    def take(self, payload: bytes) -> Sequence[Outcome]:
        code = json.loads(payload).get("code", 0)
        return (Broken("go away", code, fatal=code == -1),) if code else super().take(payload)


async def test_an_end_for_good_is_told_once_until_a_connection_has_served(
    wire_server: Any, no_wait: Random, frames: Any, eventually: Any
) -> None:
    owned = Owned(wire_server.url, no_wait, make_session=Turned)
    owned.link.add("btcusdt@trade")
    owned.link.start()
    for ended, (code, told) in enumerate(((-2, 0), (-1, 1), (-1, 1)), start=1):
        peer = await wire_server.serve()
        peer.send_frame(json.dumps({"code": code, "msg": "x"}))
        await eventually(lambda ended=ended: len(owned.refused) == ended)
        assert len(owned.fatal) == told
    assert owned.fatal == ["the venue ended the session: go away (code -1)"]
    peer = await wire_server.serve()
    number = (await request(peer))["id"]
    peer.send_frame(frames.ack(number))
    peer.send_frame(frames.trade(1))
    await eventually(lambda: owned.pipeline.counters["messages.trade"])
    peer.send_frame(json.dumps({"code": -1, "msg": "x"}))
    await eventually(lambda: len(owned.fatal) == 2)
    await owned.link.stop(0.01)


async def test_a_renewed_stream_goes_on_where_it_was(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    owned.link.add("btcusdt@trade")
    peer = await wire_server.serve()
    await request(peer)
    peer.send_frame(frames.ack(1))
    await eventually(lambda: owned.settled == ["btcusdt@trade"])
    owned.link.renew("btcusdt@trade")
    assert (await request(peer))["method"] == "UNSUBSCRIBE"
    peer.send_frame(frames.ack(2))
    assert (await request(peer))["method"] == "SUBSCRIBE"
    peer.send_frame(frames.ack(3))
    await eventually(lambda: owned.link.acknowledged)
    assert owned.settled == ["btcusdt@trade"], "its numbers were not forgotten: a hole in them is a gap"
    owned.link.discard("btcusdt@trade")
    await request(peer)
    peer.send_frame(frames.ack(4))
    await eventually(lambda: owned.settled == ["btcusdt@trade"] * 2)


class Greeted(BinanceSession):
    """A conversation in which the server speaks first, and is answered."""

    ready = False

    def take(self, payload: bytes) -> Sequence[Outcome]:
        self.ready = True
        return (Reply(b'{"hello":"you"}'), Ready())


@pytest.mark.parametrize("together", [True, False])
async def test_a_greeting_that_comes_with_the_handshake_is_answered(
    wire_server: Any, no_wait: Random, together: bool
) -> None:
    owned = Owned(wire_server.url, no_wait, make_session=Greeted)
    owned.link.add("btcusdt@trade")
    owned.link.start()
    greeting = wire_server.frame('{"code":7,"msg":"hello"}')
    peer = await wire_server.serve(greeting if together else b"")
    if not together:
        peer.send(greeting)
    assert await request(peer) == {"hello": "you"}
    assert (await request(peer))["method"] == "SUBSCRIBE"
    await owned.link.stop(0.01)


async def test_an_end_that_comes_with_the_handshake_leaves_no_connection(
    wire_server: Any, no_wait: Random, eventually: Any
) -> None:
    owned = Owned(wire_server.url, no_wait, make_session=Turned)
    owned.link.add("btcusdt@trade")
    owned.link.start()
    peer = await wire_server.serve(wire_server.frame('{"code":-2,"msg":"x"}'))
    assert await peer.reader.read() == b""
    await eventually(lambda: wire_server.connections == 2)
    await owned.link.stop(0.01)


async def test_reads_go_direct_while_connection_and_owner_stay(
    owned: Owned, wire_server: Any, frames: Any, eventually: Any
) -> None:
    pipeline, link = owned.pipeline, owned.link
    link.add("btcusdt@trade")

    async def proven(number: int) -> Any:
        peer = await wire_server.serve()
        peer.send_frame(frames.ack((await request(peer))["id"]))
        peer.send_frame(frames.trade(number))
        await eventually(lambda: link.proven)
        return peer

    def asks() -> tuple[bool, bool, int]:
        return False, False, 0

    link.go_direct(pipeline.digest, asks)
    assert not link.is_direct, "not before the venue has proven that it serves"
    peer = await proven(1)
    link.go_direct(pipeline.digest, asks)
    assert link.is_direct
    told = owned.reads
    peer.send_frame(frames.trade(2))
    await eventually(lambda: pipeline.counters["messages"] == 3)
    assert owned.reads == told
    peer.writer.transport.abort()
    peer = await proven(4)
    assert not link.is_direct
    link.go_direct(pipeline.digest, asks)
    link.owner = owned
    assert not link.is_direct
    told = owned.reads
    peer.send_frame(frames.trade(5))
    await eventually(lambda: owned.reads > told)
