"""What python-binance streams on both Binance markets: trades and best prices, until there are enough of each."""

from binance.ws.streams import ReconnectingWebsocket

STREAMS = ["btcusdt@trade", "btcusdt@bookTicker"]
WANTED = 20


async def watch(streams: ReconnectingWebsocket) -> dict[str, list[object]]:
    trades: list[object] = []
    quotes: list[object] = []
    async with streams as socket:
        while len(trades) < WANTED or len(quotes) < WANTED:
            message = await socket.recv()
            data = message["data"]
            if message["stream"].endswith("@trade"):
                trades.append([data["t"], float(data["p"]), float(data["q"]), "sell" if data["m"] else "buy"])
            else:
                quotes.append([data["u"], *(float(data[key]) for key in "bBaA")])
    return {"trades": trades, "quotes": quotes}
