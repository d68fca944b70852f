"""Whose requests are counted together. On simulators: integration/test_budgets_on_simulators.py."""

from __future__ import annotations

import pytest

from tradewire import Secret
from tradewire.streaming.budgets import Budgets
from tradewire.transport.auth import Credential
from tradewire.transport.rate_limit import Quota, RateLimitManager, VenueLimits

BY_HOST = VenueLimits(quotas=(Quota(name="weight", limit=100, per_s=60, burst=10),))
BY_KEY = VenueLimits(quotas=BY_HOST.quotas, per_credential=True)
SMALLER = VenueLimits(quotas=(Quota(name="weight", limit=50, per_s=60, burst=10),))
ONE, TWO = (Credential(Secret(key), Secret("secret")) for key in ("one", "two"))


@pytest.mark.parametrize(
    ("limits", "host", "credential", "shared"),
    [
        ((BY_HOST, BY_HOST), ("a", "a"), (None, None), True),
        ((BY_HOST, BY_HOST), ("a", "b"), (None, None), False),
        ((BY_HOST, BY_HOST), ("a", "a"), (ONE, TWO), True),
        ((BY_HOST, SMALLER), ("a", "a"), (None, None), False),
        ((BY_KEY, BY_KEY), ("a", "a"), (ONE, TWO), False),
        ((BY_KEY, BY_KEY), ("a", "a"), (ONE, Credential(Secret("one"), Secret("secret"))), True),
        ((BY_KEY, BY_KEY), ("a", "b"), (ONE, ONE), False),
        ((BY_KEY, BY_HOST), ("a", "a"), (ONE, ONE), False),
    ],
)
def test_who_shares(
    limits: tuple[VenueLimits, VenueLimits],
    host: tuple[str, str],
    credential: tuple[Credential | None, Credential | None],
    shared: bool,
) -> None:
    budgets = Budgets()
    first, second = (RateLimitManager({venue: each}) for venue, each in zip(("first", "second"), limits, strict=True))
    budgets.share(first, "first", host[0], credential[0])
    budgets.share(second, "second", host[1], credential[1])
    assert first.try_acquire("first", 8) == 0
    assert bool(second.try_acquire("second", 8)) is shared


def test_what_was_used_stays_used_when_its_provider_is_gone() -> None:
    budgets = Budgets()
    managers = {venue: RateLimitManager({venue: BY_HOST}) for venue in ("first", "second", "third")}
    for venue, manager in managers.items():
        budgets.share(manager, venue, "a", None)
        manager.try_acquire(venue, 3)
    assert managers["third"].statistics("third").quotas["weight"].used == 9
