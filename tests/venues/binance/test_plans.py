"""Every market payload of Binance's pages, decoded to the expected events by both cores."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from binance_samples import SPOT, USDM
from tradewire.core import REASONS, FieldPlan, plan_check
from tradewire.core.record import PARTIAL
from tradewire.errors import DecodeError
from tradewire.venues.binance import (
    SPOT_BOOK_RULE,
    SPOT_MARKET_DATA,
    USDM_BOOK_RULE,
    USDM_MARKET_DATA,
)

RECV_NS = 1_791_382_995_000_000_000
MS = 1_000_000

#: Fields of an event that must be so.
Expected = dict[str, Any]


def trade(symbol: str, event_ms: int, seq: int, price: float, quantity: float, side: str) -> Expected:
    fields = {"price": price, "quantity": quantity, "side": side, "trade_id": seq, "buyer_is_maker": side == "sell"}
    return {"type": "Trade", "symbol": symbol, "event_ns": event_ms * MS, "seq": seq, **fields}


def control(status: str, request_id: int | None = None, code: int | None = None, event_ms: int = 0) -> Expected:
    fields = {"status": status, "request_id": request_id, "code": code}
    return {"type": "Control", "symbol": "", "event_ns": event_ms * MS, "seq": 0, **fields}


def ticker(symbol: str, event_ms: int, **fields: Any) -> Expected:
    return {"type": "Ticker", "symbol": symbol, "event_ns": event_ms * MS, "seq": 0, **fields}


USDM_EXPECTED: dict[str, list[Expected]] = {
    "agg_trade": [trade("BTCUSDT", 1791382992338, 3477868433, 83091.7, 0.022, "buy")],
    "agg_trade_2021": [trade("AKROUSDT", 1626992740974, 29350125, 0.01735, 1422.0, "sell")],
    "trade": [trade("BTCUSDT", 1785685177439, 7947325360, 63113.2, 0.001, "buy")],
    "trade_2024": [trade("BTCUSDT", 1723161256321, 5266583935, 61800.3, 0.006, "sell")],
    "trade_insurance": [],
    "mark_price": [
        {
            "type": "MarkPrice",
            "symbol": "BTCUSDT",
            "event_ns": 1791382993000 * MS,
            "seq": 0,
            "mark_price": 83084.3,
            "index_price": 83123.65891304,
            "funding_rate": 7.8e-7,
            "next_funding_ns": 1791388800000 * MS,
            "settle_price": 83195.15881449,
            "average_price": 83084.3,
        }
    ],
    "mark_price_2021": [
        {
            "type": "MarkPrice",
            "symbol": "BTCUSDT",
            "event_ns": 1562305380000 * MS,
            "mark_price": 11794.15,
            "funding_rate": -0.00038167,
            "next_funding_ns": 1562306400000 * MS,
            "average_price": None,
        }
    ],
    "mark_price_array": [
        {"type": "MarkPrice", "symbol": "XAUUSDT", "mark_price": 4103.9223318},
        {"type": "MarkPrice", "symbol": "XAGUSDT", "mark_price": 52.1},
    ],
    "bar": [
        {
            "type": "Bar",
            "symbol": "BTCUSDT",
            "event_ns": 1791382992723 * MS,
            "seq": 0,
            "open": 83084.9,
            "high": 83091.7,
            "low": 83051.2,
            "close": 83091.6,
            "volume": 13.551,
            "quote_volume": 1125714.7396,
            "trades": 1027,
            "start_ns": 1791382980000 * MS,
            "interval": "1m",
            "closed": False,
        }
    ],
    "bar_closed": [{"type": "Bar", "symbol": "BTCUSDT", "interval": "1M", "closed": True, "close": 0.002}],
    "continuous_bar": [{"type": "Bar", "symbol": "BTCUSDT", "event_ns": 1607443058651 * MS, "close": 18804.04}],
    "mini_ticker": [
        ticker("BTCUSDT", 1791382993519, last_price=0.0025, open=0.001, volume=10000.0, last_quantity=None, trades=None)
    ],
    "mini_ticker_array": [
        ticker("BTCUSDT", 1791382993519, last_price=1.5, low=0.5),
        ticker("ETHUSDT", 1791382993520, last_price=0.0, quote_volume=0.0),
    ],
    "ticker": [
        ticker(
            "BTCUSDT",
            1791382993519,
            last_price=83091.6,
            last_quantity=0.002,
            open=86150.0,
            high=86664.9,
            low=82706.2,
            volume=170340.583,
            quote_volume=14374214019.71,
            trades=3538937,
        )
    ],
    "ticker_array": [ticker("ETHUSDT", 1791382993519, last_price=4000.01, quote_volume=2036102085.697464)],
    "quote": [
        {
            "type": "Quote",
            "symbol": "BTCUSDT",
            "event_ns": 1791382994657 * MS,
            "seq": 11757092630476,
            "bid_price": 83091.6,
            "bid_quantity": 4.215,
            "ask_price": 83091.7,
            "ask_quantity": 3.763,
        }
    ],
    "quote_2021": [{"type": "Quote", "symbol": "SUSHIUSDT", "event_ns": 1626992741012 * MS, "ask_quantity": 297.0}],
    "partial_depth": [
        {
            "type": "BookSnapshot",
            "symbol": "BTCUSDT",
            "event_ns": 1791382994613 * MS,
            "seq": 11757092625654,
            "first_seq": 11757092616793,
            "prev_seq": 11757092616661,
            "partial": True,
            "bids": ((83091.6, 4.215), (83091.5, 0.2), (83091.4, 0.002)),
            "asks": ((83091.7, 3.768), (83091.8, 0.002), (83092.0, 0.002)),
        }
    ],
    "depth": [
        {
            "type": "BookDelta",
            "symbol": "BTCUSDT",
            "event_ns": 1791382994788 * MS,
            "first_seq": 157,
            "last_seq": 160,
            "prev_seq": 149,
            "bids": ((0.0024, 10.0), (0.0023, 0.0)),
            "asks": ((0.0026, 100.0),),
        }
    ],
    "depth_2021": [
        {
            "type": "BookDelta",
            "symbol": "AKROUSDT",
            "last_seq": 600859599831,
            "bids": (),
            "asks": ((0.01737, 437848.0),),
        }
    ],
    "rpi_depth": [control("unknown")],
    "liquidation": [
        {
            "type": "Liquidation",
            "symbol": "BTCUSDT",
            "event_ns": 1791565602120 * MS,
            "seq": 0,
            "price": 82338.3,
            "quantity": 0.19,
            "side": "sell",
            "average_price": 82651.9,
            "filled_quantity": 0.19,
        }
    ],
    "liquidation_outside": [
        {"type": "Liquidation", "symbol": "BTCUSDT", "event_ns": 1568014460893 * MS, "side": "buy", "price": 9910.0}
    ],
    "liquidation_coin_m": [],
    "shutdown": [control("notice", event_ms=1770123456789)],
    "snapshot": [
        {
            "type": "BookSnapshot",
            "symbol": "BTCUSDT",
            "event_ns": 1791382991283 * MS,
            "seq": 11757092217378,
            "partial": False,
            "prev_seq": None,
            "bids": ((83084.3, 2.986), (83084.2, 0.01)),
            "asks": ((83084.4, 4.632),),
        }
    ],
    "ack": [control("ack", 1)],
    "ack_list": [control("ack", 3)],
    "ack_bool": [control("ack", 2)],
    "error": [control("error", 1, 2)],
    "error_without_id": [control("error", None, 3)],
    "error_flat": [control("error", None, -1121)],
    "contract_info": [control("unknown")],
    "equity_update": [control("unknown")],
}

SPOT_EXPECTED: dict[str, list[Expected]] = {
    "agg_trade": [trade("BNBBTC", 1672515782135, 12345, 0.001, 100.0, "sell")],
    "trade": [trade("BNBBTC", 1672515782135, 12345, 0.001, 100.0, "sell")],
    "quote": [
        {
            "type": "Quote",
            "symbol": "BNBUSDT",
            "event_ns": 0,
            "seq": 400900217,
            "bid_price": 25.3519,
            "bid_quantity": 31.21,
            "ask_price": 25.3652,
            "ask_quantity": 40.66,
        }
    ],
    "quote_in_envelope": [{"type": "Quote", "symbol": "BNBUSDT", "ask_price": 25.3652}],
    "depth": [
        {
            "type": "BookDelta",
            "symbol": "BNBBTC",
            "event_ns": 1672515782136 * MS,
            "first_seq": 157,
            "last_seq": 160,
            "prev_seq": None,
            "bids": ((0.0024, 10.0),),
            "asks": ((0.0026, 100.0),),
        }
    ],
    "partial_depth": [
        {
            "type": "BookSnapshot",
            "symbol": "BNBBTC",
            "event_ns": 0,
            "seq": 160,
            "partial": True,
            "asks": ((0.0026, 100.0),),
        }
    ],
    "snapshot": [
        {
            "type": "BookSnapshot",
            "symbol": "BTCUSDT",
            "event_ns": 0,
            "seq": 1027024,
            "partial": False,
            "bids": ((4.0, 431.0),),
        }
    ],
    "bar": [{"type": "Bar", "symbol": "BNBBTC", "start_ns": 1672515780000 * MS, "interval": "1s", "closed": True}],
    "mini_ticker": [ticker("BNBBTC", 1672515782136, last_price=0.0025, trades=None)],
    "ticker": [ticker("BNBBTC", 1672515782136, last_price=0.0025, last_quantity=10.0, trades=18151)],
    "shutdown": [control("notice", event_ms=1770123456789)],
    "ack": [control("ack", 9007199254740993)],
    "error": [control("error", 7, 2)],
    "avg_price": [control("unknown")],
}

CASES = [
    pytest.param(plan, samples[name], expected[name], id=f"{market}-{name}")
    for market, plan, samples, expected in (
        ("usdm", USDM_MARKET_DATA, USDM, USDM_EXPECTED),
        ("spot", SPOT_MARKET_DATA, SPOT, SPOT_EXPECTED),
    )
    for name in samples
]


def seen(event: Any, expected: Expected) -> Expected:
    return {name: type(event).__name__ if name == "type" else event[name] for name in expected}


@pytest.mark.parametrize(("plan", "payload", "expected"), CASES)
def test_every_payload(impl: ModuleType, plan: FieldPlan, payload: bytes, expected: list[Expected]) -> None:
    decoder = impl.Decoder(plan)
    events = decoder.decode(payload, RECV_NS, "btcusdt@depth@100ms" if b'"lastUpdateId"' in payload else None)
    assert [seen(event, wanted) for event, wanted in zip(events, expected, strict=True)] == expected
    assert all(event.recv_ns == RECV_NS and event.venue == plan.venue for event in events)
    counters = decoder.counters
    assert counters["messages"] == len(expected)
    assert sum(counters[reason] for reason in REASONS) == 0
    assert counters["unknown_event"] == any(name in payload for name in (b"contractInfo", b"EquityUpdate", b"avgPrice"))


def test_rows_of_other_markets_are_counted(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    for name in ("mark_price_array", "ticker_array", "liquidation_coin_m", "trade_insurance"):
        decoder.decode(USDM[name], RECV_NS)
    assert decoder.counters["filtered"] == 4
    assert decoder.symbols.get("binance", "BTCUSD_PERP") is None


def test_partial_depth_is_told_by_the_stream_name_alone(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    payload = USDM["depth"].partition(b'"data":')[2][:-1]
    kinds = [
        type(decoder.decode(payload, RECV_NS, stream)[0]).__name__
        for stream in (None, "btcusdt@depth", "btcusdt@depth@500ms", "btcusdt@depth5", "btcusdt@depth10@100ms")
    ]
    assert kinds == ["BookDelta"] * 3 + ["BookSnapshot"] * 2
    assert decoder.decode(payload, RECV_NS, "btcusdt@depth20")[0].flags & PARTIAL


def test_a_snapshot_needs_its_symbol_from_outside(impl: ModuleType) -> None:
    with pytest.raises(DecodeError) as caught:
        impl.Decoder(USDM_MARKET_DATA).decode(USDM["snapshot"], RECV_NS)
    assert (caught.value.reason, caught.value.channel, caught.value.offset) == ("missing", "snapshot", 0)


def test_symbols_of_any_script(impl: ModuleType) -> None:
    payload = USDM["quote"].replace(b"btcusdt@", "币安人生usdt@".encode()).replace(b"BTCUSDT", "币安人生USDT".encode())
    assert impl.Decoder(USDM_MARKET_DATA).decode(payload, RECV_NS)[0].symbol == "币安人生USDT"


def test_the_plans_are_sound_and_plain() -> None:
    for plan in (USDM_MARKET_DATA, SPOT_MARKET_DATA):
        plan_check.check(plan)
        assert hash(plan) is not None
    assert (USDM_MARKET_DATA.venue, SPOT_MARKET_DATA.venue) == ("binance", "binance_spot")
    assert (USDM_BOOK_RULE.first, USDM_BOOK_RULE.next) == ("straddle", "prev_link")
    assert (SPOT_BOOK_RULE.first, SPOT_BOOK_RULE.next) == ("straddle_next", "contiguous")
