"""What ccxt.pro streams on both Binance markets: trades, best prices and books, until there are enough of each."""

import asyncio

import ccxt.pro

WANTED = 20


async def watch(exchange: "ccxt.pro.binance", symbol: str) -> dict[str, list[object]]:
    trades: list[object] = []
    quotes: list[object] = []
    books: list[object] = []

    async def watch_trades() -> None:
        while len(trades) < WANTED:
            fresh = await exchange.watch_trades(symbol)
            trades.extend([int(trade["id"]), trade["price"], trade["amount"], trade["side"]] for trade in fresh)

    async def watch_quotes() -> None:
        while len(quotes) < WANTED:
            quote = (await exchange.watch_bids_asks([symbol]))[symbol]
            quotes.append([int(quote["info"]["u"]), quote["bid"], quote["bidVolume"], quote["ask"], quote["askVolume"]])

    async def watch_book() -> None:
        while len(books) < WANTED:
            book = await exchange.watch_order_book(symbol)
            # ccxt goes on changing these very lists
            books.append([book["nonce"], *([level[:] for level in book[side][:20]] for side in ("bids", "asks"))])

    await asyncio.gather(watch_trades(), watch_quotes(), watch_book())
    return {"trades": trades, "quotes": quotes, "books": books}
