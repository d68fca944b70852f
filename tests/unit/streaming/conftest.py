"""Frames as Binance USD-M sends them (venue sheet section 11), made small, and a backoff that does not wait."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest


class Frames:
    """Combined-stream payloads."""

    @staticmethod
    def _combined(stream: str, data: dict[str, Any]) -> bytes:
        return json.dumps({"stream": stream, "data": data}).encode()

    def trade(self, number: int, symbol: str = "BTCUSDT", price: str = "100.5") -> bytes:
        data = {"e": "trade", "E": 1_700_000_000_001, "T": 1_700_000_000_000, "s": symbol, "t": number, "p": price}
        data |= {"q": "2", "X": "MARKET", "m": False, "st": 1}
        return self._combined(f"{symbol.lower()}@trade", data)

    def quote(self, number: int, symbol: str = "BTCUSDT", bid: str = "100") -> bytes:
        data = {"e": "bookTicker", "u": number, "s": symbol, "b": bid, "B": "1", "a": "101", "A": "2"}
        data |= {"T": 1_700_000_000_000, "E": 1_700_000_000_001}
        return self._combined(f"{symbol.lower()}@bookTicker", data)

    def depth(self, first: int, last: int, previous: int, symbol: str = "BTCUSDT", bid: str = "100") -> bytes:
        data = {"e": "depthUpdate", "E": 1_700_000_000_001, "T": 1_700_000_000_000, "s": symbol, "U": first, "u": last}
        data |= {"pu": previous, "b": [[bid, "5"]], "a": [["101", "6"]]}
        return self._combined(f"{symbol.lower()}@depth@100ms", data)

    def bar(self, interval: str, symbol: str = "BTCUSDT") -> bytes:
        bar = {"t": 1_700_000_000_000, "T": 1_700_000_059_999, "s": symbol, "i": interval, "f": 1, "L": 2, "o": "1"}
        bar |= {"c": "2", "h": "3", "l": "1", "v": "9", "n": 4, "x": False, "q": "18", "V": "1", "Q": "1", "B": "0"}
        data = {"e": "kline", "E": 1_700_000_000_001, "s": symbol, "k": bar}
        return self._combined(f"{symbol.lower()}@kline_{interval}", data)

    def snapshot(self, last: int, bid: str = "99") -> bytes:
        data = {"lastUpdateId": last, "E": 1_700_000_000_001, "T": 1_700_000_000_000, "bids": [[bid, "1"]]}
        return json.dumps(data | {"asks": [["102", "1"]]}).encode()

    def ack(self, request_id: int) -> bytes:
        return json.dumps({"result": None, "id": request_id}).encode()

    def refusal(self, request_id: int, code: int = 2) -> bytes:
        return json.dumps({"error": {"code": code, "msg": "Invalid request"}, "id": request_id}).encode()


@pytest.fixture
def frames() -> Frames:
    return Frames()


class NoWait(Random):
    """Makes every backoff delay zero."""

    def uniform(self, a: float, b: float) -> float:
        return 0.0


@pytest.fixture
def no_wait() -> Random:
    return NoWait(1)
