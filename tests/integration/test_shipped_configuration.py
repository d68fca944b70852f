"""The example configuration that ships, as it stands but for addresses: one gateway on three simulated markets."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from faulty_venues import VENUES, is_live, open_venue
from tradewire.core import Quote, Trade
from tradewire.errors import ConfigError
from tradewire.streaming import StreamingGateway
from waiting import until

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config" / "streaming.yaml"
KEYS = {"ALPACA_API_KEY": "key", "ALPACA_SECRET_KEY": "secret"}
WITHOUT_ALPACA = "TRADING_STREAMING_PROVIDERS_ALPACA_ENABLED"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a `.env` and variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in (*KEYS, WITHOUT_ALPACA):
        monkeypatch.delenv(name, raising=False)


async def test_the_shipped_file_runs_three_venues_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    written: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    providers = {provider["name"]: provider for provider in written["streaming"]["providers"]}
    assert tuple(providers) == VENUES
    seen: set[tuple[str, type, str]] = set()

    def note(event: Any) -> None:
        seen.add((event.venue, type(event), event.symbol))

    async with AsyncExitStack() as stack:
        for name, provider in providers.items():
            sim = (await stack.enter_async_context(open_venue(name, seed=4))).sim
            provider |= {"websocket_url": sim.stream_url, "rest_url": sim.rest_url}
        path = tmp_path / "streaming.yaml"
        path.write_text(yaml.safe_dump(written), encoding="utf-8")
        gateway = StreamingGateway(path)
        for name in VENUES:
            symbols = providers[name].get("symbols") or written["streaming"]["symbols"]
            gateway.subscribe_to_trades(symbols, note, provider=name)
            gateway.subscribe_to_quotes(symbols, note, provider=name)
        async with gateway:
            await until(lambda: is_live(gateway) and len(seen) == 12)
            assert all(gateway.book(symbol) is not None for symbol in written["streaming"]["symbols"])
    pairs = {"binance": ("BTCUSDT", "ETHUSDT"), "binance_spot": ("BTCUSDT", "ETHUSDT"), "alpaca": ("AAPL", "MSFT")}
    assert seen == {
        (venue, kind, symbol) for venue, symbols in pairs.items() for kind in (Trade, Quote) for symbol in symbols
    }
    assert gateway.dropped == 0


def test_without_keys_it_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"streaming.yaml:\d+: .*alpaca: .* set ALPACA_API_KEY and ALPACA_SECRET_KEY"):
        StreamingGateway(SHIPPED)


def test_without_keys_a_variable_runs_what_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WITHOUT_ALPACA, "false")
    assert sorted(StreamingGateway(SHIPPED).managers) == ["binance", "binance_spot"]


@pytest.mark.parametrize("name", ["README.md", "config/streaming.yaml"])
def test_what_alpaca_asks_for_is_written_where_people_look(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert [variable for variable in (*KEYS, f"{WITHOUT_ALPACA}=false") if variable not in text] == []
