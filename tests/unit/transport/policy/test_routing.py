"""Routing decisions under given times and seeds."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tradewire.transport.policy.routing import LinkHealth, Router, RoutingRules

S = 1_000_000_000
MS = 1_000_000


def _router(count: int, seed: int = 1) -> tuple[Router[LinkHealth], list[LinkHealth]]:
    router = Router[LinkHealth](Random(seed))
    links = [LinkHealth() for _ in range(count)]
    for link in links:
        router.enter(link, 0)
    return router, links


def _fail(router: Router[LinkHealth], link: LinkHealth, times: int, now_ns: int) -> list[bool]:
    return [router.failed(link, now_ns) for _ in range(times)]


def _shares(router: Router[LinkHealth], links: list[LinkHealth], now_ns: int, rounds: int = 4000) -> list[float]:
    chosen = Counter(id(router.choose(links, now_ns)) for _ in range(rounds))
    return [chosen[id(link)] / rounds for link in links]


def test_healthy_links_share_evenly() -> None:
    router, links = _router(4)
    assert all(share == pytest.approx(0.25, abs=0.04) for share in _shares(router, links, 0))


def test_five_failures_in_a_row_eject_and_a_success_between_starts_over() -> None:
    router, links = _router(4)
    assert _fail(router, links[0], 4, S) == [False] * 4
    router.succeeded(links[0], MS, S)
    assert _fail(router, links[0], 5, S) == [False] * 4 + [True]
    assert links[0].ejected_until_ns == 31 * S
    assert _shares(router, links, 2 * S)[0] == 0
    assert router.score(links[0], 31 * S - 1) == 0
    assert router.score(links[0], 31 * S) > 0


def test_failures_lower_the_share_before_they_eject() -> None:
    router, links = _router(4)
    _fail(router, links[0], 3, 0)
    assert router.score(links[0], 0) == 0.25
    assert 0.02 < _shares(router, links, 0)[0] < 0.12


def test_ejections_grow_to_the_cap_and_are_forgotten_in_service() -> None:
    router, links = _router(2)
    now, lengths = 0, []
    for _ in range(12):
        _fail(router, links[0], 5, now)
        lengths.append((links[0].ejected_until_ns - now) // S)
        now = links[0].ejected_until_ns
    assert lengths == [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]
    now += 10 * 60 * S
    _fail(router, links[0], 5, now)
    assert links[0].ejections == 12 - 10 + 1
    now = links[0].ejected_until_ns + 3600 * S
    _fail(router, links[0], 5, now)
    assert (links[0].ejected_until_ns - now) // S == 30


def test_probation_ramps_from_a_tenth_and_one_failure_ends_it() -> None:
    router, links = _router(2)
    _fail(router, links[0], 5, 0)
    assert router.score(links[0], 30 * S) == pytest.approx(0.1)
    assert router.score(links[0], 45 * S) == pytest.approx(0.55)
    links[0].alive_ns = 60 * S
    assert router.score(links[0], 60 * S) == 1.0
    assert router.failed(links[0], 45 * S) is True
    assert links[0].ejected_until_ns == 105 * S


def test_the_last_healthy_link_is_never_ejected_and_all_bad_spreads_again() -> None:
    router, links = _router(4)
    for link in links[:3]:
        assert _fail(router, link, 5, 0)[-1]
    assert not any(_fail(router, links[3], 50, 0))
    assert all(share > 0.15 for share in _shares(router, links, S))


def test_all_bad_and_only_ejected_ones_idle_still_routes() -> None:
    router, links = _router(2)
    _fail(router, links[0], 5, 0)
    assert router.choose(links[:1], S) is None, "the healthy one is worth waiting for"
    _fail(router, links[1], 5, 0)
    assert router.choose(links[:1], S) is links[0]
    router.succeeded(links[0], MS, S)
    assert router.score(links[0], S) > 0, "it serves: the ejection is over"


def test_a_broken_link_serves_only_when_nothing_else_can() -> None:
    router, links = _router(2)
    router.broken(links[0])
    assert router.score(links[0], 0) == 0
    assert {id(router.choose(links, 0)) for _ in range(200)} == {id(links[1])}
    router.broken(links[1])
    assert router.choose(links, 0) in links
    router.enter(links[0], 5 * S, probation=True)
    assert router.score(links[0], 5 * S) == pytest.approx(0.1)


def test_latency_counts_relative_to_the_best() -> None:
    router, links = _router(3)
    for link, latency in zip(links, (10 * MS, 19 * MS, 100 * MS), strict=True):
        router.succeeded(link, latency, 0)
    assert [router.score(link, 0) for link in links] == [1.0, 1.0, pytest.approx(0.2)]


def test_a_slow_outlier_is_ejected_after_three_sweeps_with_enough_requests() -> None:
    router, links = _router(3)
    for sweep in range(4):
        for _ in range(10):
            router.succeeded(links[0], MS, 0)
            router.succeeded(links[1], MS, 0)
            router.succeeded(links[2], 10 * MS, 0)
        ejected = router.sweep(0)
        assert router.sweep(0) == [], "no new requests, no new verdict"
        assert ejected == ([links[2]] if sweep == 2 else [])
        if ejected:
            break
    assert links[2].ejected_until_ns == 30 * S


def test_a_best_link_that_got_slower_is_no_measure_any_more() -> None:
    router, links = _router(2)
    router.succeeded(links[0], MS, 0)
    router.succeeded(links[1], 10 * MS, 0)
    for _ in range(200):
        router.succeeded(links[0], 50 * MS, 0)
    router.sweep(0)
    assert router.score(links[1], 0) == 1.0
    assert router.score(links[0], 0) < 0.5


def test_silence_lowers_the_score_and_a_pong_restores_it() -> None:
    router, links = _router(1)
    assert router.score(links[0], 120 * S) == 0.5
    router.seen_alive(links[0], 120 * S)
    assert router.score(links[0], 120 * S) == 1.0


def test_a_pong_does_not_excuse_failing_requests() -> None:
    router, links = _router(2)
    results = []
    for _ in range(5):
        results.append(router.failed(links[0], S))
        router.seen_alive(links[0], S)
    assert results[-1] is True


def test_nothing_idle_and_a_link_that_left() -> None:
    router, links = _router(2)
    assert router.choose([], 0) is None
    router.leave(links[0])
    router.leave(links[0])
    assert not any(_fail(router, links[1], 50, 0)), "it is the last one now"


def test_random_histories_never_leave_the_pool_without_a_choice() -> None:
    random = Random(7)
    for trial in range(200):
        router, links = _router(random.randint(1, 6), trial)
        now = 0
        for _ in range(200):
            now += random.randrange(20 * S)
            link = router.choose(links, now)
            assert link is not None
            if random.random() < 0.7:
                router.failed(link, now)
            else:
                router.succeeded(link, random.randrange(1, 100 * MS), now)
            if random.random() < 0.05:
                router.broken(random.choice(links))
            if random.random() < 0.05:
                router.enter(random.choice(links), now, probation=True)
            router.sweep(now)
            for each in links:
                assert 0.0 <= router.score(each, now) <= 1.0
                assert each.ejected_until_ns - now <= RoutingRules().eject_cap_ns
