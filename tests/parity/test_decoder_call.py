"""How the decoder is called: argument forms, wrong types, re-entry from the garbage collector, references."""

from __future__ import annotations

import gc
import sys
from types import ModuleType
from typing import Any

import pytest

from tradewire.core import Field, FieldPlan, Kind, Shape, StreamName

PLAN = FieldPlan(
    venue="alpha",
    shapes=(
        Shape(
            Kind.TRADE,
            "trades",
            keys=("s", "p"),
            fields=(
                Field("symbol", "s", "symbol"),
                Field("price", "p"),
                Field("quantity", "q"),
                Field("event_ns", "t", "ms"),
            ),
        ),
    ),
    stream_name=StreamName(),
)
TRADE = b'{"s":"BTCUSDT","p":"1.5","q":"2","t":1732000000018}'


@pytest.fixture
def decoder(impl: ModuleType) -> Any:
    return impl.Decoder(PLAN)


def test_arguments_by_place_and_by_name(impl: ModuleType, decoder: Any) -> None:
    expected = decoder.decode(TRADE, 5)
    assert len(expected) == 1
    assert decoder.decode(TRADE, 5, None) == expected
    assert decoder.decode(TRADE, recv_ns=5) == expected
    assert decoder.decode(stream="btcusdt@trade", recv_ns=5, data=TRADE) == expected
    ring = impl.Ring(8)
    assert decoder.decode_into(TRADE, 5, ring) == 1
    assert decoder.decode_into(TRADE, 5, ring, None) == 1
    assert decoder.decode_into(TRADE, ring=ring, recv_ns=5, stream="x") == 1
    assert decoder.decode_into((TRADE, TRADE), 5, ring) == 2
    assert impl.objects(ring.drain(8), decoder.symbols) == expected * 5


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((TRADE,), {}),
        ((), {"recv_ns": 5}),
        ((TRADE, 5, None, 1), {}),
        ((TRADE, 5), {"data": TRADE}),
        ((TRADE, 5), {"unheard": 1}),
    ],
)
def test_wrong_argument_forms_are_type_errors(decoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"decode\(\)"):
        decoder.decode(*args, **kwargs)


@pytest.mark.parametrize(
    ("args", "error", "text"),
    [
        (("{}", 5), TypeError, "data must be bytes, was str"),
        ((bytearray(TRADE), 5), TypeError, "data must be bytes, was bytearray"),
        ((TRADE, "5"), TypeError, "recv_ns must be an integer, was str"),
        ((TRADE, 5.0), TypeError, "recv_ns must be an integer, was float"),
        ((TRADE, -1), ValueError, f"recv_ns must be 0..{2**63 - 1}, was -1"),
        ((TRADE, 2**63), ValueError, f"recv_ns must be 0..{2**63 - 1}, was {2**63}"),
        ((TRADE, 5, b"x"), TypeError, "stream must be a str, was bytes"),
    ],
)
def test_wrong_values(impl: ModuleType, decoder: Any, args: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        decoder.decode(*args)
    assert (type(caught.value), str(caught.value)) == (error, text)
    with pytest.raises(error) as caught:
        decoder.decode_into(*args[:2], impl.Ring(8), *args[2:])
    assert (type(caught.value), str(caught.value)) == (error, text)


def test_a_list_is_checked_as_it_is_written(impl: ModuleType, decoder: Any) -> None:
    ring = impl.Ring(8)
    with pytest.raises(TypeError, match=r"^data must be bytes, was int$"):
        decoder.decode_into([TRADE, 1, TRADE], 5, ring)
    assert len(ring) == 1


@pytest.mark.parametrize("symbols", ["BTCUSDT", 5, [5]])
def test_wrong_symbols_are_type_errors(impl: ModuleType, symbols: Any) -> None:
    with pytest.raises(TypeError):
        impl.Decoder(PLAN, symbols)


def test_a_collection_may_start_in_the_middle(decoder: Any) -> None:
    """Making the list of events may run the garbage collector, whose callbacks may decode."""
    inner: list[int] = []

    def collect(phase: str, _: dict[str, int]) -> None:
        if phase == "start" and len(inner) < 50:
            inner.append(len(decoder.decode(b"[" + TRADE + b"," + TRADE + b"]", 5)))

    thresholds = gc.get_threshold()
    gc.callbacks.append(collect)
    gc.set_threshold(1)
    try:
        kept = [decoder.decode(TRADE, 5) for _ in range(200)]
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(collect)
    assert all(len(events) == 1 for events in kept)
    assert inner
    assert set(inner) == {2}


def test_references_are_given_back(decoder: Any) -> None:
    [event] = decoder.decode(TRADE, 5)
    symbol, price = event.symbol, event.price
    counts = (sys.getrefcount(symbol), sys.getrefcount(event), sys.getrefcount(None))
    for _ in range(1000):
        decoder.decode(TRADE, 5)
        repr(event), hash(event), event["price"], event == event
    after = (sys.getrefcount(symbol), sys.getrefcount(event), sys.getrefcount(None))
    assert after[:2] == counts[:2]
    assert abs(after[2] - counts[2]) < 500
    del event
    assert price == 1.5
