"""Two venues by one configuration: the futures price over the spot price, whenever either side moves.

Needs no account and no network: it starts two simulated venues, and writes their addresses into the configuration.

    python examples/two_venues.py
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from tradewire import Quote, StreamingGateway
from tradewire.sim import SimProcess
from tradewire.streaming import FeedStateChanged

#: With the addresses left out, the same file streams from Binance itself.
CONFIGURATION = """
environment: paper
streaming:
  symbols: ["BTC/USDT"]
  providers:
    - name: futures
      venue: binance
      websocket_url: {futures.stream_url}
      rest_url: {futures.rest_url}
      subscriptions: [quotes]
    - name: spot
      venue: binance_spot
      websocket_url: {spot.stream_url}
      rest_url: {spot.rest_url}
      subscriptions: [quotes]
"""


async def watch(path: Path, pairs: int) -> None:
    """Prints the basis until so many quotes of both venues have come."""
    middle: dict[str, float] = {}
    seen = 0
    async with StreamingGateway(path) as gateway:
        async for event in gateway.events("BTCUSDT"):
            match event:
                case Quote():
                    middle[event.venue] = (event.bid_price + event.ask_price) / 2
                    seen += len(middle) == 2
                case FeedStateChanged():
                    print(f"{event.venue} {event.channel} {event.symbol}: {event.state.value}")
            if seen >= pairs:
                break
        basis_bps = (middle["binance"] / middle["binance_spot"] - 1) * 10_000
        print(f"{seen} quotes; futures {basis_bps:+.1f} basis points from spot")
        for name, manager in gateway.managers.items():
            print(f"{name}: {manager.counters['messages']} messages, {manager.counters['reconnects']} reconnects")


def main() -> None:
    """Starts both venues and watches."""
    with (
        SimProcess("binance", symbols=("BTCUSDT",), rate=200) as futures,
        SimProcess("binance_spot", symbols=("BTCUSDT",), rate=200) as spot,
        tempfile.TemporaryDirectory() as folder,
    ):
        path = Path(folder) / "streaming.yaml"
        path.write_text(CONFIGURATION.format(futures=futures, spot=spot), encoding="utf-8")
        asyncio.run(watch(path, 200))


if __name__ == "__main__":
    main()
