"""ccxt.pro's own Binance client on Spot, with nothing changed but its URLs. Prints one line of JSON."""

import asyncio
import json
import sys

import ccxt.pro
from ccxt_streams import watch

SYMBOL = "BTC/USDT"


async def collect(exchange: "ccxt.pro.binance") -> dict[str, object]:
    markets = await exchange.load_markets()
    streamed = await watch(exchange, SYMBOL)
    return {
        "version": ccxt.__version__,
        "markets": sorted(markets),
        **streamed,
        "ticker": (await exchange.watch_ticker(SYMBOL))["last"],
        "rest": {
            "trades": len(await exchange.fetch_trades(SYMBOL, limit=10)),
            "bars": len(await exchange.fetch_ohlcv(SYMBOL, "1m")),
            "ticker": (await exchange.fetch_ticker(SYMBOL))["last"],
        },
    }


async def main(rest_url: str, stream_url: str) -> None:
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False}
    exchange = ccxt.pro.binance({"options": options, "newUpdates": True})
    api = exchange.urls["api"]
    api["public"] = rest_url + "/api/v3"
    api["ws"]["spot"] = stream_url + "/ws"
    try:
        sys.stdout.write(json.dumps(await collect(exchange)))
    finally:
        await exchange.close()


asyncio.run(main(*sys.argv[1:3]))
