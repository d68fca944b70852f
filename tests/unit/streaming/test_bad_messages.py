"""Too many unreadable messages in any minute."""

from __future__ import annotations

import pytest

from tradewire.streaming.bad_messages import BadMessages

SECOND = 1_000_000_000


def test_more_than_the_limit_in_a_minute_is_too_many() -> None:
    bad = BadMessages(3)
    assert [bad.add(1, now * SECOND) for now in (0, 1, 2, 3)] == [False, False, False, True]
    assert not bad.add(3, 4 * SECOND), "counts anew"


def test_old_ones_are_forgotten() -> None:
    bad = BadMessages(2)
    assert not bad.add(2, 0)
    assert not bad.add(2, 60 * SECOND)
    assert bad.add(1, 119 * SECOND)


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="most must be 1 or more, was 0"):
        BadMessages(0)
