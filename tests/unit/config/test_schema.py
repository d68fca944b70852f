"""The schema: every key of the documents' examples, and the rules within sections."""

from __future__ import annotations

import zoneinfo
from typing import Any

import pytest

from tradewire import ExchangeConfig, Secret
from tradewire.config import (
    Config,
    ConnectionPoolConfig,
    ProviderConfig,
    StreamingConfig,
    StreamingHealthConfig,
)
from tradewire.config.schema import ApiConfig, GlobalSettings, is_loopback
from tradewire.config.settings import NamedList, Nested, Section, incomplete, settings


def every_section(cls: type[Section] = Config) -> list[type[Section]]:
    found = [cls]
    for row in settings(cls).values():
        kind = getattr(row.kind, "item", row.kind)
        if isinstance(kind, Nested | NamedList):
            found += every_section(kind.section)
    return found


@pytest.mark.parametrize(
    "cls", sorted(set(every_section()), key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__
)
def test_every_setting_is_described_and_its_default_allowed(cls: type[Section]) -> None:
    assert cls.__doc__
    for row in settings(cls).values():
        assert row.doc.endswith("."), row.name
        assert row.kind.allowed, row.name
        if not row.required and not row.optional:
            assert row.kind.check(row.default()) == row.default(), row.name


def test_the_defaults_of_streaming() -> None:
    made = StreamingConfig()
    assert (made.buffer_size, made.reconnect_attempts, made.health_check_interval) == (10_000, 5, 30.0)
    assert (made.symbols, made.providers, made.loop) == ((), (), "sleep")
    provider = ProviderConfig(name="alpaca")
    assert (provider.venue, provider.auth_method, provider.codec) == (None, "none", "json")
    assert (provider.enabled, provider.standby, provider.symbols) == (True, False, None)


def test_the_defaults_of_health() -> None:
    made = StreamingHealthConfig()
    assert (made.monitoring.enabled, made.monitoring.check_interval) == (True, 5.0)
    assert made.thresholds.min_throughput_msg_per_sec is None
    assert (made.thresholds.max_latency_ms, made.thresholds.max_queue_depth) == (100.0, 5_000)
    assert (made.thresholds.circuit_breaker_timeout, made.thresholds.max_bad_messages_per_min) == (60.0, 10)
    assert (made.alerts.channels, made.alerts.escalation_threshold) == (("log", "metrics"), 3)
    assert (made.api.enabled, made.api.host, made.api.port, made.api.token) == (False, "127.0.0.1", 8_000, None)


def test_the_safe_defaults() -> None:
    assert Config().environment == "paper"
    made = ExchangeConfig(name="BINANCE")
    assert made.testnet
    assert made.paper_trading


@pytest.mark.skipif(not zoneinfo.available_timezones(), reason="this system knows no time zones")
@pytest.mark.parametrize(
    ("timezone", "rule"),
    [
        ("UTC", None),
        ("America/New_York", None),
        ("America/New_Yrok", "is not known: did you mean 'America/New_York'?"),
        ("America", "is not known"),
        ("Mars/Olympus", "is not known"),
    ],
)
def test_a_time_zone_is_one_that_there_is(timezone: str, rule: str | None) -> None:
    found = list(GlobalSettings(timezone=timezone).rules())
    assert [(name, text.startswith(rule or "?")) for name, text in found] == ([("timezone", True)] if rule else [])


def test_a_system_without_time_zones_refuses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    assert list(GlobalSettings(timezone="Mars/Olympus").rules()) == []


def test_an_exchange_as_the_documents_make_it() -> None:
    made = ExchangeConfig(
        name="BINANCE",
        api_key="your_testnet_key",  # type: ignore[arg-type]  # texts become secrets
        api_secret="your_testnet_secret",  # type: ignore[arg-type]  # noqa: S106
        testnet=True,
        paper_trading=True,
    )
    assert made.api_secret == Secret("your_testnet_secret")
    assert "your" not in repr(made)
    assert made.dict()["rate_limit_requests"] == 1_200


@pytest.mark.parametrize(
    ("made", "settings_"),
    [
        (ConnectionPoolConfig(min_connections=5, max_connections=4), ["min_connections"]),
        (ConnectionPoolConfig(min_connections=4, max_connections=4), []),
        (ProviderConfig(name="a", fallback="a"), ["fallback"]),
        (ProviderConfig(name="a", fallback="b"), []),
        (ApiConfig(enabled=True, host="0.0.0.0"), ["host"]),  # noqa: S104
        (ApiConfig(enabled=True, host="::"), ["host"]),
        (ApiConfig(enabled=True, host="127.0.0.1.example.com"), ["host"]),
        (ApiConfig(enabled=False, host="0.0.0.0"), []),  # noqa: S104
        (ApiConfig(enabled=True, host="::1"), []),
        (StreamingConfig(providers=(ProviderConfig(name="a", fallback="b"),)), ["providers.a.fallback"]),
        (StreamingConfig(providers=(ProviderConfig(name="a", standby=True),)), ["providers.a.standby"]),
        (StreamingConfig(providers=(ProviderConfig(name="a", standby=True, enabled=False),)), []),
        (
            StreamingConfig(
                providers=(ProviderConfig(name="a", fallback="b"), ProviderConfig(name="b", enabled=False))
            ),
            ["providers.a.fallback"],
        ),
        (
            StreamingConfig(providers=(ProviderConfig(name="a", fallback="b"), ProviderConfig(name="b", standby=True))),
            [],
        ),
    ],
)
def test_rules_within_a_section(made: Any, settings_: list[str]) -> None:
    assert [name for name, _ in made.rules()] == settings_


@pytest.mark.parametrize("cls", dict.fromkeys(every_section()), ids=lambda cls: cls.__name__)
def test_rules_ask_nothing_of_what_could_not_be_read(cls: type[Section]) -> None:
    values = {name: "x" if row.required else row.default() for name, row in settings(cls).items()}
    for name in values:
        assert list(incomplete(cls, {other: values[other] for other in values if other != name}).rules()) == []


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("localhost", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104
        ("128.0.0.1", False),
        ("127.0.0.1.example.com", False),
        ("127.0.0.999", False),
        ("127.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
