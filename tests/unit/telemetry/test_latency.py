"""Latency spans of a batch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tradewire.telemetry import HOPS, LatencySpans


@pytest.fixture(params=[list, np.array], ids=["small batch", "large batch"])
def times(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_each_message_gives_one_value_per_hop(times: Any) -> None:
    spans = LatencySpans()
    spans.observe(times([1_000, 1_100]), times([1_500, 1_500]), 1_700)
    assert spans.venue.count == 2
    assert spans.queue.count == 2
    assert spans.queue.max == 200
    assert spans.venue.max == 500


def test_messages_without_venue_time_are_left_out_of_the_venue_hop(times: Any) -> None:
    spans = LatencySpans()
    spans.observe(times([0, 1_100]), times([1_500, 1_500]), 1_700)
    assert spans.venue.count == 1
    assert spans.queue.count == 2


def test_a_clock_behind_the_venues_is_counted_not_recorded(times: Any) -> None:
    spans = LatencySpans()
    spans.observe(times([2_000]), times([1_500]), 1_600)
    assert spans.venue.count == 0
    assert spans.summary()["venue"]["negative"] == 1


def test_the_offset_of_the_clocks_is_taken_out(times: Any) -> None:
    spans = LatencySpans()
    assert spans.observe(times([2_000]), times([1_500]), 1_600, 600) == 0
    assert (spans.venue.max, spans.venue.negative) == (100, 0)


def test_times_more_than_an_hour_off_are_told(times: Any) -> None:
    hour, now = 3_600_000_000_000, 10**18
    spans = LatencySpans()
    events = [now, now + hour, now - hour, now + hour + 1, now - hour - 1, now // 1_000, 0]
    assert spans.observe(times(events), times([now] * len(events)), now) == 3
    assert spans.observe(times([now - hour - 1]), times([now]), now, -1) == 0, "by the venue's clock"


def test_summary_names_every_hop() -> None:
    summary = LatencySpans().summary()
    assert tuple(summary) == HOPS
    assert summary["callback"] == {"count": 0, "p50_ns": 0, "p99_ns": 0, "p99_9_ns": 0, "max_ns": 0, "negative": 0}


def test_unknown_hop() -> None:
    with pytest.raises(ValueError, match="hop must be one of venue, queue, callback, was 'disk'"):
        LatencySpans().histogram("disk")
