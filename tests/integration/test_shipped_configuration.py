"""The example configuration that ships, all of its venues switched on: one gateway on three simulated markets."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from faulty_venues import VENUES, is_live, open_venue, until
from tradewire.core import Quote, Trade
from tradewire.streaming import StreamingGateway

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "streaming.yaml"


async def test_the_shipped_file_runs_three_venues_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALPACA_API_KEY", "key")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    written: dict[str, Any] = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    providers = {provider["name"]: provider for provider in written["streaming"]["providers"]}
    assert tuple(providers) == VENUES
    seen: set[tuple[str, type, str]] = set()

    def note(event: Any) -> None:
        seen.add((event.venue, type(event), event.symbol))

    async with AsyncExitStack() as stack:
        for name, provider in providers.items():
            sim = (await stack.enter_async_context(open_venue(name, seed=4))).sim
            provider |= {"enabled": True, "websocket_url": sim.stream_url, "rest_url": sim.rest_url}
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
