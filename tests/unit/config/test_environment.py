"""Which setting a variable means, and `.env` files."""

from __future__ import annotations

import pytest

from tradewire.config.environment import Variables, parse_env_file, setting_of
from tradewire.config.nodes import compose
from tradewire.config.schema import Config
from tradewire.config.settings import Nested

TREE, _ = compose(
    b"apis: {alpaca: {provider: a}, alpaca_paper: {provider: b}, my-api: {provider: c}}\n"
    b"streaming: {providers: [{name: alpaca}, {name: other}]}\n",
    "c.yaml",
)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ENVIRONMENT", "environment"),
        ("CONNECTION_MAX_CONNECTIONS", "connection_pool.max_connections"),
        ("CONNECTION_POOL_MAX_CONNECTIONS", "connection_pool.max_connections"),
        ("GLOBAL_TIMEZONE", "global_settings.timezone"),
        ("GLOBAL_SETTINGS_TIMEZONE", "global_settings.timezone"),
        ("APIS_ALPACA_ENABLED", "apis.alpaca.enabled"),
        ("APIS_ALPACA_PAPER_ENABLED", "apis.alpaca_paper.enabled"),
        ("APIS_MY_API_CREDENTIALS_API_KEY", "apis.my-api.credentials.api_key"),
        ("APIS_NEW_ENABLED", "apis.new.enabled"),
        ("APIS_NEW_ONE_ENABLED", "apis.new_one.enabled"),
        ("EXCHANGES_BINANCE_RATE_LIMIT_WINDOW", "exchanges.binance.rate_limit_window"),
        ("STREAMING_SYMBOLS", "streaming.symbols"),
        ("STREAMING_HEALTH_API_TOKEN", "streaming_health.api.token"),
        ("STREAMING_HEALTH_CHECK_INTERVAL", "streaming.health_check_interval"),
        ("STREAMING_PROVIDERS_ALPACA_ENABLED", "streaming.providers.alpaca.enabled"),
        ("STREAMING_PROVIDERS_ALPACA_STALE_AFTER_TRADES", "streaming.providers.alpaca.stale_after.trades"),
        ("STREAMING_PROVIDERS_NONE_ENABLED", None),
        ("STREAMING", None),
        ("APIS", None),
        ("APIS_ALPACA", None),
        ("NONSENSE", None),
        ("", None),
    ],
)
def test_which_setting_a_name_means(name: str, path: str | None) -> None:
    found = setting_of(f"TRADING_{name}", Nested(Config), TREE)
    assert (None if found is None else ".".join(found)) == path


def test_an_env_file() -> None:
    text = (
        "# a note\n\nA=1\nexport B = two words  # a note\nC='# no ${X} note'\n"
        'D="line\\nnext \\"q\\"" # note\nE=\nTWS_PORT=7497  # Paper trading port\nREDIS_URL=redis://h:6379#x\n'
    )
    found, problems = parse_env_file(text, ".env")
    assert problems == []
    assert {name: each.value.reveal() for name, each in found.items()} == {
        "A": "1",
        "B": "two words",
        "C": "# no ${X} note",
        "D": 'line\nnext "q"',
        "E": "",
        "TWS_PORT": "7497",
        "REDIS_URL": "redis://h:6379#x",
    }
    assert (found["D"].place.file, found["D"].place.line) == (".env", 6)


def test_an_env_file_with_mistakes() -> None:
    _, problems = parse_env_file('A=1\nnonsense canary\nB=\'canary\nC="x" canary\n', ".env")
    assert [(each.file, each.line) for each in problems] == [(".env", 2), (".env", 3), (".env", 4)]
    assert "canary" not in str(problems)


def test_where_a_variable_was_set() -> None:
    found, _ = parse_env_file("A=1\nB=2\n", ".env")
    variables = Variables({"B": "3"}).with_file(found)
    assert [str(variables.place(name)) for name in ("A", "B", "C")] == [".env:1", "$B", "$C"]


def test_the_process_wins_over_the_file() -> None:
    variables = Variables({"TRADING_A": "process"})
    file, _ = parse_env_file("TRADING_A=file\nTRADING_B=file\n", ".env")
    both = variables.with_file(file)
    assert both.get("TRADING_A") == "process"
    assert both.get("TRADING_B") == "file"
    assert both.get("TRADING_C") is None
    assert list(both.named("TRADING_")) == ["TRADING_A", "TRADING_B"]
    assert both.named("TRADING_")["TRADING_A"].place.file == "$TRADING_A"
    assert variables.get("TRADING_B") is None


def test_a_set_but_empty_variable_wins_too() -> None:
    file, _ = parse_env_file("A=file\n", ".env")
    assert Variables({"A": ""}).with_file(file).get("A") == ""


def test_later_changes_of_the_process_are_not_seen() -> None:
    environment = {"A": "1"}
    variables = Variables(environment)
    environment["A"] = "2"
    assert variables.get("A") == "1"
    assert "1" not in repr(variables.named("A"))
