"""The core and the gateway inside a program of your own. Needs no account and no network.

python examples/embedding.py                                    # starts a simulated venue for itself
python examples/embedding.py ws://127.0.0.1:9002 http://127.0.0.1:9001   # uses `tradewire sim binance --port 9001`
"""

from __future__ import annotations

import asyncio
import sys
import time

import numpy as np

from tradewire import StreamingGateway, Trade
from tradewire.core import (
    BookSet,
    BucketSet,
    Decoder,
    Histogram,
    Kind,
    OrderBook,
    Ring,
    Signer,
    SymbolTable,
    TokenBucket,
    objects,
    view,
)
from tradewire.sim import SimProcess
from tradewire.venues.binance import USDM_BOOK_RULE, USDM_MARKET_DATA

FRAME = (
    b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1791382992488,"a":3477868433,"s":"BTCUSDT","p":"83091.70",'
    b'"q":"0.022","nq":"0.022","f":8153634393,"l":8153634394,"T":1791382992338,"m":false,"st":1}}'
)
DIFF = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1791382992616,"T":1791382992613,"s":"BTCUSDT",'
    b'"U":160,"u":170,"pu":155,"b":[["83091.60","4.215"]],"a":[["83091.80","0"]],"st":1}}'
)


def use_the_core() -> None:
    """Each part stands on its own; nothing here opens a socket."""
    decoder = Decoder(USDM_MARKET_DATA, symbols=["BTCUSDT", "ETHUSDT"])
    recv_ns = time.time_ns()
    for event in decoder.decode(FRAME, recv_ns):
        print("decoded", event.symbol, event.price, event.quantity, event.event_ns, event["price"])

    ring = Ring(131072)
    decoder.decode_into(FRAME, recv_ns, ring)  # no Python object per message
    batch = ring.drain(4096)  # immutable NumPy structured array of 64-byte records, oldest first
    print("batch of", len(batch), "price", view(batch, Kind.TRADE)["price"][0])
    print("the same as an event", objects(batch, decoder.symbols)[0].price)

    symbols = SymbolTable()  # shared by several decoders, and by the books of all their symbols
    shared = Decoder(USDM_MARKET_DATA, symbols=symbols, learn=True)
    shared.decode_into(DIFF, recv_ns, ring)
    changed, incidents = BookSet(USDM_BOOK_RULE, symbols).apply(ring.drain(4096))
    print("books", changed, "waiting for a snapshot:", incidents == [])

    book = OrderBook(rule=USDM_BOOK_RULE)
    book.apply_snapshot([(83091.5, 1.0)], [(83091.8, 0.5), (83091.9, 2.0)], 165, recv_ns)
    (delta,) = decoder.decode(DIFF, recv_ns)
    print("book", book.apply(delta), book.best(), book.levels(20))

    wait_ns = TokenBucket(rate_per_s=20, burst=40).try_acquire(5)  # 0 = granted
    both_ns = BucketSet([TokenBucket(20, 40), TokenBucket(100, 200)]).try_acquire([1, 5])  # all or nothing
    histogram = Histogram(lowest=1, highest=3_600_000_000_000, digits=3)
    histogram.record(1234)
    histogram.record_many(np.arange(1, 1000, dtype=np.int64))
    print(
        "limiter",
        wait_ns,
        both_ns,
        "p99.9",
        histogram.percentile(99.9),
        "encoded",
        len(histogram.encode()),
        "characters",
    )

    signer = Signer("not-a-real-secret")
    query = signer.sign_query([("symbol", "BTCUSDT"), ("side", "BUY"), ("price", "80000.10")], 1791382992488)
    print("signed", signer.sign(b"payload")[:16], query.decode()[-20:])


async def use_the_gateway(url: str, rest_url: str) -> None:
    """Streams until a few hundred messages have come."""
    trades = 0

    def on_trade(trade: Trade) -> None:
        nonlocal trades
        trades += 1

    messages = 0
    async with StreamingGateway(url=url, rest_url=rest_url) as gateway:
        gateway.subscribe_to_trades(["BTCUSDT"], callback=on_trade)
        gateway.subscribe_to_book(["BTC/USDT"])
        async for batch in gateway.batches():
            messages += int(np.count_nonzero(batch["kind"] != Kind.LEVEL))
            book = gateway.book("BTCUSDT")  # None until it is synchronised
            if messages >= 300 and book is not None:
                print(f"gateway: {messages} messages, {trades} trades, best {book.best()}")
                break


def main() -> None:
    """Runs both halves."""
    use_the_core()
    if len(sys.argv) > 2:
        asyncio.run(use_the_gateway(sys.argv[1], sys.argv[2]))
        return
    with SimProcess(symbols=("BTCUSDT", "ETHUSDT"), rate=500) as sim:
        asyncio.run(use_the_gateway(sim.stream_url, sim.rest_url))


if __name__ == "__main__":
    main()
