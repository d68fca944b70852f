"""Plans that make no sense are refused when a decoder is built, by name."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from decoder_plans import ALPACA, ANYTHING, VOCABULARY
from tradewire.core.plan import Codec, Field, FieldPlan, Filter, Levels, Shape, StreamName
from tradewire.core.plan_check import check
from tradewire.core.record import INEXACT, LAST, MORE, SIDE, Kind
from tradewire.errors import PlanError
from tradewire.venues.binance import SPOT_MARKET_DATA, USDM_MARKET_DATA

SYMBOL = Field("symbol", "s", "symbol")
TRADE = Shape(Kind.TRADE, "trades", value="trade", fields=(SYMBOL, Field("price", "p")))
BOOK = Shape(Kind.BOOK_DELTA, "book", value="book", fields=(SYMBOL,), levels=(Levels("bid", "b"),))
BAR = Shape(Kind.BAR, "bars", value="bar", fields=(SYMBOL,))
PLAN = FieldPlan("v", (TRADE,), dispatch="e")


def with_field(field: Field, shape: Shape = TRADE) -> FieldPlan:
    return replace(PLAN, shapes=(replace(shape, fields=(*shape.fields, field)),))


def with_shape(shape: Shape = TRADE, **changes: Any) -> FieldPlan:
    return replace(PLAN, shapes=(replace(shape, **changes),))


@pytest.mark.parametrize(
    "plan",
    [
        *(USDM_MARKET_DATA, SPOT_MARKET_DATA, ALPACA, ANYTHING, VOCABULARY, PLAN),
        replace(with_field(Field("event_ns", "t", "timestamp")), codec="msgpack"),
    ],
)
def test_sound_plans(plan: FieldPlan) -> None:
    check(plan)


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (replace(PLAN, venue=""), "plan: venue must be 1..64 bytes, was ''"),
        (replace(PLAN, codec="xml"), "plan v: codec must be json or msgpack, was 'xml'"),
        (replace(PLAN, dispatch="a.b"), "plan v: dispatch must be a plain name or None, was 'a.b'"),
        (replace(PLAN, envelope=("a", "a")), "plan v: envelope must be two keys, was ('a', 'a')"),
        (replace(PLAN, shapes=()), "plan v: shapes must be 1..1000, were 0"),
        (
            replace(PLAN, stream_name=StreamName("@@")),
            "plan v: separator must be one printable ASCII character, was '@@'",
        ),
        (replace(PLAN, dispatch=None), "value needs a plan with dispatch"),
        (with_shape(value=None), "a shape must be known by a value or by keys"),
        (with_shape(keys=("a.b",)), "keys must be plain names, were ('a.b',)"),
        (with_shape(channel=""), "channel must not be empty"),
        (with_shape(kind=Kind.LEVEL), "kind must be a message's"),
        (with_shape(stream=("depth",)), "stream needs a plan with stream_name"),
        (with_shape(fields=()), "a symbol needs a field, or a plan with stream_name"),
        *((with_shape(flags=flag), "flags must be of CLOSED") for flag in (MORE, SIDE, LAST, INEXACT, 256)),
        (with_shape(BOOK, levels=()), "levels go with book kinds, and they with levels"),
        (with_shape(levels=(Levels("bid", "b"),)), "levels go with book kinds, and they with levels"),
        (with_shape(BOOK, levels=(Levels("bid", "b"),) * 2), "each side may have one list of levels"),
        (with_shape(BOOK, levels=(Levels("bid", "b", "p"),)), "price and quantity must be two keys or None"),
        (with_shape(BOOK, levels=(Levels("bid", "b", "p", "p"),)), "price and quantity must be two keys or None"),
        (with_shape(BOOK, levels=(Levels("bid", "a.b.c"),)), "levels a.b.c: key must be a name or wrapper.name"),
        (with_shape(filters=(Filter("x", ()),)), "filter x: allowed must be integers or strings, was ()"),
        (with_shape(filters=(Filter("x", (True,)),)), "filter x: allowed must be integers or strings, was (True,)"),
        (with_shape(filters=(Filter("", (1,)),)), "filter : key must be a name or wrapper.name, was ''"),
        (with_field(Field("mood", "m")), "field mood: TRADE has no such target"),
        (with_field(Field("closed", "x", "code", codes=((True, 1),))), "field closed: TRADE has no such target"),
        (with_field(Field("bid_count", "n", "integer"), BOOK), "field bid_count: BOOK_DELTA has no such target"),
        (with_field(Field("quantity", "q", "integer")), "field quantity: codec must be one of decimal, was 'integer'"),
        (with_field(Field("seq", "n", "decimal")), "field seq: codec must be one of integer, was 'decimal'"),
        (with_field(Field("event_ns", "t", "integer")), "field event_ns: codec must be one of ms, us"),
        (with_field(Field("event_ns", "t", "timestamp")), "codec timestamp needs a plan of codec msgpack"),
        (with_field(Field("event_ns", "t", "ms", sign="zero")), "sign zero needs codec decimal or integer"),
        (with_field(Field("side", "m", "code")), "codes go with codec code, and it with codes"),
        (with_field(Field("quantity", "q", codes=(("a", 1),))), "codes go with codec code, and it with codes"),
        (with_field(Field("side", "m", "code", codes=(("b", 2),))), "the number of code 'b' is out of range: 2"),
        (with_field(Field("quantity", "a..b")), "field quantity: key must be a name or wrapper.name, was 'a..b'"),
        (with_shape(BAR, constants=(("interval_ns", -1),)), "constant interval_ns: out of range: -1"),
        (with_shape(constants=(("interval_ns", 1),)), "constant interval_ns: TRADE has no such integer target"),
        (with_shape(constants=(("price", 1),)), "constant price: TRADE has no such integer target"),
        (with_shape(constants=(("trade_id", 2**63),)), "constant trade_id: out of range: 9223372036854775808"),
        (
            with_shape(fields=(*TRADE.fields, Field("trade_id", "i", "integer")), constants=(("trade_id", 1),)),
            "constant trade_id: a field fills it already",
        ),
    ],
)
def test_senseless_plans(impl: ModuleType, plan: FieldPlan, text: str) -> None:
    with pytest.raises(PlanError) as caught:
        impl.Decoder(plan)
    assert text in str(caught.value)


@pytest.mark.parametrize(("name", "value"), [("codec", "hex"), ("sign", "negative")])
def test_words_outside_the_vocabulary(name: str, value: str) -> None:
    changes: dict[str, Any] = {name: value}
    with pytest.raises(PlanError, match=rf"field quantity: {name} must be one of .*, was '{value}'"):
        check(with_field(replace(Field("quantity", "q"), **changes)))


def test_the_message_names_the_place() -> None:
    codec: Codec = "integer"
    with pytest.raises(PlanError) as caught:
        check(replace(PLAN, shapes=(TRADE, *with_field(Field("price", "p", codec)).shapes)))
    expected = "plan v, shape 1 (trades), field price: codec must be one of decimal, was 'integer'"
    assert str(caught.value) == expected


def test_only_plans_are_checked() -> None:
    wrong: Any = {"venue": "v"}
    with pytest.raises(TypeError, match=r"^plan must be a FieldPlan, was dict$"):
        check(wrong)
