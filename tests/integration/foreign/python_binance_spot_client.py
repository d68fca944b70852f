"""python-binance's own client on Spot, with nothing changed but its URLs. Prints one line of JSON."""

import asyncio
import importlib.metadata
import json
import sys

from binance import AsyncClient, BinanceSocketManager
from binance.ws.depthcache import DepthCacheManager
from python_binance_streams import STREAMS, WANTED, watch


async def collect(client: AsyncClient) -> dict[str, object]:
    manager = BinanceSocketManager(client)
    books: list[object] = []

    async def watch_book() -> None:
        async with DepthCacheManager(client, "BTCUSDT", bm=manager, ws_interval=100) as depth:
            while len(books) < WANTED:
                cache = await depth.recv()
                books.append([cache.update_time, cache.get_bids()[:20], cache.get_asks()[:20]])

    streamed, _ = await asyncio.gather(watch(manager.multiplex_socket(STREAMS)), watch_book())
    info = await client.get_exchange_info()
    return {
        "version": importlib.metadata.version("python-binance"),
        "markets": [entry["symbol"] for entry in info["symbols"]],
        **streamed,
        "books": books,
        "rest": {
            "book": len((await client.get_order_book(symbol="BTCUSDT", limit=50))["bids"]),
            "trades": len(await client.get_recent_trades(symbol="BTCUSDT", limit=10)),
            "agg_trades": len(await client.get_aggregate_trades(symbol="BTCUSDT", limit=10)),
            "ticker": (await client.get_ticker(symbol="BTCUSDT"))["lastPrice"],
        },
    }


async def main(rest_url: str, stream_url: str) -> None:
    client = AsyncClient()
    client.API_URL = rest_url + "/api"
    BinanceSocketManager.STREAM_URL = stream_url + "/"
    try:
        sys.stdout.write(json.dumps(await collect(client)))
    finally:
        await client.close_connection()


asyncio.run(main(*sys.argv[1:3]))
