"""ccxt.pro's own Binance client, with nothing changed but its URLs. Prints what it received as one line of JSON."""

import asyncio
import json
import sys

import ccxt.pro
from ccxt_streams import watch

SYMBOL = "BTC/USDT:USDT"


async def collect(exchange: "ccxt.pro.binance") -> dict[str, object]:
    markets = await exchange.load_markets()
    agg_trades = await exchange.watch_trades("ETH/USDT:USDT", params={"name": "aggTrade"})
    streamed = await watch(exchange, SYMBOL)
    ticker = await exchange.watch_ticker(SYMBOL)
    bars = await exchange.watch_ohlcv(SYMBOL, "1m")
    return {
        "version": ccxt.__version__,
        "markets": sorted(markets),
        "tick": markets[SYMBOL]["precision"]["price"],
        "agg_trades": len(agg_trades),
        **streamed,
        "ticker": ticker["last"],
        "bars": len(bars),
        "rest": {
            "time": await exchange.fetch_time(),
            "trades": len(await exchange.fetch_trades(SYMBOL, limit=10)),
            "bars": len(await exchange.fetch_ohlcv(SYMBOL, "1m")),
            "ticker": (await exchange.fetch_ticker(SYMBOL))["last"],
            "funding": (await exchange.fetch_funding_rate(SYMBOL))["fundingRate"],
        },
    }


async def main(rest_url: str, stream_url: str) -> None:
    exchange = ccxt.pro.binance(
        {"options": {"defaultType": "swap", "fetchMarkets": {"types": ["linear"]}}, "newUpdates": True}
    )
    api = exchange.urls["api"]
    for name in ("fapiPublic", "fapiPublicV2", "fapiPublicV3"):
        api[name] = rest_url + api[name].removeprefix("https://fapi.binance.com")
    api["ws"]["linear"] = stream_url + "/ws"
    try:
        sys.stdout.write(json.dumps(await collect(exchange)))
    finally:
        await exchange.close()


asyncio.run(main(*sys.argv[1:3]))
