"""The decoder: both cores see the same in every payload, good, bad or broken on purpose."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from binance_samples import SPOT, USDM
from decoder_plans import ALPACA, ALPACA_SAMPLES, ANYTHING, VOCABULARY, VOCABULARY_SAMPLES
from json_corpus import corpus, is_json
from lockstep import agree
from payload_tree import Members, places
from tradewire import core
from tradewire.core.plan import FieldPlan
from tradewire.errors import DecodeError, PlanError
from tradewire.venues.binance import SPOT_MARKET_DATA, USDM_MARKET_DATA

PLANS = {
    "usdm": (USDM_MARKET_DATA, list(USDM.values())),
    "spot": (SPOT_MARKET_DATA, list(SPOT.values())),
    "alpaca": (ALPACA, list(ALPACA_SAMPLES.values())),
    "vocabulary": (VOCABULARY, list(VOCABULARY_SAMPLES.values())),
}
STREAMS = (None, "btcusdt@depth@100ms", "btcusdt@depth20", "A-B:book:5", "", "x", "@", "\x00@depth", "é" * 129)

#: What takes the place of a value somewhere in a payload.
ODD_VALUES = (
    *(None, True, False, 0, -0.0, 1, -1, 2**63 - 1, 2**63, -(2**63) - 1, 10**39, 10**40, 1.5, 1e30, 1e-30, 1e31, 0.1),
    *("", "0", "-0", "0.0", "-1", "1", "1.50", "1e5", "NaN", "Infinity", "1_000", " 1", "\uff11", "01", "1" * 41),
    *("9223372036854775807", "9223372036854775808", "123456789.0123456789", "1700000000000", "BTCUSDT", "ethusdt"),
    *("x" * 64, "x" * 65, "a\x00", "a\x7f", "é😀", "1m", "2m", "BUY", "buy", "SELL", "MARKET", "NA", "aggTrade"),
    *(
        "2024-02-29T00:00:00.000000001Z",
        "2023-02-29T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1969-12-31",
        "trade",
        "book",
        "o",
    ),
    *([], {}, [[]], [1], ["1", "2"], [["1", "2"]], [["1"]], [["0", "1"]], [["1", "-1"]], [None], [["1", None]]),
    *([{"p": 1, "s": 0}], [{"p": 1}], [{"p": "1", "q": "2"}], {"p": 1}, {"symbol": 5}, {"s": "BTCUSDT", "st": 1}),
)


def texts(value: Any, draw: st.DrawFn) -> str:
    """JSON text with spaces and escapes as they come."""
    space = draw(st.sampled_from(("", "", "", " ", "\n\t")))
    if isinstance(value, Members):
        return "{" + ",".join(f"{space}{string(key, draw)}{space}:{texts(each, draw)}" for key, each in value) + "}"
    if isinstance(value, list):
        return "[" + f",{space}".join(texts(each, draw) for each in value) + space + "]"
    return string(value, draw) if isinstance(value, str) else json.dumps(value)


def string(text: str, draw: st.DrawFn) -> str:
    escaped = draw(st.sampled_from((0, 0, 0, 0, 1, 2)))
    if escaped == 2 and text:
        return '"' + "".join(f"\\u{ord(each):04x}" if ord(each) < 0xD800 else each for each in text) + '"'
    return json.dumps(text, ensure_ascii=bool(escaped))


def change(value: Any, draw: st.DrawFn) -> None:
    """One change somewhere inside."""
    container, index = draw(st.sampled_from(places(value)))
    act = draw(st.sampled_from(("odd", "odd", "odd", "drop", "repeat", "swap", "shuffle", "rename")))
    if act == "drop":
        del container[index]
    elif act == "swap":
        container[0], container[index] = container[index], container[0]
    elif act == "shuffle":
        container[:] = draw(st.permutations(container))
    elif not isinstance(container, Members):
        container[index] = raw(draw(st.sampled_from(ODD_VALUES)))
    elif act == "repeat":
        container.insert(draw(st.integers(0, len(container))), container[index])
    elif act == "rename":
        keys = ("st", "X", "T", "E", "s", "p", "b", "k", "o", "i", "r", "d", "result", "stream", "unknown", "ém")
        container[index] = (draw(st.sampled_from(keys)), container[index][1])
    else:
        container[index] = (container[index][0], raw(draw(st.sampled_from(ODD_VALUES))))


def raw(value: Any) -> Any:
    """An odd value as the parser below would have given it."""
    return json.loads(json.dumps(value), object_pairs_hook=Members)


@st.composite
def payloads(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample, changed in a few places, written in some way, and sometimes damaged."""
    value = json.loads(draw(st.sampled_from(samples)), object_pairs_hook=Members)
    if draw(st.integers(0, 5)) == 0 and isinstance(value, Members):
        value = [
            value,
            *(json.loads(each, object_pairs_hook=Members) for each in draw(st.sets(st.sampled_from(samples)))),
        ]
    for _ in range(draw(st.integers(0, 3))):
        if places(value):
            change(value, draw)
    data = texts(value, draw).encode()
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 3)))
        data = data[:at] + draw(st.binary(max_size=3)) + data[end:]
    return data


@pytest.mark.any_core
@pytest.mark.parametrize("name", PLANS)
@given(data=st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_both_cores_agree(name: str, data: st.DataObject) -> None:
    plan, samples = PLANS[name]
    # The native decoder learns how messages are written from those before: so like ones follow each other.
    usual = data.draw(st.sampled_from(samples))
    stream = data.draw(st.sampled_from(STREAMS))
    pair = st.tuples(payloads(samples), st.sampled_from(STREAMS)) | st.tuples(payloads([usual]), st.just(stream))
    symbols = data.draw(st.sampled_from((None, ["BTCUSDT", "A-B", "AAPL"])))
    capacity = data.draw(st.sampled_from((1, 3, 8, 64)))
    before = [(usual, stream)] * data.draw(st.integers(0, 3))
    agree(plan, before + data.draw(st.lists(pair, min_size=1, max_size=6)), symbols, capacity)


@pytest.mark.any_core
@pytest.mark.parametrize("name", PLANS)
def test_both_cores_agree_on_every_truncation(name: str) -> None:
    plan, samples = PLANS[name]
    agree(plan, [(sample[:end], None) for sample in samples for end in range(0, len(sample), 3)])


@pytest.mark.any_core
def test_both_cores_agree_on_the_corpus() -> None:
    """At least 2,000 cases of JSON and not JSON: no disagreement, and the verdict of an independent parser."""
    cases = list(dict.fromkeys(corpus()))
    assert len(cases) >= 2_000
    outcomes = agree(ANYTHING, [(data, None) for data in cases])["decoded"]
    for data, outcome in zip(cases, outcomes, strict=True):
        refused = isinstance(outcome, tuple) and outcome[3]["reason"] in ("syntax", "nesting", "utf8")
        assert refused != is_json(data), data[:80]


def test_the_order_of_keys_does_not_matter(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    payload = json.loads(USDM["depth"], object_pairs_hook=Members)
    reference = decoder.decode(USDM["depth"], 1)
    for turn in range(1, 12):
        data = dict(payload)["data"]
        turned = Members([("data", Members(data[turn:] + data[:turn])), ("stream", "btcusdt@depth")])
        written = json.dumps(turned, cls=_Writer).encode()
        assert decoder.decode(written, 1) == reference


class _Writer(json.JSONEncoder):
    def encode(self, value: Any) -> str:
        if isinstance(value, Members):
            return "{" + ",".join(f"{json.dumps(key)}:{self.encode(each)}" for key, each in value) + "}"
        return super().encode(value)


def test_shared_symbols_are_one_numbering(impl: ModuleType) -> None:
    table = impl.SymbolTable()
    usdm, spot = impl.Decoder(USDM_MARKET_DATA, table, learn=True), impl.Decoder(SPOT_MARKET_DATA, table)
    usdm.decode(USDM["quote"], 1)
    table.add("binance_spot", "BNBUSDT")
    assert spot.decode(SPOT["quote"], 1)[0].symbol == "BNBUSDT"
    assert (table.lookup(0), table.lookup(1)) == (("binance", "BTCUSDT"), ("binance_spot", "BNBUSDT"))
    assert usdm.symbols is table


def test_unknown_symbols_are_dropped_and_quarantined(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA, ["ETHUSDT"])
    assert decoder.decode(USDM["quote"], 1) == []
    assert decoder.counters["unknown_symbol"] == 1
    assert decoder.counters["messages"] == 0
    name, excerpt = decoder.quarantine[0]
    assert (name, '"BTCUSDT"' in excerpt) == ("unknown_symbol", True)


def test_a_full_table_learns_no_more(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA, impl.SymbolTable(1), learn=True)
    assert len(decoder.decode(USDM["quote"], 1)) == 1
    assert decoder.decode(USDM["quote_2021"], 1) == []
    assert decoder.counters["unknown_symbol"] == 1


def test_full_leaves_no_trace(impl: ModuleType) -> None:
    decoder, ring = impl.Decoder(USDM_MARKET_DATA), impl.Ring(4)
    assert decoder.decode_into(USDM["ticker"], 1, ring) == 1
    before = decoder.counters
    assert decoder.decode_into(USDM["depth"], 2, ring) == core.FULL
    assert decoder.counters == before
    assert len(ring) == 2
    ring.drain(4)
    assert decoder.decode_into(USDM["depth"], 2, ring) == 1


def test_a_payload_larger_than_the_ring(impl: ModuleType) -> None:
    decoder, ring = impl.Decoder(USDM_MARKET_DATA), impl.Ring(3)
    with pytest.raises(DecodeError) as caught:
        decoder.decode_into(USDM["depth"], 1, ring)
    assert (caught.value.reason, caught.value.offset, caught.value.channel) == ("size", 0, "?")
    assert (decoder.counters["size"], decoder.counters["messages"], len(ring)) == (1, 0, 0)


def test_a_list_of_payloads(impl: ModuleType) -> None:
    decoder, ring = impl.Decoder(USDM_MARKET_DATA), impl.Ring(3)
    quote = USDM["quote"]
    assert decoder.decode_into([quote, b"{", quote], 1, ring) == 3
    assert decoder.decode_into((quote, quote, quote), 1, ring) == 1
    assert (decoder.counters["syntax"], decoder.counters["quote"], len(ring)) == (1, 3, 3)


def test_an_array_delivers_what_is_good(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    good, bad = USDM["quote_2021"].partition(b'"data":')[2][:-1], USDM["agg_trade_2021"].partition(b'"data":')[2][:-1]
    bad = bad.replace(b'"0.01735"', b'"NaN"')
    events = decoder.decode(b"[" + bad + b"," + good + b",7," + good + b"]", 1)
    assert [event.symbol for event in events] == ["SUSHIUSDT"] * 2
    assert [bool(event.flags & core.LAST) for event in events] == [False, True]
    assert (decoder.counters["number"], decoder.counters["type"], decoder.counters["quote"]) == (1, 1, 2)
    with pytest.raises(DecodeError) as caught:
        decoder.decode(b"[" + bad + b",7]", 1)
    assert (caught.value.reason, caught.value.channel) == ("number", "agg_trades")
    assert decoder.decode(b"[]", 1) == []


def test_arguments(impl: ModuleType) -> None:
    decoder, ring = impl.Decoder(USDM_MARKET_DATA), impl.Ring(8)

    def into(data: Any, recv_ns: Any, stream: Any = None) -> int:
        return decoder.decode_into(data, recv_ns, ring, stream)

    for call in (decoder.decode, into):
        with pytest.raises(TypeError, match=r"^data must be bytes, was str$"):
            call("{}", 1)
        with pytest.raises(TypeError, match=r"^recv_ns must be an integer, was float$"):
            call(b"{}", 1.5)
        with pytest.raises(ValueError, match=r"^recv_ns must be 0..9223372036854775807, was -1$"):
            call(b"{}", -1)
        with pytest.raises(TypeError, match=r"^stream must be a str, was bytes$"):
            call(b"{}", 1, b"x")
    with pytest.raises(TypeError, match=r"^symbols must be names or a SymbolTable, was str$"):
        impl.Decoder(USDM_MARKET_DATA, "BTCUSDT")
    with pytest.raises(TypeError, match=r"^plan must be a FieldPlan, was str$"):
        impl.Decoder("binance")
    with pytest.raises(PlanError, match=r"^plan v: shapes must be 1..1000, were 0$"):
        impl.Decoder(FieldPlan("v", ()))


def test_counters_have_all_names(impl: ModuleType) -> None:
    names = list(impl.Decoder(USDM_MARKET_DATA).counters)
    kinds = [kind.name.lower() for kind in core.Kind if kind is not core.Kind.LEVEL]
    others = ["filtered", "unknown_symbol", "unknown_event", "duplicate_key", "inexact"]
    assert names == ["messages", *kinds, *core.REASONS, *others]


def test_the_quarantine_keeps_sixteen(impl: ModuleType) -> None:
    decoder = impl.Decoder(USDM_MARKET_DATA)
    for number in range(20):
        decoder.decode(b'{"e":"new%02d"}' % number, 1)
    assert decoder.quarantine == [("unknown_event", f'{{"e":"new{number:02d}"}}') for number in range(4, 20)]
