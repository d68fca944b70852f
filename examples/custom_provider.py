"""A venue that tradewire does not know, in one class: how to subscribe, and how to read what comes.

Needs no account and no network: the simulated venue plays the unknown one.

    python examples/custom_provider.py
"""

from __future__ import annotations

import asyncio
from typing import Any

from tradewire import DataProviderAdapter, StreamingGateway, Trade
from tradewire.sim import SimProcess


class MyVenue(DataProviderAdapter):
    """Trades only. Reconnects, backoff, limits and status events come with the gateway."""

    def _build_subscribe_message(self, channel: str, symbols: list[str]) -> dict[str, Any]:
        return {"method": "SUBSCRIBE", "params": [f"{symbol.lower()}@trade" for symbol in symbols], "id": 1}

    def is_control(self, data: Any) -> bool:
        """The answer to the subscription."""
        return "result" in data

    def _parse_message(self, data: Any) -> Trade:
        return Trade(
            venue=self.name,
            symbol=data["s"],
            event_ns=data["T"] * 1_000_000,
            seq=data["t"],
            price=float(data["p"]),
            quantity=float(data["q"]),
            side="sell" if data["m"] else "buy",
            trade_id=data["t"],
        )


async def stream(url: str, count: int) -> None:
    """Prints the first trades and how many came."""
    trades: list[Trade] = []
    done = asyncio.Event()

    def on_trade(trade: Trade) -> None:
        trades.append(trade)
        if len(trades) == count:
            done.set()

    StreamingGateway.register_provider("my_venue", MyVenue)
    async with StreamingGateway(venue="my_venue", url=url) as gateway:
        gateway.subscribe_to_trades(["BTCUSDT"], callback=on_trade)
        await done.wait()
    first = trades[0]
    print(f"{first.venue} {first.symbol} {first.side} {first.quantity} at {first.price}")
    print(f"{len(trades)} trades, none missing: {trades[-1].seq - first.seq == len(trades) - 1}")


def main() -> None:
    """Starts the venue and listens."""
    with SimProcess(symbols=("BTCUSDT",), rate=200) as sim:
        asyncio.run(stream(f"{sim.stream_url}/public/ws", 50))


if __name__ == "__main__":
    main()
