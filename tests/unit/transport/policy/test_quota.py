"""Quotas: defaults, and settings that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.transport.policy.quota import Priority, Quota, VenueLimits


def quota(**changes: Any) -> Quota:
    return Quota(**{"name": "weight", "limit": 100, "per_s": 60, **changes})


def test_only_cancels_and_queries_may_use_the_reserve() -> None:
    assert [one for one in Priority if one.may_use_reserve] == [Priority.CANCEL, Priority.QUERY]


def test_what_may_go_at_once() -> None:
    assert quota(limit=2400).at_once == 96
    assert quota(limit=5).at_once == 1
    assert quota(burst=50).at_once == 50
    assert quota(strict=True).at_once == 100


@pytest.mark.parametrize(
    ("field", "value"),
    [("limit", 0), ("per_s", 0), ("per_s", 1e6), ("burst", 0), ("burst", 101), ("reserve", 1), ("margin", -0.1)],
)
def test_bad_settings_name_quota_and_field(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{field} of quota weight must be .* was {value}"):
        quota(**{field: value})


def test_quotas_of_a_venue_have_distinct_names() -> None:
    with pytest.raises(ValueError, match="distinct names"):
        VenueLimits(quotas=(quota(), quota()))
    with pytest.raises(ValueError, match=r"1\.\.8"):
        VenueLimits(quotas=())
