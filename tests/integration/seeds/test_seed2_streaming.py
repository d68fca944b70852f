"""The streaming seed's usage, as it stands there but for imports and addresses, on the simulated Alpaca venue."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from snippets import run
from tradewire import StreamingGateway
from tradewire.sim import AlpacaSim
from tradewire.venues.adapter import RawMessage

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


YAML_DRIVEN = """
from tradewire import StreamingGateway

gateway = StreamingGateway("config/streaming.yaml")

# Register callbacks (optional if YAML-only subscriptions suffice)
gateway.subscribe_to_trades(["AAPL"], callback=lambda msg: print("trade", msg))
gateway.subscribe_to_quotes(["AAPL"], callback=lambda msg: print("quote", msg))

# Blocking run
# gateway.start_streaming()
"""

PROGRAMMATIC = """
from tradewire import StreamingGateway

gw = StreamingGateway("config/streaming.yaml")
gw.subscribe_to_trades(["MSFT", "TSLA"], callback=lambda m: print(m))
# gw.start_streaming()
"""

EXTENDING = """
from dataclasses import dataclass
from typing import Any, Dict, List
from tradewire import DataProviderAdapter

@dataclass
class MyProviderAdapter(DataProviderAdapter):
    name: str = "my_provider"

    def _build_subscribe_message(self, channel: str, symbols: List[str]) -> Dict[str, Any]:
        return {"action": "subscribe", "channel": channel, "symbols": symbols}
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


async def _stream(gateway: StreamingGateway, enough: Callable[[], object]) -> None:
    """`start_streaming`, in a thread of its own, until it is enough."""
    streaming = asyncio.create_task(asyncio.to_thread(gateway.start_streaming))
    try:
        async with asyncio.timeout(30):
            while not enough():  # noqa: ASYNC110 - of another thread
                await asyncio.sleep(0.01)
    finally:
        gateway.stop_streaming()
        await streaming


async def _printed(gateway: StreamingGateway, words: set[str]) -> list[str]:
    """The lines that streaming prints, at least until all the words are in them."""
    # Not `capsys`: reading it while another thread prints would lose some.
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        await _stream(gateway, lambda: all(word in printed.getvalue() for word in words))
    return printed.getvalue().splitlines()


async def test_yaml_driven(sim: AlpacaSim) -> None:
    gateway = run(YAML_DRIVEN)["gateway"]
    printed = await _printed(gateway, {"trade ", "quote "})
    said = re.compile(r"(trade Trade|quote Quote)\(symbol='AAPL', venue='alpaca', .*\)")
    assert [line for line in printed if not said.fullmatch(line)] == []
    assert {(feed.channel.name, feed.symbol) for feed in gateway.feeds()} == {
        (channel, symbol) for channel in ("trades", "quotes") for symbol in ("AAPL", "MSFT")
    }, "what the file says is received too"


async def test_programmatic_subscriptions(sim: AlpacaSim) -> None:
    gateway = run(PROGRAMMATIC)["gw"]
    printed = await _printed(gateway, {"'MSFT'", "'TSLA'"})
    said = re.compile(r"Trade\(symbol='(MSFT|TSLA)', venue='alpaca', .*\)")
    assert [line for line in printed if not said.fullmatch(line)] == []


async def test_extending_providers(tmp_path: Path) -> None:
    import websockets

    asked: list[str | bytes] = []

    async def venue(connection: Any) -> None:
        asked.append(await connection.recv())
        await connection.send('{"price": 1.5}')
        await connection.wait_closed()

    adapter = run(EXTENDING)["MyProviderAdapter"]
    StreamingGateway.register_provider("my_provider", adapter)
    try:
        assert StreamingGateway.AdapterMap["my_provider"] is adapter
        async with websockets.serve(venue, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            path = tmp_path / "streaming.yaml"
            provider = f"{{name: my_provider, websocket_url: 'ws://127.0.0.1:{port}', subscriptions: [trades]}}"
            path.write_text(f"streaming: {{symbols: [AAPL], providers: [{provider}]}}")
            gateway = StreamingGateway(path)
            seen: list[RawMessage] = []
            gateway.subscribe_to_trades(["AAPL"], callback=seen.append)
            await _stream(gateway, lambda: seen)
        assert [message.data for message in seen] == [{"price": 1.5}]
        assert asked == ['{"action":"subscribe","channel":"trades","symbols":["AAPL"]}']
    finally:
        del StreamingGateway.AdapterMap["my_provider"]
