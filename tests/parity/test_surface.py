"""Both implementations show the same face: names, signatures, first lines of documentation."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tradewire import core

NATIVE, PURE = core.load("native"), core.load("pure")
NAMES = sorted(set(PURE.__all__) - {"PROFILE", "VERSION"})
#: Doors between the pure modules; in the native core they are Rust's.
INTERNAL = {"OrderBook": {"replace", "replace_top", "reset"}, "Ring": {"writing"}, "BookSet": {"symbols"}}
#: Made by the core only.
RESULTS = {"WireResult"}
CLASSES = [name for name in NAMES if inspect.isclass(getattr(PURE, name))]


def test_the_same_names() -> None:
    public = {name for name in dir(NATIVE) if not name.startswith("_")}
    assert public == set(PURE.__all__)


def test_core_exports_all_of_them() -> None:
    assert set(NAMES) <= set(core.__all__)
    chosen = core.load(core.IMPLEMENTATION)
    for name in NAMES:
        assert getattr(core, name) is getattr(chosen, name)


def test_all_of_core_is_there() -> None:
    assert len(set(core.__all__)) == len(core.__all__)
    for name in core.__all__:
        assert hasattr(core, name), name


def members(made: Any) -> set[str]:
    names = {name for name in dir(made) if not name.startswith("_")}
    return names - INTERNAL.get(made.__name__, set())


@pytest.mark.parametrize("name", CLASSES)
def test_the_same_members(name: str) -> None:
    assert members(getattr(NATIVE, name)) == members(getattr(PURE, name))


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RESULTS | {"monotonic_ns", "wall_ns"}])
def test_the_same_signature(name: str) -> None:
    assert parameters(getattr(NATIVE, name)) == parameters(getattr(PURE, name))


@pytest.mark.parametrize("name", CLASSES)
def test_methods_have_the_same_signature(name: str) -> None:
    native, pure = getattr(NATIVE, name), getattr(PURE, name)
    for member in sorted(members(pure)):
        kind = inspect.getattr_static(pure, member)
        if inspect.isfunction(kind) or isinstance(kind, classmethod | staticmethod):
            # Without `self`, which only Python code could pass by name.
            assert parameters(getattr(native, member))[1:] == parameters(getattr(pure, member))[1:], member


@pytest.mark.parametrize("name", CLASSES)
def test_the_same_first_line(name: str) -> None:
    lines = [getattr(module, name).__doc__.splitlines()[0] for module in (NATIVE, PURE)]
    assert lines[0] == lines[1]


@pytest.mark.parametrize("name", CLASSES)
def test_final_and_at_home_in_core(name: str) -> None:
    native = getattr(NATIVE, name)
    assert (native.__module__, native.__qualname__) == ("tradewire.core", name)
    with pytest.raises(TypeError, match="is not an acceptable base type"):
        type("Derived", (native,), {})
