"""Every market payload of Alpaca's pages, decoded to the expected events by both cores."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from msgpack_writer import pack, translated
from tradewire.core import plan_check
from tradewire.core.record import BACKFILL
from tradewire.errors import DecodeError
from tradewire.venues.alpaca import ALPACA_BOOK_RULE, market_data
from tradewire.venues.alpaca.stream import CRYPTO, IEX, SIP, TEST

RECV_NS = 1_732_000_000_000_000_000
PLAN = market_data("alpaca")

#: name -> (payload as in the venue sheet, fields of the events that must be so).
SAMPLES: dict[str, tuple[bytes, list[dict[str, Any]]]] = {
    "trade_ms": (
        b'[{"T":"t","i":96921,"S":"AAPL","x":"D","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z","c":["@","I"],"z":"C"}]',
        [
            {
                "type": "Trade",
                "symbol": "AAPL",
                "venue": "alpaca",
                "event_ns": 1614009104208000000,
                "seq": 96921,
                "trade_id": 96921,
                "price": 126.55,
                "quantity": 1.0,
                "side": None,
            }
        ],
    ),
    "trade_ns": (
        b'[{"T":"t","S":"AAPL","i":628,"x":"K","p":162.92,"s":3,"c":["@","F","T","I"],"z":"C",'
        b'"t":"2023-04-06T11:54:26.838232225Z"}]',
        [{"type": "Trade", "event_ns": 1680782066838232225, "trade_id": 628}],
    ),
    "quote": (
        b'[{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.68,"as":4,'
        b'"t":"2021-02-22T15:51:45.335689322Z","c":["R"],"z":"C"}]',
        [
            {
                "type": "Quote",
                "symbol": "AMD",
                "event_ns": 1614009105335689322,
                "seq": 0,
                "bid_price": 87.66,
                "bid_quantity": 1.0,
                "ask_price": 87.68,
                "ask_quantity": 4.0,
            }
        ],
    ),
    "quote_without_bid": (
        b'[{"T":"q","S":"AMD","bx":" ","bp":0,"bs":0,"ax":"Q","ap":87.68,"as":4,"t":"2021-02-22T15:51:45Z","c":["R"]}]',
        [{"type": "Quote", "bid_price": 0.0, "bid_quantity": 0.0, "ask_price": 87.68}],
    ),
    "minute_bar": (
        b'[{"T":"b","S":"SPY","o":388.985,"h":389.13,"l":388.975,"c":389.12,"v":49378,"n":461,"vw":389.062639,'
        b'"t":"2021-02-22T19:15:00Z"}]',
        [
            {
                "type": "Bar",
                "symbol": "SPY",
                "event_ns": 0,
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
    ),
    "daily_bar": (
        b'[{"T":"d","S":"SPY","o":388.1,"h":389.9,"l":387.2,"c":389.12,"v":29378001,"n":301461,"vw":388.712639,'
        b'"t":"2021-02-22T05:00:00Z"}]',
        [{"type": "Bar", "interval": "1d", "closed": False, "start_ns": 1613970000000000000, "trades": 301461}],
    ),
    "updated_bar": (
        b'[{"T":"u","S":"SPY","o":388.985,"h":389.13,"l":388.975,"c":389.12,"v":49480,"n":463,"vw":389.062601,'
        b'"t":"2021-02-22T19:15:00Z"}]',
        [{"type": "Bar", "interval": "1m", "closed": True, "volume": 49480.0, "trades": 463}],
    ),
    "halt": (
        b'[{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T12","rm":"Trading Halted; For information '
        b'requested by NASDAQ","t":"2021-02-22T19:15:00Z","z":"C"}]',
        [{"type": "Control", "symbol": "AAPL", "status": "notice", "event_ns": 1614021300000000000, "code": ord("s")}],
    ),
    "band": (
        b'[{"T":"l","S":"IONM","u":3.24,"d":2.65,"i":"B","t":"2023-04-06T13:34:45.565004401Z","z":"C"}]',
        [{"type": "Control", "symbol": "IONM", "status": "notice", "code": ord("l")}],
    ),
    "correction": (
        b'[{"T":"c","S":"EEM","x":"M","oi":52983525033527,"op":39.1582,"os":440000,"oc":[" ","7"],'
        b'"ci":52983525034326,"cp":39.1809,"cs":440000,"cc":[" ","7"],"z":"B","t":"2023-04-06T14:25:06.542305024Z"}]',
        [{"type": "Control", "symbol": "EEM", "status": "notice", "code": ord("c"), "seq": 52983525033527}],
    ),
    "cancel": (
        b'[{"T":"x","S":"GOOGL","i":465,"x":"D","p":105.31,"s":300,"a":"C","z":"C","t":"2023-04-06T13:15:42.83540958Z"}]',
        [{"type": "Control", "symbol": "GOOGL", "status": "notice", "code": ord("x"), "seq": 465}],
    ),
    "imbalance": (
        b'[{"T":"i","S":"INAQU","p":9.12,"z":"C","t":"2024-12-13T19:58:09.242138635Z"}]',
        [{"type": "Control", "symbol": "INAQU", "status": "notice", "code": ord("i")}],
    ),
    "crypto_trade": (
        b'[{"T":"t","S":"AVAX/USD","p":47.299,"s":29.205707815,"t":"2024-03-12T10:27:48.858228144Z",'
        b'"i":3447222699101865076,"tks":"S"}]',
        [
            {
                "type": "Trade",
                "symbol": "AVAX/USD",
                "event_ns": 1710239268858228144,
                "trade_id": 3447222699101865076,
                "quantity": 29.205707815,
                "side": "sell",
            }
        ],
    ),
    "crypto_quote": (
        b'[{"T":"q","S":"BAT/USD","bp":0.35718,"bs":13445.46,"ap":0.3581,"as":13561.902,'
        b'"t":"2024-03-12T10:29:43.111588173Z"}]',
        [{"type": "Quote", "symbol": "BAT/USD", "ask_quantity": 13561.902}],
    ),
    "crypto_book": (
        b'[{"T":"o","S":"BTC/USD","t":"2024-03-12T10:38:50.79613221Z","b":[{"p":71859.53,"s":0.27994}],'
        b'"a":[{"p":71939.7,"s":0.83953}],"r":true},{"T":"o","S":"BTC/USD","t":"2024-03-12T10:38:50.9Z",'
        b'"b":[{"p":71859.53,"s":0}],"a":[]}]',
        [
            {
                "type": "BookSnapshot",
                "symbol": "BTC/USD",
                "event_ns": 1710239930796132210,
                "partial": False,
                "first_seq": None,
                "bids": ((71859.53, 0.27994),),
                "asks": ((71939.7, 0.83953),),
            },
            {"type": "BookDelta", "event_ns": 1710239930900000000, "seq": 0, "bids": ((71859.53, 0.0),), "asks": ()},
        ],
    ),
    "crypto_book_without_lists": (
        b'[{"T":"o","S":"BTC/USD","t":"2024-03-12T10:38:50Z","b":null}]',
        [{"type": "BookDelta", "bids": (), "asks": ()}],
    ),
    "crypto_bar_of_quotes": (
        b'[{"T":"b","S":"BTC/USD","o":1,"h":2,"l":1,"c":2,"v":0,"n":0,"vw":0,"t":"2024-03-12T10:38:00Z"}]',
        [{"type": "Bar", "volume": 0.0, "trades": 0}],
    ),
    "test_quote": (
        b'[{"T":"q","S":"FAKEPACA","bx":"O","bp":133.85,"bs":4,"ax":"R","ap":135.77,"as":5,"c":["R"],"z":"A",'
        b'"t":"2024-07-24T07:56:53.639713735Z"}]',
        [{"type": "Quote", "symbol": "FAKEPACA", "bid_price": 133.85}],
    ),
    "greeting": (b'[{"T":"success","msg":"connected"}]', [{"type": "Control", "status": "ack", "symbol": ""}]),
    "subscription": (
        b'[{"T":"subscription","trades":["AAPL"],"quotes":["AMD"],"bars":["*"]}]',
        [{"type": "Control", "status": "ack"}],
    ),
    "error": (
        b'[{"T":"error","code":406,"msg":"connection limit exceeded"}]',
        [{"type": "Control", "status": "error", "code": 406}],
    ),
    "not_known": (b'[{"T":"z","S":"AAPL"}]', [{"type": "Control", "status": "unknown"}]),
}


def seen(events: list[Any], expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: type(event).__name__ if name == "type" else event[name] for name in fields}
        for event, fields in zip(events, expected, strict=True)
    ]


@pytest.mark.parametrize("codec", ["json", "msgpack"])
@pytest.mark.parametrize("name", SAMPLES)
def test_the_sample(impl: ModuleType, name: str, codec: Any) -> None:
    payload, expected = SAMPLES[name]
    packed = payload if codec == "json" else pack(translated(payload))
    assert seen(impl.Decoder(replace(PLAN, codec=codec)).decode(packed, RECV_NS), expected) == expected


@pytest.mark.parametrize("venue", [IEX, SIP, TEST, CRYPTO])
def test_each_feed_has_a_plan_of_its_own_name(venue: Any) -> None:
    plan_check.check(venue.plan)
    assert venue.plan.venue == venue.name


def test_a_false_mark_of_a_whole_book_is_refused(impl: ModuleType) -> None:
    payload = SAMPLES["crypto_book"][0].replace(b"true", b"false")
    decoder = impl.Decoder(PLAN)
    assert [type(event).__name__ for event in decoder.decode(payload, RECV_NS)] == ["BookDelta"]
    assert decoder.counters["code"] == 1


def test_a_trade_without_price_is_refused(impl: ModuleType) -> None:
    with pytest.raises(DecodeError, match="range"):
        impl.Decoder(PLAN).decode(SAMPLES["trade_ms"][0].replace(b"126.55", b"0"), RECV_NS)


@pytest.mark.parametrize(
    ("symbol", "row", "side"),
    [
        ("AAPL", b'{"t":"2023-04-06T11:54:26.8Z","x":"K","p":162.92,"s":3,"c":["@"],"i":628,"z":"C"}', None),
        ("BTC/USD", b'{"t":"2023-04-06T11:54:26.8Z","p":162.92,"s":3,"i":628,"tks":"B"}', "buy"),
    ],
)
def test_trades_by_request_are_marked(impl: ModuleType, symbol: str, row: bytes, side: str | None) -> None:
    (trade,) = impl.Decoder(PLAN, symbols=[symbol]).decode(b"[" + row + b"]", RECV_NS, f"{symbol}@trades")
    assert (trade.symbol, trade.trade_id, trade.price, trade.side) == (symbol, 628, 162.92, side)
    assert trade.event_ns == 1680782066800000000
    assert trade.flags & BACKFILL


def test_a_book_takes_every_change_behind_its_snapshot(impl: ModuleType) -> None:
    snapshot, delta = impl.Decoder(PLAN).decode(SAMPLES["crypto_book"][0], RECV_NS)
    book = impl.OrderBook(ALPACA_BOOK_RULE)
    assert book.apply(delta) == "stale"
    assert book.apply_snapshot(snapshot.bids, snapshot.asks, snapshot.seq, snapshot.event_ns) == "applied"
    assert book.apply(delta) == "applied"
    assert book.best() == (None, (71939.7, 0.83953))


@pytest.mark.parametrize(("update", "count"), [("canceled", 1), ("incorrect", 1), ("corrected", 0)])
def test_of_a_corrected_trade_only_what_the_stream_gave(impl: ModuleType, update: str, count: int) -> None:
    row = b'{"t":"2023-04-06T11:54:26.8Z","x":"K","p":162.92,"s":3,"c":["@"],"i":628,"z":"C","u":"%s"}'
    decoder = impl.Decoder(PLAN, symbols=["AAPL"])
    assert len(decoder.decode(b"[" + row % update.encode() + b"]", RECV_NS, "AAPL@trades")) == count
    assert decoder.counters["filtered"] == 1 - count
