"""The public API as a user's type checker sees it; checked by mypy --strict, never run."""

from __future__ import annotations

from typing import assert_type

from tradewire import CircuitBreaker, RateLimitManager, circuit_breaker
from tradewire.core import (
    BookSet,
    Decoder,
    Histogram,
    OrderBook,
    Ring,
    Signer,
    SymbolTable,
    TokenBucket,
    monotonic_ns,
    objects,
    wall_ns,
)
from tradewire.core.protocols import Batch, ClockProtocol, Event, ObjectsProtocol
from tradewire.transport.retrying import Idempotent, Retrying
from tradewire.venues.binance import USDM_BOOK_RULE, USDM_MARKET_DATA


def decode(frame: bytes) -> None:
    decoder = Decoder(USDM_MARKET_DATA, symbols=["BTCUSDT"])
    assert_type(decoder.decode(frame, 1), list[Event])
    ring = Ring(1024)
    assert_type(decoder.decode_into(frame, 1, ring), int)
    batch = ring.drain(10)
    assert_type(batch, Batch)
    assert_type(objects(batch, SymbolTable()), list[Event])


def functions() -> tuple[ObjectsProtocol, ClockProtocol, ClockProtocol]:
    return objects, monotonic_ns, wall_ns


def measure() -> None:
    assert_type(TokenBucket(20, 40).try_acquire(5), int)
    histogram = Histogram(lowest=1, highest=3_600_000_000_000, digits=3)
    histogram.record(1234)
    assert_type(histogram.percentile(99.9), int)
    assert_type(histogram.encode(), str)


def sign(secret: str) -> None:
    signer = Signer(secret)
    assert_type(signer.sign(b"payload"), str)
    assert_type(signer.sign_query([("symbol", "BTCUSDT")], 1), bytes)


def book() -> None:
    one = OrderBook(rule=USDM_BOOK_RULE)
    assert_type(one.levels(20), tuple[list[tuple[float, float]], list[tuple[float, float]]])
    BookSet(USDM_BOOK_RULE, SymbolTable())


@circuit_breaker(name="typed")
async def guarded(number: int) -> str:
    return str(number)


async def policies(breaker: CircuitBreaker, limits: RateLimitManager, retrying: Retrying) -> None:
    assert_type(await guarded(1), str)
    assert_type(await breaker.execute(guarded, 1), str)
    assert_type(await breaker.execute(len, "text"), int)
    assert_type(breaker.call(len, "text"), int)
    await limits.acquire("venue/weight", 2)
    await limits.acquire("venue", {"weight": 2, "orders": 1})

    async def query() -> bytes:
        return b""

    assert_type(await retrying.run(Idempotent("GET", query)), bytes)
    # An order cannot be said.
    Idempotent("POST", query)  # type: ignore[arg-type]
