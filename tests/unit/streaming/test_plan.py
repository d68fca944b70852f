"""What a configuration asks of a gateway. Kept current: test_configured.py; all that is wrong: test_fitness.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from streaming_config import TWO, load, written
from tradewire import Secret
from tradewire.config import ConfigLoader
from tradewire.core import Quote
from tradewire.errors import MissingCredentialError, UnsupportedError
from tradewire.streaming import StreamingGateway
from tradewire.streaming.plan import plan_of


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
