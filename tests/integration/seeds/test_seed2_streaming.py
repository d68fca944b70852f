"""The streaming seed's usage, unchanged but for imports and addresses, on the simulated Alpaca venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List  # noqa: UP035 - as the seed writes it

import pytest

from tradewire import DataProviderAdapter, StreamingGateway
from tradewire.core import Quote, Trade
from tradewire.sim import AlpacaSim
from tradewire.venues.adapter import RawMessage
from tradewire.venues.registry import ADAPTERS

YAML = """
streaming:
  symbols: ["AAPL", "MSFT"]  # global symbols (optional)
  providers:
    - name: "alpaca"
      websocket_url: "{stream}/v2/iex"
      rest_url: "{rest}"
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


@pytest.fixture
async def sim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AlpacaSim]:
    monkeypatch.setenv("ALPACA_API_KEY", "PKTEST")
    monkeypatch.setenv("ALPACA_SECRET_KEY", "secret")
    async with AlpacaSim(symbols=("AAPL", "MSFT", "TSLA"), rate=500, seed=3) as sim:
        (tmp_path / "config").mkdir()
        text = YAML.format(stream=sim.stream_url, rest=sim.rest_url)
        (tmp_path / "config" / "streaming.yaml").write_text(text)
        monkeypatch.chdir(tmp_path)
        yield sim


async def run(gateway: StreamingGateway, enough: Any) -> None:
    """`start_streaming` in a thread of its own, until the callbacks have seen enough."""
    streaming = asyncio.create_task(asyncio.to_thread(gateway.start_streaming))
    try:
        async with asyncio.timeout(30):
            while not enough():  # noqa: ASYNC110 - of another thread
                await asyncio.sleep(0.01)
    finally:
        gateway.stop_streaming()
        await streaming


async def test_yaml_driven(sim: AlpacaSim) -> None:
    seen: list[tuple[str, Any]] = []
    gateway = StreamingGateway("config/streaming.yaml")

    # Register callbacks (optional if YAML-only subscriptions suffice)
    gateway.subscribe_to_trades(["AAPL"], callback=lambda msg: seen.append(("trade", msg)))
    gateway.subscribe_to_quotes(["AAPL"], callback=lambda msg: seen.append(("quote", msg)))

    # Blocking run
    await run(gateway, lambda: {what for what, _ in seen} == {"trade", "quote"})
    assert {type(msg) for what, msg in seen if what == "trade"} == {Trade}
    assert {type(msg) for what, msg in seen if what == "quote"} == {Quote}
    assert {msg.symbol for _, msg in seen} == {"AAPL"}
    assert {(feed.channel.name, feed.symbol) for feed in gateway.feeds()} == {
        (channel, symbol) for channel in ("trades", "quotes") for symbol in ("AAPL", "MSFT")
    }, "what the file says is received too"


async def test_programmatic_subscriptions(sim: AlpacaSim) -> None:
    seen: list[Trade] = []
    gw = StreamingGateway("config/streaming.yaml")
    gw.subscribe_to_trades(["MSFT", "TSLA"], callback=lambda m: seen.append(m))  # noqa: PLW0108 - as the seed writes it
    await run(gw, lambda: {trade.symbol for trade in seen} == {"MSFT", "TSLA"})


@dataclass
class MyProviderAdapter(DataProviderAdapter):
    name: str = "my_provider"

    def _build_subscribe_message(self, channel: str, symbols: List[str]) -> Dict[str, Any]:  # noqa: UP006
        return {"action": "subscribe", "channel": channel, "symbols": symbols}


async def test_extending_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import websockets

    asked: list[str | bytes] = []

    async def venue(connection: Any) -> None:
        asked.append(await connection.recv())
        await connection.send('{"price": 1.5}')
        await connection.wait_closed()

    monkeypatch.setattr(StreamingGateway, "AdapterMap", ADAPTERS)
    StreamingGateway.register_provider("my_provider", MyProviderAdapter)
    try:
        async with websockets.serve(venue, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            path = tmp_path / "streaming.yaml"
            provider = f"{{name: my_provider, websocket_url: 'ws://127.0.0.1:{port}', subscriptions: [trades]}}"
            path.write_text(f"streaming: {{symbols: [AAPL], providers: [{provider}]}}")
            seen: list[RawMessage] = []
            gateway = StreamingGateway(path)
            gateway.subscribe_to_trades(["AAPL"], callback=seen.append)
            await run(gateway, lambda: seen)
        assert [message.data for message in seen] == [{"price": 1.5}]
        assert asked == ['{"action":"subscribe","channel":"trades","symbols":["AAPL"]}']
    finally:
        del StreamingGateway.AdapterMap["my_provider"]
