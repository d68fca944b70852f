"""What one look at the sources keeps beside the configuration; the rest is in `test_loader.py`."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.config import files
from tradewire.config.sources import explained
from tradewire.errors import ConfigError


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


def test_misfits_are_asked_beside_other_problems_and_each_value_has_one(place: Any) -> None:
    asked: list[Any] = []

    def misfits(config: Any, variables: Any) -> Any:
        asked.append(config.streaming.symbols)
        return [(f"streaming.symbols.[{number}]", "is odd") for number in range(3)]

    text = 'streaming:\n  symbols:\n    - A\n    - ""\n    - C\n'
    with pytest.raises(ConfigError) as caught:
        place.loader(text, misfits=misfits).load()
    found = [(problem.line, problem.path, problem.rule.split()[0]) for problem in caught.value.problems]
    assert found == [
        (3, "streaming.symbols.[0]", "is"),
        (4, "streaming.symbols.[1]", "must"),
        (5, "streaming.symbols.[2]", "is"),
    ]
    assert asked.pop() == ("A", "", "C"), "the others keep their numbers"
    for unreadable in ("streaming: [", "- 1", ""):
        with pytest.raises(ConfigError):
            place.loader(unreadable, misfits=misfits).load()
    assert not asked, "nothing is known of what it would say"


def test_nothing_that_was_encrypted_is_told(place: Any) -> None:
    url = "wss://canary0123.example.com/canary"
    loader = place.loader("environment: paper")
    token = loader.encrypt_value(url, "streaming.providers.p.websocket_url")
    text = f"streaming: {{providers: [{{name: p, auth_method: api_key, websocket_url: '{token}'}}]}}"
    keys = {"P_API_KEY": "key", "P_SECRET_KEY": "secret"}
    reading = place.loader(text, env=keys).sources.read()
    assert reading.config.streaming.providers[0].websocket_url == url
    assert reading.concealed == {"streaming.providers.p.websocket_url"}
    assert reading.config.streaming.providers[0].credentials is not None
    assert "canary" not in repr(reading.config)

    def misfits(config: Any, variables: Any) -> Any:
        yield "streaming.providers.p", f"another one connects to {url}"

    own = {"p": frozenset({"host"})}
    found = place.problems(text, env=keys, misfits=misfits, allowed_hosts=lambda environment: own)
    assert [problem.rule.partition(";")[0] for problem in found] == [
        "another one connects to ***",
        "must be a host of p (host), not ***",
    ]


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


def test_an_env_file_may_begin_with_a_byte_order_mark(place: Any) -> None:
    env_file = place.write("\ufeffTRADING_CONNECTION_MAX_CONNECTIONS=30\n", ".env")
    assert place.load("environment: paper", env_file=env_file).connection_pool.max_connections == 30


def test_an_error_of_the_system_in_words() -> None:
    assert explained(PermissionError(13, "Permission denied", "key")) == "key: Permission denied"
    assert explained(ValueError("text")) == "text"
