"""Sections: declared by `setting`, immutable, checked when made."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from tradewire.config.kinds import Address, Integer, Listed, Mapped, SecretText
from tradewire.config.secret import Secret
from tradewire.config.settings import (
    NamedList,
    Nested,
    Section,
    answered,
    changed,
    conceal,
    holds_secrets,
    incomplete,
    is_complete,
    section,
    setting,
    settings,
)


@section
class Inner(Section):
    name: str = setting(Integer(0, 9), "A number, whatever it is called.")
    key: Secret | None = setting(SecretText(), "A key.", default=None)


@section
class Outer(Section):
    count: int = setting(Integer(1, 9, "pieces"), "How many.", default=3)
    inner: Inner | None = setting(Nested(Inner), "One.", default=None)
    more: tuple[Inner, ...] = setting(NamedList(Inner), "Several.", default=())


def test_the_table() -> None:
    rows = settings(Outer)
    assert list(rows) == ["count", "inner", "more"]
    assert rows["count"].default() == 3
    assert rows["count"].doc == "How many."
    assert rows["count"].kind.allowed == "an integer from 1 to 9 (pieces)"
    assert [row.optional for row in rows.values()] == [False, True, False]
    assert settings(Inner)["name"].required
    assert not settings(Inner)["name"].optional


def test_a_section_checks_its_values() -> None:
    with pytest.raises(ValueError, match=r"^Outer\.count must be an integer from 1 to 9 \(pieces\)$"):
        Outer(count=10)
    with pytest.raises(ValueError, match=r"Outer\.inner must be a Inner"):
        Outer(inner=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Outer\.more must be a list of Inner"):
        Outer(more=[3])  # type: ignore[arg-type,list-item]


@section
class Peer(Section):
    url: str | None = setting(Address("wss"), "Where.", default=None)
    count: int = setting(Integer(1, 9), "How many.", default=3)


def test_repr_shows_no_query_of_an_address() -> None:
    assert repr(Peer(url="wss://host/ws?token=canary")) == "Peer(url='wss://host/ws?***', count=3)"
    assert repr(Peer()) == "Peer(url=None, count=3)"


def test_repr_shows_nothing_that_was_encrypted() -> None:
    made = Peer(url="wss://host/canary", count=7)
    plain = repr(made)
    conceal(made, ["url", "count"])
    assert repr(made) == "Peer(url=***, count=***)"
    assert repr(changed(made, count=8)) == "Peer(url=***, count=***)"
    assert made == Peer(url="wss://host/canary", count=7)
    assert repr(Peer(url="wss://host/canary", count=7)) == plain


def test_a_refused_secret_is_not_shown() -> None:
    with pytest.raises(ValueError, match="secret and never shown") as caught:
        Inner(name=1, key=b"canary")  # type: ignore[arg-type]
    assert "canary" not in str(caught.value)


def test_a_section_is_immutable() -> None:
    made = Outer()
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.count = 4
    with pytest.raises((AttributeError, TypeError)):
        made.other = 4


def test_plain_dicts_keep_secrets_secret() -> None:
    made = Outer(inner=Inner(name=1, key="k"), more=[Inner(name=2)])  # type: ignore[arg-type]
    assert made.dict() == {
        "count": 3,
        "inner": {"name": 1, "key": Secret("k")},
        "more": [{"name": 2, "key": None}],
    }
    assert "k'" not in str(made)


def test_secrets_may_stand_wherever_one_belongs_somewhere_within() -> None:
    assert holds_secrets(SecretText())
    assert holds_secrets(Nested(Outer))
    assert holds_secrets(NamedList(Inner))
    assert holds_secrets(Mapped(Nested(Inner), "name"))
    assert holds_secrets(Listed(SecretText()))
    assert not holds_secrets(Listed(Integer(0, 9)))
    assert not holds_secrets(settings(Outer)["count"].kind)


def _says(made: Outer, name: str) -> Iterator[tuple[str, str]]:
    yield name, str(getattr(made, name))


def test_a_rule_is_answered_as_far_as_its_settings_are_there() -> None:
    made = incomplete(Outer, {"count": 7})
    assert isinstance(made, Outer)
    assert repr(made) == "Outer(count=7)", "tracebacks that show local variables meet it"
    assert list(answered(_says, made, "count")) == [("count", "7")]
    assert list(answered(_says, made, "inner")) == []
    with pytest.raises(AttributeError, match="cuont"):
        list(answered(_says, made, "cuont"))


def test_a_section_is_complete_when_all_in_it_is() -> None:
    part = incomplete(Inner, {})
    whole = incomplete(Inner, dict.fromkeys(settings(Inner)))
    assert is_complete((3, whole, {"a": (whole,)}))
    assert not is_complete(part)
    assert not is_complete((3, whole, {"a": (part,)}))
    values = dict.fromkeys(settings(Outer))
    assert is_complete(incomplete(Outer, values))
    assert not is_complete(incomplete(Outer, values | {"inner": part}))
