"""The request limit, and what a refusal says about it."""

from __future__ import annotations

from tradewire.venues.alpaca.limits import LIMITS, retry_after_s

SECOND = 1_000_000_000


def test_requests_of_a_basic_account() -> None:
    (quota,) = LIMITS.quotas
    assert (quota.limit, quota.per_s, quota.remaining_header) == (200, 60, "x-ratelimit-remaining")


def test_a_refusal_names_the_second_of_its_end() -> None:
    headers = {"x-ratelimit-reset": "1000"}
    assert retry_after_s(headers, 990 * SECOND) == 10
    assert retry_after_s(headers, 989 * SECOND + 1) == 11
    assert retry_after_s(headers, 2000 * SECOND) == 1, "clocks differ"
    assert retry_after_s({}, 0) is None
    assert retry_after_s({"x-ratelimit-reset": "soon"}, 0) is None
