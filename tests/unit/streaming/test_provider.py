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
