"""The configuration examples of the streaming requirements, as they are written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewire import ConfigLoader, Secret
from tradewire.config import BreakerConfig, RateLimitConfig
from tradewire.errors import ConfigError

STREAMING = """
streaming:
  symbols: ["AAPL", "MSFT"]  # global symbols (optional)
  providers:
    - name: "alpaca"
      websocket_url: "wss://stream.data.alpaca.markets/v2/iex"
      auth_method: "api_key"  # expects ALPACA_API_KEY in env
      subscriptions: ["trades", "quotes"]
      # Optional overrides
      # symbols: ["TSLA", "NVDA"]
      rate_limit:
        default_rate: 100
        burst_allowance: 50
      circuit_breaker:
        failure_threshold: 5
        timeout: 30
  buffer_size: 10000
  reconnect_attempts: 5
  health_check_interval: 30
"""
HEALTH = """
streaming_health:
  monitoring:
    enabled: true
    check_interval: 5
  thresholds:
    max_latency_ms: 100
    min_throughput_msg_per_sec: 50
    max_queue_depth: 5000
    circuit_breaker_timeout: 60
  alerts:
    enabled: true
    channels: ["log", "metrics"]
    escalation_threshold: 3
  api:
    enabled: true
    host: "0.0.0.0"
    port: 8000
"""


def loader(folder: Path, text: str, **env: str) -> ConfigLoader:
    path = folder / "streaming.yaml"
    path.write_text(text)
    return ConfigLoader(path, env=env, env_file=None)


def test_the_streaming_example(tmp_path: Path) -> None:
    streaming = loader(tmp_path, STREAMING, ALPACA_API_KEY="k").load().streaming
    assert streaming.symbols == ("AAPL", "MSFT")
    assert (streaming.buffer_size, streaming.reconnect_attempts, streaming.health_check_interval) == (10_000, 5, 30.0)
    (alpaca,) = streaming.providers
    assert alpaca.websocket_url == "wss://stream.data.alpaca.markets/v2/iex"
    assert alpaca.subscriptions == ("trades", "quotes")
    assert alpaca.symbols is None
    assert alpaca.rate_limit == RateLimitConfig(default_rate=100, burst_allowance=50)
    assert alpaca.circuit_breaker == BreakerConfig(failure_threshold=5, timeout=30)
    assert alpaca.credentials is not None
    assert alpaca.credentials.api_key == Secret("k")


def test_the_health_example_needs_a_token_since_it_listens_to_the_world(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loader(tmp_path, HEALTH).load()
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (17, "streaming_health.api.host")
    assert problem.value == "0.0.0.0"  # noqa: S104 - that it is refused
    assert problem.rule.startswith("is reachable by others: set a token beside it")
    assert "or host: 127.0.0.1" in problem.rule


def test_the_health_example_with_a_token(tmp_path: Path) -> None:
    health = loader(tmp_path, HEALTH, TRADING_HEALTH_API_TOKEN="t" * 32).load().streaming_health
    assert health.thresholds.min_throughput_msg_per_sec == 50.0
    assert health.api.enabled
    assert health.api.token == Secret("t" * 32)
    local = loader(tmp_path, HEALTH.replace("0.0.0.0", "127.0.0.1")).load().streaming_health  # noqa: S104
    assert local.api.token is None
