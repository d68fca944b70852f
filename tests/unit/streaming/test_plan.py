"""What a configuration asks of a gateway. Kept current: test_configured.py; all that is wrong: test_fitness.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streaming_config import TWO, load, written
from tradewire import Secret
from tradewire.config import ConfigLoader
from tradewire.core import Bar, Quote, Trade
from tradewire.errors import MissingCredentialError, UnsupportedError
from tradewire.model import PriceBand, TradingStatus
from tradewire.streaming import StreamingGateway
from tradewire.streaming.events import BookUpdate
from tradewire.streaming.plan import add_policies, plan_of
from tradewire.streaming.queues import Policy
from tradewire.venues.adapter import AdapterVenue, DataProviderAdapter
from tradewire.venues.registry import ADAPTERS
from tradewire.venues.registry import load as load_venue


class WithLogin(DataProviderAdapter):
    def _build_auth_message(self) -> dict[str, str]:
        return {"key": ""}


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


def policies_of(named: dict[str, Policy], *venues: str) -> dict[type, Policy]:
    policies: dict[type, Policy] = {}
    custom = AdapterVenue(DataProviderAdapter())
    add_policies(policies, named, [custom if name == "custom" else load_venue(name) for name in venues], "policies")
    return policies


def test_channels_become_sorts_of_events_at_the_venue_that_has_them() -> None:
    named: dict[str, Policy] = {"trades": "keep", "updated_bars": "conflate", "book5": "drop_oldest"}
    expected = {Trade: "keep", Bar: "conflate", BookUpdate: "drop_oldest"}
    assert policies_of(named, "binance", "alpaca") == policies_of(named, "custom", "alpaca", "binance") == expected
    assert policies_of({"lulds": "conflate", "statuses": "keep"}, "binance", "alpaca") == {
        PriceBand: "conflate",
        TradingStatus: "keep",
    }
    assert policies_of({"news": "keep"}, "custom", "binance") == {Trade: "keep"}, "a name of its own"
    assert policies_of({"trades": "keep", "agg_trades": "keep"}, "binance") == {Trade: "keep"}


@pytest.mark.parametrize(
    ("named", "error", "words"),
    [
        ({"smells": "keep"}, UnsupportedError, "^binance has no channel 'smells'; it has .*; alpaca has no channel"),
        ({"trades": "all"}, ValueError, "'trades' must be one of conflate, drop_oldest, keep, was 'all'"),
        (
            {"trades": "keep", "agg_trades": "conflate"},
            UnsupportedError,
            "^policies.agg_trades is 'conflate', and another channel with Trade events has 'keep': a queue has one",
        ),
        ("keep", TypeError, "^policies must map channels to policies, like {'trades': 'keep'}, was 'keep'"),
    ],
)
def test_policies_that_no_queue_can_have_are_refused(named: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        policies_of(named, "binance", "alpaca")


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


@pytest.mark.parametrize(
    ("variables", "key"),
    [({"ALPACA": "a"}, None), ({"ALPACA": "a", "ALPACA_MIRROR": "m"}, "m"), ({"MINE": "own"}, "own")],
)
@pytest.mark.parametrize("configured", [False, True])
def test_a_registered_provider_gets_no_key_of_another_house(
    tmp_path: Path, variables: dict[str, str], key: str | None, configured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its name begins with; and the error names the variables that would be taken."""
    monkeypatch.setitem(ADAPTERS, "alpaca_mirror", WithLogin)
    text = "streaming: {providers: [{name: NAME, venue: alpaca_mirror, auth_method: api_key}]}"
    text = text.replace("NAME", "mine" if "MINE" in variables else "alpaca_mirror")
    environ = {}
    if configured:
        entries = ", ".join(f"{name.lower()}: {{api_key: {word}}}" for name, word in variables.items())
        text = f"credentials: {{{entries}}}\n{text}"
    else:
        environ = {f"{name}_API_KEY": word for name, word in variables.items()}
    path = written(tmp_path, text)
    path.chmod(0o600)
    config = ConfigLoader(path, env=environ, env_file=None).load()
    if key is None:
        with pytest.raises(MissingCredentialError, match="set ALPACA_MIRROR_API_KEY and ALPACA_MIRROR_SECRET_KEY"):
            plan_of(config, environ)
    else:
        (settings,) = plan_of(config, environ).providers.values()
        assert settings.credential is not None
        assert settings.credential.api_key == Secret(key)


def test_a_venue_that_asks_for_a_key_gets_it_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ALPACA", "ALPACA_CRYPTO"):
        monkeypatch.delenv(f"{name}_API_KEY", raising=False)
    with pytest.raises(MissingCredentialError, match="set ALPACA_API_KEY and"):
        StreamingGateway(venue="alpaca_crypto")
    monkeypatch.setenv("ALPACA_API_KEY", "a")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "hush")
    assert StreamingGateway(venue="alpaca_crypto").managers["alpaca_crypto"].settings.credential is not None
    assert StreamingGateway(venue="binance").managers["binance"].settings.credential is None
