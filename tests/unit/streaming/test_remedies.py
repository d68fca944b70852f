"""From silence to the ladder and back, on invented time."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from tradewire.core.record import Kind
from tradewire.streaming import remedies
from tradewire.streaming.events import FeedState
from tradewire.streaming.evidence import Verdict
from tradewire.streaming.health import Feed, FeedHealth
from tradewire.streaming.ladder import Rung
from tradewire.streaming.remedies import Remedies
from tradewire.telemetry import Counters
from tradewire.venues.base import Channel

SECOND = 1_000_000_000
QUOTES = Channel("quotes", Kind.QUOTE, 10 * SECOND)
BOOK = Channel("book", Kind.BOOK_DELTA, 10 * SECOND, diff=True)


class Ward:
    """Feeds under treatment, and what was done."""

    def __init__(self, verdict: Verdict | Exception = Verdict.MUTE) -> None:
        self.verdict = verdict
        self.health = FeedHealth("binance", lambda _: None)
        self.actions: list[tuple[int, str, Rung]] = []
        self.emitted: list[Any] = []
        self.counters = Counters()
        self.now = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        # Seconds, by symbol.
        self.answer_takes: dict[int, int] = {}
        self.opened_ns = 0
        self.has_live_peers = False
        self.looked_for_peers = 0
        self.fallback = True
        self.remedies = Remedies(
            "binance",
            self.health,
            self.judge,
            self.act,
            self.emitted.append,
            lambda _: self.opened_ns,
            self.peers,
            lambda: self.fallback,
            self.counters,
        )

    def peers(self, feed: Feed) -> bool:
        self.looked_for_peers += 1
        return self.has_live_peers

    async def judge(self, feed: Feed) -> Verdict:
        asked = self.now
        await self.may_answer.wait()
        while self.now < asked + self.answer_takes.get(feed.symbol_id, 0):  # noqa: ASYNC110 - waits for invented time
            await asyncio.sleep(0)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    def act(self, feed: Feed, rung: Rung, verdict: Verdict) -> None:
        self.actions.append((self.now, feed.channel.name, rung))

    def add(self, channel: Channel, symbol_id: int = 0) -> Feed:
        return self.health.add(channel, "BTCUSDT", symbol_id, self.now * SECOND, 0, channel.stale_after_ns)

    def reconnect(self) -> None:
        self.opened_ns = self.now * SECOND
        self.health.down(self.health.feeds(), "lost", 0)
        self.health.connected(self.health.feeds(), self.opened_ns, 0)

    async def until(self, second: int) -> None:
        while self.now < second:
            self.now += 1
            self.health.tick(self.now * SECOND, 0)
            self.remedies.tick(self.now * SECOND, 0)
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def message(self) -> None:
        self.health.observe([(Kind.QUOTE, 0, 0, 1, self.now * SECOND, 0)])


async def test_a_mute_feed_climbs_the_whole_ladder() -> None:
    ward = Ward()
    ward.add(QUOTES)
    await ward.until(60)
    assert ward.actions == [
        (11, "quotes", Rung.RESUBSCRIBE),
        (21, "quotes", Rung.RECONNECT),
        (31, "quotes", Rung.FALLBACK),
        (41, "quotes", Rung.ALERT),
    ]
    assert [(event.rung, event.step) for event in ward.emitted] == [
        (rung, step) for step, (_, _, rung) in enumerate(ward.actions, 1)
    ]
    assert ward.counters.group("remedies.") == {"resubscribe": 1, "reconnect": 1, "fallback": 1, "alert": 1}


async def test_a_fallback_that_nobody_named_is_no_rung() -> None:
    ward = Ward()
    ward.fallback = False
    ward.add(QUOTES)
    await ward.until(35)
    assert ward.actions == [
        (11, "quotes", Rung.RESUBSCRIBE),
        (21, "quotes", Rung.RECONNECT),
        (31, "quotes", Rung.ALERT),
    ]
    assert ward.counters["remedies.fallback"] == 0


async def test_only_books_are_given_a_new_snapshot() -> None:
    ward = Ward()
    ward.add(BOOK)
    await ward.until(25)
    assert [rung for _, _, rung in ward.actions] == [Rung.RESUBSCRIBE, Rung.RESNAPSHOT]


async def test_a_message_ends_the_treatment_and_the_next_silence_begins_anew() -> None:
    ward = Ward()
    ward.add(QUOTES)
    await ward.until(25)
    ward.message()
    await ward.until(33)
    assert [rung for _, _, rung in ward.actions] == [Rung.RESUBSCRIBE, Rung.RECONNECT]
    await ward.until(37)
    assert [rung for _, _, rung in ward.actions][2:] == [Rung.RESUBSCRIBE]


async def test_a_reconnect_that_brings_no_message_is_not_the_end_of_the_climb() -> None:
    ward = Ward()
    feed = ward.add(QUOTES)
    await ward.until(22)
    ward.health.down([feed], "lost", 0)
    ward.health.connected([feed], ward.now * SECOND, 0)
    await ward.until(32)
    assert ward.actions[-1] == (31, "quotes", Rung.FALLBACK)


async def test_feeds_of_one_connection_are_reconnected_together() -> None:
    ward = Ward()
    ward.add(QUOTES)
    await ward.until(5)
    ward.add(QUOTES, 1)
    await ward.until(21)
    assert [action[::2] for action in ward.actions] == [
        (11, Rung.RESUBSCRIBE), (16, Rung.RESUBSCRIBE), (21, Rung.RECONNECT)
    ]  # fmt: skip
    ward.reconnect()
    await ward.until(30)
    assert len(ward.actions) == 3, "the other one waits for what the new connection brings"
    await ward.until(33)
    assert [action[::2] for action in ward.actions[3:]] == [(31, Rung.FALLBACK), (31, Rung.FALLBACK)]


async def test_a_connection_that_stays_mute_is_reconnected_for_all_its_feeds_at_once() -> None:
    """Answers about them come one after the other; one that is about the connection before says nothing."""
    ward = Ward()
    ward.fallback = False
    for number in range(5):
        ward.add(QUOTES, number)
        ward.answer_takes[number] = number
    reconnects, seen = [], 0
    while ward.now < 900:
        await ward.until(ward.now + 1)
        if any(rung is Rung.RECONNECT for _, _, rung in ward.actions[seen:]):
            reconnects.append(ward.now)
            ward.reconnect()
        seen = len(ward.actions)
    assert all(after - before >= 120 for before, after in itertools.pairwise(reconnects[1:])), reconnects
    assert len(reconnects) == 8


async def test_a_slow_feed_that_a_reconnect_healed_calls_nobody() -> None:
    """The evidence was about the old connection: it is asked for again before the next rung."""
    ward = Ward()
    feed = ward.add(QUOTES)
    await ward.until(22)
    ward.reconnect()
    ward.verdict = Verdict.QUIET
    await ward.until(60)
    assert [rung for _, _, rung in ward.actions] == [Rung.RESUBSCRIBE, Rung.RECONNECT]
    assert feed.state is not FeedState.STALE


async def test_quiet_after_a_reconnect_is_no_cure() -> None:
    """Mute for good, and the market trades seldom: the climb goes on where it was, up to the alert."""
    ward = Ward()
    ward.add(QUOTES)
    await ward.until(22)
    ward.reconnect()
    ward.verdict = Verdict.QUIET
    await ward.until(33)
    ward.verdict = Verdict.MUTE
    await ward.until(100)
    assert [rung for _, _, rung in ward.actions] == [Rung.RESUBSCRIBE, Rung.RECONNECT, Rung.FALLBACK, Rung.ALERT]


async def test_what_was_asked_long_ago_is_answered_now() -> None:
    ward = Ward(Verdict.QUIET)
    feed = ward.add(QUOTES)
    ward.may_answer.clear()
    await ward.until(30)
    ward.may_answer.set()
    await ward.until(31)
    assert ward.counters.group("evidence.") == {"quiet": 1}
    assert feed.last_ns == 31 * SECOND, "the wait begins when the answer comes"


async def test_a_question_that_is_not_answered_keeps_nobody_from_acting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedies, "_ANSWER_S", 0)
    ward = Ward(Verdict.QUIET)
    ward.add(QUOTES)
    ward.may_answer.clear()
    await ward.until(12)
    assert [rung for _, _, rung in ward.actions] == [Rung.RESUBSCRIBE]


async def test_what_the_venue_does_not_know_costs_no_reconnect_and_one_alert() -> None:
    ward = Ward(Verdict.REFUSED)
    ward.add(BOOK)
    await ward.until(270)
    assert [action[::2] for action in ward.actions] == [
        (11, Rung.RESUBSCRIBE), (21, Rung.ALERT), (141, Rung.RESUBSCRIBE), (261, Rung.RESUBSCRIBE)
    ]  # fmt: skip


async def test_a_feed_is_refused_from_the_verdict_until_it_speaks_or_is_asked_for_anew() -> None:
    ward = Ward(Verdict.REFUSED)
    feed = ward.add(QUOTES)
    await ward.until(10)
    assert not feed.refused
    await ward.until(11)
    assert feed.refused
    ward.message()
    assert not feed.refused
    await ward.until(22)
    assert feed.refused
    ward.reconnect()
    assert not feed.refused


async def test_feeds_that_are_live_are_interrupted_once() -> None:
    ward = Ward()
    ward.add(QUOTES)
    ward.has_live_peers = True
    await ward.until(45)
    assert ward.looked_for_peers == 0, "it looks through all feeds: only where it matters"
    await ward.until(300)
    assert ward.looked_for_peers == 2
    assert [rung for _, _, rung in ward.actions] == [
        Rung.RESUBSCRIBE, Rung.RECONNECT, Rung.FALLBACK, Rung.ALERT, Rung.RESUBSCRIBE, Rung.RESUBSCRIBE
    ]  # fmt: skip
    ward.has_live_peers = False
    await ward.until(410)
    assert ward.actions[-1][2] is Rung.RECONNECT


async def test_a_lost_connection_is_waited_for() -> None:
    ward = Ward()
    feed = ward.add(QUOTES)
    await ward.until(12)
    ward.health.down([feed], "lost", 0)
    await ward.until(100)
    assert [rung for _, _, rung in ward.actions] == [Rung.RESUBSCRIBE]
    ward.reconnect()
    await ward.until(111)
    assert ward.actions[1:] == [(110, "quotes", Rung.FALLBACK)]


async def test_a_quiet_market_is_left_alone_for_twice_as_long_each_time() -> None:
    ward = Ward(Verdict.QUIET)
    feed = ward.add(QUOTES)
    ward.message()
    looked: list[int] = []
    for _ in range(80):
        before = ward.counters["evidence.quiet"]
        await ward.until(ward.now + 1)
        if ward.counters["evidence.quiet"] > before:
            looked.append(ward.now)
    assert ward.actions == []
    assert looked == [11, 32, 73]
    assert feed.state is FeedState.LIVE
    ward.message()
    assert feed.stale_after_ns == 10 * SECOND, "a busy market again"


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, RuntimeError("bug")])
async def test_without_a_verdict_silence_is_acted_upon(verdict: Any) -> None:
    ward = Ward(verdict)
    ward.add(QUOTES)
    await ward.until(12)
    assert [rung for _, _, rung in ward.actions] == [Rung.RESUBSCRIBE]
    assert ward.counters["evidence.unknown"] == 1


async def test_a_feed_that_is_let_go_is_not_treated() -> None:
    ward = Ward()
    feed = ward.add(QUOTES)
    await ward.until(12)
    ward.health.remove(feed, 7)
    await ward.until(60)
    assert len(ward.actions) == 1
    await ward.remedies.close()
