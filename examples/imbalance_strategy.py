"""A small strategy: leans on the side of the book that is heavier, and stands aside while its data is not whole.

It places no orders; it shows how a strategy listens. Needs no account and no network: it starts a simulated venue.

    python examples/imbalance_strategy.py
"""

from __future__ import annotations

import asyncio
from typing import Any

from tradewire import StreamingGateway, Trade
from tradewire.sim import SimProcess
from tradewire.streaming import BookUpdate, FeedState, FeedStateChanged, GapDetected

SYMBOL = "BTCUSDT"
DEPTH = 10
#: Share of the quantity near the best price that must lie on one side.
HEAVY = 0.7


class ImbalanceStrategy:
    """Keeps a view on one symbol: `long`, `short` or `flat`.

    Attributes:
        view: what it would hold now.
        changes: how often it changed its mind.
        stood_aside: how often its data was not whole.
    """

    def __init__(self) -> None:
        self.view = "flat"
        self.changes = 0
        self.stood_aside = 0
        self.volume = 0.0

    def on_event(self, event: Any) -> None:
        """Takes market data and status alike, in order."""
        match event:
            case Trade():
                self.volume += event.quantity
            case BookUpdate():
                self._judge(event)
            case GapDetected() | FeedStateChanged(state=FeedState.STALE | FeedState.DOWN | FeedState.GAP):
                # Connected is not fresh: no opinion without whole data.
                self.stood_aside += 1
                self._set("flat")

    def _judge(self, update: BookUpdate) -> None:
        bids, asks = update.book.levels(DEPTH)
        bid, ask = sum(quantity for _, quantity in bids), sum(quantity for _, quantity in asks)
        share = bid / (bid + ask)
        self._set("long" if share > HEAVY else "short" if share < 1 - HEAVY else "flat")

    def _set(self, view: str) -> None:
        if view != self.view:
            self.view = view
            self.changes += 1


async def run(url: str, rest_url: str, updates: int) -> ImbalanceStrategy:
    """Feeds the strategy until the book has changed that often."""
    strategy = ImbalanceStrategy()
    gateway = StreamingGateway(url=url, rest_url=rest_url, symbols=[SYMBOL], channels=["trades", "book"])
    seen = 0
    async with gateway:
        async for event in gateway.events(SYMBOL):
            strategy.on_event(event)
            seen += isinstance(event, BookUpdate)
            if seen >= updates:
                break
    return strategy


def main() -> None:
    """Runs it on a simulated market for some two seconds."""
    with SimProcess(symbols=(SYMBOL,), rate=500) as sim:
        strategy = asyncio.run(run(sim.stream_url, sim.rest_url, updates=20))
    print(
        f"{SYMBOL}: {strategy.view}, changed {strategy.changes} times, stood aside {strategy.stood_aside} times, "
        f"{strategy.volume:.3f} traded"
    )


if __name__ == "__main__":
    main()
