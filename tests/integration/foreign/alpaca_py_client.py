"""alpaca-py's own stream and historical clients, with nothing changed but their URLs. Prints one line of JSON."""

import importlib.metadata
import json
import sys
import threading
from datetime import datetime

from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.live import CryptoDataStream, StockDataStream
from alpaca.data.requests import StockLatestQuoteRequest, StockTradesRequest

WANTED = 20


class Collector:
    """Handlers of one stream, which stop it when everything has come."""

    def __init__(self, stream: object, **wanted: int) -> None:
        self.stream = stream
        self.wanted = wanted
        self.got: dict[str, list[object]] = {kind: [] for kind in wanted}

    def add(self, kind: str, row: object) -> None:
        self.got[kind].append(row)
        if all(len(self.got[name]) >= count for name, count in self.wanted.items()):
            self.stream.stop()

    async def trade(self, trade: object) -> None:
        self.add("trades", [trade.id, trade.price, trade.size, _microseconds(trade.timestamp)])

    async def quote(self, quote: object) -> None:
        self.add("quotes", [quote.bid_price, quote.ask_price, _microseconds(quote.timestamp)])

    async def bar(self, bar: object) -> None:
        self.add("bars", [_microseconds(bar.timestamp), bar.open, bar.high, bar.low, bar.close, bar.trade_count])

    async def book(self, book: object) -> None:
        self.add("books", [len(book.bids), len(book.asks), book.reset])


def _microseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def _stocks(url: str, symbol: str) -> Collector:
    """Of one stock feed."""
    stream = StockDataStream("key", "secret", url_override=url)
    collector = Collector(stream, trades=WANTED, quotes=WANTED, bars=1)
    stream.subscribe_trades(collector.trade, symbol)
    stream.subscribe_quotes(collector.quote, symbol)
    stream.subscribe_bars(collector.bar, symbol)
    return collector


def main(rest_url: str, stream_url: str) -> None:
    feeds = {"test": "FAKEPACA", "iex": "AAPL", "sip": "MSFT"}
    stocks = {symbol: _stocks(f"{stream_url}/v2/{feed}", symbol) for feed, symbol in feeds.items()}
    crypto = CryptoDataStream("key", "secret", url_override=f"{stream_url}/v1beta3/crypto/us")
    pairs = Collector(crypto, trades=WANTED, books=WANTED)
    crypto.subscribe_trades(pairs.trade, "BTC/USD")
    crypto.subscribe_orderbooks(pairs.book, "BTC/USD")

    runs = [threading.Thread(target=each.stream.run) for each in (*stocks.values(), pairs)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    calls = StockHistoricalDataClient("key", "secret", url_override=rest_url)
    history = calls.get_stock_trades(StockTradesRequest(symbol_or_symbols="FAKEPACA", limit=5_000))
    latest = calls.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="FAKEPACA"))
    result = {
        "version": importlib.metadata.version("alpaca-py"),
        "stocks": {symbol: collector.got for symbol, collector in stocks.items()},
        "pairs": pairs.got,
        "history": [[trade.id, trade.price, trade.size] for trade in history["FAKEPACA"]],
        "latest": latest["FAKEPACA"].ask_price,
    }
    sys.stdout.write(json.dumps(result))


main(*sys.argv[1:])
