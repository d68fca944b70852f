"""How long a venue that refused is left alone."""

from __future__ import annotations

import pytest

from tradewire.transport.policy.stay_away import UNTOLD_S, longest_told_s, told_by_header_s

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


#: Wed, 21 Oct 2026 07:28:00 GMT
NOW_NS = 1_792_567_680_000_000_000


@pytest.mark.parametrize(
    ("text", "away_s"),
    [
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("9" * 5_000, 3 * DAY_S),
        ("Wed, 21 Oct 2026 08:28:00 GMT", 3_600.0),
        ("Wednesday, 21-Oct-26 08:28:00 GMT", 3_600.0),
        ("Wed Oct 21 08:28:00 2026", 3_600.0),
        ("Wed, 21 Oct 2026 07:27:59 GMT", 0.0),
        ("Wed, 21 Oct 2037 07:28:00 GMT", 3 * DAY_S),
        *((text, None) for text in ("", "-1", "soon", "\u00b2", "5, 7", "nan", "inf", "Wed, 99 Oct 2026 07:28:00 GMT")),
    ],
)
def test_a_header_states_seconds_or_a_date(text: str, away_s: float | None) -> None:
    assert told_by_header_s(text, NOW_NS) == away_s
