"""A provider's REST: made when somebody asks, limited as its settings say."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tradewire import Secret
from tradewire.core import monotonic_ns
from tradewire.streaming.budgets import Budgets
from tradewire.streaming.gate import Bans
from tradewire.streaming.provider import ProviderSettings
from tradewire.streaming.provider_rest import ProviderRest
from tradewire.telemetry import Counters
from tradewire.transport.auth import Credential
from tradewire.venues.registry import load


def rest_of(**options: Any) -> ProviderRest:
    settings = ProviderSettings("binance", load("binance"), **options)
    return ProviderRest(settings, lambda _: None, lambda _: None, Counters())


async def test_limits_of_rest_calls_can_be_read() -> None:
    made = rest_of()
    assert made.rate_limit is None
    made.market_data()
    statistics = made.rate_limit
    assert statistics is not None
    assert statistics.waiting == 0
    assert "weight" in statistics.quotas
    await made.close()


async def test_the_rate_limit_of_a_provider_holds_its_requests_back_and_changes_at_once() -> None:
    made = rest_of(rate_limit=(60.0, 2))
    settings = made._settings
    first = made.http.limiter
    assert first is not None
    assert first.current_rate == 60
    made.update(dataclasses.replace(settings, reconnect_attempts=9))
    assert made.http.limiter is first, "what was used stays used"
    made.update(dataclasses.replace(settings, rate_limit=(30.0, 1)))
    assert made.http.limiter is not None
    assert made.http.limiter.current_rate == 30
    made.update(dataclasses.replace(settings, rate_limit=None))
    assert made.http.limiter is None
    await made.close()


async def test_another_address_is_asked_from_the_change_on() -> None:
    made = rest_of(rest_url="http://127.0.0.1:1")
    first = made.market_data()
    made.update(dataclasses.replace(made._settings, reconnect_attempts=9))
    assert made.market_data() is first
    made.update(dataclasses.replace(made._settings, rest_url="http://127.0.0.1:2"))
    assert made.market_data() is not first
    await made.close()


async def test_what_one_connection_was_told_holds_requests_and_the_other_way_round() -> None:
    now = [monotonic_ns()]
    settings = ProviderSettings("binance", load("binance"))
    made = ProviderRest(settings, lambda _: None, lambda _: None, Counters(), Bans(lambda: now[0]))
    assert made.held_ns() == 0
    made.hold(120)
    made.hold(60)
    assert made.held_ns() == 120_000_000_000, "the longest counts"
    limits: Any = made.market_data()
    statistics = made.rate_limit
    assert statistics is not None
    assert statistics.closed_for_s > 100, "limits made later know it"
    made.hold(600)
    statistics = made.rate_limit
    assert statistics is not None
    assert statistics.closed_for_s > 500
    limits.limits.close("binance", 3_600)
    assert made.held_ns() > 3_500_000_000_000
    await made.close()


async def test_it_ends_with_the_time() -> None:
    now = [0]
    settings = ProviderSettings("binance", load("binance"))
    made = ProviderRest(settings, lambda _: None, lambda _: None, Counters(), Bans(lambda: now[0]))
    made.hold(2)
    now[0] = 1_999_999_999
    assert made.held_ns() == 1
    now[0] = 2_000_000_000
    assert made.held_ns() == 0
    await made.close()


def two(first: dict[str, Any], second: dict[str, Any]) -> tuple[ProviderRest, ProviderRest]:
    shared = Bans(), Budgets()
    made = [
        ProviderRest(
            ProviderSettings(name, load(venue), **options), lambda _: None, lambda _: None, Counters(), *shared
        )
        for name, (venue, options) in {
            "first": (first.pop("venue", "binance"), first),
            "second": (second.pop("venue", "binance"), second),
        }.items()
    ]
    return made[0], made[1]


async def test_what_one_provider_was_told_holds_all_that_ask_the_same_host() -> None:
    first, second = two({}, {})
    second.market_data()
    first.hold(120)
    assert 119e9 < second.held_ns() <= 120e9
    assert second.rate_limit is not None
    assert second.rate_limit.closed_for_s > 119, "at once"
    for made in (first, second):
        await made.close()


async def test_what_a_request_of_one_provider_was_told_holds_the_other() -> None:
    first, second = two({}, {})
    limits: Any = first.market_data()
    second.market_data()
    limits.limits.close("binance", 600)
    assert second.held_ns() > 599e9
    second.tick()
    assert second.rate_limit is not None
    assert second.rate_limit.closed_for_s > 599
    await first.close()
    assert second.held_ns() > 599e9, "though nobody is left who was told"
    await second.close()


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ({"url": "ws://a"}, {"url": "ws://b"}, True),
        (
            {"url": "ws://a", "rest_url": "http://h"},
            {"url": "ws://b", "rest_url": "http://g"},
            False,
        ),
        (
            {"url": "ws://a", "rest_url": "http://h"},
            {"url": "ws://a", "rest_url": "http://g"},
            True,
        ),
        ({}, {"venue": "binance_spot"}, False),
        ({}, {"url": "ws://a", "rest_url": "http://a"}, False),
    ],
)
async def test_hosts_that_are_no_one_s_in_common_are_not_held(
    first: dict[str, Any], second: dict[str, Any], shared: bool
) -> None:
    told, other = two(dict(first), dict(second))
    told.hold(60)
    assert bool(other.held_ns()) is shared
    for made in (told, other):
        await made.close()


KEY = Credential(Secret("key"), Secret("secret"))
OTHER_KEY = Credential(Secret("other"), Secret("secret"))


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ({}, {}, True),
        ({}, {"rest_url": "https://fapi.binance.com"}, True),
        ({}, {"rest_url": "http://a"}, False),
        ({"rest_url": "http://a"}, {"rest_url": "http://b"}, False),
        ({}, {"venue": "binance_spot"}, False),
        ({"venue": "alpaca", "credential": KEY}, {"venue": "alpaca_crypto", "credential": KEY}, True),
        ({"venue": "alpaca", "credential": KEY}, {"venue": "alpaca", "credential": OTHER_KEY}, False),
    ],
)
async def test_requests_of_all_that_ask_one_host_are_counted_together(
    first: dict[str, Any], second: dict[str, Any], shared: bool
) -> None:
    one, other = two(dict(first), dict(second))
    limits: Any = one.market_data()
    other.market_data()
    quota = "requests" if "credential" in first else "weight"
    limits.limits.try_acquire(f"{one._settings.venue.name}/{quota}", 30)
    assert other.rate_limit is not None
    assert other.rate_limit.quotas[quota].used == (30 if shared else 0)
    for made in (one, other):
        await made.close()


async def test_a_provider_that_changes_its_address_is_counted_there() -> None:
    one, other = two({"rest_url": "http://a"}, {"rest_url": "http://b"})
    limits: Any = one.market_data()
    limits.limits.try_acquire("binance/weight", 30)
    other.market_data()
    other.update(dataclasses.replace(other._settings, rest_url="http://a"))
    other.market_data()
    assert other.rate_limit is not None
    assert other.rate_limit.quotas["weight"].used == 30
    for made in (one, other):
        await made.close()


async def test_looking_does_not_make_a_ban_longer() -> None:
    made = rest_of()
    made.market_data()
    made.hold(60)
    assert made.rate_limit is not None
    before = made._limits.statistics("binance").closed_for_s if made._limits else 0
    for _ in range(1_000):
        made.tick()
    assert made.rate_limit.closed_for_s <= before
    await made.close()
