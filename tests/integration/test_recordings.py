"""Recorded frames, of real venues and of the simulator: every one decodes as a plain `json` reading says.

Books: `test_books_recorded.py`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from math import isnan
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import recordings
from tradewire import core
from tradewire.core.plan import FieldPlan
from tradewire.core.record import LAST, MORE, SIDE, Kind
from tradewire.venues.binance import SPOT_MARKET_DATA, USDM_MARKET_DATA

STREAM = "btcusdt@depth"
#: Of the pure core every n-th frame is read; all of them would take minutes.
SAMPLED = 50

Frame = tuple[int, bytes]
#: Kind, event time, sequence, then what the kind holds; levels as (side, price, quantity).
Plain = tuple[Any, ...]


def plainly(frame: bytes) -> Plain:
    """The stdlib's reading of a frame."""
    whole = json.loads(frame)
    data = whole.get("data", whole)
    sent_ns = data.get("E", 0) * 1_000_000
    time_ns = data["T"] * 1_000_000 if "T" in data else sent_ns
    if "lastUpdateId" in data:
        return Kind.BOOK_SNAPSHOT, time_ns, data["lastUpdateId"], levels(data["bids"], data["asks"])
    match data.get("e"):
        case None | "bookTicker":
            prices = tuple(float(data[key]) for key in "bBaA")
            return Kind.QUOTE, time_ns, data["u"], *prices
        case "trade":
            return Kind.TRADE, time_ns, data["t"], float(data["p"]), float(data["q"]), data["m"]
        case "aggTrade":
            return Kind.TRADE, time_ns, data["a"], float(data["p"]), float(data["q"]), data["m"]
        case "depthUpdate":
            chain = (data["U"], data.get("pu", -1))
            return Kind.BOOK_DELTA, time_ns, data["u"], *chain, levels(data["b"], data["a"])
        case "kline":
            bar = data["k"]
            prices = tuple(float(bar[key]) for key in "ohlcvq")
            return Kind.BAR, sent_ns, 0, *prices, bar["n"], bar["t"] * 1_000_000, bar["i"], bar["x"]
        case "markPriceUpdate":
            prices = tuple(float(data[key]) for key in ("p", "i", "r", "P", "ap"))
            return Kind.MARK_PRICE, sent_ns, 0, *prices, time_ns
        case "24hrTicker" | "24hrMiniTicker":
            prices = tuple(float(data[key]) for key in "cohlvq")
            last = float(data["Q"]) if "Q" in data else None
            return Kind.TICKER, sent_ns, 0, *prices, last, data.get("n", -1)
        case "forceOrder":
            order = data["o"]
            prices = tuple(float(order[key]) for key in ("p", "q", "ap", "z"))
            return Kind.LIQUIDATION, order["T"] * 1_000_000, 0, *prices, order["S"] == "SELL"
        case other:
            raise AssertionError(other)


def levels(bids: list[list[str]], asks: list[list[str]]) -> tuple[tuple[int, float, float], ...]:
    sides = ((0, bids), (SIDE, asks))
    return tuple((side, float(price), float(quantity)) for side, pairs in sides for price, quantity in pairs)


_INTERVALS = {length: name for name, length in core.INTERVALS.items()}
_INTEGERS = np.dtype([*core.RECORD.descr[:7], *((slot, "<i8") for slot in "abcd")])


def messages(batch: core.Batch) -> Iterator[Plain]:
    """The same of a batch of records, one message after the other."""
    rows, integers = batch.tolist(), batch.view(_INTEGERS).tolist()
    at = 0
    while at < len(rows):
        kind, flags, _, _, time_ns, _, seq, *slots = rows[at]
        numbers = integers[at][7:]
        end = at + 1
        while rows[end - 1][1] & MORE:
            end += 1
        assert flags & LAST
        held = tuple((row[1] & SIDE, row[7], row[8]) for row in rows[at + 1 : end])
        match kind:
            case Kind.QUOTE:
                yield kind, time_ns, seq, *slots
            case Kind.TRADE:
                assert numbers[2] == seq
                yield kind, time_ns, seq, *slots[:2], bool(flags & SIDE)
            case Kind.BOOK_SNAPSHOT:
                assert numbers[2] + numbers[3] == len(held)
                yield kind, time_ns, seq, held
            case Kind.BOOK_DELTA:
                assert (numbers[2] + numbers[3], held == ()) == (len(held), end == at + 1)
                yield kind, time_ns, seq, *numbers[:2], held
            case Kind.BAR:
                more, whole = rows[at + 1][7:], integers[at + 1]
                closed = bool(flags & core.CLOSED)
                yield kind, time_ns, seq, *slots, *more[:2], whole[9], whole[10], _INTERVALS[whole[6]], closed
            case Kind.MARK_PRICE:
                yield kind, time_ns, seq, *slots[:3], *rows[at + 1][7:9], numbers[3]
            case Kind.TICKER:
                (last, last_quantity, *prices), more = slots, rows[at + 1][7:10]
                quantity = None if isnan(last_quantity) else last_quantity
                yield kind, time_ns, seq, last, *prices, *more, quantity, integers[at + 1][10]
            case Kind.LIQUIDATION:
                yield kind, time_ns, seq, *slots, bool(flags & SIDE)
            case other:
                raise AssertionError(other)
        at = end


def check(impl: ModuleType, plan: FieldPlan, frames: Iterator[Frame], stream: str | None) -> Counter[str]:
    """Decodes all frames through a ring and compares each message; counts per kind."""
    decoder, ring = impl.Decoder(plan), impl.Ring(1 << 16)
    while chunk := list(islice(frames, 1000)):
        for received, frame in chunk:
            assert decoder.decode_into(frame, received, ring, stream) == 1
        batch = ring.drain(1 << 26)
        firsts = np.flatnonzero(np.concatenate(([0], batch["flags"][:-1] & MORE)) == 0)
        assert batch["recv_ns"][firsts].tolist() == [received for received, _ in chunk]
        for (_, frame), found in zip(chunk, messages(batch), strict=True):
            assert found == plainly(frame), frame[:120]
    counters = decoder.counters
    assert not any(counters[name] for name in (*core.REASONS, "filtered", "unknown_event", "duplicate_key", "inexact"))
    return Counter({name: count for name, count in counters.items() if count})


def selected(impl: ModuleType, frames: Iterator[Frame]) -> Iterator[Frame]:
    """All frames for the native core; for the pure one a sample that holds the snapshot."""
    if impl is core.load("native"):
        return frames
    return (frame for at, frame in enumerate(frames) if at % SAMPLED == 0 or b'"lastUpdateId"' in frame[1])


def test_synthetic(impl: ModuleType) -> None:
    """The whole of it, on both cores."""
    made = recordings.synthetic_golden()["counts"]
    counts = check(impl, USDM_MARKET_DATA, recordings.synthetic(), STREAM)
    assert counts == {
        "messages": sum(made.values()),
        "trade": made["trade"] + made["aggTrade"],
        "quote": made["bookTicker"],
        "book_delta": made["depth@100ms"],
        "book_snapshot": made["snapshot"],
        "mark_price": made["markPrice@1s"],
        "bar": made["kline_1m"],
        "ticker": made["miniTicker"] + made["ticker"],
        "liquidation": made["forceOrder"],
    }


@recordings.needed
@pytest.mark.timeout(300)
def test_usdm(impl: ModuleType) -> None:
    counts = check(impl, USDM_MARKET_DATA, selected(impl, recordings.usdm()), STREAM)
    if impl is core.load("native"):
        expected = {"messages": 93_954, "quote": 66_089, "trade": 21_313, "book_delta": 6_551, "book_snapshot": 1}
        assert counts == expected
    else:
        assert counts["messages"] > 1_800
        assert set(counts) == {"messages", "quote", "trade", "book_delta", "book_snapshot"}


@recordings.needed
@pytest.mark.timeout(300)
def test_spot(impl: ModuleType) -> None:
    counts = check(impl, SPOT_MARKET_DATA, selected(impl, recordings.spot()), STREAM)
    if impl is core.load("native"):
        expected = {"messages": 41_249, "quote": 28_040, "trade": 9_757, "book_delta": 3_451, "book_snapshot": 1}
        assert counts == expected
    else:
        assert counts["messages"] > 800


@recordings.needed
def test_usdm_of_2021(impl: ModuleType) -> None:
    counts = check(impl, USDM_MARKET_DATA, recordings.cryptofeed_frames(), None)
    assert counts == {"messages": 1_535, "quote": 613, "book_delta": 764, "trade": 91, "bar": 67}


@recordings.needed
def test_rest_snapshots_of_2021(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    for symbol, received, payload in recordings.cryptofeed_snapshots():
        (snapshot,) = decoder.decode(payload, received, f"{symbol.lower()}@depth")
        assert snapshot.symbol == symbol
        found = [(0, *pair) for pair in snapshot.bids] + [(SIDE, *pair) for pair in snapshot.asks]
        assert (Kind.BOOK_SNAPSHOT, snapshot.event_ns, snapshot.seq, tuple(found)) == plainly(payload)


#: name -> type and what it says; the payloads are samples of 2026 kept by another project.
SAMPLES: dict[str, tuple[str, dict[str, Any]]] = {
    "agg_trade_stream": ("Trade", {"price": 0.001, "trade_id": 5933014, "side": "sell", "event_ns": 123456785000000}),
    "book_ticker_stream": ("Quote", {"symbol": "BNBUSDT", "seq": 400900217, "event_ns": 1568014460891000000}),
    "depth_update_stream": ("BookDelta", {"first_seq": 157, "last_seq": 160, "prev_seq": 149}),
    "kline_stream_closed": ("Bar", {"closed": True, "interval": "1m", "trades": 100}),
    "kline_stream_open": ("Bar", {"closed": False, "low": 0.0015}),
    "liquidation_stream": ("Liquidation", {"side": "sell", "average_price": 9910.12345678}),
    "mark_price_stream": ("MarkPrice", {"mark_price": 11794.15, "average_price": None}),
    "ticker_stream": ("Ticker", {"last_price": 16584.6, "trades": 142853}),
    "trade_stream": ("Trade", {"trade_id": 5933014}),
}


@recordings.needed
@pytest.mark.parametrize("name", SAMPLES)
def test_samples_of_2026(impl: ModuleType, name: str) -> None:
    kind, fields = SAMPLES[name]
    (event,) = impl.Decoder(USDM_MARKET_DATA).decode(recordings.sample(name), 1)
    assert type(event).__name__ == kind
    assert {field: event[field] for field in fields} == fields
    assert not any(isinstance(value, float) and isnan(value) for value in map(event.__getitem__, event.__match_args__))


SOURCES = [
    pytest.param(recordings.usdm, id="usdm", marks=recordings.needed),
    pytest.param(recordings.synthetic, id="synthetic"),
]


@pytest.mark.parametrize("source", SOURCES)
def test_a_truncated_frame_is_one_error(impl: ModuleType, source: Callable[[], Iterator[Frame]]) -> None:
    decoder, ring = impl.Decoder(USDM_MARKET_DATA), impl.Ring(1 << 16)
    frames = [frame for _, frame in islice(source(), 40)]
    frames[20] = frames[20][:-9]
    assert decoder.decode_into(frames, 1, ring) == 40
    assert (decoder.counters["syntax"], decoder.counters["messages"]) == (1, 39)
