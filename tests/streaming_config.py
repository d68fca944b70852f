"""A configuration with everything that a gateway reads, for tests: two venues, a fallback, limits, thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tradewire.config import ConfigLoader

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
