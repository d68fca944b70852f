"""Settings of a pool: defaults, precedence, and errors that name field, value and range."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.config import ConnectionPoolConfig
from tradewire.transport.pool_settings import PoolSettings


def test_defaults_and_precedence() -> None:
    assert PoolSettings.of({}) == PoolSettings(3, 10, 30.0, 10.0, 60.0)
    mapping = {"min_connections": 2, "idle_timeout": 5}
    assert PoolSettings.of(mapping, min_connections=4, max_connections=None) == PoolSettings(4, 10, 30.0, 10.0, 5)


def test_as_the_configuration_gives_them() -> None:
    assert PoolSettings.of(ConnectionPoolConfig().dict()) == PoolSettings()


def test_no_mapping() -> None:
    with pytest.raises(TypeError, match="the settings of a pool must be a mapping, was list"):
        PoolSettings.of([("min_connections", 1)])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ({"min_connections": -1}, ValueError, r"min_connections must be 0\.\.1000, was -1"),
        ({"max_connections": 0}, ValueError, r"max_connections must be 1\.\.1000, was 0"),
        ({"min_connections": 2.0}, TypeError, r"min_connections must be a whole number, was 2\.0"),
        ({"max_connections": True}, TypeError, "max_connections must be a whole number, was True"),
        ({"idle_timeout": float("nan")}, ValueError, "idle_timeout must be above 0 and at most 86400 seconds, was nan"),
        ({"connection_timeout": 0}, ValueError, "connection_timeout must be above 0"),
        ({"health_check_interval": "30"}, TypeError, "health_check_interval must be a number of seconds, was '30'"),
        ({"min_connections": 11}, ValueError, "min_connections must not be above max_connections, was 11 > 10"),
        ({"api_key": "x"}, ValueError, "unknown connection pool setting 'api_key'; known are min_connections, max_"),
    ],
)
def test_errors(setting: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        PoolSettings.of(setting)
