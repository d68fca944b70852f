"""One shape of a plan: filters, symbol, fields, levels, each refusal at its place."""

from __future__ import annotations

from collections import Counter

import pytest

from decoder_plans import VOCABULARY
from tradewire.core.pure.json_grammar import parse
from tradewire.core.pure.shape import ShapeReader, check_symbol
from tradewire.core.pure.values import Object, Problem, Text
from tradewire.core.record import SIDE, SIDELESS

TRADE, BOOK, BAR, LIQUIDATION = (ShapeReader(shape) for shape in VOCABULARY.shapes)


def message(text: str) -> Object:
    value = parse(text.encode())
    assert isinstance(value, Object)
    return value


def refused(text: str, reader: ShapeReader) -> tuple[str, int]:
    with pytest.raises(Problem) as caught:
        reader.message(message(text), Counter())
    return caught.value.reason, caught.value.offset


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("{}", True),
        ('{"market":null}', True),
        ('{"market":1}', True),
        ('{"market":"spot","d":{"market":-2}}', True),
        ('{"market":"1"}', False),
        ('{"market":1.0}', False),
        ('{"market":true}', False),
        ('{"market":[]}', False),
        ('{"market":99999999999999999999}', False),
        ('{"d":{"market":2}}', False),
        ('{"d":7}', True),
    ],
)
def test_filters(text: str, kept: bool) -> None:
    assert TRADE.keeps(message(text)) is kept


def test_the_symbol_is_the_fields_or_the_streams() -> None:
    assert TRADE.symbol(message('{"d":{"symbol":"A"}}'), Text(9, "B")) == Text(15, "A")
    assert TRADE.symbol(message('{"d":{"symbol":null}}'), Text(9, "B")) == Text(9, "B")
    for text, stream, problem in (
        ("{}", None, ("missing", 0)),
        ('{"d":{"symbol":5}}', Text(9, "B"), ("type", 15)),
        ('{"d":{"symbol":""}}', Text(9, "B"), ("symbol", 15)),
        ("{}", Text(9, ""), ("symbol", 9)),
    ):
        with pytest.raises(Problem) as caught:
            TRADE.symbol(message(text), stream)
        assert (caught.value.reason, caught.value.offset) == problem
    with pytest.raises(Problem):
        BAR.symbol(message("{}"), Text(9, "B"))


def test_the_first_field_present_gives_the_value() -> None:
    fields = '"d":{"us":%s,"price":1,"size":2},"ns":%s'
    read = lambda us, ns: TRADE.message(message("{" + fields % (us, ns) + "}"), Counter()).event_ns  # noqa: E731
    assert read("5", '"not looked at"') == 5000
    assert read("null", "7") == 7
    assert read("-5", "7") == 7
    assert read("-5", "-7") == read("-5", "null") == 0
    assert read("null", "null") == 0


def test_the_first_problem_in_plan_order_is_named() -> None:
    assert refused('{"d":{"size":-1,"price":"x"}}', TRADE) == ("number", 24)
    assert refused('{"d":{"size":-1,"price":1}}', TRADE) == ("range", 13)
    assert refused('{"d":{"size":1}}', TRADE) == ("missing", 0)
    assert refused('{"d":"x"}', TRADE) == ("missing", 0)
    assert refused('{"id":-1,"d":{"price":1,"size":1}}', TRADE) == ("range", 6)


def test_sides() -> None:
    def flags(side: str) -> int:
        return TRADE.message(message('{"d":{"price":1,"size":1}' + side + "}"), Counter()).first_flags

    assert [flags(side) for side in ("", ',"side":"buy"', ',"side":true', ',"side":"sell"')] == [
        SIDELESS,
        0,
        SIDE,
        SIDE,
    ]
    assert refused('{"d":{"price":1,"size":1},"side":"up"}', TRADE) == ("code", 33)
    assert refused('{"d":{"price":1,"size":1},"side":1}', TRADE) == ("type", 33)


def test_levels_come_in_plan_order() -> None:
    tally: Counter[str] = Counter()
    read = BOOK.message(message('{"d":{"bids":[{"q":1,"p":2,"p":3}],"asks":[["5","6",7]]}}'), tally)
    assert [(level.price, level.quantity, level.flags & SIDE) for level in read.levels] == [
        (5.0, 6.0, SIDE),
        (3.0, 1.0, 0),
    ]
    assert tally == {"duplicate_key": 1}


@pytest.mark.parametrize(
    ("bids", "problem"),
    [
        ("7", ("type", 13)),
        ("[7]", ("type", 14)),
        ("[[1,2]]", ("type", 14)),
        ('[{"p":1}]', ("missing", 14)),
        ('[{"q":1}]', ("missing", 14)),
        ('[{"p":0,"q":1}]', ("range", 19)),
        ('[{"p":1,"q":"-1"}]', ("range", 25)),
        ("null", ("missing", 0)),
    ],
)
def test_bad_levels(bids: str, problem: tuple[str, int]) -> None:
    assert refused('{"d":{"bids":' + bids + "}}", BOOK) == problem


def test_check_symbol() -> None:
    for good in ("A", "x" * 64, "币安人生USDT", "BTC/USD"):
        assert check_symbol(Text(3, good)).text == good
    for bad in ("", "x" * 65, "é" * 33, "a\x00", "a\x1f", "a\x7f"):
        with pytest.raises(Problem) as caught:
            check_symbol(Text(3, bad))
        assert (caught.value.reason, caught.value.offset) == ("symbol", 3)
