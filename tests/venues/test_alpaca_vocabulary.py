"""Alpaca's market data, decoded by a field plan alone: what a second venue needs is in the vocabulary."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from decoder_plans import ALPACA, ALPACA_SAMPLES
from msgpack_writer import pack, translated

RECV_NS = 1_710_239_930_000_000_000

EXPECTED: dict[str, list[dict[str, Any]]] = {
    "trade": [
        {
            "type": "Trade",
            "symbol": "AAPL",
            "event_ns": 1680782066838232225,
            "seq": 628,
            "trade_id": 628,
            "price": 162.92,
            "quantity": 3.0,
            "side": None,
            "buyer_is_maker": None,
        }
    ],
    "quote": [
        {
            "type": "Quote",
            "symbol": "AMD",
            "event_ns": 1614009105335689322,
            "bid_price": 87.66,
            "bid_quantity": 1.0,
            "ask_price": 87.68,
            "ask_quantity": 4.0,
        }
    ],
    "bar": [
        {
            "type": "Bar",
            "symbol": "SPY",
            "event_ns": 1614021300000000000,
            "open": 388.985,
            "high": 389.13,
            "low": 388.975,
            "close": 389.12,
            "volume": 49378.0,
            "quote_volume": None,
            "trades": 461,
            "start_ns": 1614021300000000000,
            "interval": "1m",
            "closed": True,
        }
    ],
    "book": [
        {
            "type": "BookSnapshot",
            "symbol": "BTC/USD",
            "event_ns": 1710239930796132210,
            "partial": False,
            "bids": ((71859.53, 0.27994),),
            "asks": ((71939.7, 0.83953),),
        },
        {
            "type": "BookDelta",
            "symbol": "BTC/USD",
            "event_ns": 1710239930900000000,
            "seq": 0,
            "first_seq": None,
            "prev_seq": None,
            "bids": ((71859.53, 0.0),),
            "asks": (),
        },
    ],
    "mixed": [
        {
            "type": "Trade",
            "symbol": "AVAX/USD",
            "event_ns": 1710239268858228144,
            "trade_id": 3447222699101865076,
            "price": 47.299,
            "quantity": 29.205707815,
            "side": "sell",
        },
        {"type": "Quote", "symbol": "BAT/USD", "event_ns": 1710239383111588173, "bid_quantity": 13445.46},
        {"type": "Bar", "symbol": "SPY", "interval": "1d", "closed": False, "trades": 301461},
        {"type": "Control", "symbol": "", "status": "unknown"},
    ],
    "error": [{"type": "Control", "status": "error", "code": 406, "request_id": None}],
}


@pytest.mark.parametrize("name", ALPACA_SAMPLES)
def test_the_sample(impl: ModuleType, name: str) -> None:
    events = impl.Decoder(ALPACA).decode(ALPACA_SAMPLES[name], RECV_NS)
    seen = [
        {field: type(event).__name__ if field == "type" else event[field] for field in expected}
        for event, expected in zip(events, EXPECTED[name], strict=True)
    ]
    assert seen == EXPECTED[name]


@pytest.mark.parametrize("name", ALPACA_SAMPLES)
def test_the_sample_in_messagepack_gives_the_same_events(impl: ModuleType, name: str) -> None:
    """With timestamp extensions, as Alpaca sends them: the one plan serves both codecs."""
    expected = impl.Decoder(ALPACA).decode(ALPACA_SAMPLES[name], RECV_NS)
    written = pack(translated(ALPACA_SAMPLES[name]))
    assert (b"\xff" in written) == (name != "error")
    assert impl.Decoder(replace(ALPACA, codec="msgpack")).decode(written, RECV_NS) == expected
