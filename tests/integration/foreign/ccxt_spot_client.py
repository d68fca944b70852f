"""ccxt.pro's own Binance client on Spot, with nothing changed but its URLs. Prints one line of JSON."""

import asyncio
import json
import sys

import ccxt.pro

SYMBOL = "BTC/USDT"
WANTED = 20


async def collect(exchange: "ccxt.pro.binance") -> dict[str, object]:
    markets = await exchange.load_markets()
    trades: list[object] = []
    quotes: list[object] = []
    books: list[object] = []

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
            books.append([book["nonce"], *([level[:] for level in book[side][:20]] for side in ("bids", "asks"))])

    await asyncio.gather(watch_trades(), watch_quotes(), watch_book())
    return {
        "version": ccxt.__version__,
        "markets": sorted(markets),
        "trades": trades,
        "quotes": quotes,
        "books": books,
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
