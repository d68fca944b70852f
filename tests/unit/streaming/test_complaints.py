"""One call for one cause, on invented time."""

from __future__ import annotations

from tradewire.core.record import Kind
from tradewire.streaming.complaints import Complaints
from tradewire.streaming.health import Feed
from tradewire.venues.base import Channel

SECOND = 1_000_000_000
TRADES, QUOTES = Channel("trades", Kind.TRADE, SECOND), Channel("quotes", Kind.QUOTE, SECOND)


def feed(channel: Channel, number: int) -> Feed:
    return Feed(channel, f"S{number}", number, SECOND, 0, 0)


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
