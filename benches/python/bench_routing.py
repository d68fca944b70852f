"""The pool's choice of a link and the note of how its request went: RELIABILITY 1.2 gives it a microsecond."""

from __future__ import annotations

from random import Random

import pytest
from measuring import measure_as

from tradewire.transport.policy.routing import LinkHealth, Router

CALLS = 10_000
LINKS = 20


def test_choose(request: pytest.FixtureRequest) -> None:
    """One of twenty healthy links, and its success noted."""
    router: Router[LinkHealth] = Router(Random(7))
    links = [LinkHealth() for _ in range(LINKS)]
    for link in links:
        router.enter(link, 0)

    def decisions() -> int:
        served = 0
        for now_ns in range(CALLS):
            link = router.choose(links, now_ns)
            if link is not None:
                router.succeeded(link, 1_000_000, now_ns)
                served += 1
        return served

    assert decisions() == CALLS
    assert all(link.samples > CALLS / LINKS / 2 for link in links)
    measure_as(request, "python")(decisions, CALLS)
