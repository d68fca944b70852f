"""History by request: what is traded, the last bars, and every aggregate trade of the last ten minutes, page by page.

Needs no account and no network: it starts a simulated venue. With an argument it asks that address instead:

    python examples/download_history.py
    python examples/download_history.py https://fapi.binance.com
"""

from __future__ import annotations

import asyncio
import sys

from tradewire import StreamingGateway
from tradewire.core import wall_ns
from tradewire.errors import QueryError, VenueRejectedError
from tradewire.sim import SimProcess
from tradewire.venues.binance import BinanceMarketDataClient

SYMBOL = "BTCUSDT"
MINUTE_NS = 60_000_000_000


async def download(rest_url: str) -> None:
    """Prints a few figures of what came."""
    async with BinanceMarketDataClient("binance", rest_url=rest_url) as client:
        listed = {each.name: each for each in await client.instruments()}
        rules = listed[SYMBOL]
        print(f"{rules.name}: price step {rules.price_step}, quantity step {rules.quantity_step}, {rules.status.value}")

        end_ns = wall_ns()
        bars = [bar async for bar in client.bars_between(SYMBOL, "1m", end_ns - 10 * MINUTE_NS, end_ns)]
        print(f"{len(bars)} bars, the last one {'closed' if bars[-1].closed else 'open'} at {bars[-1].close}")

        count, volume = 0, 0.0
        async for trade in client.agg_trades_between(SYMBOL, end_ns - 10 * MINUTE_NS, end_ns):
            count, volume = count + 1, volume + trade.quantity
        print(f"{count} aggregate trades, {volume:.3f} {rules.base}")

        try:
            await client.ticker("NOSUCHTHING")
        except VenueRejectedError as error:
            print(f"refused with code {error.code}: {error.message}")
        except QueryError as error:  # not reached, busy, banned: ask again, but not before
            print(f"no answer; again in {error.retry_after_s or 1} s")
        print("weight used:", client.limits.statistics("binance").quotas["weight"].used)


async def _some_trades(sim: SimProcess) -> None:
    """The simulated venue has no past: lets it trade for a moment."""
    async with StreamingGateway(url=sim.stream_url, rest_url=sim.rest_url) as gateway:
        gateway.subscribe_to_trades([SYMBOL])
        async for _ in gateway.batches():
            if gateway.counters["messages.trade"] >= 200:
                return


def main() -> None:
    """Asks the simulated venue, or the address that is named."""
    if len(sys.argv) > 1:
        asyncio.run(download(sys.argv[1]))
        return
    with SimProcess(symbols=(SYMBOL,), rate=500) as sim:
        asyncio.run(_some_trades(sim))
        asyncio.run(download(sim.rest_url))


if __name__ == "__main__":
    main()
