"""Paths that name a value, and those that do not."""

from __future__ import annotations

import pytest

from tradewire.config.paths import no_value_at


@pytest.mark.parametrize(
    "path",
    [
        "environment",
        "exchanges.b.api_secret",
        "apis.alpaca.credentials.secret_key",
        "credentials.desk-2.api_key",
        "streaming.symbols",
        "streaming.providers.alpaca.credentials.api_key",
        "streaming.providers.alpaca.stale_after.trades",
        "streaming_health.api.token",
    ],
)
def test_values(path: str) -> None:
    assert no_value_at(path) is None


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("exchange.b.api_secret", "exchange: is unknown: did you mean 'exchanges'?"),
        ("exchanges.b.api_sekret", "exchanges.b.api_sekret: is unknown: did you mean 'api_secret'?"),
        ("streaming.providers.a.credentials.x", "streaming.providers.a.credentials.x: is unknown: known here: api_key"),
        ("environment.x", "environment.x: is unknown: environment is a single value"),
        ("exchanges..api_key", "exchanges.: names must be letters"),
        ("", ": is unknown: known here: "),
        ("exchanges", "exchanges: holds several values; name one: exchanges.NAME.api_key, exchanges.NAME.api_secret"),
        (
            "streaming.providers.a",
            "streaming.providers.a: holds several values; name one: streaming.providers.a.credentials.api_key, "
            "streaming.providers.a.credentials.secret_key",
        ),
        ("streaming_health.monitoring", "streaming_health.monitoring: holds several values; name one: "
         "streaming_health.monitoring.enabled, streaming_health.monitoring.check_interval"),
    ],
)  # fmt: skip
def test_what_is_none(path: str, said: str) -> None:
    problem = no_value_at(path)
    assert problem is not None
    assert f"{problem.path}: {problem.rule}".startswith(said)
    assert problem.file == "argument"
