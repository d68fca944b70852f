"""The contract: complete docstrings, and both cores hold every class and method that it names."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

from tradewire.core import protocols

RUST = Path(__file__).resolve().parents[3] / "rust_core" / "src" / "decode" / "error.rs"
#: `tests/typing` holds functions against their contract.
FUNCTIONS = {"ClockProtocol", "ObjectsProtocol"}
CLASSES = [name for name in protocols.__all__ if name.endswith("Protocol") and name not in FUNCTIONS]


@pytest.mark.parametrize("name", CLASSES)
def test_both_cores_fulfil_it(name: str, impl: ModuleType) -> None:
    contract, cls = getattr(protocols, name), getattr(impl, name.removesuffix("Protocol"))
    wanted = {member for member in vars(contract) if not member.startswith("_")}
    assert not wanted - set(dir(cls))


@pytest.mark.parametrize("name", protocols.__all__)
def test_every_class_of_the_contract_is_documented(name: str) -> None:
    found = getattr(protocols, name)
    if inspect.isclass(found):
        assert found.__doc__


def test_rust_names_the_same_reasons() -> None:
    assert tuple(re.findall(r'\(Self::\w+, "(\w+)"\)', RUST.read_text(encoding="utf-8"))) == protocols.REASONS
