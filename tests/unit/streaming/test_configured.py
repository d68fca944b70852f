"""From configuration to providers, and what a reload does. Sockets: tests/integration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradewire import DataProviderAdapter, Secret
from tradewire.config import ConfigLoader
from tradewire.core import Quote, Trade
from tradewire.errors import ConfigError, MissingCredentialError, UnsupportedError
from tradewire.streaming import StreamingGateway
from tradewire.streaming.configured import Configured, GatewayPlan, plan_of

TWO = """
streaming:
  symbols: [BTC/USDT]
  buffer_size: 77
  reconnect_attempts: 9
  health_check_interval: 7
  providers:
    - name: binance
      subscriptions: [trades, quotes]
      stale_after: {quotes: 1.5}
      policies: {quotes: keep}
      rate_limit: {default_rate: 60, burst_allowance: 1}
      circuit_breaker: {failure_threshold: 3, timeout: 11}
      fallback: spare
    - name: spare
      venue: binance
      websocket_url: ws://127.0.0.1:9
      rest_url: http://127.0.0.1:9
      standby: true
    - name: spot
      venue: binance_spot
      symbols: [ETHUSDT]
      subscriptions: [trades]
    - {name: off, venue: nowhere, enabled: false}
streaming_health:
  thresholds: {max_bad_messages_per_min: 4}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "streaming.yaml"
    path.write_text(text)
    return path


def load(tmp_path: Path, text: str, **options: Any) -> Any:
    return ConfigLoader(written(tmp_path, text), env={}, env_file=None, **options).load()


def test_a_configuration_says_what_to_stream(tmp_path: Path) -> None:
    plan = plan_of(load(tmp_path, TWO))
    assert list(plan.providers) == ["binance", "spare", "spot"]
    assert plan.subscriptions == (
        ("binance", "trades", ("BTCUSDT",)),
        ("binance", "quotes", ("BTCUSDT",)),
        ("spot", "trades", ("ETHUSDT",)),
    )
    assert (plan.queue_capacity, plan.policies, plan.spin) == (77, {Quote: "keep"}, False)
    assert plan_of(load(tmp_path, TWO.replace("buffer_size: 77", "loop: spin"))).spin
    binance, spare = plan.providers["binance"], plan.providers["spare"]
    assert binance.stale_after_s == {"quotes": 1.5}
    assert (binance.reconnect_attempts, binance.bad_messages_per_min, binance.breaker) == (9, 4, (3, 11.0))
    assert (binance.rate_limit, binance.ping_interval_s, binance.fallback) == ((60.0, 1), 7.0, "spare")
    assert (spare.venue.name, spare.url, spare.standby) == ("binance", "ws://127.0.0.1:9", True)


@pytest.mark.parametrize("method", ["", "auth_method: api_key, "])
def test_keys_of_the_house_may_stand_in_the_env_file(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ALPACA_API_KEY", "ALPACA_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    dotenv = tmp_path / ".env"
    dotenv.write_text("ALPACA_API_KEY=PK1\nALPACA_SECRET_KEY=hush\n")
    dotenv.chmod(0o600)
    text = f"streaming: {{providers: [{{name: alpaca_crypto, {method}symbols: [BTC/USD], subscriptions: [trades]}}]}}"
    credential = Configured(written(tmp_path, text), hot_reload=False).plan.providers["alpaca_crypto"].credential
    assert credential is not None
    assert credential.api_key.reveal() == "PK1"


@pytest.mark.parametrize(("own", "expected"), [("timeout: 11", 11.0), ("failure_threshold: 3", 45.0)])
def test_a_breaker_without_its_own_time_has_that_of_the_thresholds(tmp_path: Path, own: str, expected: float) -> None:
    text = f"""
streaming: {{providers: [{{name: binance, circuit_breaker: {{{own}}}}}]}}
streaming_health: {{thresholds: {{circuit_breaker_timeout: 45}}}}
"""
    breaker = plan_of(load(tmp_path, text)).providers["binance"].breaker
    assert breaker is not None
    assert breaker[1] == expected


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("streaming: {}", ValueError, "streaming.providers must hold at least one enabled provider, was empty"),
        (
            "streaming: {symbols: [BTCUSDT], providers: [{name: nowhere, subscriptions: [trades]}]}",
            UnsupportedError,
            "venue must be one of .*binance.*, was 'nowhere'",
        ),
        (
            "streaming: {symbols: [BTCUSDT], providers: [{name: binance, subscriptions: [smells]}]}",
            UnsupportedError,
            "binance has no channel 'smells'",
        ),
        (
            "streaming: {symbols: [BTCUSDT], providers: [{name: binance, auth_method: api_key}]}",
            MissingCredentialError,
            "BINANCE_API_KEY",
        ),
        (
            "streaming: {providers: [{name: binance, policies: {book: keep, book5: conflate}}]}",
            UnsupportedError,
            "a queue has one policy for each sort",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, text: str, error: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BINANCE_API_KEY", raising=False)
    with pytest.raises(error, match=words):
        plan_of(load(tmp_path, text))


def test_a_gateway_by_file(tmp_path: Path) -> None:
    gateway = StreamingGateway(written(tmp_path, TWO))
    assert list(gateway.managers) == ["binance", "spare", "spot"]
    assert [(feed.channel.name, feed.symbol) for feed in gateway.feeds()] == [
        ("trades", "BTCUSDT"),
        ("quotes", "BTCUSDT"),
        ("trades", "ETHUSDT"),
    ]
    assert [link.name for link in gateway.links] == ["public", "spot/stream"]


def test_symbols_go_to_the_provider_whose_configuration_has_them(tmp_path: Path) -> None:
    gateway = StreamingGateway(written(tmp_path, TWO))
    seen: list[Trade] = []
    assert gateway.subscribe_to_trades(["BTCUSDT", "ETHUSDT"], seen.append).symbols == ("BTCUSDT", "ETHUSDT")
    assert gateway.subscribe_to_trades("SOLUSDT", seen.append, provider="spot").symbols == ("SOLUSDT",)
    with pytest.raises(ValueError, match="no provider with channel 'trades' has 'SOLUSDT' among"):
        gateway.subscribe_to_trades("SOLUSDT", seen.append)
    with pytest.raises(UnsupportedError, match="provider must be one of binance, spare, spot, was 'kraken'"):
        gateway.subscribe_to_trades("SOLUSDT", seen.append, provider="kraken")


def test_configuration_and_arguments_exclude_each_other(tmp_path: Path) -> None:
    path = written(tmp_path, TWO)
    with pytest.raises(ValueError, match="with a configuration, symbols, url must be left to it"):
        StreamingGateway(path, symbols=["BTCUSDT"], url="ws://127.0.0.1:9")
    with pytest.raises(ValueError, match="hot_reload needs a configuration file"):
        StreamingGateway(hot_reload=True)
    with pytest.raises(ValueError, match="hot_reload needs the configuration's file"):
        StreamingGateway(load(tmp_path, TWO), hot_reload=True)
    with pytest.raises(ConfigError):
        StreamingGateway(written(tmp_path, "streaming: {provider: []}"))


def test_a_new_plan_leaves_alone_what_it_does_not_change(tmp_path: Path) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))
    (kept,) = [feed for feed in gateway.feeds() if feed.channel.name == "quotes"]
    links = gateway.links
    changed = TWO.replace("subscriptions: [trades, quotes]", "subscriptions: [quotes]")
    changed = changed.replace("symbols: [BTC/USDT]", "symbols: [BTC/USDT, SOLUSDT]").replace(
        "quotes: 1.5", "quotes: 2.5"
    )
    gateway._apply(plan_of(load(tmp_path, changed)))
    feeds = {(feed.channel.name, feed.symbol): feed for feed in gateway.feeds()}
    assert list(feeds) == [("quotes", "BTCUSDT"), ("quotes", "SOLUSDT"), ("trades", "ETHUSDT")]
    assert feeds["quotes", "BTCUSDT"] is kept
    assert {feed.stale_after_ns for feed in feeds.values() if feed.channel.name == "quotes"} == {2_500_000_000}
    assert gateway.links == links


async def test_providers_come_and_go_with_the_plan(tmp_path: Path) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))
    gateway.subscribe_to_trades("ETHUSDT", print, provider="spot")
    start, rest = TWO.index("    - name: spot"), TWO.index("    - {name: off")
    gateway._apply(plan_of(load(tmp_path, TWO[:start] + TWO[rest:])))
    assert list(gateway.managers) == ["binance", "spare"]
    gateway._apply(plan_of(load(tmp_path, TWO)))
    assert [link.name for link in gateway.links] == ["public", "spot/stream"]


@pytest.mark.parametrize(
    ("provider", "variables", "key"),
    [
        ("{name: alpaca_crypto}", {"ALPACA": "a"}, "a"),
        ("{name: alpaca_crypto}", {"ALPACA": "a", "ALPACA_CRYPTO": "c"}, "c"),
        ("{name: mine-2, venue: alpaca_sip}", {"ALPACA": "a"}, "a"),
        ("{name: mine-2, venue: alpaca_sip}", {"ALPACA": "a", "MINE_2": "m"}, "m"),
        ("{name: alpaca_crypto, credential: other}", {"ALPACA": "a", "OTHER": "o"}, "o"),
        ("{name: alpaca, auth_method: bearer}", {"ALPACA": "a"}, "a"),
    ],
)
def test_markets_of_a_house_share_its_key(
    tmp_path: Path, provider: str, variables: dict[str, str], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in variables:
        monkeypatch.setenv(f"{name}_API_KEY", variables[name])
        monkeypatch.setenv(f"{name}_SECRET_KEY", "hush")
    path = written(tmp_path, f"streaming: {{providers: [{provider}]}}")
    (settings,) = plan_of(ConfigLoader(path, env_file=None).load()).providers.values()
    assert settings.credential is not None
    assert settings.credential.api_key == Secret(key)
    assert settings.credential.method == ("bearer" if "bearer" in provider else "hmac")


def test_a_venue_that_asks_for_a_key_gets_it_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALPACA", "ALPACA_CRYPTO"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    with pytest.raises(MissingCredentialError, match="set ALPACA_API_KEY and"):
        StreamingGateway(venue="alpaca_crypto")
    monkeypatch.setenv("ALPACA_API_KEY", "a")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "hush")
    assert StreamingGateway(venue="alpaca_crypto").managers["alpaca_crypto"].settings.credential is not None
    assert StreamingGateway(venue="binance").managers["binance"].settings.credential is None


async def test_keys_that_the_environment_held_at_the_start_serve_reloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually: Any
) -> None:
    """The command takes them out of the environment; the house's key is found by the venue alone."""
    text = "streaming: {symbols: [BTC/USD], providers: [{name: alpaca_crypto, subscriptions: [trades]}]}"
    monkeypatch.setenv("ALPACA_API_KEY", "k")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "s")
    path = written(tmp_path, text)
    configured = Configured(path, hot_reload=True)
    monkeypatch.delenv("ALPACA_API_KEY")
    monkeypatch.delenv("ALPACA_SECRET_KEY")
    applied: list[GatewayPlan] = []
    await configured.start(applied.append)
    path.write_text(text.replace("BTC/USD", "ETH/USD"))
    await eventually(lambda: applied)
    await configured.stop()
    assert applied[0].subscriptions == (("alpaca_crypto", "trades", ("ETH/USD",)),)


@pytest.mark.parametrize(
    ("environment", "provider", "refused"),
    [
        ("paper", "{name: binance, websocket_url: 'wss://fstream.binance.com'}", ""),
        ("paper", "{name: binance, websocket_url: 'wss://demo-fstream.binance.com'}", ""),
        ("paper", "{name: binance, websocket_url: 'ws://127.0.0.1:9'}", ""),
        ("testnet", "{name: mine, venue: binance, rest_url: 'https://demo-fapi.binance.com'}", ""),
        ("live", "{name: binance, websocket_url: 'wss://demo-fstream.binance.com'}", "must be a host of binance"),
        ("live", "{name: binance, websocket_url: 'wss://127.0.0.1:9'}", "this machine, which live refuses"),
        ("paper", "{name: mine, venue: binance, rest_url: 'https://evil.example'}", "must be a host of binance"),
        ("paper", "{name: binance_spot, websocket_url: 'wss://169.254.169.254'}", "must be a host of binance_spot"),
    ],
)
def test_addresses_are_the_venues_own(tmp_path: Path, environment: str, provider: str, refused: str) -> None:
    path = written(tmp_path, f"environment: {environment}\nstreaming: {{providers: [{provider}]}}")
    if refused:
        with pytest.raises(ConfigError, match=refused):
            StreamingGateway(path)
    else:
        assert StreamingGateway(path).managers


def test_unsafe_hosts_allow_any(tmp_path: Path) -> None:
    text = "unsafe_hosts: true\nstreaming: {providers: [{name: binance, websocket_url: 'wss://own.example'}]}"
    assert StreamingGateway(written(tmp_path, text)).managers["binance"].settings.url == "wss://own.example"


def test_a_custom_provider_has_hosts_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(DataProviderAdapter):
        def _build_subscribe_message(self, channel: str, symbols: list[str]) -> dict[str, Any]:
            return {"channel": channel, "symbols": symbols}

    monkeypatch.setitem(StreamingGateway.AdapterMap, "mine", Mine)
    text = "streaming: {providers: [{name: mine, websocket_url: 'wss://mine.example'}]}"
    assert StreamingGateway(written(tmp_path, text)).managers["mine"].settings.url == "wss://mine.example"


def test_a_key_without_its_secret_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALPACA_SECRET_KEY", "ALPACA_AUTH_METHOD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALPACA_API_KEY", "a")
    monkeypatch.chdir(tmp_path)
    text = "streaming: {providers: [{name: alpaca, auth_method: api_key, symbols: [AAPL]}]}"
    for make in (lambda: StreamingGateway(venue="alpaca"), lambda: StreamingGateway(written(tmp_path, text))):
        with pytest.raises(MissingCredentialError, match="the key's secret as well: set ALPACA_SECRET_KEY"):
            make()


def test_events_of_a_symbol_come_from_every_venue_that_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway = StreamingGateway(load(tmp_path, TWO))
    opened: list[list[int]] = []
    monkeypatch.setattr(gateway._dispatcher, "open_events", lambda names, ids: opened.append(list(ids)))
    gateway.events("BTC/USDT")
    usdm, spot = gateway.managers["binance"].symbol_id("BTCUSDT"), gateway.managers["spot"].symbol_id("BTCUSDT")
    assert usdm != spot
    assert set(opened[0]) == {usdm, spot}
