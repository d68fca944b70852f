"""ccxt.pro's own Binance client, with nothing changed but its URLs. Prints what it received as one line of JSON."""

import asyncio
import json
import sys

import ccxt.pro

SYMBOL = "BTC/USDT:USDT"
WANTED = 20


async def collect(exchange: "ccxt.pro.binance") -> dict[str, object]:
    markets = await exchange.load_markets()
    trades: list[object] = []
    quotes: list[object] = []
    books: list[object] = []
    agg_trades = await exchange.watch_trades("ETH/USDT:USDT", params={"name": "aggTrade"})

    async def watch_trades() -> None:
        while len(trades) < WANTED:
            fresh = await exchange.watch_trades(SYMBOL)
            trades.extend([int(trade["id"]), trade["price"], trade["amount"], trade["side"]] for trade in fresh)

    async def watch_quotes() -> None:
        while len(quotes) < WANTED:
            quote = (await exchange.watch_bids_asks([SYMBOL]))[SYMBOL]
            quotes.append([int(quote["info"]["u"]), quote["bid"], quote["bidVolume"], quote["ask"], quote["askVolume"]])

    async def watch_book() -> None:
        while len(books) < WANTED:
            book = await exchange.watch_order_book(SYMBOL)
            # ccxt goes on changing these very lists
            books.append([book["nonce"], *([level[:] for level in book[side][:20]] for side in ("bids", "asks"))])

    await asyncio.gather(watch_trades(), watch_quotes(), watch_book())
    ticker = await exchange.watch_ticker(SYMBOL)
    bars = await exchange.watch_ohlcv(SYMBOL, "1m")
    return {
        "version": ccxt.__version__,
        "markets": sorted(markets),
        "tick": markets[SYMBOL]["precision"]["price"],
        "agg_trades": len(agg_trades),
        "trades": trades,
        "quotes": quotes,
        "books": books,
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
