"""Venues by name."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tradewire.errors import UnsupportedError
from tradewire.venues import registry
from tradewire.venues.adapter import AdapterVenue, DataProviderAdapter


@pytest.mark.parametrize("name", registry.names())
def test_every_known_venue_loads_under_its_name(name: str) -> None:
    assert registry.load(name).name == name


def test_an_unknown_venue_lists_the_known_ones() -> None:
    with pytest.raises(UnsupportedError, match=r"venue must be one of alpaca, .*, binance, binance_spot, was 'kraken'"):
        registry.load("kraken")
    with pytest.raises(UnsupportedError, match=r", was 'binnance'; did you mean 'binance'\?"):
        registry.load("binnance")


def test_third_parties_register_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_VENUES", dict(registry._VENUES))
    registry.register("mine", "tradewire.venues.binance.stream:SPOT")
    registry.register("mine", "tradewire.venues.binance.stream:SPOT")
    assert registry.load("mine") is registry.load("binance_spot")


@pytest.mark.parametrize(
    ("name", "house"), [("alpaca", "alpaca"), ("alpaca_crypto", "alpaca"), ("binance_spot", "binance")]
)
def test_markets_of_a_built_in_house_share_its_accounts(name: str, house: str) -> None:
    assert registry.house(registry.load(name)) == house


def test_a_registered_venue_belongs_to_no_house(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.ADAPTERS, "alpaca_mirror", DataProviderAdapter)
    assert registry.house(registry.load("alpaca_mirror")) == "alpaca_mirror"
    foreign = AdapterVenue(DataProviderAdapter("binance_spot"))
    assert registry.house(foreign) == "binance_spot", "one that only calls itself so"
    monkeypatch.setattr(registry, "_VENUES", dict(registry._VENUES))
    registry.register("binance_other", "other.venues.stream:MARKET")
    assert registry.house(AdapterVenue(DataProviderAdapter("binance_other"))) == "binance_other"


def test_a_name_is_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_VENUES", dict(registry._VENUES))
    with pytest.raises(ValueError, match="venue 'binance' is already registered"):
        registry.register("binance", "mine:VENUE")


def test_a_custom_providers_name_is_not_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.ADAPTERS, "mine", DataProviderAdapter)
    with pytest.raises(ValueError, match="'mine' is already registered as the custom provider DataProviderAdapter"):
        registry.register("mine", "tradewire.venues.binance.stream:SPOT")
    assert "mine" not in registry._VENUES


def test_a_path_names_module_and_attribute() -> None:
    with pytest.raises(ValueError, match=r"path must be 'package.module:ATTRIBUTE', was 'mine'"):
        registry.register("mine", "mine")


@pytest.mark.parametrize("name", ["", "bad name", "1st", "x" * 65, 5, None])
def test_names_are_those_that_a_configuration_could_name(name: Any) -> None:
    expected = "names must be letters, digits, '-' and '_', beginning with a letter, 64 at most, was "
    with pytest.raises(ValueError, match=f"^{re.escape(expected + repr(name))}$"):
        registry.register_adapter(name, DataProviderAdapter)
    with pytest.raises(ValueError, match=f"^{re.escape(expected + repr(name))}$"):
        registry.register(name, "tradewire.venues.binance.stream:SPOT")
    assert name not in registry.ADAPTERS
    assert name not in registry._VENUES


@pytest.mark.parametrize("environment", ["paper", "testnet", "live"])
def test_every_built_in_venue_has_hosts_and_its_own_addresses_are_among_them(environment: str) -> None:
    hosts = registry.allowed_hosts(environment)
    assert set(hosts) == set(registry.names()) - set(registry.ADAPTERS)
    for name, known in hosts.items():
        assert urlsplit(registry.load(name).stream_url("")).hostname in known
    assert "data.alpaca.markets" in hosts["alpaca_crypto"]
    assert {"fapi.binance.com", "fstream.binance.com"} <= hosts["binance"]


def test_testnets_are_not_for_live() -> None:
    test_hosts = {"demo-fapi.binance.com", "testnet.binance.vision", "stream.data.sandbox.alpaca.markets"}
    assert test_hosts <= frozenset().union(*registry.allowed_hosts("testnet").values())
    assert not test_hosts & frozenset().union(*registry.allowed_hosts("live").values())


def test_registered_venues_answer_for_their_own_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_VENUES", {**registry._VENUES, "mine": "tradewire.venues.binance.stream:SPOT"})
    assert "mine" not in registry.allowed_hosts("paper")
