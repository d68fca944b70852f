"""What one look at the sources keeps beside the configuration; the rest is in `test_loader.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.config import files
from tradewire.config.sources import explained


def test_a_reading_tells_where_each_value_was_written(place: Any) -> None:
    loader = place.loader(
        "connection_pool:\n  max_connections: 20\nexchanges: {b: {name: B, api_key: k}}\n",
        env={"TRADING_CONNECTION_MIN_CONNECTIONS": "2"},
        overrides={"environment": "testnet"},
    )
    places = loader.sources.read().places
    assert str(places["connection_pool.max_connections"]) == f"{place.path}:2"
    assert str(places["connection_pool.min_connections"]) == "$TRADING_CONNECTION_MIN_CONNECTIONS"
    assert str(places["environment"]) == "argument"
    assert "connection_pool.idle_timeout" not in places


def test_a_reading_keeps_the_fingerprints_of_what_it_read(place: Any) -> None:
    reading = place.loader("environment: paper", env_file=place.folder / ".env").sources.read()
    assert reading.fingerprints == (files.fingerprint(place.path), None)


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("environment: live\nnonsense: 1\n", "live"),
        ("nonsense: 1", "paper"),
        ("environment: ${E}", "live"),
        (": :", "paper"),
    ],
)
def test_the_environment_is_known_whatever_else_is_wrong(place: Any, text: str, environment: str) -> None:
    assert place.loader(text, env={"E": "live"}).sources.environment() == environment


def test_an_error_of_the_system_in_words() -> None:
    assert explained(PermissionError(13, "Permission denied", "key")) == "key: Permission denied"
    assert explained(ValueError("text")) == "text"
