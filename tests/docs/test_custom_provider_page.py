"""The page about custom providers: its code runs, and its events arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import websockets

from snippets import blocks, run
from tradewire import StreamingGateway
from tradewire.core import Trade


@pytest.fixture
def page() -> Iterator[dict[str, Any]]:
    # Dataclasses look for the module of the classes that they are made of.
    yield run("".join(blocks("custom-provider.md")), __name__=__name__)
    StreamingGateway.AdapterMap.clear()


async def test_its_code_streams(page: dict[str, Any]) -> None:
    asked: list[str | bytes] = []

    async def venue(connection: Any) -> None:
        asked.append(await connection.recv())
        await connection.send('{"status": "subscribed"}')
        await connection.send('{"s": "AAPL", "t": 1, "i": 7, "p": 1.5, "q": 2.0}')
        await connection.wait_closed()

    StreamingGateway.register_provider("parsing", page["Parsing"])
    async with websockets.serve(venue, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        got: asyncio.Future[Trade] = asyncio.get_running_loop().create_future()
        gateway = StreamingGateway(venue="parsing", url=url)
        gateway.subscribe_to_trades("AAPL", got.set_result)
        async with gateway, asyncio.timeout(20):
            trade = await got
    assert (trade.symbol, trade.price, trade.quantity, trade.trade_id) == ("AAPL", 1.5, 2.0, 7)
    assert trade.event_ns == 1
    assert trade.recv_ns > 1_700_000_000_000_000_000, "when it came, and not the venue's time"
    assert asked == ['{"action":"subscribe","channel":"trades","symbols":["AAPL"]}']
    assert StreamingGateway.AdapterMap["my_provider"] is page["MyProviderAdapter"]
