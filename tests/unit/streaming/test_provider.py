"""What a provider is used with when nothing else is said."""

from __future__ import annotations

import dataclasses

import pytest

from tradewire.streaming.provider import ProviderSettings
from tradewire.venues.registry import load


def test_only_name_and_venue_are_needed() -> None:
    settings = ProviderSettings("main", load("binance"))
    assert (settings.url, settings.fallback, settings.standby) == (None, None, False)
    assert settings == ProviderSettings("main", load("binance")), "equal settings change nothing"


def test_settings_are_replaced_never_changed() -> None:
    settings = ProviderSettings("main", load("binance"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.url = "ws://127.0.0.1"  # type: ignore[misc]


def test_control_messages_are_never_more_than_the_venue_allows() -> None:
    venue = load("binance")
    limits = ProviderSettings("main", venue).limits()
    assert limits is venue.limits
    slower = ProviderSettings("main", venue, rate_limit=(60.0, 1_000)).limits()
    assert (slower.messages_per_s, slower.message_burst) == (1.0, venue.limits.message_burst)
    assert slower.streams == venue.limits.streams


def test_rest_requests_are_limited_only_where_that_was_asked_for() -> None:
    assert ProviderSettings("main", load("binance")).request_limiter() is None
    limiter = ProviderSettings("main", load("binance"), rate_limit=(2.5, 50)).request_limiter()
    assert limiter is not None
    assert limiter.current_rate == 2
    assert limiter.try_acquire(2) == 0, "what may go at once is at most a minute's"
    assert limiter.try_acquire() > 0


def test_each_connection_has_a_breaker_of_its_own() -> None:
    assert ProviderSettings("main", load("binance")).breaker_states() is None
    settings = ProviderSettings("main", load("binance"), breaker=(2, 30.0))
    first, second = settings.breaker_states(), settings.breaker_states()
    assert first is not None
    assert second is not None
    for _ in range(2):
        first.failed(first.admit(0), 0)
    assert first.admit(29_999_999_999) == 0
    assert second.admit(0)
