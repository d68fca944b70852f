"""What of a configuration its venues refuse, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tradewire.config import ConfigLoader
from tradewire.errors import ConfigError
from tradewire.streaming.fitness import misfits, unknown_venues
from tradewire.venues.adapter import DataProviderAdapter
from tradewire.venues.registry import ADAPTERS

PEM = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
ALL_WRONG = """
streaming:
  symbols: ["BTCUSDT", "BTC/USDT"]
  providers:
    - name: binance
      subscriptions: [trades, smells]
      stale_after: {tastes: 3}
      policies: {looks: keep}
      codec: msgpack
    - {name: alpaca, subscriptions: [book]}
    - {name: bynance, subscriptions: [trades]}
    - {name: off, enabled: false}
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Any:
    def load(text: str) -> Any:
        path = tmp_path / "c.yaml"
        path.write_text(text)
        path.chmod(0o600)
        return ConfigLoader(path, env={}, env_file=None).load()

    return load


def test_everything_is_told_with_its_path(loaded: Any) -> None:
    found = list(misfits(loaded(ALL_WRONG), {}))
    assert [path for path, _ in found] == [
        "streaming.providers.binance.subscriptions.[1]",
        "streaming.providers.binance.stale_after.tastes",
        "streaming.providers.binance.policies.looks",
        "streaming.providers.binance",
        "streaming.providers.alpaca.subscriptions.[0]",
        "streaming.symbols.[1]",
        "streaming.providers.alpaca",
    ]
    assert "binance has no channel 'smells'" in found[0][1]
    assert found[5][1] == "alpaca: symbol must be like AAPL or BRK.B, was 'BTC/USDT'"
    assert "ALPACA_API_KEY" in found[-1][1]


def test_a_custom_provider_without_an_address(loaded: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ADAPTERS, "mine", DataProviderAdapter)
    text = "streaming: {symbols: [A], providers: [{name: mine, subscriptions: [trades]%s}]}"
    ((path, rule),) = misfits(loaded(text % ""), {})
    assert path == "streaming.providers.mine.websocket_url"
    assert rule.startswith("websocket_url of DataProviderAdapter must be ws://")
    assert list(misfits(loaded(text % ", websocket_url: wss://mine.example"), {})) == []


@pytest.mark.parametrize(
    ("setting", "address", "rule"),
    [
        ("websocket_url", "ws://127.0.0.1:9?x=1", "must be ws"),
        ("websocket_url", "wss://fstream.binance.com/?token=canary", "must be ws"),
        ("rest_url", "http://127.0.0.1:9/?x", "must be http"),
    ],
)
def test_an_address_of_a_venue_has_no_query(
    loaded: Any, setting: str, address: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The venue's paths would come behind it."""
    monkeypatch.setitem(ADAPTERS, "mine", DataProviderAdapter)
    text = f"streaming: {{symbols: [A], providers: [{{name: VENUE, subscriptions: [trades], {setting}: '{address}'}}]}}"
    ((path, said),) = misfits(loaded(text.replace("VENUE", "binance").replace("[A]", "[BTCUSDT]")), {})
    assert path == f"streaming.providers.binance.{setting}"
    assert said.startswith(rule)
    assert "canary" not in said
    if setting == "websocket_url":
        assert list(misfits(loaded(text.replace("VENUE", "mine")), {})) == [], "a custom provider's is used as it is"


MINE = "name: mine, venue: binance"


@pytest.mark.parametrize(
    ("provider", "given", "missing", "host"),
    [
        ("name: binance, websocket_url: 'ws://127.0.0.1:9'", "websocket_url", "rest_url", "127.0.0.1"),
        (f"{MINE}, websocket_url: 'wss://demo-fstream.binance.com'", "websocket_url", "rest_url", "demo-fstream"),
        (f"{MINE}, rest_url: 'http://127.0.0.1:9'", "rest_url", "websocket_url", "127.0.0.1"),
        ("name: binance, enabled: false, websocket_url: 'ws://127.0.0.1:9'", "", "", ""),
        ("name: binance, websocket_url: 'ws://127.0.0.1:9', rest_url: 'http://127.0.0.1:9'", "", "", ""),
        ("name: binance, websocket_url: 'wss://FSTREAM.binance.com/'", "", "", ""),
        (f"{MINE}, rest_url: 'https://fapi.binance.com'", "", "", ""),
        ("name: own, websocket_url: 'ws://127.0.0.1:9'", "", "", ""),
    ],
)
def test_stream_and_requests_come_from_one_venue(
    loaded: Any, provider: str, given: str, missing: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the stream of a simulator or testnet would get the book snapshots of the real market."""
    monkeypatch.setitem(ADAPTERS, "own", DataProviderAdapter)
    other = "{name: binance_spot, subscriptions: [trades]}"
    text = f"streaming: {{symbols: [BTCUSDT], providers: [{{{provider}, subscriptions: [trades]}}, {other}]}}"
    found = list(misfits(loaded(text), {}))
    assert [path.rpartition(".")[2] for path, _ in found] == ([given] if given else [])
    for _, rule in found:
        assert rule.startswith(host)
        assert rule.endswith(
            f"{given} is given without {missing}: give both, so that stream and book snapshots come from one venue"
        )


@dataclass
class Silent(DataProviderAdapter):
    websocket_url: str = "wss://mine.example"


@dataclass
class Speaking(Silent):
    def _build_auth_message(self) -> None:
        return None


@pytest.mark.parametrize("method", ["api_key", "hmac", "ed25519", "bearer", "none"])
@pytest.mark.parametrize("adapter", [Silent, Speaking])
def test_a_custom_provider_that_sends_no_credentials(
    loaded: Any, adapter: type[DataProviderAdapter], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ADAPTERS, "mine", adapter)
    secret = PEM if method == "ed25519" else "hush"
    text = f"streaming: {{symbols: [A], providers: [{{name: mine, subscriptions: [trades], auth_method: {method}}}]}}"
    found = list(misfits(loaded(text), {"MINE_API_KEY": "k", "MINE_SECRET_KEY": secret}))
    if adapter is Speaking or method in ("bearer", "none"):
        assert found == []
    else:
        ((path, rule),) = found
        assert path == "streaming.providers.mine"
        assert rule.startswith("Silent has no _build_auth_message, so nothing sends the credential of mine: write it")
        assert rule.endswith("or set auth_method to none or bearer")


def test_an_unknown_credential_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "streaming: {symbols: [AAPL], providers: [{name: alpaca, credential: nokey, subscriptions: [trades]}]}"
    )
    with pytest.raises(ConfigError) as caught:
        ConfigLoader(path, env={}, env_file=None, misfits=misfits).load()
    (problem,) = caught.value.problems
    assert problem.path == "streaming.providers.alpaca.credential"
    assert "write it under credentials, or set NOKEY_API_KEY" in problem.rule


def test_unknown_venues_are_told_apart(loaded: Any) -> None:
    ((path, message),) = unknown_venues(loaded(ALL_WRONG)).items()
    assert path == "streaming.providers.bynance"
    assert "'bynance'" in message


def test_what_shows_only_between_settings(loaded: Any) -> None:
    text = "streaming: {providers: [{name: binance, policies: {book: keep, book5: conflate}}]}"
    ((path, rule),) = misfits(loaded(text), {})
    assert path == "streaming.providers"
    assert "a queue has one policy for each sort" in rule


TWO_AT_ONE = """
credentials:
  mine: {api_key: a, secret_key: s}
  other: {api_key: b, secret_key: s}
streaming:
  symbols: [AAPL]
  providers:
    - {name: first, venue: alpaca, credential: mine, subscriptions: [trades]}
    - {name: second, venue: VENUE, credential: KEY, subscriptions: [trades], enabled: ON, websocket_url: URL,
       rest_url: REST}
"""


def two_at_one(venue: str = "alpaca", key: str = "mine", on: str = "true", url: str = "null") -> str:
    rest = "null" if url == "null" else "'http://127.0.0.1:1'"
    text = TWO_AT_ONE.replace("VENUE", venue).replace("KEY", key).replace("ON", on)
    return text.replace("URL", url).replace("REST", rest)


def test_two_providers_with_one_key_where_a_key_may_hold_one_connection(loaded: Any) -> None:
    ((path, rule),) = misfits(loaded(two_at_one()), {})
    assert path == "streaming.providers.second"
    assert "one key hold 1 connection(s) to wss://stream.data.alpaca.markets/v2/iex, and first has the same" in rule


@pytest.mark.parametrize(
    "other",
    [{"key": "other"}, {"on": "false"}, {"venue": "alpaca_sip"}, {"url": '"ws://127.0.0.1:1/v2/iex"'}],
)
def test_two_providers_that_are_not_in_each_other_s_way(loaded: Any, other: dict[str, str]) -> None:
    assert list(misfits(loaded(two_at_one(**other)), {})) == []


def test_two_providers_of_a_venue_that_does_not_count_its_connections(loaded: Any) -> None:
    text = """
streaming:
  symbols: [BTCUSDT]
  providers:
    - {name: first, venue: binance, subscriptions: [trades]}
    - {name: second, venue: binance, subscriptions: [quotes]}
"""
    assert list(misfits(loaded(text), {})) == []


@pytest.mark.parametrize(
    "text",
    [
        "environment: paper",
        "streaming: {symbols: [BTCUSDT], providers: [{name: binance, subscriptions: [trades, book]}]}",
    ],
)
def test_nothing_is_said_of_what_fits(loaded: Any, text: str) -> None:
    config = loaded(text)
    assert list(misfits(config, {})) == []
    assert unknown_venues(config) == {}
