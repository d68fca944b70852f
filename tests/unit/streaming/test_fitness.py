"""What of a configuration its venues refuse, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tradewire.config import ConfigLoader
from tradewire.streaming.fitness import misfits, unknown_venues

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
        return ConfigLoader(path, env={}, env_file=None).load()

    return load


def test_everything_is_told_with_its_path(loaded: Any) -> None:
    found = list(misfits(loaded(ALL_WRONG), {}))
    assert [path for path, _ in found] == [
        "streaming.providers.binance.subscriptions",
        "streaming.providers.binance.stale_after",
        "streaming.providers.binance.policies",
        "streaming.providers.binance",
        "streaming.providers.alpaca.subscriptions",
        "streaming.symbols",
        "streaming.providers.alpaca",
    ]
    assert "binance has no channel 'smells'" in found[0][1]
    assert found[5][1] == "alpaca: symbol must be like AAPL or BRK.B, was 'BTC/USDT'"
    assert "ALPACA_API_KEY" in found[-1][1]


def test_unknown_venues_are_told_apart(loaded: Any) -> None:
    ((path, message),) = unknown_venues(loaded(ALL_WRONG)).items()
    assert path == "streaming.providers.bynance"
    assert "'bynance'" in message


def test_what_shows_only_between_settings(loaded: Any) -> None:
    text = "streaming: {providers: [{name: binance, policies: {book: keep, book5: conflate}}]}"
    ((path, rule),) = misfits(loaded(text), {})
    assert path == "streaming.providers"
    assert "a queue has one policy for each sort" in rule


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
