"""What a type checker must accept of the gateway's public face; checked by mypy, never run."""

from __future__ import annotations

from typing import Any, assert_type

from numpy.typing import NDArray

from tradewire import StreamingGateway, Trade
from tradewire.core import BookSet
from tradewire.streaming import FeedState


def on_trade(trade: Trade) -> None:
    assert_type(trade.price, float)


async def on_trade_later(trade: Trade) -> None:
    assert_type(trade.symbol, str)


async def consume() -> None:
    async with StreamingGateway(venue="binance", symbols=["BTCUSDT"], channels=["book"]) as gateway:
        assert_type(gateway, StreamingGateway)
        subscription = gateway.subscribe_to_trades(["BTCUSDT"], callback=on_trade)
        gateway.subscribe_to_trades("BTCUSDT", on_trade_later)
        subscription.close()
        book = gateway.book("BTCUSDT")
        if book is not None:
            assert_type(book.best(), tuple[tuple[float, float] | None, tuple[float, float] | None])
        assert_type(gateway.state("book", "BTCUSDT"), FeedState)
        async for batch in gateway.batches():
            assert_type(len(batch), int)
            rows: NDArray[Any] = batch
            assert_type(rows.size, int)
            break
    BookSet(None, symbols=None)  # type: ignore[arg-type]
