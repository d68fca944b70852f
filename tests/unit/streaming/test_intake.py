"""What a ring must hold for a book. What becomes of messages is in test_gateway.py and tests/integration."""

from __future__ import annotations

import json

import pytest

from tradewire.streaming import StreamingGateway


def test_the_smallest_ring_takes_a_whole_snapshot() -> None:
    gateway = StreamingGateway(symbols="BTCUSDT", channels="book", ring_capacity=2_001)
    levels = [[str(price), "1"] for price in range(1, 1_001)]
    payload = json.dumps({"lastUpdateId": 5, "E": 1, "T": 1, "bids": levels, "asks": levels}).encode()
    assert gateway.managers["binance"]._intake.pipeline.inject(payload, 1, "btcusdt@depth") == 1
    assert gateway.counters["records"] == 2_001


def test_a_ring_too_small_for_a_snapshot_is_refused_with_the_number_that_is_needed() -> None:
    with pytest.raises(ValueError, match="ring_capacity must be 2001 or more for channel 'book' of binance"):
        StreamingGateway(symbols="BTCUSDT", channels="book", ring_capacity=2_000)
