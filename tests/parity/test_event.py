"""What all events share: frozen, final, equal by value, hashable, picklable, readable by name."""

from __future__ import annotations

import copy
import pickle
from types import ModuleType

import pytest

from made_batches import COMMON, EXAMPLES, example
from tradewire import core

pytestmark = pytest.mark.parametrize("name", EXAMPLES)


def test_reads_what_it_was_made_of(impl: ModuleType, name: str) -> None:
    event = example(impl, name)
    assert event.__match_args__ == (*COMMON, "flags", *EXAMPLES[name])
    for field, value in (COMMON | EXAMPLES[name]).items():
        assert getattr(event, field) == value
        assert type(getattr(event, field)) is type(value)
        assert event[field] == value


def test_unknown_names_are_key_errors(impl: ModuleType, name: str) -> None:
    event = example(impl, name)
    for wrong in ("", "foo", "__class__", 3, None, "pric\ud800", ["price"], ("price", 1)):
        with pytest.raises(KeyError) as caught:
            event[wrong]
        assert caught.value.args == (wrong,)


def test_does_not_change(impl: ModuleType, name: str) -> None:
    event = example(impl, name)
    with pytest.raises(AttributeError, match=f"^{name} is immutable: cannot set 'symbol'$"):
        event.symbol = "other"
    with pytest.raises(AttributeError, match=f"^{name} is immutable: cannot set 'new'$"):
        event.new = 1
    with pytest.raises(AttributeError, match=f"^{name} is immutable: cannot delete 'seq'$"):
        del event.seq
    with pytest.raises(AttributeError):
        event.unknown  # noqa: B018
    assert event == example(impl, name)


def test_is_final(impl: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match=f"^type 'tradewire.core.{name}' is not an acceptable base type$"):
        type("Derived", (getattr(impl, name),), {})


def test_equality_and_hash_go_by_value(impl: ModuleType, name: str) -> None:
    event, same = example(impl, name), example(impl, name)
    assert event == same
    assert hash(event) == hash(same)
    assert not event != same  # noqa: SIM202 - both operators are written by hand
    for field in COMMON:
        other = example(impl, name, **{field: "x" if isinstance(COMMON[field], str) else 99})
        assert event != other
    assert event != tuple(COMMON.values())
    assert {event: 1}[same] == 1


def test_other_comparisons_are_type_errors(impl: ModuleType, name: str) -> None:
    with pytest.raises(TypeError, match="not supported between instances"):
        example(impl, name) < example(impl, name)  # noqa: B015


def test_hashes_agree_across_implementations(name: str) -> None:
    native, pure = (example(core.load(which), name) for which in ("native", "pure"))
    assert hash(native) == hash(pure)
    assert repr(native) == repr(pure)
    assert native != pure, "one process runs one implementation: nothing mixes them silently"


def test_repr_lists_the_fields_in_order(impl: ModuleType, name: str) -> None:
    event = example(impl, name)
    fields = ", ".join(f"{field}={getattr(event, field)!r}" for field in event.__match_args__)
    assert repr(event) == f"{name}({fields})"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_load_as_the_running_implementation(impl: ModuleType, name: str, protocol: int) -> None:
    event = example(impl, name)
    loaded = pickle.loads(pickle.dumps(event, protocol))  # noqa: S301 - our own bytes
    assert type(loaded) is getattr(core, name)
    assert loaded == example(core.load(core.IMPLEMENTATION), name)


def test_copies_are_the_event_itself(impl: ModuleType, name: str) -> None:
    event = example(impl, name)
    assert copy.copy(event) is event
    assert copy.deepcopy([event])[0] is event


def test_matches_by_position_and_by_name(impl: ModuleType, name: str) -> None:
    made = getattr(impl, name)
    match example(impl, name):
        case made(symbol, venue, seq=seq):
            assert (symbol, venue, seq) == ("BTCUSDT", "alpha", 33)
        case _:
            pytest.fail("no match")
