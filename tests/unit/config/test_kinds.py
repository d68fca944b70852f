"""Kinds of values: what each takes, as a text and as a Python value."""

from __future__ import annotations

from typing import Any

import pytest

from tradewire.config.kinds import Address, Choice, Flag, Integer, Kind, Listed, Mapped, Number, SecretText, Text
from tradewire.config.secret import Secret


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Integer(0, 10), "7", 7),
        (Integer(-5, 5), "-5", -5),
        (Integer(-5, 5), "+5", 5),
        (Number(0, 10), "7", 7.0),
        (Number(0, 10), ".5", 0.5),
        (Number(0, 10), "5.", 5.0),
        (Number(0, 10), "+5", 5.0),
        (Number(-10, 10), "-.5e1", -5.0),
        (Number(0, 10), "0.25", 0.25),
        (Number(0, 10_000), "1e3", 1000.0),
        (Flag(), "TRUE", True),
        (Flag(), "off", False),
        (Flag(), "1", True),
        (Choice("a", "b"), "b", "b"),
        (Text(), "x\ny", "x\ny"),
        (Address("wss"), "wss://h.example:9443/ws?x=1", "wss://h.example:9443/ws?x=1"),
        (SecretText(), "s", Secret("s")),
    ],
)
def test_what_is_read(kind: Kind, text: str, value: Any) -> None:
    assert kind.read(text) == value
    assert type(kind.read(text)) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((Integer(0, 9), text) for text in ("", "1_0", " 1", "01", "++1", "1.0", "1e1", "\uff11", "9" * 5000, "-1")),
        *((Number(0, 10), text) for text in ("nan", "inf", "1_0", ".", "+", "05", "1e999", "10.1", "0x1", "1" * 400)),
        *((Flag(), text) for text in ("", "maybe", "2", "tru")),
        (Choice("a"), "A"),
        (Text(), ""),
        (SecretText(), ""),
        *(
            (Address("wss", "ws"), text)
            for text in (
                "h", "https://h", "wss://", "wss://u:p@h", "wss://h:99999", "wss://h:0", "wss://h/ x", "wss://[", "wss://h\n",
                "wss://h#x", "wss://h/ws#",
            )
        ),
    ],
)  # fmt: skip
def test_what_is_refused(kind: Kind, text: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        kind.read(text)
    assert str(caught.value) == f"must be {kind.allowed}"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Integer(0, 10), True),
        (Integer(0, 10), 1.0),
        (Integer(0, 10), 11),
        (Number(0, 10), float("nan")),
        (Number(0, 10), "1"),
        (Flag(), 1),
        (Choice("a"), 1),
        (Text(), 1),
        (Address("wss"), 1),
        (SecretText(), b"x"),
        (SecretText(), Secret("")),
        (Listed(Integer(0, 1)), "01"),
        (Listed(Integer(0, 1)), [2]),
        (Mapped(Integer(0, 1), "name"), [1]),
        (Mapped(Integer(0, 1), "name"), {"a.b": 1}),
        (Mapped(Integer(0, 1), "name"), {1: 1}),
    ],
)
def test_what_is_refused_of_python(kind: Kind, value: Any) -> None:
    with pytest.raises(ValueError, match="must be"):
        kind.check(value)


def test_lists_and_mappings_become_immutable() -> None:
    assert Listed(Integer(0, 9)).check([1, 2]) == (1, 2)
    made = Mapped(Number(0, 9), "name").check({"a": 1})
    assert made == {"a": 1.0}
    with pytest.raises(TypeError):
        made["b"] = 2  # type: ignore[index]


def test_numbers_become_floats_and_texts_secrets() -> None:
    assert type(Number(0, 9).check(3)) is float
    assert SecretText().check("x") == Secret("x")
    assert SecretText().check(Secret("x")) == Secret("x")
