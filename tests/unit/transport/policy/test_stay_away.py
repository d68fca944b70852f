"""How long a venue that refused is left alone."""

from __future__ import annotations

import pytest

from tradewire.transport.policy.stay_away import UNTOLD_S, longest_told_s

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("told", "away"),
    [
        ((7.0, None), 7.0),
        ((7.0, 30.5), 30.5),
        ((None, None), None),
        ((), None),
        ((-1.0, 0.0), None),
        ((-1.0, 2.0), 2.0),
        ((3 * DAY_S,), 3 * DAY_S),
        ((1_000 * DAY_S, 2.0), 3 * DAY_S),
    ],
)
def test_the_longest_time_ahead_within_the_longest_ban_there_is(
    told: tuple[float | None, ...], away: float | None
) -> None:
    assert longest_told_s(*told) == away


def test_without_a_time_a_ban_lasts_as_long_as_the_shortest_and_a_limit_a_minute() -> None:
    assert UNTOLD_S == {418: 120.0, 429: 60.0}
