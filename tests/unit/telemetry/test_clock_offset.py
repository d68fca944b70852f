"""What answers say about the venue's clock."""

from __future__ import annotations

from random import Random

from tradewire.telemetry.clock_offset import ClockOffset

MS = 1_000_000
SECOND = 1_000 * MS


def test_nothing_is_known_at_first() -> None:
    offset = ClockOffset()
    assert (offset.known, offset.offset_ns, offset.rtt_ns) == (False, 0, 0)


def test_an_answer_is_taken_for_the_middle_of_its_round_trip() -> None:
    offset = ClockOffset()
    offset.add(1_000 * SECOND, 20 * MS, 1_003 * SECOND)
    assert offset.known
    assert (offset.offset_ns, offset.rtt_ns) == (3 * SECOND - 10 * MS, 20 * MS)


def test_clocks_that_cannot_be_told_apart_count_as_equal() -> None:
    offset = ClockOffset()
    offset.add(0, 20 * MS, -1 * MS)
    assert (offset.offset_ns, offset.certain_ns) == (-11 * MS, 0), "half a round trip and a millisecond"
    offset.add(0, 18 * MS, -2 * MS)
    assert (offset.offset_ns, offset.certain_ns) == (-11 * MS, -11 * MS)
    offset.add(0, 2 * MS, 3 * MS)
    assert (offset.offset_ns, offset.certain_ns) == (2 * MS, 0)


def test_the_shortest_round_trip_of_the_last_eight_counts() -> None:
    offset = ClockOffset()
    offset.add(0, 2 * MS, 1 * MS)
    for number in range(1, 8):
        offset.add(0, (10 + number) * MS, (10 + number) * MS)
        assert (offset.offset_ns, offset.rtt_ns) == (0, 2 * MS)
    offset.add(0, 30 * MS, 17 * MS)
    assert offset.rtt_ns == 11 * MS, "the eighth after it drives it out"


def test_the_error_is_at_most_half_the_round_trip() -> None:
    draw, offset, true = Random(1), ClockOffset(), -700 * MS
    for minute in range(200):
        sent = minute * 60 * SECOND
        there, back = draw.randrange(1, 200 * MS), draw.randrange(1, 200 * MS)
        offset.add(sent, there + back, sent + there + true)
        assert abs(offset.offset_ns - true) <= offset.rtt_ns / 2 + 1


def test_a_clock_that_was_set_is_believed_at_once() -> None:
    offset = ClockOffset()
    offset.add(0, 2 * MS, 1 * MS)
    offset.add(60 * SECOND, 40 * MS, 60 * SECOND + 20 * MS + 5 * SECOND)
    assert (offset.offset_ns, offset.rtt_ns) == (5 * SECOND, 40 * MS), "the better answer is of another time"
    offset.add(120 * SECOND, 40 * MS, 120 * SECOND + 20 * MS)
    assert offset.offset_ns == 0


def test_another_clock() -> None:
    offset = ClockOffset()
    offset.add(0, 2, 9)
    offset.forget()
    assert (offset.known, offset.offset_ns, offset.rtt_ns) == (False, 0, 0)
