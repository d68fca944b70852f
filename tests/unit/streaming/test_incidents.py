"""What becomes an incident, in which words, and how many are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tradewire.streaming.events import (
    BackFilled,
    ConnectionChanged,
    ConnectionRotated,
    ConnectionState,
    FallbackChanged,
    FeedAlert,
    FeedState,
    FeedStateChanged,
    GapDetected,
    RemedyTaken,
    Resynced,
    SubscriptionRefused,
)
from tradewire.streaming.incidents import Incident, IncidentKind, Incidents, write_incidents
from tradewire.streaming.ladder import Rung

S = 1_000_000_000
BOOK = ("binance", "book", "BTCUSDT")


def connection(state: str, at_s: int, reason: str = "") -> ConnectionChanged:
    return ConnectionChanged("binance", "public", ConnectionState(state), reason, 1, 2 * S, at_s * S)


def feed(state: str, at_s: int) -> FeedStateChanged:
    return FeedStateChanged(*BOOK, FeedState(state), FeedState.LIVE, "because", at_s * S)


@pytest.mark.parametrize(
    ("event", "kind", "text"),
    [
        (GapDetected(*BOOK, 0, 5), "gap", "messages may be missing, nobody knows how many"),
        (GapDetected(*BOOK, 3, 5), "gap", "3 messages are missing"),
        (GapDetected(*BOOK, 1, 5), "gap", "1 message is missing"),
        (BackFilled(*BOOK, 1, 0, 5), "backfilled", "1 trade fetched by request"),
        (BackFilled(*BOOK, 3, 0, 5), "backfilled", "3 trades fetched by request"),
        (BackFilled(*BOOK, 3, 2, 5), "backfilled", "3 trades fetched by request, 2 not"),
        (
            ConnectionRotated("binance", "public", "it is old", 4, 5),
            "rotated",
            "connection public renewed: it is old",
        ),
        (RemedyTaken(*BOOK, Rung.RECONNECT, 2, 5), "remedy", "step 2: reconnect"),
        (
            FallbackChanged("binance", "binance", "spare", True, "it is down", 5),
            "fallback",
            "spare stands in for binance: it is down",
        ),
        (FallbackChanged("binance", "binance", "spare", False, "it is back", 5), "fallback", "binance serves again"),
        (FeedAlert(*BOOK, "nothing helps", 5), "alert", "nothing helps"),
        (
            SubscriptionRefused("binance", "public", ("a@trade",), 2, "no", 5),
            "refused",
            "a@trade refused: no (code 2)",
        ),
        (feed("stale", 5), "stale", "because"),
    ],
)
def test_events_in_words(event: Any, kind: str, text: str) -> None:
    incidents = Incidents()
    incidents.observe(event)
    (found,) = incidents
    assert (found.kind, found.text, found.recv_ns) == (kind, text, event.recv_ns)
    assert found.venue == "binance"
    assert found.symbol == event.symbol


def test_a_lost_connection_and_its_return() -> None:
    incidents = Incidents()
    for event in (
        connection("connecting", 0),
        connection("connected", 1),
        connection("reconnecting", 10, "reset"),
        connection("connecting", 11),
        connection("reconnecting", 12, "refused"),
        connection("connected", 15),
        connection("closed", 20),
    ):
        incidents.observe(event)
    assert [(found.kind, found.text) for found in incidents] == [
        ("reconnecting", "connection public lost: reset; again in 2.0 s"),
        ("reconnecting", "connection public still not back: refused; again in 2.0 s"),
        ("connected", "connection public is back after 5.0 s"),
    ]
    assert incidents.last(1)[0].duration_ns == 5 * S, "since it was lost, not since the last attempt"


def test_a_connection_that_was_never_open_is_not_lost() -> None:
    incidents = Incidents()
    for state, at_s in (("connecting", 0), ("reconnecting", 1), ("reconnecting", 2), ("connected", 5)):
        incidents.observe(connection(state, at_s, "refused"))
    incidents.observe(connection("reconnecting", 9, "reset"))
    assert [found.text for found in incidents] == [
        "connection public cannot be opened: refused; again in 2.0 s",
        "connection public still not open: refused; again in 2.0 s",
        "connection public is open after 4.0 s",
        "connection public lost: reset; again in 2.0 s",
    ]


def test_a_book_that_is_built_for_the_first_time_is_no_incident() -> None:
    incidents = Incidents()
    incidents.observe(Resynced(*BOOK, 9, 1 * S, 5))
    assert list(incidents) == []
    incidents.observe(Resynced("binance", "book", "ETHUSDT", 9, 1 * S, 5))
    assert list(incidents) == []
    incidents.observe(Resynced(*BOOK, 9, 2 * S, 6))
    (found,) = incidents
    assert (found.kind, found.text, found.duration_ns) == ("resynced", "whole again after 2.0 s", 2 * S)


def test_silence_and_its_end() -> None:
    incidents = Incidents()
    for state, at_s in (("live", 1), ("stale", 2), ("down", 3), ("syncing", 4), ("live", 7), ("live", 8)):
        incidents.observe(feed(state, at_s))
    assert [(found.kind, found.text) for found in incidents] == [
        ("stale", "because"),
        ("recovered", "live again after 5.0 s: because"),
    ], "lost connections speak for their feeds; what was never silent does not recover"


def test_old_ones_are_forgotten_and_all_are_counted() -> None:
    incidents = Incidents(capacity=3)
    for number in range(5):
        incidents.add(Incident(number, IncidentKind.GAP, "binance", "", "", "x"))
    assert [found.recv_ns for found in incidents] == [2, 3, 4]
    assert incidents.total == 5
    assert [found.recv_ns for found in incidents.last(2)] == [3, 4]
    assert incidents.last(0) == []


def test_they_are_written_as_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "incidents.jsonl"
    path.write_text("old\n")
    kept = [Incident(1, IncidentKind.GAP, "binance", "book", "BTCUSDT", "x"), Incident(2, IncidentKind.ALERT, *"abcd")]
    assert write_incidents(kept, path) == 2
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {
        "recv_ns": 1, "kind": "gap", "venue": "binance", "channel": "book", "symbol": "BTCUSDT", "text": "x",
        "duration_ns": 0,
    }  # fmt: skip
    assert lines[1]["kind"] == "alert"
