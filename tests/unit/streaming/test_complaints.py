"""One call for one cause, on invented time."""

from __future__ import annotations

import pytest

from tradewire.core.record import Kind
from tradewire.streaming.complaints import Complaints
from tradewire.streaming.health import Feed, FeedHealth
from tradewire.venues.base import Channel

SECOND = 1_000_000_000
TRADES, QUOTES = Channel("trades", Kind.TRADE, SECOND), Channel("quotes", Kind.QUOTE, SECOND)


def feed(channel: Channel, number: int, since_ns: int = 0) -> Feed:
    return Feed(channel, f"S{number}", number, SECOND, since_ns, 0)


def test_one_feed_is_named() -> None:
    complaints = Complaints()
    complaints.add(feed(TRADES, 1), "public", "refused with code 7", 0, "no such symbol")
    assert complaints.due(2 * SECOND - 1) == []
    assert complaints.due(2 * SECOND) == [("trades", "S1", "trades of S1: refused with code 7: no such symbol")]
    assert complaints.due(9 * SECOND) == complaints.rest() == []


def test_what_one_cause_does_to_a_connection_is_one_call() -> None:
    complaints = Complaints()
    for number in range(20):
        complaints.add(feed(TRADES, number), "public", "silent", number * SECOND // 20)
    complaints.add(feed(QUOTES, 1), "public-2", "silent", 0)
    complaints.add(feed(QUOTES, 2), "public", "refused", 0)
    assert complaints.due(2 * SECOND) == [
        (
            "trades",
            "",
            "20 feeds of connection public (trades of S0, trades of S1, trades of S2, trades of S3, trades of S4 "
            "and 15 more): silent",
        ),
        ("quotes", "S1", "quotes of S1: silent"),
        ("quotes", "S2", "quotes of S2: refused"),
    ]


def test_different_channels_of_one_symbol() -> None:
    complaints = Complaints()
    for channel in (TRADES, QUOTES):
        complaints.add(feed(channel, 1), "public", "silent", 0)
    assert complaints.rest() == [("", "S1", "2 feeds of connection public (trades of S1, quotes of S1): silent")]


def test_nobody_is_called_twice_for_a_feed_that_gave_nothing_since() -> None:
    complaints, known = Complaints(), feed(TRADES, 1)
    told = []
    for cause in ("refused", "silent", "refused", "silent"):
        complaints.add(known, "public", cause, 0)
        told += [call.reason for call in complaints.rest()]
    assert told == ["trades of S1: refused", "trades of S1: silent"]
    known.messages += 1
    complaints.add(known, "public", "refused", 0)
    complaints.add(feed(TRADES, 1), "public", "refused", 0)
    assert len(complaints.rest()[0].reason.split("trades of S1")) == 3, "it served meanwhile; the other was asked anew"


def test_feeds_that_were_silent_already_when_a_person_was_called_are_told_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    complaints, late = Complaints(), feed(TRADES, 2)
    complaints.add(feed(TRADES, 1), "public", "silent", 18 * SECOND)
    assert len(complaints.due(20 * SECOND)) == 1
    for second in range(34, 40):
        complaints.add(late, "public", "silent", second * SECOND)
        complaints.due(second * SECOND)
    assert complaints.rest() == []
    assert caplog.messages == ["trades of S2 on public, too: silent"]
    complaints.add(late, "public", "refused", 40 * SECOND)
    complaints.add(late, "public-2", "silent", 40 * SECOND)
    assert [call.reason for call in complaints.due(42 * SECOND)] == ["trades of S2: refused"]


@pytest.mark.parametrize("healed", [True, False])
def test_a_feed_that_another_call_covered_is_called_for_when_that_is_over(healed: bool) -> None:
    complaints, called, late = Complaints(), feed(TRADES, 1), feed(TRADES, 2)
    health = FeedHealth("binance", lambda _: None)
    complaints.add(called, "public", "silent", 18 * SECOND)
    assert len(complaints.due(20 * SECOND)) == 1
    complaints.add(late, "public", "silent", 34 * SECOND, "for long")
    health.touch(called, 1, 50 * SECOND, 0)
    if healed:
        health.touch(late, 1, 51 * SECOND, 0)
    told = []
    for second in range(52, 60):
        complaints.due(second * SECOND)
        complaints.remind(late, second * SECOND)
        complaints.remind(called, second * SECOND)
        told += [call.reason for call in complaints.rest()]
    assert told == ([] if healed else ["trades of S2: silent: for long"])


@pytest.mark.parametrize("heals", ["one that was called for", "the new one", "none, the new one is younger"])
def test_what_happens_after_a_call_is_another_call(heals: str) -> None:
    complaints, called, late = Complaints(), feed(TRADES, 1), feed(TRADES, 2)
    health = FeedHealth("binance", lambda _: None)
    complaints.add(called, "public", "silent", 18 * SECOND)
    assert len(complaints.due(20 * SECOND)) == 1
    if heals == "one that was called for":
        health.touch(called, 1, 21 * SECOND, 0)
    elif heals == "the new one":
        health.touch(late, 1, 21 * SECOND, 0)
    else:
        late = feed(TRADES, 2, 21 * SECOND)
    health.connected([late], 30 * SECOND, 0)
    complaints.due(33 * SECOND)
    complaints.add(late, "public", "silent", 34 * SECOND)
    assert [call.reason for call in complaints.due(36 * SECOND)] == ["trades of S2: silent"]


def test_a_cause_that_is_each_feeds_own_is_called_for_once_for_every_one_and_seldom() -> None:
    complaints = Complaints()
    refused = [feed(TRADES, number) for number in range(300)]
    calls: list[tuple[int, str]] = []
    for second in range(600):
        for known in refused[: second + 1]:
            complaints.add(known, "public", "refused with code 4", second * SECOND, "no such symbol", its_own=True)
        calls += [(second, call.reason) for call in complaints.due(second * SECOND)]
    seconds = [second for second, _ in calls]
    assert seconds == [15, *range(45, 301, 30), 315]
    counts = [16, *[30] * 9, 14]
    assert [reason.split(" feeds ")[0] for _, reason in calls] == list(map(str, counts))
    assert sum(counts) == 300
    late = feed(TRADES, 300)
    complaints.add(late, "public", "refused with code 4", 900 * SECOND, "no such symbol", its_own=True)
    assert complaints.due(902 * SECOND) == [
        ("trades", "S300", "trades of S300: refused with code 4: no such symbol")
    ], "as soon as the first one"
