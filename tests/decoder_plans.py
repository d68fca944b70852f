"""Field plans for tests: Alpaca's by the vocabulary alone, and one that uses what no venue here does."""

from __future__ import annotations

from tradewire.core.plan import Field, FieldPlan, Filter, Levels, Shape, StreamName
from tradewire.core.record import CLOSED, INTERVALS, PARTIAL, ControlStatus, Kind

__all__ = ["ALPACA", "ALPACA_SAMPLES", "ANYTHING", "VOCABULARY", "VOCABULARY_SAMPLES"]

_SYMBOL = Field("symbol", "S", "symbol")
_TIME = Field("event_ns", "t", "rfc3339")


def _bar(value: str, flags: int = 0, interval: str = "1m") -> Shape:
    return Shape(
        Kind.BAR,
        "bars",
        value=value,
        fields=(
            _SYMBOL,
            _TIME,
            Field("start_ns", "t", "rfc3339"),
            Field("open", "o", sign="positive"),
            Field("high", "h", sign="positive"),
            Field("low", "l", sign="positive"),
            Field("close", "c", sign="positive"),
            Field("volume", "v", sign="zero"),
            Field("trades", "n", "integer", required=False, sign="zero"),
        ),
        constants=(("interval_ns", INTERVALS[interval]),),
        flags=flags,
    )


def _book(kind: Kind, keys: tuple[str, ...] = ()) -> Shape:
    levels = (Levels("bid", "b", "p", "s"), Levels("ask", "a", "p", "s"))
    return Shape(kind, "book", value="o", keys=keys, fields=(_SYMBOL, _TIME), levels=levels)


#: Market data of Alpaca, by the vocabulary alone.
ALPACA = FieldPlan(
    "alpaca",
    (
        Shape(
            Kind.TRADE,
            "trades",
            value="t",
            fields=(
                _SYMBOL,
                _TIME,
                Field("seq", "i", "integer", sign="zero"),
                Field("trade_id", "i", "integer", sign="zero"),
                Field("price", "p", sign="positive"),
                Field("quantity", "s", sign="positive"),
                Field("side", "tks", "code", required=False, codes=(("B", 0), ("S", 1))),
            ),
        ),
        Shape(
            Kind.QUOTE,
            "quotes",
            value="q",
            fields=(
                _SYMBOL,
                _TIME,
                Field("bid_price", "bp", sign="zero"),
                Field("bid_quantity", "bs", sign="zero"),
                Field("ask_price", "ap", sign="zero"),
                Field("ask_quantity", "as", sign="zero"),
            ),
        ),
        _bar("b", CLOSED),
        _bar("u", CLOSED),
        _bar("d", interval="1d"),
        # With `r` the book is whole, without it a delta.
        _book(Kind.BOOK_SNAPSHOT, ("r",)),
        _book(Kind.BOOK_DELTA),
        Shape(
            Kind.CONTROL,
            "control",
            value="error",
            fields=(Field("code", "code", "integer"),),
            constants=(("status", ControlStatus.ERROR),),
        ),
        Shape(Kind.CONTROL, "control", value="success", constants=(("status", ControlStatus.ACK),)),
        Shape(Kind.CONTROL, "control", value="subscription", constants=(("status", ControlStatus.ACK),)),
    ),
    dispatch="T",
)

#: name -> payload, as in Alpaca's pages.
ALPACA_SAMPLES: dict[str, bytes] = {
    "trade": b'[{"T":"t","S":"AAPL","i":628,"x":"K","p":162.92,"s":3,"c":["@","F","T","I"],"z":"C",'
    b'"t":"2023-04-06T11:54:26.838232225Z"}]',
    "quote": b'[{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.68,"as":4,'
    b'"t":"2021-02-22T15:51:45.335689322Z","c":["R"],"z":"C"}]',
    "bar": b'[{"T":"b","S":"SPY","o":388.985,"h":389.13,"l":388.975,"c":389.12,"v":49378,"n":461,"vw":389.062639,'
    b'"t":"2021-02-22T19:15:00Z"}]',
    "book": b'[{"T":"o","S":"BTC/USD","t":"2024-03-12T10:38:50.79613221Z","b":[{"p":71859.53,"s":0.27994}],'
    b'"a":[{"p":71939.7,"s":0.83953}],"r":true},{"T":"o","S":"BTC/USD","t":"2024-03-12T10:38:50.9Z",'
    b'"b":[{"p":71859.53,"s":0}],"a":[]}]',
    "mixed": b'[{"T":"t","S":"AVAX/USD","p":47.299,"s":29.205707815,"t":"2024-03-12T10:27:48.858228144Z",'
    b'"i":3447222699101865076,"tks":"S"},{"T":"q","S":"BAT/USD","bp":0.35718,"bs":13445.46,"ap":0.3581,"as":13561.902,'
    b'"t":"2024-03-12T10:29:43.111588173Z"},{"T":"d","S":"SPY","o":388.1,"h":389.9,"l":387.2,"c":389.12,"v":29378001,'
    b'"n":301461,"vw":388.712639,"t":"2021-02-22T05:00:00Z"},{"T":"l","S":"IONM","u":3.24,"d":2.65,"i":"B",'
    b'"t":"2023-04-06T13:34:45.565004401Z","z":"C"}]',
    "error": b'[{"T":"error","code":406,"msg":"connection limit exceeded"}]',
}

#: What no venue above needs: times in us and ns, levels inside a wrapper, strings for numbers, codes of both types.
VOCABULARY = FieldPlan(
    "vocabulary",
    (
        Shape(
            Kind.TRADE,
            "trades",
            value="trade",
            fields=(
                Field("symbol", "d.symbol", "symbol", required=False),
                Field("event_ns", "d.us", "us", required=False),
                Field("event_ns", "ns", "ns", required=False),
                Field("seq", "id", "integer", required=False),
                Field("trade_id", "id", "integer", required=False),
                Field("price", "d.price"),
                Field("quantity", "d.size", sign="zero"),
                Field("side", "side", "code", required=False, codes=(("buy", 0), ("sell", 1), (False, 0), (True, 1))),
            ),
            filters=(Filter("market", (1, "spot")), Filter("d.market", (1, -2))),
        ),
        Shape(
            Kind.BOOK_DELTA,
            "book",
            value="book",
            stream=("book", "deep"),
            fields=(
                Field("symbol", "s", "symbol", required=False),
                Field("seq", "d.last", "integer", required=False),
                Field("first_seq", "d.first", "integer", required=False, sign="positive"),
                Field("prev_seq", "d.before", "integer", required=False),
            ),
            levels=(Levels("ask", "d.asks", required=False), Levels("bid", "d.bids", "p", "q")),
            flags=PARTIAL,
        ),
        Shape(
            Kind.BAR,
            "bars",
            keys=("open", "close"),
            fields=(
                Field("symbol", "s", "symbol"),
                *(Field(name, name) for name in ("open", "high", "low", "close")),
                Field("volume", "volume", required=False),
                Field("quote_volume", "quote_volume", required=False),
                Field("start_ns", "start", "rfc3339", required=False),
                Field("trades", "trades", "code", required=False, codes=(("none", 0), ("one", 1))),
                Field("closed", "final", "code", required=False, codes=((True, 1), (False, 0), ("yes", 1))),
                Field("interval_ns", "interval", "code", required=False, codes=tuple(INTERVALS.items())),
            ),
        ),
        Shape(
            Kind.LIQUIDATION,
            "liquidations",
            keys=("liquidated",),
            fields=(Field("price", "liquidated.p"), Field("quantity", "liquidated.q", required=False)),
        ),
    ),
    dispatch="type",
    envelope=("topic", "payload"),
    stream_name=StreamName(":", upper=False),
)

#: name -> payload.
VOCABULARY_SAMPLES: dict[str, bytes] = {
    "trade": b'{"type":"trade","id":7,"ns":1700000000000000001,"d":{"symbol":"A-B","us":"1700000000000001",'
    b'"price":"-1.5","size":1e3},"side":"sell","market":"spot"}',
    "plain_trade": b'{"topic":"X:trades","payload":[{"type":"trade","d":{"price":0,"size":0.5,"market":-2}},'
    b'{"type":"trade","d":{"price":3,"size":4,"market":2},"side":false}]}',
    "book": b'{"topic":"A-B:book:5","payload":{"type":"book","d":{"last":9,"first":5,"bids":[{"p":1,"q":"2.5","x":[]},'
    b'{"q":0,"p":"1.25"}],"asks":[["2","1",[]],[3,4.0]]}}}',
    "bar": b'{"s":"A","open":1,"high":"1234567890.1234567","low":0.5,"close":-0.25,"final":true,"interval":"3d",'
    b'"trades":"one","start":"2024-02-29T00:00:00.5Z","volume":12345678901234567890}',
    "liquidation": b'{"topic":"B:liq","payload":{"liquidated":{"p":5},"o":1}}',
    "other": b'{"type":"news","s":"A","text":"caf\\u00e9 \\ud83d\\ude00"}',
}

#: Takes every object, so that a payload is refused only for not being JSON.
ANYTHING = FieldPlan(
    "anything",
    (Shape(Kind.CONTROL, "any", keys=("x",), constants=(("status", ControlStatus.ACK),)),),
)
