"""python-binance's own client, with nothing changed but its URLs. Prints what it received as one line of JSON."""

import asyncio
import importlib.metadata
import json
import sys

from binance import AsyncClient, BinanceSocketManager
from binance.ws.depthcache import FuturesDepthCacheManager
from python_binance_streams import STREAMS, WANTED, watch


async def collect(client: AsyncClient) -> dict[str, object]:
    manager = BinanceSocketManager(client)
    books: list[object] = []

    async def watch_book() -> None:
        async with FuturesDepthCacheManager(client, "BTCUSDT", bm=manager) as depth:
            while len(books) < WANTED:
                cache = await depth.recv()
                books.append([cache.update_time, cache.get_bids(), cache.get_asks()])

    async def watch_agg_trades() -> dict[str, object]:
        async with manager.aggtrade_futures_socket("BTCUSDT") as socket:
            return (await socket.recv())["data"]

    public = manager.futures_multiplex_socket(STREAMS, category="public")
    streamed, _, agg_trade = await asyncio.gather(watch(public), watch_book(), watch_agg_trades())
    info = await client.futures_exchange_info()
    return {
        "version": importlib.metadata.version("python-binance"),
        "markets": [entry["symbol"] for entry in info["symbols"]],
        "agg_trade": agg_trade["e"],
        **streamed,
        "books": books,
        "rest": {
            "time": (await client.futures_time())["serverTime"],
            "book": len((await client.futures_order_book(symbol="BTCUSDT", limit=50))["bids"]),
            "trades": len(await client.futures_recent_trades(symbol="BTCUSDT", limit=10)),
            "bars": len(await client.futures_klines(symbol="BTCUSDT", interval="1m")),
            "ticker": (await client.futures_ticker(symbol="BTCUSDT"))["lastPrice"],
        },
    }


async def main(rest_url: str, stream_url: str) -> None:
    client = AsyncClient()
    client.FUTURES_URL = rest_url + "/fapi"
    BinanceSocketManager.FSTREAM_URL = stream_url + "/"
    try:
        sys.stdout.write(json.dumps(await collect(client)))
    finally:
        await client.close_connection()


asyncio.run(main(*sys.argv[1:3]))
