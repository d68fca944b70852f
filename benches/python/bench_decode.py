"""Payload bytes to typed objects, to NumPy, and to a book; beside msgspec in the same process."""

from __future__ import annotations

import json
from types import ModuleType

import messages
import msgspec
import numpy as np
import pytest
from measuring import Measure

from tradewire.venues.binance import USDM_BOOK_RULE, USDM_MARKET_DATA

OBJECT_CASES = {"aggTrade": messages.agg_trade(), "bookTicker": messages.book_ticker()}


class _AggTrade(msgspec.Struct, gc=False):
    T: int
    a: int
    s: str
    p: float
    q: float
    m: bool


class _BookTicker(msgspec.Struct, gc=False):
    T: int
    u: int
    s: str
    b: float
    B: float
    a: float
    A: float


class _AggTradeFrame(msgspec.Struct, gc=False):
    data: _AggTrade


class _BookTickerFrame(msgspec.Struct, gc=False):
    data: _BookTicker


PEER_TYPES = {"aggTrade": _AggTradeFrame, "bookTicker": _BookTickerFrame}


@pytest.mark.parametrize("case", OBJECT_CASES)
def test_object(impl: ModuleType, measure: Measure, case: str) -> None:
    """Bytes to one typed object, three fields read."""
    frames = OBJECT_CASES[case]
    decode = impl.Decoder(USDM_MARKET_DATA, symbols=["BTCUSDT"]).decode
    plain = [json.loads(frame)["data"] for frame in frames]
    decoded = [decode(frame, 1)[0] for frame in frames]
    if case == "aggTrade":
        assert [(e.event_ns, e.price, e.quantity) for e in decoded] == [
            (d["T"] * 1_000_000, float(d["p"]), float(d["q"])) for d in plain
        ]

        def work() -> None:
            for frame in frames:
                event = decode(frame, 1)[0]
                event.event_ns, event.price, event.quantity
    else:
        assert [(e.event_ns, e.bid_price, e.ask_price) for e in decoded] == [
            (d["T"] * 1_000_000, float(d["b"]), float(d["a"])) for d in plain
        ]

        def work() -> None:
            for frame in frames:
                event = decode(frame, 1)[0]
                event.event_ns, event.bid_price, event.ask_price

    measure(work, len(frames))


@pytest.mark.parametrize("case", OBJECT_CASES)
def test_object_msgspec(measure_peer: Measure, case: str) -> None:
    """The same with a msgspec typed Struct, float prices."""
    frames = OBJECT_CASES[case]
    decode = msgspec.json.Decoder(PEER_TYPES[case], strict=False).decode
    if case == "aggTrade":

        def work() -> None:
            for frame in frames:
                event = decode(frame).data
                event.T, event.p, event.q
    else:

        def work() -> None:
            for frame in frames:
                event = decode(frame).data
                event.T, event.b, event.a

    measure_peer(work, len(frames))


def test_numpy(impl: ModuleType, measure: Measure) -> None:
    """aggTrade bytes to ring to NumPy columns."""
    frames = messages.agg_trade(100_000 if impl.PROFILE != "pure" else 2_000)
    ring = impl.Ring(131_072)
    decoder = impl.Decoder(USDM_MARKET_DATA, symbols=["BTCUSDT"])

    def columns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        assert decoder.decode_into(frames, 1, ring) == len(frames)
        batch = ring.drain(131_072)
        return batch["event_ns"].copy(), batch["a"].copy(), batch["b"].copy()

    times, prices, quantities = columns()
    plain = [json.loads(frame)["data"] for frame in frames]
    assert times.tolist() == [d["T"] * 1_000_000 for d in plain]
    assert prices.tolist() == [float(d["p"]) for d in plain]
    assert quantities.tolist() == [float(d["q"]) for d in plain]
    measure(columns, len(frames))


def test_numpy_msgspec(measure_peer: Measure) -> None:
    """The same with a msgspec loop."""
    frames = messages.agg_trade(100_000)
    decode = msgspec.json.Decoder(_AggTradeFrame, strict=False).decode

    def columns() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = [decode(frame).data for frame in frames]
        return np.array([d.T for d in rows]), np.array([d.p for d in rows]), np.array([d.q for d in rows])

    measure_peer(columns, len(frames))


def test_book(impl: ModuleType, measure: Measure) -> None:
    """Depth diff 20+20 bytes, decoded and applied to the book."""
    frames = messages.depth_diff(256)
    decoder = impl.Decoder(USDM_MARKET_DATA, symbols=["BTCUSDT"])
    first = json.loads(frames[0])["data"]

    class Chain:
        """Frames again and again with growing sequence numbers: the same bytes, so the book starts anew each lap."""

        book = impl.OrderBook(USDM_BOOK_RULE)

    def work() -> None:
        book = impl.OrderBook(USDM_BOOK_RULE)
        book.apply_snapshot([(90_000.0, 1.0)], [(104_000.0, 1.0)], first["U"], 0)
        for frame in frames:
            book.apply(decoder.decode(frame, 1)[0])
        Chain.book = book

    work()
    bids: dict[float, float] = {90_000.0: 1.0}
    asks: dict[float, float] = {104_000.0: 1.0}
    for frame in frames:
        data = json.loads(frame)["data"]
        for side, rows in ((bids, data["b"]), (asks, data["a"])):
            for price, quantity in rows:
                if float(quantity):
                    side[float(price)] = float(quantity)
                else:
                    side.pop(float(price), None)
    assert Chain.book.levels(10_000) == (sorted(bids.items(), reverse=True), sorted(asks.items()))
    measure(work, len(frames))
