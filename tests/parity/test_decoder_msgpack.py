"""MessagePack payloads: both cores see the same in every one, and the same events as in JSON."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.msgpack import Ext

from binance_samples import USDM
from decoder_plans import ALPACA, ALPACA_SAMPLES, VOCABULARY, VOCABULARY_SAMPLES
from frames import BINARY, frame
from lockstep import agree
from msgpack_writer import first, pack, stamp, translated
from payload_tree import Members, places
from tradewire.core import INEXACT
from tradewire.core.plan import Field, FieldPlan, Shape
from tradewire.core.record import Kind
from tradewire.errors import DecodeError
from tradewire.venues.binance import USDM_MARKET_DATA

PLANS = {
    name: (replace(plan, codec="msgpack"), list(samples.values()))
    for name, (plan, samples) in {
        "alpaca": (ALPACA, ALPACA_SAMPLES),
        "usdm": (USDM_MARKET_DATA, USDM),
        "vocabulary": (VOCABULARY, VOCABULARY_SAMPLES),
    }.items()
}
STREAMS = (None, "btcusdt@depth20", "A-B:book:5", "é" * 129)
MOMENT = 1_680_782_066

#: What takes the place of a value or a key somewhere in a payload.
ODD_VALUES = (
    *(None, True, False, 0, -1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), -(2**53) - 1),
    *(0.0, -0.0, 1.5, -2.5, 0.1, 1e300, 5e-324, float("inf"), float("-inf"), float("nan")),
    *(
        "",
        "0",
        "-0",
        "1.50",
        "1e5",
        "NaN",
        "1" * 41,
        "1700000000000",
        "BTCUSDT",
        "x" * 65,
        "a\x00",
        "é😀",
        "BUY",
        "t",
        "o",
    ),
    *("2024-02-29T00:00:00.000000001Z", "2023-02-29T00:00:00Z", "2024", b"", b"AAPL", b"\xff"),
    *(stamp(MOMENT, 1, bits) for bits in (64, 96)),
    *(stamp(MOMENT, bits=32), stamp(-1), stamp(2**62), stamp(MOMENT, 10**9), stamp(MOMENT, 10**9, 64), stamp(0)),
    *(stamp(9_223_372_036, 854_775_807), stamp(9_223_372_036, 854_775_808), Ext(-1, b""), Ext(-1, b"12345")),
    *(Ext(5, b"1234"), Ext(-2, b""), [], Members(), [[]], [1], [["1", 2]], [[0.5]], [[1, -1]], [None], [[1.0, None]]),
    *([Members([("p", 1), ("s", 0)])], [Members([("p", 1), ("p", 2.5), ("s", "1")])]),
    *(Members([("symbol", 5)]), Members([(1, 2), (None, 3), ("s", "BTCUSDT"), ([], 4), (b"s", 5)])),
)
ODD = st.sampled_from(ODD_VALUES).map(deepcopy)
KEYS = st.sampled_from(("t", "S", "p", "b", "r", "T", "d", "e", "ém"))


def change(value: Any, draw: st.DrawFn) -> None:
    """One change somewhere inside."""
    container, index = draw(st.sampled_from(places(value)))
    act = draw(st.sampled_from(("odd", "odd", "odd", "odd", "drop", "repeat", "shuffle", "key")))
    if act == "drop":
        del container[index]
    elif act == "shuffle":
        container[:] = draw(st.permutations(container))
    elif act == "repeat":
        container.insert(draw(st.integers(0, len(container))), container[index])
    elif not isinstance(container, Members):
        container[index] = draw(ODD)
    elif act == "key":
        container[index] = (
            draw(KEYS | ODD),
            container[index][1],
        )
    else:
        container[index] = (container[index][0], draw(ODD))


@st.composite
def payloads(draw: st.DrawFn, samples: list[bytes]) -> bytes:
    """A sample, changed in a few places, written in some of the forms, and sometimes damaged."""
    sample = draw(st.sampled_from(samples))
    value = translated(sample) if draw(st.booleans()) else json.loads(sample, object_pairs_hook=Members)
    for _ in range(draw(st.integers(0, 3))):
        if places(value):
            change(value, draw)
    # A drawn number for each head would be too much to draw.
    turn = draw(st.randoms(use_true_random=False)) if draw(st.booleans()) else None
    data = pack(value, first if turn is None else turn.choice)
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 3)))
        data = data[:at] + draw(st.binary(max_size=3)) + data[end:]
    return data


@pytest.mark.parametrize("name", PLANS)
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_both_cores_agree(name: str, data: st.DataObject) -> None:
    plan, samples = PLANS[name]
    pair = st.tuples(payloads(samples), st.sampled_from(STREAMS))
    symbols = data.draw(st.sampled_from((None, ["BTCUSDT", "A-B", "AAPL"])))
    agree(plan, data.draw(st.lists(pair, min_size=1, max_size=6)), symbols, data.draw(st.sampled_from((1, 3, 8, 64))))


@pytest.mark.parametrize("name", PLANS)
def test_every_truncation_is_refused_alike(name: str) -> None:
    plan, samples = PLANS[name]
    written = [pack(translated(sample)) for sample in samples]
    seen = agree(plan, [(each[:end], None) for each in written for end in range(len(each))])
    assert {outcome[3]["reason"] for outcome in seen["decoded"]} == {"syntax"}


@pytest.mark.parametrize("name", PLANS)
def test_both_cores_agree_on_every_changed_byte(name: str) -> None:
    plan, samples = PLANS[name]
    written = pack(translated(samples[0]))
    changed = (
        written[:at] + bytes([byte]) + written[at + 1 :] for at in range(len(written)) for byte in range(0, 256, 3)
    )
    agree(plan, [(each, None) for each in changed])


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=20))
def test_both_cores_agree_on_any_bytes(data: list[bytes]) -> None:
    agree(PLANS["alpaca"][0], [(each, None) for each in data])


@pytest.mark.parametrize("name", PLANS)
def test_the_events_are_those_of_json(impl: ModuleType, name: str) -> None:
    """Numbers are written with at most 15 digits here, beyond which only binary floats are certain."""
    binary, samples = PLANS[name]
    plan = replace(binary, codec="json")
    for sample in samples:
        texts, numbers = impl.Decoder(plan), impl.Decoder(binary)
        expected = texts.decode(sample, 1, "btcusdt@depth20")
        kept = json.loads(sample, object_pairs_hook=Members)
        if not any(event.flags & INEXACT for event in expected):
            # Times as text, times as extensions, and an independent writer.
            for data in (pack(kept), pack(translated(sample)), msgspec.msgpack.encode(json.loads(sample))):
                found = numbers.decode(data, 1, "btcusdt@depth20")
                assert [repr(event) for event in found] == [repr(event) for event in expected]


TRADE = FieldPlan(
    "v",
    (
        Shape(
            Kind.TRADE,
            "trades",
            value="t",
            fields=(
                Field("symbol", "S", "symbol"),
                Field("event_ns", "t", "timestamp"),
                Field("event_ns", "e", "rfc3339", required=False),
                Field("trade_id", "i", "integer", required=False, sign="zero"),
                Field("price", "p", sign="positive"),
                Field("quantity", "q", sign="zero", required=False),
                Field("side", "s", "code", required=False, codes=((True, 1), ("B", 0))),
            ),
        ),
    ),
    codec="msgpack",
    dispatch="T",
)
GOOD: dict[str, Any] = {"T": "t", "S": "A", "t": stamp(MOMENT), "p": 2.5}


def decoded(impl: ModuleType, **values: Any) -> Any:
    (event,) = impl.Decoder(TRADE).decode(pack([{**GOOD, **values}]), 1)
    return event


def test_times_are_timestamp_extensions_or_text(impl: ModuleType) -> None:
    for ext in (stamp(MOMENT, 838232225), stamp(MOMENT, 838232225, 64)):
        assert decoded(impl, t=ext).event_ns == MOMENT * 10**9 + 838232225
    assert decoded(impl, t=stamp(MOMENT, bits=32)).event_ns == MOMENT * 10**9
    assert decoded(impl, t=None, e="2023-04-06T11:54:26Z").event_ns == MOMENT * 10**9
    assert decoded(impl, t=None, e=stamp(MOMENT)).event_ns == MOMENT * 10**9


@pytest.mark.parametrize(
    "time",
    [stamp(-1), stamp(-(2**63)), stamp(2**63 - 1), stamp(1, 10**9), stamp(1, 2**30 - 1, 64), stamp(2**34 - 1, 0, 64)],
)
def test_a_time_out_of_range_leaves_the_event(impl: ModuleType, time: Ext) -> None:
    decoder = impl.Decoder(TRADE)
    (event,) = decoder.decode(pack({**GOOD, "t": time}), 1)
    assert (event.event_ns, decoder.counters["time"]) == (0, 1)
    assert decoded(impl, t=time, e=stamp(5)).event_ns == 5 * 10**9


@pytest.mark.parametrize(
    ("number", "price", "inexact"),
    [
        (0.1 + 0.2, 0.1 + 0.2, False),
        (1e300, 1e300, False),
        (2**53, float(2**53), False),
        (2**53 + 1, float(2**53), True),
        (2**64 - 1, float(2**64), True),
        (2**63, float(2**63), False),
        ("1234567890123456", 1234567890123456.0, True),
    ],
)
def test_only_lost_digits_are_inexact(impl: ModuleType, number: float | str, price: float, inexact: bool) -> None:
    event = decoded(impl, p=number)
    assert (event.price, bool(event.flags & INEXACT)) == (price, inexact)


def test_single_precision_is_widened(impl: ModuleType) -> None:
    data = pack({**GOOD, "p": 0}).replace(b"\xa1p\x00", b"\xa1p\xca\x42\xfd\x19\x9a")
    assert impl.Decoder(TRADE).decode(data, 1)[0].price == 126.55000305175781


WRITTEN = pack(GOOD)
PRICE = WRITTEN.index(b"\xa1p") + 2
TIME = WRITTEN.index(b"\xa1t\xc7") + 2


@pytest.mark.parametrize(
    ("data", "reason", "offset"),
    [
        (b"", "syntax", 0),
        (WRITTEN[:-1], "syntax", PRICE),
        (WRITTEN[:PRICE], "syntax", PRICE),
        (WRITTEN + b"\xc0", "syntax", len(WRITTEN)),
        (b"\xdd\xff\xff\xff\xff" + WRITTEN, "syntax", 5 + len(WRITTEN)),
        (b"\xdb\x80\x00\x00\x00abc", "syntax", 0),
        (b'{"T":"t"}', "syntax", 1),
        (pack("x\ud800"), "utf8", 2),
        (b"\x91" * 65 + b"\xc0", "nesting", 64),
        (pack({**GOOD, "x": "A\udc00"}), "utf8", len(WRITTEN) + 4),
        (pack(7), "type", 0),
        (pack([7]), "type", 1),
        (pack({**GOOD, "p": None}), "missing", 0),
        *((pack({**GOOD, "p": odd}), "type", PRICE) for odd in (True, b"1.5", [], {}, Ext(1, b""), stamp(1))),
        *((pack({**GOOD, "p": odd}), "number", PRICE) for odd in (float("nan"), float("inf"), "1e5", "1_0")),
        *((pack({**GOOD, "p": odd}), "range", PRICE) for odd in (0, 0.0, -0.0, -1, -1.5, "-1", "0")),
        *((pack({**GOOD, "q": odd}), "range", len(WRITTEN) + 2) for odd in (-0.0, -1, "-0")),
        *((pack({**GOOD, "i": odd}), "range", len(WRITTEN) + 2) for odd in (2**63, -1, "9223372036854775808")),
        *((pack({**GOOD, "i": odd}), "type", len(WRITTEN) + 2) for odd in (1.0, 1e3, True, stamp(1))),
        *((pack({**GOOD, "s": odd}), "code", len(WRITTEN) + 2) for odd in ("?", False)),
        *((pack({**GOOD, "s": odd}), "type", len(WRITTEN) + 2) for odd in (1, 1.0, b"B")),
        *((pack({**GOOD, "t": odd}), "time", TIME) for odd in (Ext(-1, b""), Ext(-1, bytes(16)))),
        *((pack({**GOOD, "t": odd}), "type", TIME) for odd in ("2024-01-01T00:00:00Z", 1, Ext(1, b"1234"))),
        (pack({**GOOD, "S": b"A"}), "type", WRITTEN.index(b"\xa1A")),
        (pack({**GOOD, "S": "\n"}), "symbol", WRITTEN.index(b"\xa1A")),
    ],
    ids=lambda value: value.hex() if isinstance(value, bytes) else None,
)
def test_bad_input_is_a_typed_error_that_says_where(impl: ModuleType, data: bytes, reason: str, offset: int) -> None:
    decoder = impl.Decoder(TRADE)
    with pytest.raises(DecodeError) as caught:
        decoder.decode(data, 1)
    assert (caught.value.reason, caught.value.offset) == (reason, offset)
    assert decoder.counters[reason] == 1
    assert len(decoder.decode(WRITTEN, 1)) == 1


def test_the_last_of_repeated_keys_counts_and_keys_of_other_types_do_not(impl: ModuleType) -> None:
    decoder = impl.Decoder(TRADE)
    odd = [(5, 1), (None, 2), (b"p", 3), ([1], 4), ("p", 7), (Members([("p", 5)]), 6)]
    (event,) = decoder.decode(pack(Members([*GOOD.items(), *odd])), 1)
    assert (event.price, decoder.counters["duplicate_key"]) == (7.0, 1)


def test_binary_frames_are_read_off_the_wire(impl: ModuleType) -> None:
    ring = impl.Ring(8)
    reader = impl.WireReader(impl.Decoder(TRADE), ring)
    notice = pack([{"T": "subscription", "trades": ["A"]}])
    result = reader.feed(frame(BINARY, WRITTEN) + frame(BINARY, notice) + frame(BINARY, b"\x91"), 1)
    assert (result.counts, result.controls) == ({"trade": 1, "control": 1}, [notice])
    assert [(error.reason, error.offset) for error in result.errors] == [("syntax", 1)]
    assert ring.drain(8)["event_ns"].tolist() == [MOMENT * 10**9, 0]
